// Reductions over any set of axes. Sums are pairwise over fixed blocks: accurate, and the same bits for any number of threads.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

enum class Reduction : uint8_t { sum, prod, max, min, any, all, argmax, argmin };

/// Reduces the axes in `mask` of `in` (any strides). `out` is contiguous and has in's shape with reduced axes of size 1 or
/// dropped. dtypes: sum and prod of bool, uint8, int32, int64 -> int64, else in's (half types accumulate in float32); max and min
/// -> in's; any and all -> boolean; argmax and argmin -> int64, exactly one axis in the mask, first of equals, NaN counts as the
/// extreme. max and min propagate NaN. Callers reject empty reductions of max, min, argmax and argmin.
void reduce(Reduction op, detail::TensorImpl& out, const detail::TensorImpl& in, uint32_t mask);

}  // namespace gradus::kernels
