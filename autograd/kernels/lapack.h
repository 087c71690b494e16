// LAPACK on batches of matrices. lapack.cpp is the only file that calls it.
//
// All tensors are contiguous, float32 or float64 (pivots int32), [..., rows, columns]; leading dimensions are batches, and any
// dimension may be 0. LAPACK reads memory column by column, so that a row-major matrix is its transpose to it: the routines are
// chosen so that nothing has to be transposed for that, except the right-hand sides of lu_solve. Inputs hold no NaN or infinity
// (see first_not_finite): LAPACK may search or iterate for ever on them. Threads share out the matrices of a batch; a single
// large one is left to the threads of LAPACK, whose rounding may depend on their number.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// The first matrix of a batch that could not be factored, and LAPACK's reason: which pivot or leading minor, counted from 1.
struct Failure {
  int64_t batch = -1;
  int64_t info = 0;
  explicit operator bool() const { return batch >= 0; }
};

/// Beyond these numbers of rows and columns LAPACK's 32-bit integers overflow: any matrix, and the work space of two routines.
inline constexpr int64_t kMaxExtent = 0x7fffffff, kMaxEighOrder = 32766, kMaxSvdOrder = 23169;

/// Position of the first NaN or infinity of a contiguous tensor, or -1.
int64_t first_not_finite(const detail::TensorImpl& x);

/// The lower triangle in place of a symmetric matrix whose upper triangle is 0. Fails where a leading minor is not positive.
Failure cholesky(detail::TensorImpl& a);
/// LU factors, in place, of the transposes of a, with their row exchanges [..., n]. Fails at a zero pivot, but finishes first.
Failure lu(detail::TensorImpl& a, detail::TensorImpl& pivots);
/// Solves a x = b, or transpose(a) x = b, in place of b by the factors from lu(). `columns` holds the columns of b as rows,
/// [..., k, n]. Leading dimensions of the factors broadcast to those of b.
void lu_solve(detail::TensorImpl& columns, const detail::TensorImpl& lu, const detail::TensorImpl& pivots, bool transpose);

struct Triangle {
  bool lower, transpose, unit_diagonal;
};
/// Solves a x = b, or transpose(a) x = b, in place of b [..., n, k] for triangular a; the other triangle is not read. Leading
/// dimensions of a broadcast to those of b.
void triangular_solve(detail::TensorImpl& b, const detail::TensorImpl& a, Triangle triangle);

/// packed [..., m + n, n], m >= n: a in the first m rows becomes Q there and R below it.
void qr(detail::TensorImpl& packed);
/// packed [..., n + 1, n]: the symmetric a, whose upper triangle is 0, in the first n rows becomes the eigenvectors, one per row;
/// the last row becomes the eigenvalues, ascending. Fails where the iteration does not converge.
Failure eigh(detail::TensorImpl& packed);
/// packed [..., m + 1 + n, n], m >= n, becomes U, the singular values, descending, and transpose(V). `a` is destroyed. Fails
/// where the iteration does not converge.
Failure svd(detail::TensorImpl& packed, detail::TensorImpl& a);

}  // namespace gradus::kernels
