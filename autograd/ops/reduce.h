// Reduced axes, for the ops that work along a single one.
#pragma once

#include "autograd/tensor.h"

namespace gradus::detail {

/// x with the axes in `mask` moved to the end and flattened into one. ShapeError naming `op` where that makes nine dimensions.
Tensor reduced_last(std::string_view op, const Tensor& x, uint32_t mask);

}  // namespace gradus::detail
