#include "optim/early_stopping.h"

#include <utility>

namespace gradus::optim {

EarlyStopping::EarlyStopping(Options options)
    : options_(std::move(options)), monitor_("EarlyStopping", options_.monitor, options_.mode, options_.min_delta) {
  if (options_.patience < 0) fail<ValueError>("EarlyStopping", "negative patience; got ", options_.patience, ", expected >= 0");
  if (options_.start_from_epoch < 0)
    fail<ValueError>("EarlyStopping", "negative start_from_epoch; got ", options_.start_from_epoch, ", expected >= 0");
}

void EarlyStopping::keep(const std::vector<Variable>& variables) {
  best_epoch_ = epoch_;
  if (!options_.restore_best_weights) return;
  best_weights_.clear();
  for (const Variable& variable : variables) best_weights_.emplace_back(variable, variable.value());
}

bool EarlyStopping::update(double value, const std::vector<Variable>& variables) {
  struct Next {
    int64_t& epoch;
    ~Next() { ++epoch; }
  } next{epoch_};
  if (epoch_ < options_.start_from_epoch) return false;
  ++wait_;
  if (monitor_.improves(value, best_)) {
    best_ = value;
    keep(variables);
    if (!options_.baseline || monitor_.improves(value, options_.baseline)) wait_ = 0;
    return false;
  }
  if (wait_ < options_.patience || epoch_ == 0) return false;
  stopped_epoch_ = epoch_;
  restore();
  return true;
}

bool EarlyStopping::restore() const {
  for (const auto& [variable, value] : best_weights_) variable.assign(value);
  return !best_weights_.empty();
}

void EarlyStopping::reset() {
  epoch_ = wait_ = best_epoch_ = 0;
  best_.reset();
  stopped_epoch_.reset();
  best_weights_.clear();
}

std::map<std::string, Tensor> EarlyStopping::state() const {
  std::map<std::string, Tensor> out{{"epoch", Tensor(epoch_)}, {"wait", Tensor(wait_)}, {"best_epoch", Tensor(best_epoch_)}};
  if (best_) out.emplace("best", Tensor(*best_));
  if (stopped_epoch_) out.emplace("stopped_epoch", Tensor(*stopped_epoch_));
  for (size_t i = 0; i < best_weights_.size(); ++i) out.emplace(text("weights.", i), best_weights_[i].second);
  return out;
}

void EarlyStopping::load_state(const std::map<std::string, Tensor>& state, const std::vector<Variable>& variables) {
  constexpr std::string_view op = "EarlyStopping";
  const auto find = [&](const std::string& name) -> const Tensor* {
    const auto found = state.find(name);
    return found == state.end() ? nullptr : &found->second;
  };
  EarlyStopping next(options_);
  for (const auto& [name, counter] :
       {std::pair{"epoch", &next.epoch_}, {"wait", &next.wait_}, {"best_epoch", &next.best_epoch_}}) {
    const Tensor* value = find(name);
    if (!value)
      fail<ValueError>(op,
                       "incomplete state; got no "
                       ", name, "
                       ", expected one");
    *counter = value->item<int64_t>();
  }
  if (const Tensor* value = find("best")) next.best_ = value->item<double>();
  if (const Tensor* value = find("stopped_epoch")) next.stopped_epoch_ = value->item<int64_t>();
  for (size_t i = 0; i < variables.size(); ++i) {
    const Tensor* value = find(text("weights.", i));
    if (!value && i == 0) break;  // none were kept
    if (!value) fail<ValueError>(op, "incomplete state; got ", i, " weights, expected ", variables.size());
    if (value->shape() != variables[i].shape() || value->dtype() != variables[i].dtype())
      fail<ShapeError>(op, "best weights do not fit variables[", i, "] (", variables[i].name(), "); got ", value->dtype(), " ",
                       value->shape(), ", expected ", variables[i].dtype(), " ", variables[i].shape());
    next.best_weights_.emplace_back(variables[i], *value);
  }
  *this = std::move(next);
}

}  // namespace gradus::optim
