#include "optim/ftrl.h"

#include <limits>

#include "optim/checks.h"

namespace gradus::optim {

Ftrl::Ftrl(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Ftrl", options.learning_rate, {{"accumulator", options.initial_accumulator_value}, {"linear"}},
                          common),
      options_(std::move(options)) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_range("Ftrl", "-learning_rate_power", -options_.learning_rate_power, 0, kInfinity);
  check_range("Ftrl", "initial_accumulator_value", options_.initial_accumulator_value, 0, kInfinity);
  check_range("Ftrl", "l1_regularization_strength", options_.l1_regularization_strength, 0, kInfinity);
  check_range("Ftrl", "l2_regularization_strength", options_.l2_regularization_strength, 0, kInfinity);
  check_range("Ftrl", "l2_shrinkage_regularization_strength", options_.l2_shrinkage_regularization_strength, 0, kInfinity);
  check_range("Ftrl", "beta", options_.beta, 0, kInfinity);
}

void Ftrl::check_step(const Step& step) const {
  if (step.rate == 0) fail<ValueError>("Ftrl", "learning rate is 0 at step ", step.t, "; got 0, expected a value > 0");
}

Ftrl::Recurrence Ftrl::recurrence(const Step& step) const {
  return {
      kernels::Rule::ftrl,
      {step.rate, -options_.learning_rate_power, options_.l1_regularization_strength,
       2 * options_.l2_regularization_strength + options_.beta / step.rate, 2 * options_.l2_shrinkage_regularization_strength}};
}

}  // namespace gradus::optim
