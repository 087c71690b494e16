#include <algorithm>

#include "autograd/kernels/copy.h"
#include "autograd/ops/linalg.h"
#include "autograd/tape.h"

namespace gradus::detail {

Shape leading(const Shape& shape, int count) {
  return Shape(std::span(shape.begin(), static_cast<size_t>(shape.ndim() - count)));
}

Shape with_matrix(Shape shape, int64_t rows, int64_t columns) {
  shape.push_back(rows);
  shape.push_back(columns);
  return shape;
}

Tensor lapack_matrix(std::string_view op, const Tensor& x, int64_t limit) {
  if (x.ndim() < 2) fail<ShapeError>(op, "not a matrix; got shape ", x.shape(), ", expected rank 2 or more");
  // Rows may be many where only the order of the square factors is limited.
  const int64_t least = std::min(row_count(x), column_count(x)), most = std::max(row_count(x), column_count(x));
  if (least > limit || most > kernels::kMaxExtent)
    fail<ShapeError>(op, "matrix too large for LAPACK; got shape ", x.shape(), ", expected an order of at most ", limit);
  return x.dtype() == DType::float64 ? x : x.astype(DType::float32);
}

Tensor lapack_square(std::string_view op, const Tensor& x, int64_t limit) {
  if (x.ndim() >= 2 && row_count(x) != column_count(x))
    fail<ShapeError>(op, "matrix is not square; got shape ", x.shape(), ", expected [..., n, n]");
  return lapack_matrix(op, x, limit);
}

void require_finite(std::string_view op, const Tensor& x) {
  const int64_t bad = kernels::first_not_finite(x.impl());
  if (bad < 0) return;
  const int64_t columns = column_count(x), row = bad / columns % row_count(x), batch = bad / (row_count(x) * columns);
  const double value = x.dtype() == DType::float64 ? x.impl().as<double>()[bad] : double{x.impl().as<float>()[bad]};
  fail<ValueError>(op, "matrix is not finite; got ", value, " at row ", row, ", column ", bad % columns, in_batch(x, batch),
                   ", expected finite elements");
}

Tensor scratch(std::string_view op, const Tensor& x) {
  Tensor out = empty(op, x.shape(), x.dtype());
  kernels::copy(*out.ref(), x.impl());
  require_finite(op, out);
  return out;
}

std::string in_batch(const Tensor& a, int64_t batch) { return a.ndim() > 2 ? text(" in batch ", batch) : std::string(); }

Tensor lower_mask(int64_t rows, int64_t columns, int64_t k) {
  return expand_dims(gradus::arange(k, rows + k), 1) >= gradus::arange(columns);
}

Tensor identity_like(const Tensor& x) { return eye(row_count(x), column_count(x), 0, x.dtype()); }

Tensor diagonal_of(const Tensor& x) {
  return sum(where(eye(row_count(x), column_count(x), 0, DType::boolean), x, 0), row_count(x) < column_count(x) ? -1 : -2);
}

System::System(std::string_view op, const Tensor& matrix, const Tensor& rhs, bool square)
    : vector_(rhs.ndim() == 1), result_(to_floating(promote(matrix.dtype(), rhs.dtype()))) {
  const DType dtype = result_ == DType::float64 ? result_ : DType::float32;
  a = (square ? lapack_square(op, matrix) : lapack_matrix(op, matrix)).astype(dtype);
  if (rhs.ndim() == 0 || (vector_ ? rhs.shape()[0] : row_count(rhs)) != row_count(a))
    fail<ShapeError>(op, "right-hand side does not fit; got ", rhs.shape(), " for a matrix of shape ", a.shape(), ", expected [",
                     row_count(a), "] or [..., ", row_count(a), ", k]");
  b = (vector_ ? expand_dims(rhs, 1) : rhs).astype(dtype);
  if (column_count(b) > kernels::kMaxExtent)
    fail<ShapeError>(op, "too many right-hand sides; got ", column_count(b), ", expected at most ", kernels::kMaxExtent);
}

Tensor System::as_given(const Tensor& x) const { return (vector_ ? squeeze(x, -1) : x).astype(result_); }

}  // namespace gradus::detail
