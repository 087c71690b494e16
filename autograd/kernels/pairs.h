// Two simple operations in one pass, and sums: what fused functions run block by block beside the pointwise loops.
#pragma once

#include "autograd/kernels/pointwise_table.h"

namespace gradus::kernels {

/// The operations a pair is made of; reversed_subtract(a, b) is b - a.
enum class Simple : uint8_t { add, subtract, reversed_subtract, multiply, count };

/// second(first(in[0], in[1]), in[2]) in float32 or float64. A product that is added to is rounded once where the target can.
Kernel pair_kernel(Simple first, Simple second, DType dtype);

/// The sum of n elements of float32 or float64, in double.
double block_sum(const void* data, int64_t n, DType dtype);

}  // namespace gradus::kernels
