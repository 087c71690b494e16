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

// Solving and factorising
//
// On LAPACK, in float64 or float32: half types are computed in float32 and rounded, integers give float32. Matrices are the last
// two axes; leading dimensions are batches, and those of two arguments broadcast. Derivatives of every order exist. ShapeError
// for anything but matrices and beyond LAPACK's 32-bit sizes, ValueError for NaN and infinities in a matrix that is factored; in
// right-hand sides and triangular matrices they pass through.

/// Lower L with L L^T = a, or its transpose. Reads the lower triangle of a; the gradient is symmetric. ValueError unless a is
/// positive definite.
Tensor cholesky(const Tensor& a, bool upper = false);

/// x with a x = b, a [..., n, n]. NumPy 2's rule: b of rank 1 is a vector [n], any other is matrices [..., n, k]. ValueError
/// where a is singular.
Tensor solve(const Tensor& a, const Tensor& b);
struct TriangularOptions {
  bool lower = true;           // which triangle of a is read
  bool transpose = false;      // solve a^T x = b
  bool unit_diagonal = false;  // take the diagonal for ones without reading it
};
/// The same for a triangular a. ValueError for a 0 on the diagonal.
Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options = {});
/// x with a x = 1. ValueError where a is singular; solve(a, b) is faster and more accurate than inverse(a) times b.
Tensor inverse(const Tensor& a);
/// a^n by squaring; n < 0: of the inverse; n = 0: the identity. Keeps integers unless n < 0.
Tensor matrix_power(const Tensor& a, int64_t n);

/// The determinant. The first two derivatives are right for singular matrices too; third ones are NaN there.
Tensor det(const Tensor& a);
struct SignLogDet {
  Tensor sign, logabsdet;
};
/// The sign of the determinant (-1, 0 or 1, without gradient) and log |det|, without overflow. Singular: 0 and -inf.
SignLogDet slogdet(const Tensor& a);
Tensor logdet(const Tensor& a);  // log(det), NaN for negative determinants

/// x that minimises |a x - b| for each column of b (shaped as for solve), the shortest one where there are many. a [..., m, n] of
/// full rank, ValueError otherwise.
Tensor lstsq(const Tensor& a, const Tensor& b);
/// Moore and Penrose's inverse [..., n, m] of a [..., m, n]. Singular values up to `rtol` times the largest count as 0; rtol < 0:
/// max(m, n) times the unit in the last place of 1. The gradient is that at constant rank.
Tensor pinv(const Tensor& a, double rtol = -1);

struct QR {
  Tensor q, r;  // [..., m, k] with orthonormal columns, upper triangular [..., k, n]; k = min(m, n)
};
/// a = q r. Signs are LAPACK's. The gradient needs the first k columns of a to be independent.
QR qr(const Tensor& a);

struct Eigh {
  Tensor values, vectors;  // [..., n] ascending, [..., n, n] orthonormal columns
};
/// a = vectors diag(values) vectors^T. Reads the lower triangle of a; the gradient is symmetric. Signs of the vectors are
/// arbitrary. Gradients through the vectors are infinite or NaN where eigenvalues are equal, those of the values are finite.
Eigh eigh(const Tensor& a);
Tensor eigvalsh(const Tensor& a);  // only the values

struct SVD {
  Tensor u, s, vh;  // [..., m, k], [..., k] descending, [..., k, n]; k = min(m, n)
};
/// a = u diag(s) vh, u with orthonormal columns, vh with orthonormal rows. Signs of the vectors are arbitrary. Gradients through
/// u and vh are infinite or NaN where singular values are equal, those of s are finite.
SVD svd(const Tensor& a);
Tensor svdvals(const Tensor& a);  // only s

}  // namespace gradus
