#include "optim/loss_scale.h"

#include <cmath>

#include "autograd/kernels/finite.h"
#include "autograd/ops.h"

namespace gradus::optim {
namespace {

constexpr double kSmallest = 0x1p-24;  // of a scale: float16's own range is used up

/// Undefined gradients are left to apply_gradients, which says what is wrong with them.
bool all_finite(const std::vector<Tensor>& gradients) {
  for (const Tensor& gradient : gradients)
    if (gradient.defined() && kernels::worst(gradient.impl()) != kernels::Worst::finite) return false;
  return true;
}

}  // namespace

LossScale::LossScale(Options options) : value_(options.initial), growth_steps_(options.growth_steps) {
  if (!(options.initial > 0) || std::isinf(options.initial))
    fail<ValueError>("LossScale", "initial scale out of range; got ", options.initial, ", expected a finite number > 0");
  if (options.growth_steps < 0)
    fail<ValueError>("LossScale", "growth steps out of range; got ", options.growth_steps, ", expected >= 0");
}

Tensor LossScale::apply(const Tensor& loss) const { return value_ == 1 ? loss : loss * value_; }

bool LossScale::step(Optimizer& optimizer, const std::vector<Tensor>& gradients, const std::vector<Variable>& variables) {
  if (growth_steps_ > 0 && !all_finite(gradients)) {
    if (value_ / 2 < kSmallest)
      fail<ValueError>("LossScale", "gradients are not finite at any scale; got inf or NaN at scale ", value_,
                       ", expected numbers; AnomalyMode finds where they come from");
    value_ /= 2;
    good_steps_ = 0;
    ++skipped_;
    return false;
  }
  if (value_ == 1) {
    optimizer.apply_gradients(gradients, variables);
  } else {
    const NoRecord pause;
    std::vector<Tensor> unscaled;
    unscaled.reserve(gradients.size());
    for (const Tensor& gradient : gradients) unscaled.push_back(gradient.defined() ? gradient * (1 / value_) : gradient);
    optimizer.apply_gradients(unscaled, variables);
  }
  if (growth_steps_ > 0 && ++good_steps_ == growth_steps_) {
    if (std::isfinite(value_ * 2)) value_ *= 2;
    good_steps_ = 0;
  }
  return true;
}

std::map<std::string, Tensor> LossScale::state() const {
  return {{"value", Tensor(value_)}, {"good_steps", Tensor(good_steps_)}, {"skipped", Tensor(skipped_)}};
}

void LossScale::load_state(const std::map<std::string, Tensor>& state) {
  const auto entry = [&](const char* name) -> const Tensor& {
    const auto found = state.find(name);
    if (found == state.end()) fail<ValueError>("LossScale", "incomplete state; got no \"", name, "\", expected one");
    return found->second;
  };
  const double value = entry("value").item<double>();
  const int64_t good_steps = entry("good_steps").item<int64_t>(), skipped = entry("skipped").item<int64_t>();
  if (!(value > 0) || std::isinf(value) || good_steps < 0 || skipped < 0)
    fail<ValueError>("LossScale", "state out of range; got scale ", value, " after ", good_steps, " good steps, ", skipped,
                     " left out, expected a finite scale > 0 and counts >= 0");
  value_ = value;
  good_steps_ = good_steps;
  skipped_ = skipped;
}

}  // namespace gradus::optim
