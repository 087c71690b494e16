// What the op families share: resolving operands to tensors of one dtype, and running a pointwise kernel.
#pragma once

#include "autograd/kernels/pointwise.h"
#include "autograd/ops.h"
#include "autograd/tape/op.h"

namespace gradus::detail {

using kernels::Fn;

/// The dtype in which operands meet: tensors promote; numbers follow the tensors, except that a float makes integers float32.
/// ValueError naming `op` when no operand is a tensor.
DType common_dtype(std::string_view op, std::initializer_list<const Operand*> operands);

/// The operand as a tensor of `dtype`; a number becomes a 0-dim constant.
Tensor as_tensor(const Operand& operand, DType dtype);

/// `dtype` itself if floating, float32 for integers.
inline Tensor as_floating(const Tensor& x) { return is_floating(x.dtype()) ? x : x.astype(DType::float32); }

/// out = fn(inputs), broadcast and recorded. Inputs share a dtype, which is the result's unless `result` says otherwise.
template <size_t N>
Tensor pointwise(const Op& op, Fn fn, const Tensor* const (&inputs)[N], DType result);

inline Tensor unary(const Op& op, Fn fn, const Tensor& x) { return pointwise(op, fn, {&x}, x.dtype()); }
inline Tensor unary_floating(const Op& op, Fn fn, const Tensor& x) { return unary(op, fn, as_floating(x)); }

/// out = fn(a, b) with both operands in `dtype`.
Tensor binary(const Op& op, Fn fn, const Operand& a, const Operand& b, DType dtype, DType result);
/// The same for operands that meet in a floating dtype.
Tensor binary_floating(const Op& op, Fn fn, const Operand& a, const Operand& b);

/// A rule for a function whose derivative is zero wherever it exists.
inline constexpr Rule kZeroGradient{0, [](const Saved&, const Tensor& g) { return zeros_like(g); }};

}  // namespace gradus::detail
