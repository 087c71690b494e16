// The innermost loops of reductions over float32 and float64: vectors, and a fixed order of operations.
#pragma once

#include "autograd/kernels/reduce.h"

namespace gradus::kernels {

/// out[r] = sum, prod, max or min of the n >= 1 elements (no gaps) at p + r * step. Plain sums in a few accumulators: meant for n
/// up to about a thousand.
void reduce_rows(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n);
void reduce_rows(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n);

/// out[c] = the same over `rows` >= 1 rows, `step` elements apart, of n columns without gaps. A column's result does not depend
/// on n or on its place. out may be the first row.
void reduce_columns(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n);
void reduce_columns(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n);

}  // namespace gradus::kernels
