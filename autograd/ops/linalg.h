// What the operations on matrices share. Matrices are the last two axes, everything before is a batch.
#pragma once

#include "autograd/kernels/lapack.h"
#include "autograd/ops/support.h"

namespace gradus::detail {

/// The transposes of the matrices.
inline Tensor flipped(const Tensor& x) { return swapaxes(x, -1, -2); }

inline int64_t row_count(const Tensor& a) { return a.shape()[a.ndim() - 2]; }
inline int64_t column_count(const Tensor& a) { return a.shape().back(); }

/// `shape` without its last `count` dimensions.
Shape leading(const Shape& shape, int count = 2);
/// `shape` with two more dimensions.
Shape with_matrix(Shape shape, int64_t rows, int64_t columns);

/// x in a dtype that LAPACK has: float64 stays, everything else becomes float32. ShapeError unless x holds matrices of at most
/// `limit` rows and columns.
Tensor lapack_matrix(std::string_view op, const Tensor& x, int64_t limit = kernels::kMaxExtent);
/// The same; ShapeError unless the matrices are square.
Tensor lapack_square(std::string_view op, const Tensor& x, int64_t limit = kernels::kMaxExtent);
/// The floating dtype of what is made from x.
inline DType floating_dtype(const Tensor& x) { return to_floating(x.dtype()); }

/// ValueError where an element is NaN or infinite. x is contiguous.
void require_finite(std::string_view op, const Tensor& x);
/// A finite, contiguous copy of x for LAPACK to work in, not recorded.
Tensor scratch(std::string_view op, const Tensor& x);
/// " in batch 3", or nothing for a single matrix.
std::string in_batch(const Tensor& a, int64_t batch);

/// rows x columns, true on and below diagonal k.
Tensor lower_mask(int64_t rows, int64_t columns, int64_t k = 0);
/// x on and below diagonal k, zeros above.
inline Tensor lower_part(const Tensor& x, int64_t k = 0) { return where(lower_mask(row_count(x), column_count(x), k), x, 0); }
/// x on and above diagonal k, zeros below.
inline Tensor upper_part(const Tensor& x, int64_t k = 0) { return where(lower_mask(row_count(x), column_count(x), k - 1), 0, x); }
/// The diagonal of the matrices; the identity in their place.
Tensor diagonal_of(const Tensor& x);
Tensor identity_like(const Tensor& x);
/// Matrices with the last axis of x on their diagonal.
inline Tensor diagonal_matrix(const Tensor& x) { return expand_dims(x, -1) * eye(x.shape().back(), -1, 0, x.dtype()); }

/// LU factors as kernels::lu makes them, not recorded. A failure is the caller's to judge.
struct LuFactors {
  Tensor lu, pivots;
  kernels::Failure failure;
};
LuFactors factor(std::string_view op, const Tensor& a);
/// solve, recorded, of matrices of one dtype by the factors of a. A zero pivot gives infinities.
Tensor solve_factored(const Tensor& a, const Tensor& b, const Tensor& lu, const Tensor& pivots, bool transpose);
/// triangular_solve of matrices of one dtype without looking at the diagonal: zeros there give infinities.
Tensor solve_triangle(const Tensor& a, const Tensor& b, kernels::Triangle triangle);

/// The operands of a x = b as LAPACK takes them: in one dtype, b of rank 1 as a column. ShapeError where they do not fit.
class System {
 public:
  System(std::string_view op, const Tensor& a, const Tensor& b, bool square);
  /// x, columns like b, as the caller of the operation gave b.
  Tensor as_given(const Tensor& x) const;

  Tensor a, b;

 private:
  bool vector_;
  DType result_;
};

}  // namespace gradus::detail
