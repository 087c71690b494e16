#include "optim/checks.h"

namespace gradus::optim {

void check_range(std::string_view op, std::string_view what, double value, double low, double high) {
  if (!(value >= low && value < high))
    fail<ValueError>(op, what, " out of range; got ", value, ", expected [", low, ", ", high, ")");
}

std::string label(const Variable& variable, size_t position) {
  std::string out = text("variables[", position, "]");
  if (!variable.name().empty()) out += text(" (", variable.name(), ")");
  return out;
}

void check_gradient(std::string_view op, const Tensor& gradient, const Variable& variable, size_t position) {
  const Tensor& value = variable.value();
  if (!gradient.defined()) {
    std::string reason = gradient.missing_reason();
    if (reason.empty()) reason = "an undefined tensor";
    fail<ValueError>(op, label(variable, position), " has no gradient; got ", reason, ", expected a tensor of shape ",
                     value.shape(), "; leave the variable out of the list or set_trainable(false) if this is meant");
  }
  if (gradient.shape() != value.shape())
    fail<ShapeError>(op, "gradient does not fit ", label(variable, position), "; got ", gradient.shape(), ", expected ",
                     value.shape());
  if (gradient.dtype() != value.dtype())
    fail<DTypeError>(op, "gradient does not fit ", label(variable, position), "; got ", gradient.dtype(), ", expected ",
                     value.dtype());
}

}  // namespace gradus::optim
