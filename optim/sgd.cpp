#include "optim/sgd.h"

#include <array>

#include "autograd/kernels/update.h"

namespace gradus::optim {
namespace {
constexpr std::array<std::string_view, 1> kSlots{"velocity"};
}  // namespace

SGD::SGD(Options options)
    : Optimizer(options.learning_rate, std::span(kSlots).first(options.momentum == 0 ? 0 : 1)),
      momentum_(options.momentum),
      nesterov_(options.nesterov) {
  check_range("SGD", "momentum", momentum_, 0, 1);
  if (nesterov_ && momentum_ == 0) fail<ValueError>("SGD", "nesterov without momentum; got momentum 0, expected momentum > 0");
}

void SGD::begin_step(int64_t) {}

void SGD::update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) {
  if (slots.empty()) kernels::sgd_update(value, gradient, learning_rate());
  else kernels::momentum_update(value, slots[0].writable(), gradient, learning_rate(), momentum_, nesterov_);
}

}  // namespace gradus::optim
