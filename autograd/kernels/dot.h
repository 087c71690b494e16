// Long dot products. BLAS adds one product after the other, and over millions the float32 sum drifts (by 2e-4 for a hundred
// million equal elements, by a tenth for tall matrices); here leaves of a hundred or a thousand products are added in double.
#pragma once

#include <cstdint>

#include "autograd/kernels/matmul_block.h"

namespace gradus::kernels {

/// Sums over fewer elements than this are left to BLAS: they cannot drift far.
inline constexpr int64_t kLongDot = 4096;

/// out = x @ a, or out += x @ a, for a vector x[k] with `step` elements between its elements, a[k, n] and out[n] without gaps.
/// Fast where a lies without gaps along rows or columns. Same bits for any number of threads.
void long_dot(float* out, const float* x, int64_t step, MatrixView<float> a, int64_t n, int64_t k, bool accumulate);
void long_dot(double* out, const double* x, int64_t step, MatrixView<double> a, int64_t n, int64_t k, bool accumulate);

}  // namespace gradus::kernels
