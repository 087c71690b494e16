#include "optim/lion.h"

#include "optim/checks.h"

namespace gradus::optim {

Lion::Lion(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Lion", options.learning_rate, {{"momentum"}}, common), options_(std::move(options)) {
  check_range("Lion", "beta_1", options_.beta_1, 0, 1);
  check_range("Lion", "beta_2", options_.beta_2, 0, 1);
}

Lion::Recurrence Lion::recurrence(const Step& step) const {
  const auto& [_, beta_1, beta_2] = options_;
  return {kernels::Rule::lion, {step.rate, beta_1, 1 - beta_1, beta_2, 1 - beta_2}};
}

}  // namespace gradus::optim
