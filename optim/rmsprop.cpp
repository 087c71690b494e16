#include "optim/rmsprop.h"

#include <array>
#include <limits>

#include "autograd/kernels/update.h"

namespace gradus::optim {
namespace {
constexpr std::array<std::string_view, 2> kSlots{"velocity", "momentum"};
}  // namespace

RMSprop::RMSprop(Options options)
    : Optimizer(options.learning_rate, std::span(kSlots).first(options.momentum == 0 ? 1 : 2)), options_(options) {
  check_range("RMSprop", "rho", options.rho, 0, 1);
  check_range("RMSprop", "momentum", options.momentum, 0, 1);
  check_range("RMSprop", "epsilon", options.epsilon, 0, std::numeric_limits<double>::infinity());
}

void RMSprop::begin_step(int64_t) {}

void RMSprop::update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) {
  const kernels::RmspropStep step{learning_rate(), options_.rho, options_.epsilon, options_.epsilon_inside};
  if (slots.size() == 1) return kernels::rmsprop_update(value, slots[0].writable(), gradient, step);
  // The plain update of zeros is -u; the slot holds -m, so that both come from the same two kernels.
  const Variable change(zeros(value.shape, value.dtype), {.trainable = false});
  kernels::rmsprop_update(change.writable(), slots[0].writable(), gradient, step);
  kernels::momentum_update(value, slots[1].writable(), change.value().impl(), -1, options_.momentum, false);
}

}  // namespace gradus::optim
