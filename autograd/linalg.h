// Linear algebra: products, norms, solving, factorisations. Leading dimensions are batches.
#pragma once

#include "autograd/tensor.h"

namespace gradus {

// Products and norms; matmul, tensordot and einsum are in autograd/ops.h

/// Sum of the products of two vectors of one length.
Tensor dot(const Tensor& a, const Tensor& b);
/// Sum over the last axis of both; leading axes of a, then of b. A 0-dim operand multiplies.
Tensor inner(const Tensor& a, const Tensor& b);
/// Products of each element of a (flattened) with each of b: [a.size(), b.size()].
Tensor outer(const Tensor& a, const Tensor& b);
/// Kronecker product: blocks a[i, j] * b. The lower rank is filled up with leading 1s; ShapeError beyond rank 4.
Tensor kron(const Tensor& a, const Tensor& b);
/// (sum |x|^p)^(1/p) over the axes; p = inf: the largest |x|, -inf: the smallest, 0: how many are not 0. Over two axes with p =
/// 2: the Frobenius norm. Nothing overflows on the way. The gradient is 0 at the zero vector and at zero elements (PyTorch); ties
/// of the largest share it. ShapeError over no elements for p = inf and p < 0; ValueError for NaN. Integers: float32.
Tensor norm(const Tensor& x, double p = 2, const Axes& axes = {}, bool keepdims = false);
/// x / max(norm(x, p, axis), eps), as PyTorch's normalize.
Tensor normalize(const Tensor& x, double p = 2, int64_t axis = -1, double eps = 1e-12);

}  // namespace gradus
