#include "optim/adam.h"

#include <array>
#include <cmath>
#include <limits>

#include "autograd/kernels/update.h"

namespace gradus::optim {
namespace {
constexpr std::array<std::string_view, 2> kSlots{"momentum", "velocity"};
}  // namespace

Adam::Adam(Options options) : Optimizer(options.learning_rate, kSlots), options_(options) {
  check_range("Adam", "beta_1", options.beta_1, 0, 1);
  check_range("Adam", "beta_2", options.beta_2, 0, 1);
  check_range("Adam", "epsilon", options.epsilon, 0, std::numeric_limits<double>::infinity());
}

void Adam::begin_step(int64_t t) {
  // PyTorch's form times sqrt(1 - b2^t) above and below the fraction is Keras' with a smaller epsilon.
  const double root = std::sqrt(1 - std::pow(options_.beta_2, static_cast<double>(t)));
  rate_ = learning_rate() * root / (1 - std::pow(options_.beta_1, static_cast<double>(t)));
  epsilon_ = options_.epsilon_hat ? options_.epsilon : options_.epsilon * root;
}

void Adam::update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) {
  kernels::adam_update(value, slots[0].writable(), slots[1].writable(), gradient,
                       {rate_, options_.beta_1, options_.beta_2, epsilon_});
}

}  // namespace gradus::optim
