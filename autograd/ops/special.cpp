// Special functions.
#include <numbers>

#include "autograd/kernels/special.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kErf{
    .name = "erf",
    .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * (2 * std::numbers::inv_sqrtpi * gaussian(s.in(0))); }}}}};
constexpr Op kErfc{
    .name = "erfc",
    .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * (-2 * std::numbers::inv_sqrtpi * gaussian(s.in(0))); }}}}};
constexpr Op kLgamma{.name = "lgamma", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * digamma(s.in(0)); }}}}};
constexpr Op kDigamma{.name = "digamma",
                      .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * polygamma(1, s.in(0)); }}}}};
// The order is an input without a gradient.
constexpr Op kPolygamma{.name = "polygamma", .arity = 2, .rules = {{{}, {kIn0 | kIn1, [](const Saved& s, const Tensor& g) {
                                                                           return g * polygamma(s.in(0).item<int>() + 1, s.in(1));
                                                                         }}}}};

// e^a / (e^a + e^b). Infinities that are equal have no difference; each counts for a half.
Tensor share(const Tensor& a, const Tensor& b) {
  const Tensor tied = logical_and(a == b, isinf(a));
  return sigmoid(where(tied, 0, a) - where(tied, 0, b));
}
constexpr Op kLogaddexp{.name = "logaddexp",
                        .arity = 2,
                        .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share(s.in(0), s.in(1)); }},
                                   {kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * share(s.in(1), s.in(0)); }}}},
                        .broadcasts = true};

// y, but 1 where x is 0 and log(y) is no number to multiply it with.
Tensor safe(const Tensor& x, const Tensor& y) { return where(logical_and(x == 0, y <= 0), 1, y); }
constexpr Op kXlogy{
    .name = "xlogy",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * log(safe(s.in(0), s.in(1))); }},
               {kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * s.in(0) / safe(s.in(0), s.in(1)); }}}},
    .broadcasts = true};

}  // namespace

constexpr const Op* kOps[] = {&kErf, &kErfc, &kLgamma, &kDigamma, &kPolygamma, &kLogaddexp, &kXlogy};
const OpFamily kSpecialOps{"special", kOps};

}  // namespace detail

using detail::Fn;

Tensor erf(const Tensor& x) { return detail::unary_floating(detail::kErf, Fn::erf, x); }
Tensor erfc(const Tensor& x) { return detail::unary_floating(detail::kErfc, Fn::erfc, x); }
Tensor lgamma(const Tensor& x) { return detail::unary_floating(detail::kLgamma, Fn::lgamma, x); }
Tensor digamma(const Tensor& x) { return detail::unary_floating(detail::kDigamma, Fn::digamma, x); }
Tensor polygamma(int order, const Tensor& x) {
  if (order < 0 || order > kernels::special::kMaxPolygammaOrder)
    fail<ValueError>("polygamma", "no such derivative; got order ", order, ", expected 0 to ",
                     kernels::special::kMaxPolygammaOrder);
  const Tensor y = detail::as_floating(x), n = detail::as_tensor(order, y.dtype());
  return detail::pointwise(detail::kPolygamma, Fn::polygamma, {&n, &y}, y.dtype());
}
Tensor logaddexp(const Operand& a, const Operand& b) { return detail::binary_floating(detail::kLogaddexp, Fn::logaddexp, a, b); }
Tensor xlogy(const Operand& x, const Operand& y) { return detail::binary_floating(detail::kXlogy, Fn::xlogy, x, y); }

}  // namespace gradus
