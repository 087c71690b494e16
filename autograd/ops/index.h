// Checked indices, for the ops that take some, and what is done with them: whole rows along an axis, or single elements.
#pragma once

#include "autograd/tensor.h"

namespace gradus::detail {

/// `indices` as contiguous int64 in [0, size). DTypeError unless integer, ValueError (naming `op` and the position) for one out
/// of range.
Tensor wrapped_indices(std::string_view op, const Tensor& indices, int64_t size, bool allow_negative);

/// The same for one index per element: ShapeError unless the indices have x's shape outside `axis`.
Tensor wrapped_elements(std::string_view op, const Tensor& x, const Tensor& indices, int axis);

// With wrapped indices:

/// x with `axis` replaced by the dimensions of `indices`.
Tensor take_rows(const Tensor& x, const Tensor& indices, int axis);
/// The transpose: zeros of shape `whole`, to which the rows of g are added. Errors name `op`.
Tensor add_rows(const Tensor& g, const Tensor& indices, int axis, const Shape& whole, std::string_view op = "take_add");
/// One element of x per index.
Tensor gather_elements(const Tensor& x, const Tensor& indices, int axis);
/// The transpose: x, to which the updates are added.
Tensor add_elements(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis);

}  // namespace gradus::detail
