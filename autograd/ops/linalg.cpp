// Solving and determinants, on LAPACK's LU and Cholesky factors.
#include "autograd/ops/linalg.h"

#include <limits>

#include "autograd/kernels/copy.h"
#include "autograd/ops/table.h"
#include "autograd/tape.h"

namespace gradus {
namespace detail {
namespace {

// Cholesky ----------------------------------------------------------------------------------------------------------------------

// With P the lower triangle of transpose(L) g, its diagonal halved: the symmetric part of L^-T P L^-1. Murray 2016.
constexpr Op kCholesky{.name = "cholesky",
                       .rules = {{{kOut, [](const Saved& s, const Tensor& g) {
                                     const Tensor& l = s.out();
                                     const Tensor p = lower_part(matmul(flipped(l), g)) * (1 - 0.5 * identity_like(l));
                                     const kernels::Triangle transposed{.lower = true, .transpose = true, .unit_diagonal = false};
                                     const Tensor left = solve_triangle(l, p, transposed);
                                     const Tensor both = solve_triangle(l, flipped(left), transposed);
                                     return 0.5 * (both + flipped(both));
                                   }}}}};

// Triangular systems ------------------------------------------------------------------------------------------------------------

// Inputs: a, b. Leading dimensions broadcast.
constexpr Op kTriangularSolve{.name = "triangular_solve",
                              .rules = {{{kIn0 | kOut,
                                          [](const Saved& s, const Tensor& g) {
                                            auto triangle = s.attrs<kernels::Triangle>();
                                            const bool transpose = triangle.transpose;
                                            triangle.transpose = !transpose;
                                            const Tensor h = solve_triangle(s.in(0), g, triangle);
                                            const Tensor full =
                                                -(transpose ? matmul(s.out(), flipped(h)) : matmul(h, flipped(s.out())));
                                            const int64_t unit = triangle.unit_diagonal ? 1 : 0;
                                            return triangle.lower ? lower_part(full, -unit) : upper_part(full, unit);
                                          }},
                                         {kIn0,
                                          [](const Saved& s, const Tensor& g) {
                                            auto triangle = s.attrs<kernels::Triangle>();
                                            triangle.transpose = !triangle.transpose;
                                            return solve_triangle(s.in(0), g, triangle);
                                          }}}},
                              .broadcasts = true};

Shape solution_shape(const Op& op, const Tensor& a, const Tensor& b) {
  return with_matrix(broadcast_shapes(op.name, leading(a.shape()), leading(b.shape())), column_count(a), column_count(b));
}

// General systems ---------------------------------------------------------------------------------------------------------------

struct Factors {
  Tensor lu, pivots;
  kernels::Failure failure;
};
Factors factor(std::string_view op, const Tensor& a) {
  Factors f{scratch(op, a), empty(op, leading(a.shape(), 1), DType::int32), {}};
  f.failure = kernels::lu(*f.lu.ref(), *f.pivots.ref());
  return f;
}

struct SolveAttrs {
  bool transpose;
};
Tensor solve_factored(const Tensor& a, const Tensor& b, const Tensor& lu, const Tensor& pivots, bool transpose);

// Inputs: a, b, and the factors of a, which derivatives of every order share. Leading dimensions broadcast.
constexpr uint16_t kMatrix = kIn0 | kIn2 | saved_input(3);
constexpr Op kSolve{.name = "solve",
                    .rules = {{{kMatrix | kOut,
                                [](const Saved& s, const Tensor& g) {
                                  const bool transpose = s.attrs<SolveAttrs>().transpose;
                                  const Tensor h = solve_factored(s.in(0), g, s.in(2), s.in(3), !transpose);
                                  return -(transpose ? matmul(s.out(), flipped(h)) : matmul(h, flipped(s.out())));
                                }},
                               {kMatrix,
                                [](const Saved& s, const Tensor& g) {
                                  return solve_factored(s.in(0), g, s.in(2), s.in(3), !s.attrs<SolveAttrs>().transpose);
                                }}}},
                    .broadcasts = true};

Tensor solve_factored(const Tensor& a, const Tensor& b, const Tensor& lu, const Tensor& pivots, bool transpose) {
  const Shape shape = solution_shape(kSolve, a, b);
  Tensor out = empty(kSolve.name, shape, b.dtype());
  {
    const NoRecord constant;
    Tensor columns = empty(kSolve.name, with_matrix(leading(shape), shape.back(), column_count(a)), b.dtype());
    kernels::copy(*columns.ref(), flipped(b).impl());
    kernels::lu_solve(*columns.ref(), lu.impl(), pivots.impl(), transpose);
    kernels::copy(*out.ref(), flipped(columns).impl());
  }
  record(kSolve, out, {&a, &b, &lu, &pivots}, SolveAttrs{transpose});
  return out;
}

Tensor solve_matrices(std::string_view op, const Tensor& a, const Tensor& b) {
  const Factors f = factor(op, a);
  if (f.failure)
    fail<ValueError>(op, "matrix is singular; got zero pivot ", f.failure.info - 1, in_batch(a, f.failure.batch),
                     ", expected an invertible matrix");
  return solve_factored(a, b, f.lu, f.pivots, false);
}

// Determinants ------------------------------------------------------------------------------------------------------------------

// The pivots, negated where rows were exchanged: their product is the determinant.
Tensor signed_pivots(const Factors& f) {
  const Tensor pivots = diagonal_of(f.lu);
  const Tensor stays = f.pivots == gradus::arange(int64_t{1}, column_count(f.lu) + 1);
  return where(stays, pivots, -pivots);
}

Tensor as_matrices(const Tensor& x) { return expand_dims(expand_dims(x, -1), -1); }

Tensor cofactors(const Tensor& a);

constexpr Op kDet{.name = "det",
                  .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return as_matrices(g) * cofactors(s.in(0)); }}}}};

// The gradient of det. With C = det(A) A^-T, the derivative of <h, C> is (<h, C> C - C h^T C) / det(A).
constexpr Op kCofactors{.name = "cofactors",
                        .rules = {{{kIn0 | kOut, [](const Saved& s, const Tensor& h) {
                                      const Tensor& c = s.out();
                                      const Tensor both = matmul(matmul(c, flipped(h)), c);
                                      return (sum(h * c, {-1, -2}, true) * c - both) / as_matrices(det(s.in(0)));
                                    }}}}};

// By A = U S V^T, C = det(U) det(V) U C(S) V^T: products of all singular values but one. No division, so that singular matrices
// are nothing special.
Tensor cofactors(const Tensor& a) {
  Tensor out;
  {
    const NoRecord constant;
    const SVD f = svd(a);
    const Tensor others = prod(where(eye(column_count(a), -1, 0, DType::boolean), 1, expand_dims(f.s, -2)), -1);
    const Tensor sign = round(det(f.u) * det(f.vh));
    out = matmul(f.u * expand_dims(others, -2), f.vh) * as_matrices(sign);
  }
  record(kCofactors, out, {&a});
  return out;
}

// Inputs: a and its factors.
constexpr Op kSlogdet{.name = "slogdet", .rules = {{{kIn0 | kIn1 | kIn2, [](const Saved& s, const Tensor& g) {
                                                       const Tensor& a = s.in(0);
                                                       return as_matrices(g) *
                                                              solve_factored(a, identity_like(a), s.in(1), s.in(2), true);
                                                     }}}}};
// The sign, a constant wherever it is not 0.
constexpr Op kSlogdetSign{.name = "slogdet"};

}  // namespace

Tensor solve_triangle(const Tensor& a, const Tensor& b, kernels::Triangle triangle) {
  const Tensor dense = a.contiguous();
  Tensor out = empty(kTriangularSolve.name, solution_shape(kTriangularSolve, a, b), b.dtype());
  kernels::copy(*out.ref(), b.impl());
  kernels::triangular_solve(*out.ref(), dense.impl(), triangle);
  record(kTriangularSolve, out, {&dense, &b}, triangle);
  return out;
}

constexpr const Op* kOps[] = {&kCholesky, &kTriangularSolve, &kSolve, &kDet, &kCofactors, &kSlogdet, &kSlogdetSign};
const OpFamily kLinalgOps{"linalg", kOps};

}  // namespace detail

Tensor cholesky(const Tensor& a, bool upper) {
  const std::string_view name = detail::kCholesky.name;
  const Tensor x = detail::lapack_square(name, a);
  Tensor out;
  {
    const NoRecord constant;
    out = detail::scratch(name, detail::lower_part(x));
  }
  if (const kernels::Failure failure = kernels::cholesky(*out.ref()))
    fail<ValueError>(name, "matrix is not positive definite; got a leading minor of order ", failure.info,
                     " that is not positive", detail::in_batch(x, failure.batch), ", expected positive minors");
  detail::record(detail::kCholesky, out, {&x});
  return (upper ? detail::flipped(out) : out).astype(detail::floating_dtype(a));
}

Tensor solve(const Tensor& a, const Tensor& b) {
  const detail::System system(detail::kSolve.name, a, b, true);
  return system.as_given(detail::solve_matrices(detail::kSolve.name, system.a, system.b));
}

Tensor triangular_solve(const Tensor& a, const Tensor& b, const TriangularOptions& options) {
  const std::string_view name = detail::kTriangularSolve.name;
  const detail::System system(name, a, b, true);
  if (!options.unit_diagonal) {
    const NoRecord constant;
    const Tensor zero = detail::diagonal_of(system.a) == 0;
    if (any(zero).item<bool>()) {
      const int64_t at = argmax(zero.astype(DType::int32)).item<int64_t>(), n = detail::column_count(a);
      fail<ValueError>(name, "matrix is singular; got 0 at position ", at % n, " of the diagonal", detail::in_batch(a, at / n),
                       ", expected an invertible matrix");
    }
  }
  return system.as_given(detail::solve_triangle(system.a, system.b, {options.lower, options.transpose, options.unit_diagonal}));
}

Tensor inverse(const Tensor& a) {
  const Tensor x = detail::lapack_square("inverse", a);
  return detail::solve_matrices("inverse", x, detail::identity_like(x)).astype(detail::floating_dtype(a));
}

Tensor det(const Tensor& a) {
  const Tensor x = detail::lapack_square(detail::kDet.name, a);
  Tensor out;
  {
    const NoRecord constant;
    out = prod(detail::signed_pivots(detail::factor(detail::kDet.name, x)), -1);
  }
  detail::record(detail::kDet, out, {&x});
  return out.astype(detail::floating_dtype(a));
}

SignLogDet slogdet(const Tensor& a) {
  const Tensor x = detail::lapack_square(detail::kSlogdet.name, a);
  const detail::Factors f = detail::factor(detail::kSlogdet.name, x);
  SignLogDet out;
  {
    const NoRecord constant;
    const Tensor pivots = detail::signed_pivots(f);
    out = {prod(sign(pivots), -1), sum(log(abs(pivots)), -1)};
  }
  detail::record(detail::kSlogdetSign, out.sign, {&x});
  detail::record(detail::kSlogdet, out.logabsdet, {&x, &f.lu, &f.pivots});
  const DType dtype = detail::floating_dtype(a);
  return {out.sign.astype(dtype), out.logabsdet.astype(dtype)};
}

Tensor logdet(const Tensor& a) {
  const SignLogDet d = slogdet(a);
  return where(d.sign < 0, std::numeric_limits<double>::quiet_NaN(), d.logabsdet);
}

Tensor matrix_power(const Tensor& a, int64_t n) {
  if (a.ndim() < 2 || detail::row_count(a) != detail::column_count(a))
    fail<ShapeError>("matrix_power", "matrix is not square; got shape ", a.shape(), ", expected [..., n, n]");
  if (n == 0) return broadcast_to(detail::identity_like(a), a.shape());
  if (n == std::numeric_limits<int64_t>::min())
    fail<ValueError>("matrix_power", "exponent out of range; got ", n, ", expected at least ", n + 1);
  Tensor square = n < 0 ? inverse(a) : a, out;
  for (int64_t left = n < 0 ? -n : n;; square = matmul(square, square)) {
    if (left % 2 == 1) out = out.defined() ? matmul(out, square) : square;
    if ((left /= 2) == 0) return out;
  }
}

}  // namespace gradus
