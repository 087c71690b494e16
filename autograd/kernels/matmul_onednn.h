// Products of half types through oneDNN, on processors with instructions for them (AVX-512-BF16, AMX): sums in float32, results
// rounded once. Bounded by multiplications, of which there are twice as many to the cycle as in float32.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// As `matmul`, for float16 and bfloat16; false where that is no better than converting to float32. What out held is then lost
/// unless it was to be added to.
bool matmul_onednn(detail::TensorImpl& out, const detail::TensorImpl& a, const detail::TensorImpl& b, bool accumulate);

}  // namespace gradus::kernels
