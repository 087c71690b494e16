// Positions of extremes.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out (int64, contiguous) = position of the first largest or smallest element along the one axis in `mask`; NaN counts as the
/// extreme.
void reduce_arg(bool largest, detail::TensorImpl& out, const detail::TensorImpl& in, uint32_t mask);

}  // namespace gradus::kernels
