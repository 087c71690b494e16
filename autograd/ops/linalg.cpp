// Solving, on LAPACK's LU and Cholesky factors.
#include "autograd/ops/linalg.h"

#include <limits>

#include "autograd/kernels/copy.h"
#include "autograd/ops/table.h"
#include "autograd/tape.h"

namespace gradus {
namespace detail {
namespace {

// With P the lower triangle of transpose(L) g, its diagonal halved: the symmetric part of L^-T P L^-1. Murray 2016.
Tensor cholesky_gradient(const Saved& s, const Tensor& g) {
  const Tensor& l = s.out();
  const Tensor p = lower_part(matmul(flipped(l), g)) * (1 - 0.5 * identity_like(l));
  const kernels::Triangle transposed{.lower = true, .transpose = true, .unit_diagonal = false};
  const Tensor x = solve_triangle(l, flipped(solve_triangle(l, p, transposed)), transposed);
  return 0.5 * (x + flipped(x));
}
constexpr Op kCholesky{.name = "cholesky", .rules = {{{kOut, cholesky_gradient}}}};

// For a x = b the gradients are h = a^-T g to b and -h x^T to a; for a^T x = b they are h = a^-1 g and -x h^T. Inputs: a, b.
Tensor to_matrix(const Tensor& x, const Tensor& h, bool transpose) {
  return -(transpose ? matmul(x, flipped(h)) : matmul(h, flipped(x)));
}

Tensor triangular_to_b(const Saved& s, const Tensor& g) {
  auto triangle = s.attrs<kernels::Triangle>();
  triangle.transpose = !triangle.transpose;
  return solve_triangle(s.in(0), g, triangle);
}
Tensor triangular_to_a(const Saved& s, const Tensor& g) {
  const auto& triangle = s.attrs<kernels::Triangle>();
  const Tensor full = to_matrix(s.out(), triangular_to_b(s, g), triangle.transpose);
  const int64_t unit = triangle.unit_diagonal ? 1 : 0;
  return triangle.lower ? lower_part(full, -unit) : upper_part(full, unit);
}
constexpr Op kTriangularSolve{.name = "triangular_solve",
                              .arity = 2,
                              .rules = {{{kIn0 | kOut, triangular_to_a}, {kIn0, triangular_to_b}}},
                              .broadcasts = true};

struct SolveAttrs {
  bool transpose;
};
// Inputs after a and b: the factors of a, which derivatives of every order share.
constexpr uint16_t kMatrix = kIn0 | kIn2 | saved_input(3);

Tensor solve_to_b(const Saved& s, const Tensor& g) {
  return solve_factored(s.in(0), g, s.in(2), s.in(3), !s.attrs<SolveAttrs>().transpose);
}
Tensor solve_to_a(const Saved& s, const Tensor& g) {
  return to_matrix(s.out(), solve_to_b(s, g), s.attrs<SolveAttrs>().transpose);
}
constexpr Op kSolve{
    .name = "solve", .arity = 4, .rules = {{{kMatrix | kOut, solve_to_a}, {kMatrix, solve_to_b}}}, .broadcasts = true};

Shape solution_shape(const Op& op, const Tensor& a, const Tensor& b) {
  return with_matrix(broadcast_shapes(op.name, leading(a.shape()), leading(b.shape())), column_count(a), column_count(b));
}

Tensor solve_matrices(std::string_view op, const Tensor& a, const Tensor& b) {
  const LuFactors f = factor(op, a);
  if (f.failure)
    fail<ValueError>(op, "matrix is singular; got zero pivot ", f.failure.info - 1, in_batch(a, f.failure.batch),
                     ", expected an invertible matrix");
  return solve_factored(a, b, f.lu, f.pivots, false);
}

}  // namespace

LuFactors factor(std::string_view op, const Tensor& a) {
  LuFactors f{scratch(op, a), empty(op, leading(a.shape(), 1), DType::int32), {}};
  f.failure = kernels::lu(*f.lu.ref(), *f.pivots.ref());
  return f;
}

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

Tensor solve_triangle(const Tensor& a, const Tensor& b, kernels::Triangle triangle) {
  const Tensor dense = a.contiguous();
  Tensor out = empty(kTriangularSolve.name, solution_shape(kTriangularSolve, a, b), b.dtype());
  kernels::copy(*out.ref(), b.impl());
  kernels::triangular_solve(*out.ref(), dense.impl(), triangle);
  record(kTriangularSolve, out, {&dense, &b}, triangle);
  return out;
}

constexpr const Op* kOps[] = {&kCholesky, &kTriangularSolve, &kSolve};
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
