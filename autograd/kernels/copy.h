// Moving elements: copies between layouts and dtypes, fills.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out = in, broadcast and converted. Float to integer truncates and saturates, NaN gives 0; anything not 0 is true.
void copy(detail::TensorImpl& out, const detail::TensorImpl& in);
/// Every element = value, converted to out's dtype. The int64 overload is exact for integers.
void fill(detail::TensorImpl& out, double value);
void fill(detail::TensorImpl& out, int64_t value);
/// out[i] = start + i * step along a contiguous out, computed in double (or int64 for integers).
void fill_range(detail::TensorImpl& out, double start, double step);
void fill_range(detail::TensorImpl& out, int64_t start, int64_t step);

}  // namespace gradus::kernels
