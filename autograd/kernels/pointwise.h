// Pointwise loops: one functor per function, one planner, vectors where the dtype is float32 or float64.
#pragma once

#include <span>

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// Every pointwise function there is. Each has one functor (functors-inl.h), generic in its scalar type; a missing one does not
/// compile. Arguments are named in the order of `in`.
enum class Fn : uint8_t {
  // arithmetic, all dtypes: (a, b) or (a)
  add,
  subtract,
  multiply,
  divide /* floating */,
  maximum,
  minimum,
  pow,
  fmod,
  remainder,
  negative,
  abs,
  sign,
  square,
  // floating only: (a)
  sqrt,
  rsqrt,
  reciprocal,
  cbrt,
  exp,
  exp2,
  expm1,
  log,
  log2,
  log10,
  log1p,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  erf,
  erfc,
  lgamma,
  digamma,
  floor,
  ceil,
  round,
  trunc,
  relu,
  selu,
  gelu,
  gelu_tanh,
  silu,
  softplus,
  sigmoid,
  log_sigmoid,
  gaussian,
  // floating only, with parameters: leaky_relu (a, slope), elu (a, alpha), clip (a, low, high)
  leaky_relu,
  elu,
  clip,
  // floating only: (a, b); atan2 (y, x), xlogy (x, y), polygamma (whole order, x)
  atan2,
  hypot,
  logaddexp,
  xlogy,
  polygamma,
  // (target, logit) -> sigmoid cross entropy
  sigmoid_cross_entropy,
  // gradients of activations: (output, gradient of the output)
  relu_gradient,
  sigmoid_gradient,
  tanh_gradient,
  // (a, b, c) -> a b + c, rounded once where the processor can
  multiply_add,
  // comparison, all dtypes: (a, b) or (a) -> boolean
  equal,
  not_equal,
  less,
  less_equal,
  isnan,
  isinf,
  isfinite,
  // boolean: (a, b) or (a)
  logical_and,
  logical_or,
  logical_not,
  // all dtypes: (boolean condition, a, b)
  where,
  count
};

/// out[i] = fn(in[0][i], ...). Inputs broadcast to out's shape (aligned from the right, size 1 or absent dimensions repeat) and
/// share one dtype, which is out's too except where the table says boolean. `out` may be one of the inputs (same header), for
/// updates in place. Strided and contiguous inputs give the same bits; so does any number of threads.
void pointwise(Fn fn, detail::TensorImpl& out, std::span<const detail::TensorImpl* const> in);

}  // namespace gradus::kernels
