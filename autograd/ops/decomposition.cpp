// Factorisations and what is made of them. An operation has one result, so each factorisation is one tensor with the factors one
// below the other; the factors are views of it, whose gradients meet in the gradient of the whole.
#include <cmath>
#include <limits>

#include "autograd/ops/linalg.h"
#include "autograd/ops/table.h"
#include "autograd/tape.h"

namespace gradus {
namespace detail {
namespace {

// a / b, and 0 / 0 = 0: where no gradient comes in, nothing is to be divided by the distance of equal eigenvalues.
Tensor ratio(const Tensor& a, const Tensor& b) { return a / where(logical_and(a == 0, b == 0), 1, b); }

// x_j - x_i at row i, column j.
Tensor differences(const Tensor& x) { return expand_dims(x, -2) - expand_dims(x, -1); }
Tensor sums(const Tensor& x) { return expand_dims(x, -2) + expand_dims(x, -1); }

Tensor skew(const Tensor& x) { return x - flipped(x); }

Tensor row(const Tensor& x) { return squeeze(x, -2); }

// Rows [0, m) Q, rows [m, m + n) R. Roberts and Roberts 2020.
Tensor qr_gradient(const Saved& s, const Tensor& g) {
  const int64_t n = column_count(s.out()), m = row_count(s.out()) - n;
  const auto factors = split(s.out(), {m, n}, -2), gradients = split(g, {m, n}, -2);
  const Tensor &q = factors[0], &r = factors[1], &gq = gradients[0], &gr = gradients[1];
  const Tensor x = matmul(r, flipped(gr)) - matmul(flipped(gq), q);
  const Tensor y = gq + matmul(q, lower_part(x) + flipped(lower_part(x, -1)));
  return flipped(solve_triangle(r, flipped(y), {.lower = false, .transpose = false, .unit_diagonal = false}));
}
constexpr Op kQr{.name = "qr", .rules = {{{kOut, qr_gradient}}}};

// Rows [0, n) the eigenvectors, row n the eigenvalues. Giles 2008.
Tensor eigh_gradient(const Saved& s, const Tensor& g) {
  const int64_t n = column_count(s.out());
  const auto factors = split(s.out(), {n, 1}, -2), gradients = split(g, {n, 1}, -2);
  const Tensor &v = factors[0], &gv = gradients[0];
  const Tensor turn = ratio(0.5 * skew(matmul(v, flipped(gv))), differences(row(factors[1])));
  return matmul(matmul(flipped(v), turn + diagonal_matrix(row(gradients[1]))), v);
}
constexpr Op kEigh{.name = "eigh", .rules = {{{kOut, eigh_gradient}}}};

// Rows [0, m) U, row m the singular values, the rest transpose(V). Townsend 2016.
Tensor svd_gradient(const Saved& saved, const Tensor& g) {
  const int64_t n = column_count(saved.out()), m = row_count(saved.out()) - n - 1;
  const auto factors = split(saved.out(), {m, 1, n}, -2), gradients = split(g, {m, 1, n}, -2);
  const Tensor &u = factors[0], &s = factors[1], &vh = factors[2];
  const Tensor &gu = gradients[0], &gs = gradients[1], &gvh = gradients[2];
  const Tensor gaps = differences(row(s)) * sums(row(s)), ugu = matmul(flipped(u), gu), vgv = matmul(vh, flipped(gvh));
  const Tensor inner = ratio(skew(ugu), gaps) * s + flipped(s) * ratio(skew(vgv), gaps) + diagonal_matrix(row(gs));
  Tensor left = matmul(u, inner);
  if (m > n) left = left + ratio(gu - matmul(u, ugu), s);
  return matmul(left, vh);
}
constexpr Op kSvd{.name = "svd", .rules = {{{kOut, svd_gradient}}}};

// Of constant rank. Golub and Pereyra 1973.
Tensor pinv_gradient(const Saved& s, const Tensor& g) {
  const Tensor &a = s.in(0), &p = s.out(), pt = flipped(p), gt = flipped(g);
  const Tensor left = matmul(gt, matmul(p, pt)), right = matmul(matmul(pt, p), gt);
  return left - matmul(a, matmul(p, left)) + right - matmul(matmul(right, p), a) - matmul(matmul(pt, g), pt);
}
constexpr Op kPinv{.name = "pinv", .rules = {{{kIn0 | kOut, pinv_gradient}}}};

[[noreturn]] void fail_to_converge(const Op& op, const Tensor& a, const kernels::Failure& failure) {
  fail<ValueError>(op.name, "the iteration did not converge; got ", failure.info, " values left", in_batch(a, failure.batch),
                   ", expected none");
}

// a, of a dtype LAPACK has, above `rows` rows of zeros.
Tensor above_zeros(const Op& op, const Tensor& a, int64_t rows) {
  const NoRecord constant;
  return concat({scratch(op.name, a), zeros(with_matrix(leading(a.shape()), rows, column_count(a)), a.dtype())}, -2);
}

// Tall matrices.
QR tall_qr(const Tensor& a) {
  const int64_t m = row_count(a), n = column_count(a);
  Tensor packed = above_zeros(kQr, a, n);
  kernels::qr(*packed.ref());
  record(kQr, packed, {&a});
  const auto factors = split(packed, {m, n}, -2);
  return {factors[0], factors[1]};
}
SVD tall_svd(const Tensor& a) {
  const int64_t m = row_count(a), n = column_count(a);
  Tensor work = scratch(kSvd.name, a), packed = empty(kSvd.name, with_matrix(leading(a.shape()), m + 1 + n, n), a.dtype());
  if (const kernels::Failure failure = kernels::svd(*packed.ref(), *work.ref())) fail_to_converge(kSvd, a, failure);
  record(kSvd, packed, {&a});
  const auto factors = split(packed, {m, 1, n}, -2);
  return {factors[0], row(factors[1]), factors[2]};
}

// The eigenvectors come out as rows.
Eigh eigh_rows(const Tensor& a) {
  const int64_t n = column_count(a);
  Tensor packed;
  {
    const NoRecord constant;
    packed = above_zeros(kEigh, lower_part(a), 1);
  }
  if (const kernels::Failure failure = kernels::eigh(*packed.ref())) fail_to_converge(kEigh, a, failure);
  record(kEigh, packed, {&a});
  const auto factors = split(packed, {n, 1}, -2);
  return {row(factors[1]), factors[0]};
}

double unit(DType dtype) {
  return dtype == DType::float64 ? std::numeric_limits<double>::epsilon() : double{std::numeric_limits<float>::epsilon()};
}
double default_rtol(const Tensor& a) { return static_cast<double>(std::max(row_count(a), column_count(a))) * unit(a.dtype()); }

// Gaps in the rank show on the diagonal of R.
void require_full_rank(std::string_view op, const Tensor& a, const Tensor& r) {
  const NoRecord constant;
  if (r.size() == 0) return;
  const Tensor diagonal = abs(diagonal_of(r));
  const Tensor lost = diagonal <= default_rtol(a) * max(diagonal, -1, true);
  if (!any(lost).item<bool>()) return;
  const int64_t at = argmax(lost.astype(DType::int32)).item<int64_t>(), n = column_count(r);
  fail<ValueError>(op, "matrix is rank deficient; got a ", row_count(a) < column_count(a) ? "row " : "column ", at % n,
                   " that depends on those before it", in_batch(a, at / n), ", expected full rank; or use matmul(pinv(a), b)");
}

}  // namespace

constexpr const Op* kOps[] = {&kQr, &kEigh, &kSvd, &kPinv};
const OpFamily kDecompositionOps{"decomposition", kOps};

}  // namespace detail

QR qr(const Tensor& a) {
  const Tensor x = detail::lapack_matrix(detail::kQr.name, a);
  const int64_t m = detail::row_count(x), n = detail::column_count(x);
  const DType dtype = detail::floating_dtype(a);
  if (m >= n) {
    const QR f = detail::tall_qr(x);
    return {f.q.astype(dtype), f.r.astype(dtype)};
  }
  // The first m columns decide Q; the others are turned by it.
  detail::require_finite(detail::kQr.name, x.contiguous());
  const auto parts = split(x, {m, n - m}, -1);
  const QR f = detail::tall_qr(parts[0]);
  return {f.q.astype(dtype), concat({f.r, matmul(detail::flipped(f.q), parts[1])}, -1).astype(dtype)};
}

Eigh eigh(const Tensor& a) {
  const Eigh f = detail::eigh_rows(detail::lapack_square(detail::kEigh.name, a, kernels::kMaxEighOrder));
  const DType dtype = detail::floating_dtype(a);
  return {f.values.astype(dtype), detail::flipped(f.vectors).astype(dtype)};
}
Tensor eigvalsh(const Tensor& a) { return eigh(a).values; }

SVD svd(const Tensor& a) {
  const Tensor x = detail::lapack_matrix(detail::kSvd.name, a, kernels::kMaxSvdOrder);
  const DType dtype = detail::floating_dtype(a);
  if (detail::row_count(x) >= detail::column_count(x)) {
    const SVD f = detail::tall_svd(x);
    return {f.u.astype(dtype), f.s.astype(dtype), f.vh.astype(dtype)};
  }
  detail::require_finite(detail::kSvd.name, x.contiguous());  // here, where rows are still rows
  const SVD f = detail::tall_svd(detail::flipped(x));
  return {detail::flipped(f.vh).astype(dtype), f.s.astype(dtype), detail::flipped(f.u).astype(dtype)};
}
Tensor svdvals(const Tensor& a) { return svd(a).s; }

Tensor lstsq(const Tensor& a, const Tensor& b) {
  const detail::System system("lstsq", a, b, false);
  const bool wide = detail::row_count(a) < detail::column_count(a);
  detail::require_finite("lstsq", system.a.contiguous());
  const QR f = detail::tall_qr(wide ? detail::flipped(system.a) : system.a);
  detail::require_full_rank("lstsq", system.a, f.r);
  const kernels::Triangle upper{.lower = false, .transpose = wide, .unit_diagonal = false};
  return system.as_given(wide ? matmul(f.q, detail::solve_triangle(f.r, system.b, upper))
                              : detail::solve_triangle(f.r, matmul(detail::flipped(f.q), system.b), upper));
}

Tensor pinv(const Tensor& a, double rtol) {
  const Tensor x = detail::lapack_matrix(detail::kPinv.name, a, kernels::kMaxSvdOrder);
  if (std::isnan(rtol)) fail<ValueError>(detail::kPinv.name, "bad tolerance; got ", rtol, ", expected a number");
  Tensor out;
  {
    const NoRecord constant;
    detail::require_finite(detail::kPinv.name, x.contiguous());
    const SVD f = svd(x);
    Tensor inverted = f.s;
    if (f.s.size() > 0) {
      const Tensor kept = f.s > (rtol < 0 ? detail::default_rtol(x) : rtol) * max(f.s, -1, true);
      inverted = where(kept, 1 / where(kept, f.s, 1), 0);
    }
    out = matmul(detail::flipped(f.vh) * expand_dims(inverted, -2), detail::flipped(f.u));
  }
  detail::record(detail::kPinv, out, {&x});
  return out.astype(detail::floating_dtype(a));
}

}  // namespace gradus
