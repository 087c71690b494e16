// Matrix products. matmul.cpp is the only file that includes BLAS.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out = a @ b, or out += a @ b. a is [..., m, k], b [..., k, n], both of rank 2 or more; leading dimensions broadcast to out's.
/// All of one dtype; out is contiguous, a and b may be transposed or otherwise strided (read in place where BLAS can, copied
/// where it cannot). float32 and float64 through BLAS, half types in float32, integers exactly modulo 2^bits. Any of m, k, n,
/// batch may be 0.
void matmul(detail::TensorImpl& out, const detail::TensorImpl& a, const detail::TensorImpl& b, bool accumulate = false);

/// Threads of the BLAS library, kept equal to ours.
void set_blas_threads(int n);

}  // namespace gradus::kernels
