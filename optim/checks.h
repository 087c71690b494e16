// The checks that optimisers and schedules share, and how their errors name a variable.
#pragma once

#include <string>
#include <string_view>

#include "autograd/tensor.h"
#include "autograd/variable.h"

namespace gradus::optim {

/// ValueError naming `op` and `what` unless low <= value < high.
void check_range(std::string_view op, std::string_view what, double value, double low, double high);

/// "variables[2] (hidden.kernel)"
std::string label(const Variable& variable, size_t position);

/// ValueError for a missing gradient, with the reason; ShapeError or DTypeError for one that does not fit its variable.
void check_gradient(std::string_view op, const Tensor& gradient, const Variable& variable, size_t position);

}  // namespace gradus::optim
