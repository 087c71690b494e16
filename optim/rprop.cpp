#include "optim/rprop.h"

#include <limits>

#include "optim/checks.h"

namespace gradus::optim {

Rprop::Rprop(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Rprop", options.learning_rate, {{"previous"}, {"step_size", options.learning_rate.at(0)}}, common),
      options_(std::move(options)) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_range("Rprop", "eta_minus", options_.eta_minus, std::numeric_limits<double>::min(), 1);
  check_range("Rprop", "eta_plus", options_.eta_plus, 1, kInfinity);
  check_range("Rprop", "smallest_step", options_.smallest_step, 0, kInfinity);
  check_range("Rprop", "largest_step", options_.largest_step, options_.smallest_step, kInfinity);
}

Rprop::Recurrence Rprop::recurrence(const Step&) const {
  return {kernels::Rule::rprop, {options_.eta_minus, options_.eta_plus, options_.smallest_step, options_.largest_step}};
}

}  // namespace gradus::optim
