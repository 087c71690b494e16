#include "optim/adam.h"

#include <cmath>
#include <limits>

#include "optim/checks.h"

namespace gradus::optim {
namespace {

CommonOptions with_decay(CommonOptions common, double weight_decay) {
  if (common.weight_decay != 0)
    fail<ValueError>("AdamW", "weight_decay given twice; got ", common.weight_decay,
                     " among the common options, expected it among AdamW's own");
  common.weight_decay = weight_decay;
  return common;
}

}  // namespace

Adam::Adam(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Adam", options.learning_rate,
                          options.amsgrad ? std::vector<Slot>{{"momentum"}, {"velocity"}, {"velocity_hat"}}
                                          : std::vector<Slot>{{"momentum"}, {"velocity"}},
                          common),
      options_(std::move(options)) {
  check_range("Adam", "beta_1", options_.beta_1, 0, 1);
  check_range("Adam", "beta_2", options_.beta_2, 0, 1);
  check_range("Adam", "epsilon", options_.epsilon, 0, std::numeric_limits<double>::infinity());
}

Adam::Recurrence Adam::recurrence(const Step& step) const {
  const auto& [_, beta_1, beta_2, epsilon, amsgrad, epsilon_hat] = options_;
  const auto t = static_cast<double>(step.t);
  // PyTorch's form times sqrt(1 - b2^t) above and below the fraction is Keras' with a smaller epsilon.
  const double root = std::sqrt(1 - std::pow(beta_2, t));
  return {amsgrad ? kernels::Rule::amsgrad : kernels::Rule::adam,
          {step.rate * root / (1 - std::pow(beta_1, t)), 0, beta_1, 1 - beta_1, beta_2, 1 - beta_2, 1,
           epsilon_hat ? epsilon : epsilon * root}};
}

AdamW::AdamW(Options options, const CommonOptions& common)
    : Adam({.learning_rate = std::move(options.learning_rate),
            .beta_1 = options.beta_1,
            .beta_2 = options.beta_2,
            .epsilon = options.epsilon,
            .amsgrad = options.amsgrad,
            .epsilon_hat = options.epsilon_hat},
           with_decay(common, options.weight_decay)) {}

}  // namespace gradus::optim
