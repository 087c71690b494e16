// Running results along an axis, and order: sorting, ranking, searching, counting.
//
// Wherever elements are put in order, NaN is the largest value, -0 equals 0 and equal elements keep their order; descending order
// starts with NaN. What is differentiable picks elements of x: its gradients, of every order, are those of gather and go to the
// picked elements, at ties as that order says. Positions and counts are int64 and have no gradient.
#pragma once

#include "autograd/tensor.h"

namespace gradus {

class Operand;

// Scans: one result per element along one axis

struct ScanOptions {
  bool reverse = false;    // from the end of the axis
  bool exclusive = false;  // up to, but without, the element itself; the first result is that of nothing
};

/// Running sum and product. Integers and booleans give int64, floats are computed in double. Products have exact derivatives of
/// every order at zeros: none divides.
Tensor cumsum(const Tensor& x, int64_t axis, const ScanOptions& options = {});
Tensor cumprod(const Tensor& x, int64_t axis, const ScanOptions& options = {});
/// The largest / smallest element so far; the gradient goes to the latest of equals (PyTorch), and a NaN stays. ValueError if
/// exclusive: nothing has no maximum.
Tensor cummax(const Tensor& x, int64_t axis, const ScanOptions& options = {});
Tensor cummin(const Tensor& x, int64_t axis, const ScanOptions& options = {});
/// log(cumsum(exp(x))) without overflow; of nothing, and of nothing but -inf: -inf, with gradient 0.
Tensor logcumsumexp(const Tensor& x, int64_t axis, const ScanOptions& options = {});
/// y[k] = a[k] * y[k - 1] + b[k], from y[0] = b[0]: discounted returns, moving averages, linear state spaces. a and b broadcast;
/// integers are computed in float32. ValueError if exclusive.
Tensor linear_scan(const Operand& a, const Operand& b, int64_t axis, const ScanOptions& options = {});
/// x[k + 1] - x[k], n times; booleans: x[k + 1] != x[k]. ValueError for n < 0.
Tensor diff(const Tensor& x, int64_t n = 1, int64_t axis = -1);

// Sorting and ranking

/// Stable, ascending unless asked otherwise; NaN counts as the largest value. Gradients go back to where elements came from.
Tensor sort(const Tensor& x, int64_t axis = -1, bool descending = false);
/// Positions along the axis that sort x: sort(x) == gather(x, argsort(x)).
Tensor argsort(const Tensor& x, int64_t axis = -1, bool descending = false);

struct TopK {
  Tensor values;
  Tensor indices;
};
/// The k largest (or smallest) elements along an axis in order, best first, and their positions. ValueError unless 0 <= k <= n.
TopK topk(const Tensor& x, int64_t k, int64_t axis = -1, bool largest = true);

/// For each q, the value at rank q * (n - 1) of the sorted elements, interpolated linearly between its neighbours (NumPy). q is a
/// constant: a number, or a tensor of rank 0 or 1, whose axis comes first in the result. NaN where any element is NaN; integers
/// give float32. ValueError for q outside [0, 1], ShapeError over an empty axis.
Tensor quantile(const Tensor& x, const Operand& q, const Axes& axes = {}, bool keepdims = false);
/// quantile(x, 0.5): of an even number of elements, the mean of the middle two.
Tensor median(const Tensor& x, const Axes& axes = {}, bool keepdims = false);

// Searching and counting

struct Unique {
  Tensor values;   // ascending
  Tensor inverse;  // shaped like x: x == take(values, inverse)
  Tensor counts;   // how often each value occurs
};
/// The distinct elements of the flattened tensor; values are the first occurrences, which get the gradient.
Unique unique(const Tensor& x);

/// Where each value goes in `sorted` [..., n], before equal elements or after them (`right`). One line for all values, or values
/// [..., m] with the same leading dimensions. The order of `sorted` is not checked; results are in [0, n] in any case.
Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right = false);

/// How often 0, 1, 2, ... occur in a 1-D tensor of integers; as many as it takes, at least `minlength`. ValueError for negative
/// ones.
Tensor bincount(const Tensor& x, int64_t minlength = 0);

}  // namespace gradus
