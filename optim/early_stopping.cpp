#include "optim/early_stopping.h"

#include <cmath>
#include <utility>

namespace gradus::optim {
namespace {

bool rises(const EarlyStoppingOptions& options) {
  if (options.mode != Mode::automatic) return options.mode == Mode::max;
  std::string_view name = options.monitor;
  if (name.starts_with("val_")) name.remove_prefix(4);
  if (name == "acc" || name.ends_with("accuracy")) return true;
  for (const std::string_view falling : {"loss", "error", "crossentropy", "mse", "mae"})
    if (name.ends_with(falling)) return false;
  fail<ValueError>("EarlyStopping", "cannot tell whether the monitored value should fall or rise; got \"", options.monitor,
                   "\", expected a loss, an error or an accuracy; set .mode to Mode::min or Mode::max");
}

}  // namespace

EarlyStopping::EarlyStopping(Options options) : options_(std::move(options)), rising_(rises(options_)) {
  if (options_.patience < 0) fail<ValueError>("EarlyStopping", "negative patience; got ", options_.patience, ", expected >= 0");
  if (options_.start_from_epoch < 0)
    fail<ValueError>("EarlyStopping", "negative start_from_epoch; got ", options_.start_from_epoch, ", expected >= 0");
  if (std::isnan(options_.min_delta)) fail<ValueError>("EarlyStopping", "min_delta is not a number; got nan, expected a number");
}

bool EarlyStopping::improves(double value, const std::optional<double>& reference) const {
  if (!reference) return true;
  const double delta = std::abs(options_.min_delta);
  return rising_ ? value - delta > *reference : value + delta < *reference;
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
  if (improves(value, best_)) {
    best_ = value;
    keep(variables);
    if (!options_.baseline || improves(value, options_.baseline)) wait_ = 0;
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

}  // namespace gradus::optim
