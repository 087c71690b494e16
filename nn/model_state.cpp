// The state of a model and its optimiser by name, without files: fit() carries this, and the files' formats only where they are
// used.
#include <utility>

#include "nn/checkpoint.h"
#include "nn/weights.h"

namespace gradus::nn {
namespace {

constexpr std::string_view kOp = "load_checkpoint";

/// The random numbers of a model's layers, under their paths, and the default ones.
std::map<std::string, random::Generator*> generators_of(const Module& model) {
  class Finder : public Visitor {
   public:
    std::map<std::string, random::Generator*> found{{"default", &random::default_generator()}};

   private:
    void on_variable(const Variable&) override {}
    void on_generator(random::Generator& generator) override { found.emplace("layers." + path(), &generator); }
  };
  Finder finder;
  const_cast<Module&>(model).visit(finder);
  return finder.found;
}

}  // namespace

std::map<std::string, Variable> detail::variables_by_name(std::string_view op, const Module& module) {
  std::map<std::string, Variable> out;
  for (const auto& [name, variable] : module.named_variables())
    if (!out.emplace(name, variable).second)
      fail<ValueError>(op, "two variables of one name; got \"", name, "\" again, expected different names from visit()");
  if (out.empty())
    fail<ValueError>(
        op, "module without variables; got none, expected at least one; lazily built layers have theirs after the first call");
  return out;
}

std::string detail::differences(const std::map<std::string, Variable>& variables, const std::map<std::string, Tensor>& tensors) {
  std::string report;
  for (const auto& [name, variable] : variables) {
    const auto found = tensors.find(name);
    const std::string wanted = text(variable.dtype(), " ", variable.shape());
    if (found == tensors.end()) {
      report += text("\n  ", name, ": got nothing, expected ", wanted);
    } else if (const Tensor& value = found->second; value.shape() != variable.shape() || value.dtype() != variable.dtype()) {
      report += text("\n  ", name, ": got ", value.dtype(), " ", value.shape(), ", expected ", wanted);
    }
  }
  for (const auto& [name, value] : tensors)
    if (!variables.contains(name))
      report += text("\n  ", name, ": got ", value.dtype(), " ", value.shape(), ", expected nothing");
  return report;
}

void detail::add_state(State& all, const std::string& prefix, const State& part) {
  for (const auto& [name, value] : part) all.emplace(text(prefix, ".", name), value);
}

State detail::sub_state(const State& all, const std::string& prefix) {
  State out;
  const std::string front = prefix + ".";
  for (auto it = all.lower_bound(front); it != all.end() && it->first.starts_with(front); ++it)
    out.emplace(it->first.substr(front.size()), it->second);
  return out;
}

void detail::add_model(State& all, const Module& model, const optim::Optimizer& optimizer) {
  for (const auto& [name, variable] : variables_by_name("save_checkpoint", model)) all.emplace("model." + name, variable.value());
  for (const auto& [name, generator] : generators_of(model))
    all.emplace("random." + name, Tensor({static_cast<int64_t>(generator->seed()), static_cast<int64_t>(generator->stream())}));
  add_state(all, text("optimizer.", optimizer.name()), optimizer.state(model.trainable_variables()));
}

detail::ModelState::ModelState(std::string_view origin, const State& all, const Module& model, optim::Optimizer& optimizer)
    : variables_(variables_by_name(kOp, model)),
      generators_(generators_of(model)),
      trainable_(model.trainable_variables()),
      optimizer_(&optimizer),
      weights_(sub_state(all, "model")),
      random_(sub_state(all, "random")),
      optimizer_state_(sub_state(all, text("optimizer.", optimizer.name()))) {
  if (const std::string report = differences(variables_, weights_); !report.empty())
    fail<ValueError>(kOp, origin, " does not fit the model:", report);
  if (optimizer_state_.empty()) {
    const State any = sub_state(all, "optimizer");
    const std::string other = any.empty() ? "none" : any.begin()->first.substr(0, any.begin()->first.find('.'));
    fail<ValueError>(kOp, origin, ": state of another optimiser; got ", other, ", expected ", optimizer.name());
  }
  try {
    optimizer.clone()->load_state(optimizer_state_, trainable_);
  } catch (const Error& error) {
    fail<ValueError>(kOp, origin, ": the optimiser's state does not fit; got ", error.what(),
                     ", expected that of the same model");
  }
  for (const auto& [name, generator] : generators_)
    if (!random_.contains(name))
      fail<ValueError>(kOp, origin, ": no position of random numbers; got nothing for ", name, ", expected one");
  for (const auto& [name, position] : random_)
    if (!generators_.contains(name) || position.dtype() != DType::int64 || position.size() != 2)
      fail<ValueError>(kOp, origin, ": random numbers that the model does not draw; got ", name,
                       ", expected those of the same model");
}

void detail::ModelState::apply() const {
  for (const auto& [name, variable] : variables_) variable.assign(weights_.at(name));
  optimizer_->load_state(optimizer_state_, trainable_);
  for (const auto& [name, generator] : generators_) {
    const std::vector<int64_t> position = random_.at(name).to_vector<int64_t>();
    generator->reset(static_cast<uint64_t>(position[0]), static_cast<uint64_t>(position[1]));
  }
}

}  // namespace gradus::nn
