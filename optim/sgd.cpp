#include "optim/sgd.h"

#include "optim/checks.h"

namespace gradus::optim {

SGD::SGD(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("SGD", options.learning_rate,
                          options.momentum == 0 ? std::vector<Slot>{} : std::vector<Slot>{{"velocity"}}, common),
      options_(std::move(options)) {
  check_range("SGD", "momentum", options_.momentum, 0, 1);
  check_range("SGD", "dampening", options_.dampening, 0, 1);
  if (options_.nesterov && options_.momentum == 0)
    fail<ValueError>("SGD", "nesterov without momentum; got momentum 0, expected momentum > 0");
  if (options_.dampening != 0 && (options_.nesterov || !options_.rate_outside))
    fail<ValueError>("SGD", "dampening belongs to the form with rate_outside and without nesterov; got dampening ",
                     options_.dampening, ", expected 0");
}

SGD::Recurrence SGD::recurrence(const Step& step) const {
  const auto& [_, momentum, nesterov, rate_outside, dampening] = options_;
  if (momentum == 0) return {kernels::Rule::sgd, {step.rate}};
  if (!rate_outside) {
    if (nesterov) return {kernels::Rule::momentum, {momentum, -step.rate, momentum, -step.rate}};
    return {kernels::Rule::momentum, {momentum, -step.rate, 1, 0}};
  }
  if (nesterov) return {kernels::Rule::momentum, {momentum, 1, -step.rate * momentum, -step.rate}};
  return {kernels::Rule::momentum, {momentum, step.t == 1 ? 1 : 1 - dampening, -step.rate, 0}};
}

}  // namespace gradus::optim
