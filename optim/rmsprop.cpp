#include "optim/rmsprop.h"

#include <limits>

#include "optim/checks.h"

namespace gradus::optim {
namespace {

using kernels::Rule;
constexpr Rule kRules[2][2] = {{Rule::rmsprop, Rule::rmsprop_momentum},
                               {Rule::rmsprop_centered, Rule::rmsprop_centered_momentum}};

}  // namespace

std::vector<RMSprop::Slot> RMSprop::slots_of(const Options& options) {
  std::vector<Slot> slots{{"velocity"}};
  if (options.momentum != 0) slots.push_back({"momentum"});
  if (options.centered) slots.push_back({"average_gradient"});
  return slots;
}

RMSprop::RMSprop(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("RMSprop", options.learning_rate, slots_of(options), common), options_(std::move(options)) {
  check_range("RMSprop", "rho", options_.rho, 0, 1);
  check_range("RMSprop", "momentum", options_.momentum, 0, 1);
  check_range("RMSprop", "epsilon", options_.epsilon, 0, std::numeric_limits<double>::infinity());
}

RMSprop::Recurrence RMSprop::recurrence(const Step& step) const {
  const auto& [_, rho, momentum, epsilon, centered, epsilon_inside, rate_outside] = options_;
  const bool outside = momentum != 0 && rate_outside;
  return {kRules[centered][momentum != 0],
          {outside ? 1 : step.rate, rho, 1 - rho, epsilon_inside ? epsilon : 0, epsilon_inside ? 0 : epsilon, momentum,
           outside ? step.rate : 1}};
}

}  // namespace gradus::optim
