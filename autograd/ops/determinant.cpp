// Determinants: from LU factors, their derivatives from singular values.
#include <algorithm>
#include <limits>

#include "autograd/ops/linalg.h"
#include "autograd/ops/table.h"
#include "autograd/tape.h"

namespace gradus {
namespace detail {
namespace {

// The pivots, negated where rows were exchanged: their product is the determinant.
Tensor signed_pivots(const LuFactors& f) {
  const Tensor pivots = diagonal_of(f.lu);
  const Tensor stays = f.pivots == gradus::arange(int64_t{1}, column_count(f.lu) + 1);
  return where(stays, pivots, -pivots);
}

Tensor as_matrices(const Tensor& x) { return expand_dims(expand_dims(x, -1), -1); }

// The first two derivatives of det are polynomials and exist at singular matrices, too: they are made without dividing by det.
Tensor cofactors(const Tensor& a);
Tensor cofactors_along(const Tensor& a, const Tensor& h);

constexpr Op kDet{.name = "det",
                  .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return as_matrices(g) * cofactors(s.in(0)); }}}}};

// The gradient C of det.
constexpr Op kCofactors{.name = "cofactors",
                        .rules = {{{kIn0, [](const Saved& s, const Tensor& h) { return cofactors_along(s.in(0), h); }}}}};

// The derivative of C in the direction h, which is the gradient of <h, C> as well. Where a is invertible it is
// (<h, C> C - C h^T C) / det(a), which leads to all further derivatives. Inputs: a, h.
Tensor along_to_a(const Saved& s, const Tensor& k) {
  const Tensor &a = s.in(0), &h = s.in(1), c = cofactors(a), d = as_matrices(det(a));
  const auto inner = [](const Tensor& x, const Tensor& y) { return sum(x * y, {-1, -2}, true); };
  const Tensor products = matmul(matmul(k, flipped(c)), h) + matmul(matmul(h, flipped(c)), k);
  return cofactors_along(a, (inner(k, c) * h + inner(h, c) * k - products) / d) - inner(k, s.out()) / d * c;
}
Tensor along_to_h(const Saved& s, const Tensor& k) { return cofactors_along(s.in(0), k); }
constexpr Op kCofactorsAlong{
    .name = "cofactors_along", .arity = 2, .rules = {{{kIn0 | kIn1 | kOut, along_to_a}, {kIn0, along_to_h}}}};

// a = U S V^T turns all this into products of singular values, here relative to the largest: those neither over- nor underflow
// before their time.
struct SingularProducts {
  explicit SingularProducts(const Tensor& a) : f(svd(a)), sign(as_matrices(round(det(f.u) * det(f.vh)))) {
    largest = column_count(a) > 0 ? max(f.s, -1, true) : ones_like(sum(f.s, -1, true));
    zero = (f.s == 0).astype(a.dtype());
    zeros = sum(zero, -1, true);
    nonzero = where(f.s == 0, 1, f.s / largest);
    product = prod(nonzero, -1, true);
  }
  /// The product of all values but the i-th.
  Tensor without_one() const { return where(zero == zeros, product / nonzero, 0) * scale(1); }
  /// The product of all values but the i-th and the j-th; 0 for i = j.
  Tensor without_two() const {
    const Tensor both = expand_dims(nonzero, -1) * expand_dims(nonzero, -2);
    const Tensor all_left_out = expand_dims(zero, -1) + expand_dims(zero, -2) == expand_dims(zeros, -1);
    return where(all_left_out, expand_dims(product, -1) / both, 0) * expand_dims(scale(2), -1) * (1 - identity_like(f.vh));
  }

  SVD f;
  Tensor sign;  // of the determinant of U V^T

 private:
  Tensor scale(int64_t left_out) const { return pow(largest, std::max<int64_t>(f.s.shape().back() - left_out, 0)); }

  Tensor largest, zero, zeros, nonzero, product;
};

Tensor cofactors(const Tensor& a) {
  Tensor out;
  {
    const NoRecord constant;
    const SingularProducts p(a);
    out = p.sign * matmul(p.f.u * expand_dims(p.without_one(), -2), p.f.vh);
  }
  record(kCofactors, out, {&a});
  return out;
}

Tensor cofactors_along(const Tensor& a, const Tensor& h) {
  Tensor out;
  {
    const NoRecord constant;
    const SingularProducts p(a);
    const Tensor turned = matmul(matmul(flipped(p.f.u), h), flipped(p.f.vh)), pairs = p.without_two();
    const Tensor diagonal = sum(pairs * expand_dims(diagonal_of(turned), -2), -1);
    out = p.sign * matmul(matmul(p.f.u, diagonal_matrix(diagonal) - pairs * flipped(turned)), p.f.vh);
  }
  record(kCofactorsAlong, out, {&a, &h});
  return out;
}

// Inputs: a and its factors.
Tensor slogdet_gradient(const Saved& s, const Tensor& g) {
  return as_matrices(g) * solve_factored(s.in(0), identity_like(s.in(0)), s.in(1), s.in(2), true);
}
constexpr Op kSlogdet{.name = "slogdet", .arity = 3, .rules = {{{kIn0 | kIn1 | kIn2, slogdet_gradient}}}};
// The sign, a constant wherever it is not 0.
constexpr Op kSlogdetSign{.name = "slogdet_sign"};

}  // namespace

constexpr const Op* kOps[] = {&kDet, &kCofactors, &kCofactorsAlong, &kSlogdet, &kSlogdetSign};
const OpFamily kDeterminantOps{"determinant", kOps};

}  // namespace detail

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
  const detail::LuFactors f = detail::factor(detail::kSlogdet.name, x);
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

}  // namespace gradus
