// Products beside matmul: compositions.
#include <algorithm>

#include "autograd/ops.h"

namespace gradus {

Tensor dot(const Tensor& a, const Tensor& b) {
  if (a.ndim() != 1 || a.shape() != b.shape())
    fail<ShapeError>("dot", "not two vectors of one length; got ", a.shape(), " and ", b.shape(), ", expected [n] and [n]");
  return matmul(a, b);
}

Tensor inner(const Tensor& a, const Tensor& b) {
  if (a.ndim() == 0 || b.ndim() == 0) return a * b;
  if (a.shape().back() != b.shape().back())
    fail<ShapeError>("inner", "last axes differ; got ", a.shape(), " and ", b.shape(), ", expected equal sizes");
  return tensordot(a, b, {-1}, {-1});
}

Tensor outer(const Tensor& a, const Tensor& b) {
  numel("outer", {a.size(), b.size()});
  return reshape(a, {a.size(), 1}) * reshape(b, {b.size()});
}

Tensor kron(const Tensor& a, const Tensor& b) {
  const int ndim = std::max(a.ndim(), b.ndim());
  if (2 * ndim > kMaxRank)
    fail<ShapeError>("kron", "too many axes; got ", a.shape(), " and ", b.shape(), ", expected at most rank ", kMaxRank / 2);
  Shape a_shape, b_shape, both, out;  // axis by axis: a's blocks, then what is in them
  for (int i = 0; i < ndim; ++i) {
    const int from_a = i - ndim + a.ndim(), from_b = i - ndim + b.ndim();
    const int64_t m = from_a < 0 ? 1 : a.shape()[from_a], n = from_b < 0 ? 1 : b.shape()[from_b];
    a_shape.push_back(m), a_shape.push_back(1);
    b_shape.push_back(1), b_shape.push_back(n);
    both.push_back(m), both.push_back(n);
  }
  numel("kron", both);
  for (int i = 0; i < ndim; ++i) out.push_back(both[2 * i] * both[2 * i + 1]);
  return reshape(reshape(a, a_shape) * reshape(b, b_shape), out);
}

}  // namespace gradus
