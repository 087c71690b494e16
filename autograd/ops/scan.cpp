// Running sums, products and maxima.
#include "autograd/kernels/scan.h"

#include <limits>

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

struct ScanAttrs {
  int axis;
  bool reverse;
};

// What a scan sees before its last element.
Tensor without_last(const Tensor& x, int axis, bool reverse) {
  std::vector<Index> index(static_cast<size_t>(axis), Slice());
  index.push_back(reverse ? Slice(1, none) : Slice(0, -1));
  return x.slice(index);
}

// A constant, then x, in the direction of the scan.
Tensor after(double first, const Tensor& x, int axis, bool reverse) {
  Shape edge = x.shape();
  edge[axis] = 1;
  const Tensor constant = full(edge, first, x.dtype());
  return reverse ? concat({x, constant}, axis) : concat({constant, x}, axis);
}

// out[k] = x[k - 1].
Tensor previous(const Tensor& x, int axis, bool reverse) {
  return x.shape()[axis] == 0 ? x : after(0, without_last(x, axis, reverse), axis, reverse);
}
// out[k] = x[k + 1].
Tensor next(const Tensor& x, int axis, bool reverse) { return previous(x, axis, !reverse); }

Tensor cumulate(const Op& op, kernels::Running kind, const Tensor& x, const ScanAttrs& attrs) {
  Tensor out = empty(op.name, x.shape(), is_floating(x.dtype()) ? x.dtype() : DType::int64);
  kernels::cumulate(kind, *out.ref(), x.impl(), attrs.axis, attrs.reverse);
  record(op, out, {&x}, attrs);
  return out;
}
Tensor recurrence(const Tensor& a, const Tensor& b, const ScanAttrs& attrs);

constexpr Op kCumsum{.name = "cumsum", .rules = {{{0, [](const Saved& s, const Tensor& g) {
                                                     const auto [axis, reverse] = s.attrs<ScanAttrs>();
                                                     return cumsum(g, axis, {.reverse = !reverse});
                                                   }}}}};

// The derivative of x0 x1 ... xk in xj is (x0 ... xj-1)(xj+1 ... xk). Summed over k against g, the right factors are a polynomial
// in Horner's form: r[j] = g[j] + x[j + 1] r[j + 1].
constexpr Op kCumprod{.name = "cumprod", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) {
                                                       const auto [axis, reverse] = s.attrs<ScanAttrs>();
                                                       const Tensor& x = s.in(0);
                                                       return cumprod(x, axis, {.reverse = reverse, .exclusive = true}) *
                                                              recurrence(next(x, axis, reverse), g, {axis, !reverse});
                                                     }}}}};

// Inputs: a, b. The adjoint runs the other way: h[k] = g[k] + a[k + 1] h[k + 1].
Tensor adjoint(const Saved& s, const Tensor& g) {
  const auto [axis, reverse] = s.attrs<ScanAttrs>();
  return recurrence(next(broadcast_to(s.in(0), g.shape()), axis, reverse), g, {axis, !reverse});
}
constexpr Op kLinearScan{.name = "linear_scan",
                         .arity = 2,
                         .rules = {{{kIn0 | kOut,
                                     [](const Saved& s, const Tensor& g) {
                                       const auto [axis, reverse] = s.attrs<ScanAttrs>();
                                       return adjoint(s, g) * previous(s.out(), axis, reverse);
                                     }},
                                    {kIn0, adjoint}}},
                         .broadcasts = true};

Tensor recurrence(const Tensor& a, const Tensor& b, const ScanAttrs& attrs) {
  Tensor out = empty("linear_scan", broadcast_shapes("linear_scan", a.shape(), b.shape()), b.dtype());
  kernels::recurrence(*out.ref(), a.impl(), b.impl(), attrs.axis, attrs.reverse);
  record(kLinearScan, out, {&a, &b}, attrs);
  return out;
}

// f(x, attrs), or the results one element later, beginning with `of_nothing`.
template <class F>
Tensor scan(std::string_view op, const Tensor& x, int64_t axis, const ScanOptions& options, double of_nothing, const F& f) {
  const ScanAttrs attrs{normalize_axis(op, axis, x.ndim()), options.reverse};
  if (!options.exclusive || x.shape()[attrs.axis] == 0) return f(x, attrs);
  return after(of_nothing, f(without_last(x, attrs.axis, attrs.reverse), attrs), attrs.axis, attrs.reverse);
}

void check_inclusive(std::string_view op, const ScanOptions& options) {
  if (options.exclusive) fail<ValueError>(op, "has no value for no elements; got exclusive = true, expected false");
}

Tensor running_extreme(std::string_view op, bool largest, const Tensor& x, int64_t axis, const ScanOptions& options) {
  check_inclusive(op, options);
  const int at = normalize_axis(op, axis, x.ndim());
  Tensor indices = empty(op, x.shape(), DType::int64);
  kernels::running_arg(largest, *indices.ref(), x.impl(), at, options.reverse);
  return gather(x, indices, at);
}

// With m[k] the largest element up to k: m + log(s), s[k] = e^(m[k - 1] - m[k]) s[k - 1] + e^(x[k] - m[k]). No exponent is
// positive, and m is a constant of the formula.
Tensor log_running_sum(const Tensor& x, const ScanAttrs& attrs) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  const Tensor most = cummax(stop_gradient(x), attrs.axis, {.reverse = attrs.reverse});
  const Tensor finite = where(abs(most) < kInf, most, 0);  // inf - inf would be NaN
  const Tensor decay = exp(previous(most, attrs.axis, attrs.reverse) - finite);
  const Tensor total = recurrence(decay, exp(x - finite), attrs), nothing = total == 0;
  return where(nothing, -kInf, log(where(nothing, 1, total)) + finite);
}

}  // namespace

constexpr const Op* kOps[] = {&kCumsum, &kCumprod, &kLinearScan};
const OpFamily kScanOps{"scan", kOps};

}  // namespace detail

using detail::ScanAttrs;
using kernels::Running;

Tensor cumsum(const Tensor& x, int64_t axis, const ScanOptions& options) {
  return detail::scan("cumsum", x, axis, options, 0, [](const Tensor& y, const ScanAttrs& attrs) {
    return detail::cumulate(detail::kCumsum, Running::sum, y, attrs);
  });
}
Tensor cumprod(const Tensor& x, int64_t axis, const ScanOptions& options) {
  return detail::scan("cumprod", x, axis, options, 1, [](const Tensor& y, const ScanAttrs& attrs) {
    return detail::cumulate(detail::kCumprod, Running::prod, y, attrs);
  });
}

Tensor cummax(const Tensor& x, int64_t axis, const ScanOptions& options) {
  return detail::running_extreme("cummax", true, x, axis, options);
}
Tensor cummin(const Tensor& x, int64_t axis, const ScanOptions& options) {
  return detail::running_extreme("cummin", false, x, axis, options);
}

Tensor logcumsumexp(const Tensor& x, int64_t axis, const ScanOptions& options) {
  return detail::scan("logcumsumexp", detail::as_floating(x), axis, options, -std::numeric_limits<double>::infinity(),
                      detail::log_running_sum);
}

Tensor linear_scan(const Operand& a, const Operand& b, int64_t axis, const ScanOptions& options) {
  detail::check_inclusive("linear_scan", options);
  const DType dtype = to_floating(detail::common_dtype("linear_scan", {&a, &b}));
  const Tensor factors = detail::as_tensor(a, dtype), terms = detail::as_tensor(b, dtype);
  const int rank = broadcast_shapes("linear_scan", factors.shape(), terms.shape()).ndim();
  return detail::recurrence(factors, terms, {normalize_axis("linear_scan", axis, rank), options.reverse});
}

Tensor diff(const Tensor& x, int64_t n, int64_t axis) {
  const int at = normalize_axis("diff", axis, x.ndim());
  if (n < 0) fail<ValueError>("diff", "negative number of differences; got ", n, ", expected at least 0");
  Tensor y = x;
  for (int64_t left = n; left > 0 && y.shape()[at] > 0; --left)
    y = detail::without_last(y, at, true) - detail::without_last(y, at, false);
  return y;
}

}  // namespace gradus
