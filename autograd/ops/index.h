// Checked indices, for the ops that take some.
#pragma once

#include "autograd/tensor.h"

namespace gradus::detail {

/// `indices` as contiguous int64 in [0, size). DTypeError unless integer, ValueError (naming `op` and the position) for one out
/// of range.
Tensor wrapped_indices(std::string_view op, const Tensor& indices, int64_t size, bool allow_negative);

}  // namespace gradus::detail
