#include "optim/recurrence.h"

namespace gradus::optim {

void RecurrenceOptimizer::update(const Step& step, const Variable& variable, std::span<const Variable> slots,
                                 const Tensor& gradient) {
  if (step != step_) {
    recurrence_ = recurrence(step);
    step_ = step;
  }
  std::array<const gradus::detail::TensorImpl*, kernels::kMostStates + 1> arrays;
  size_t count = 0;
  arrays[count++] = &variable.writable();
  for (const Variable& slot : slots) arrays[count++] = &slot.writable();
  arrays[count++] = &gradient.impl();
  kernels::update(recurrence_.rule, recurrence_.coefficients, std::span(arrays).first(count));
}

}  // namespace gradus::optim
