#include "optim/adam_variants.h"

#include <cmath>
#include <limits>

#include "optim/checks.h"

namespace gradus::optim {
namespace {

template <class Options>
void check(std::string_view op, const Options& options) {
  check_range(op, "beta_1", options.beta_1, 0, 1);
  check_range(op, "beta_2", options.beta_2, 0, 1);
  check_range(op, "epsilon", options.epsilon, 0, std::numeric_limits<double>::infinity());
}

}  // namespace

Adamax::Adamax(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Adamax", options.learning_rate, {{"momentum"}, {"norm"}}, common), options_(std::move(options)) {
  check("Adamax", options_);
}

Adamax::Recurrence Adamax::recurrence(const Step& step) const {
  const auto& [_, beta_1, beta_2, epsilon, epsilon_inside] = options_;
  const double rate = step.rate / (1 - std::pow(beta_1, static_cast<double>(step.t)));
  return {kernels::Rule::adamax, {rate, beta_1, 1 - beta_1, beta_2, epsilon_inside ? epsilon : 0, epsilon_inside ? 0 : epsilon}};
}

Nadam::Nadam(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("Nadam", options.learning_rate, {{"momentum"}, {"velocity"}}, common), options_(std::move(options)) {
  check("Nadam", options_);
  check_range("Nadam", "momentum_decay", options_.momentum_decay, 0, std::numeric_limits<double>::infinity());
}

double Nadam::momentum_at(int64_t t) const {
  return options_.beta_1 * (1 - 0.5 * std::pow(0.96, static_cast<double>(t) * options_.momentum_decay));
}

double Nadam::momentum_product(int64_t t) const {
  if (t < product_end_) product_end_ = 0, product_ = 1;
  while (product_end_ < t && product_ != 0) product_ *= momentum_at(++product_end_);
  return product_;
}

Nadam::Recurrence Nadam::recurrence(const Step& step) const {
  const auto& [_, beta_1, beta_2, epsilon, decay] = options_;
  const double root = std::sqrt(1 - std::pow(beta_2, static_cast<double>(step.t)));
  const double now = momentum_at(step.t), next = momentum_at(step.t + 1), product = momentum_product(step.t);
  return {kernels::Rule::adam,
          {step.rate * root * next / (1 - product * next), step.rate * root * (1 - now) / (1 - product), beta_1, 1 - beta_1,
           beta_2, 1 - beta_2, 1, epsilon * root}};
}

RAdam::RAdam(Options options, const CommonOptions& common)
    : RecurrenceOptimizer("RAdam", options.learning_rate, {{"momentum"}, {"velocity"}}, common), options_(std::move(options)) {
  check("RAdam", options_);
}

RAdam::Recurrence RAdam::recurrence(const Step& step) const {
  const auto& [_, beta_1, beta_2, epsilon] = options_;
  const auto t = static_cast<double>(step.t);
  const double power = std::pow(beta_2, t), rate = step.rate / (1 - std::pow(beta_1, t));
  const double longest = 2 / (1 - beta_2) - 1, length = longest - 2 * t * power / (1 - power);
  const bool known = length > 5;
  const double rectified =
      known ? std::sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) * std::sqrt(1 - power)
            : 1;
  return {kernels::Rule::adam,
          {rate * rectified, 0, beta_1, 1 - beta_1, beta_2, 1 - beta_2, known ? 1.0 : 0.0, known ? epsilon : 1}};
}

}  // namespace gradus::optim
