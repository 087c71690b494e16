// Trigonometric and hyperbolic functions.
#include <numbers>

#include "autograd/ops/activation.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kSin{.name = "sin", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * cos(s.in(0)); }}}}};
constexpr Op kCos{.name = "cos", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return -(g * sin(s.in(0))); }}}}};
constexpr Op kTan{.name = "tan", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g * (1 + square(s.out())); }}}}};

// 1 - x^2 in factors: no cancellation near 1.
Tensor one_minus_square(const Tensor& x) { return (1 - x) * (1 + x); }

constexpr Op kAsin{.name = "asin",
                   .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * rsqrt(one_minus_square(s.in(0))); }}}}};
constexpr Op kAcos{.name = "acos",
                   .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return -(g * rsqrt(one_minus_square(s.in(0)))); }}}}};
constexpr Op kAtan{.name = "atan",
                   .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / (1 + square(s.in(0))); }}}}};

// x / length^2 without overflow; 0 at infinity, and at the origin, which has no angle (PyTorch).
Tensor over_square(const Tensor& x, const Tensor& length) {
  const Tensor nowhere = logical_or(length == 0, isinf(length)), safe = where(nowhere, 1, length);
  return where(nowhere, 0, x) / safe / safe;
}
constexpr Op kAtan2{
    .name = "atan2",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * over_square(s.in(1), hypot(s.in(0), s.in(1))); }},
               {kIn0 | kIn1,
                [](const Saved& s, const Tensor& g) { return -(g * over_square(s.in(0), hypot(s.in(0), s.in(1)))); }}}},
    .broadcasts = true};
// At the origin, a kink, the gradient is 0.
constexpr Op kHypot{
    .name = "hypot",
    .arity = 2,
    .rules = {{{kIn0 | kOut, [](const Saved& s, const Tensor& g) { return g * s.in(0) / where(s.out() == 0, 1, s.out()); }},
               {kIn1 | kOut, [](const Saved& s, const Tensor& g) { return g * s.in(1) / where(s.out() == 0, 1, s.out()); }}}},
    .broadcasts = true};

constexpr Op kSinh{.name = "sinh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * cosh(s.in(0)); }}}}};
constexpr Op kCosh{.name = "cosh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sinh(s.in(0)); }}}}};
// g (1 - y^2) in one pass. Inputs: tanh's output y, its gradient g.
Tensor tanh_gradient(const Tensor& y, const Tensor& g);
constexpr Op kTanhGradient{.name = "tanh_gradient",
                           .arity = 2,
                           .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& h) { return -2 * h * s.in(1) * s.in(0); }},
                                      {kIn0, [](const Saved& s, const Tensor& h) { return tanh_gradient(s.in(0), h); }}}}};
Tensor tanh_gradient(const Tensor& y, const Tensor& g) {
  return pointwise(kTanhGradient, Fn::tanh_gradient, {&y, &g}, y.dtype());
}

// 1 - y^2 cancels for |x| > 4; the absolute error stays below 1e-7 in float32, and the input need not be kept.
}  // namespace
constexpr Op kTanh{.name = "tanh",
                   .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return tanh_gradient(s.out(), g); }}}}};
namespace {
constexpr Op kAsinh{.name = "asinh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / hypot(s.in(0), 1); }}}}};
constexpr Op kAcosh{
    .name = "acosh",
    .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * rsqrt(s.in(0) - 1) * rsqrt(s.in(0) + 1); }}}}};
constexpr Op kAtanh{.name = "atanh",
                    .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / one_minus_square(s.in(0)); }}}}};

}  // namespace

constexpr const Op* kOps[] = {&kSin,  &kCos,  &kTan,          &kAsin,  &kAcos,  &kAtan,  &kAtan2, &kSinh,
                              &kCosh, &kTanh, &kTanhGradient, &kAsinh, &kAcosh, &kAtanh, &kHypot};
const OpFamily kTrigonometryOps{"trigonometry", kOps};

}  // namespace detail

using detail::Fn;

Tensor sin(const Tensor& x) { return detail::unary_floating(detail::kSin, Fn::sin, x); }
Tensor cos(const Tensor& x) { return detail::unary_floating(detail::kCos, Fn::cos, x); }
Tensor tan(const Tensor& x) { return detail::unary_floating(detail::kTan, Fn::tan, x); }
Tensor asin(const Tensor& x) { return detail::unary_floating(detail::kAsin, Fn::asin, x); }
Tensor acos(const Tensor& x) { return detail::unary_floating(detail::kAcos, Fn::acos, x); }
Tensor atan(const Tensor& x) { return detail::unary_floating(detail::kAtan, Fn::atan, x); }
Tensor atan2(const Operand& y, const Operand& x) { return detail::binary_floating(detail::kAtan2, Fn::atan2, y, x); }
Tensor sinh(const Tensor& x) { return detail::unary_floating(detail::kSinh, Fn::sinh, x); }
Tensor cosh(const Tensor& x) { return detail::unary_floating(detail::kCosh, Fn::cosh, x); }
Tensor tanh(const Tensor& x) { return detail::unary_floating(detail::kTanh, Fn::tanh, x); }
Tensor asinh(const Tensor& x) { return detail::unary_floating(detail::kAsinh, Fn::asinh, x); }
Tensor acosh(const Tensor& x) { return detail::unary_floating(detail::kAcosh, Fn::acosh, x); }
Tensor atanh(const Tensor& x) { return detail::unary_floating(detail::kAtanh, Fn::atanh, x); }
Tensor hypot(const Operand& a, const Operand& b) { return detail::binary_floating(detail::kHypot, Fn::hypot, a, b); }

}  // namespace gradus
