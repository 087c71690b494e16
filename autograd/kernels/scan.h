// Running results along one axis: out[k] depends on the elements up to k, or from k on if `reverse`.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

enum class Running : uint8_t { sum, prod };

/// Running sums and products. `in` in any layout; `out` contiguous, same shape: int64 for integers and booleans, else in's dtype.
/// Floats are added up in double and rounded once per element.
void cumulate(Running kind, detail::TensorImpl& out, const detail::TensorImpl& in, int axis, bool reverse);

/// out[k] = a[k] * out[k - 1] + b[k], starting with b; the first a is never read. One floating dtype; a and b broadcast to out,
/// which is contiguous. Computed in double.
void recurrence(detail::TensorImpl& out, const detail::TensorImpl& a, const detail::TensorImpl& b, int axis, bool reverse);

/// out (int64, contiguous) = position of the largest or smallest element so far. The latest of equals; a NaN stays until the
/// next.
void running_arg(bool largest, detail::TensorImpl& out, const detail::TensorImpl& in, int axis, bool reverse);

}  // namespace gradus::kernels
