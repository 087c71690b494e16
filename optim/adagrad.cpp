#include "optim/adagrad.h"

#include <limits>

#include "optim/checks.h"

namespace gradus::optim {
namespace {
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}  // namespace

Adagrad::Adagrad(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Adagrad", options.learning_rate, {{"accumulator", options.initial_accumulator_value}}, common),
      options_(std::move(options)) {
  check_range("Adagrad", "initial_accumulator_value", options_.initial_accumulator_value, 0, kInfinity);
  check_range("Adagrad", "epsilon", options_.epsilon, 0, kInfinity);
  check_range("Adagrad", "lr_decay", options_.lr_decay, 0, kInfinity);
}

Adagrad::Recurrence Adagrad::recurrence(const Step& step) const {
  const auto& [_, initial, epsilon, epsilon_inside, lr_decay] = options_;
  const double rate = step.rate / (1 + static_cast<double>(step.t - 1) * lr_decay);
  // RMSprop's rule with a sum in place of the mean.
  return {kernels::Rule::rmsprop, {rate, 1, 1, epsilon_inside ? epsilon : 0, epsilon_inside ? 0 : epsilon}};
}

Adadelta::Adadelta(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Adadelta", options.learning_rate, {{"accumulated_gradient_square"}, {"accumulated_change_square"}},
                          common),
      options_(std::move(options)) {
  check_range("Adadelta", "rho", options_.rho, 0, 1);
  check_range("Adadelta", "epsilon", options_.epsilon, 0, kInfinity);
}

Adadelta::Recurrence Adadelta::recurrence(const Step& step) const {
  return {kernels::Rule::adadelta, {step.rate, options_.rho, 1 - options_.rho, options_.epsilon}};
}

}  // namespace gradus::optim
