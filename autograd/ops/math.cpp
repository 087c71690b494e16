// Pointwise mathematics.
#include <numbers>

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kAbs{.name = "abs", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sign(s.in(0)); }}}}};
constexpr Op kSign{.name = "sign", .rules = {{kZeroGradient}}};
constexpr Op kSquare{.name = "square", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return 2 * g * s.in(0); }}}}};
constexpr Op kSqrt{.name = "sqrt", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return 0.5 * g / s.out(); }}}}};
constexpr Op kRsqrt{.name = "rsqrt",
                    .rules = {{{kIn0 | kOut, [](const Saved& s, const Tensor& g) { return -0.5 * g * s.out() / s.in(0); }}}}};
constexpr Op kReciprocal{.name = "reciprocal",
                         .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return -(g * square(s.out())); }}}}};
constexpr Op kExp{.name = "exp", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g * s.out(); }}}}};
// From the input: 1 + expm1(x) loses what is left of e^x for x < -17 in float32.
constexpr Op kExpm1{.name = "expm1", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * exp(s.in(0)); }}}}};
constexpr Op kLog{.name = "log", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / s.in(0); }}}}};
constexpr Op kLog1p{.name = "log1p", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / (1 + s.in(0)); }}}}};
constexpr Op kSin{.name = "sin", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * cos(s.in(0)); }}}}};
constexpr Op kCos{.name = "cos", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return -(g * sin(s.in(0))); }}}}};
constexpr Op kTan{.name = "tan", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g * (1 + square(s.out())); }}}}};
constexpr Op kSinh{.name = "sinh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * cosh(s.in(0)); }}}}};
constexpr Op kCosh{.name = "cosh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sinh(s.in(0)); }}}}};
// 1 - y^2 cancels for |x| > 4; the absolute error stays below 1e-7 in float32, and the input need not be kept.
constexpr Op kTanh{.name = "tanh",
                   .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g * (1 - square(s.out())); }}}}};
constexpr Op kErf{.name = "erf", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) {
                                               return g * (2 * std::numbers::inv_sqrtpi * exp(-square(s.in(0))));
                                             }}}}};
constexpr Op kFloor{.name = "floor", .rules = {{kZeroGradient}}};
constexpr Op kCeil{.name = "ceil", .rules = {{kZeroGradient}}};
constexpr Op kRound{.name = "round", .rules = {{kZeroGradient}}};

}  // namespace

constexpr const Op* kOps[] = {&kAbs, &kSign, &kSquare, &kSqrt, &kRsqrt, &kReciprocal, &kExp, &kExpm1, &kLog,  &kLog1p,
                              &kSin, &kCos,  &kTan,    &kSinh, &kCosh,  &kTanh,       &kErf, &kFloor, &kCeil, &kRound};
const OpFamily kMathOps{"math", kOps};

namespace {

// floor, ceil and round leave integers as they are.
Tensor rounding(const Op& op, Fn fn, const Tensor& x) { return is_floating(x.dtype()) ? unary(op, fn, x) : x; }

}  // namespace
}  // namespace detail

using detail::Fn;

Tensor abs(const Tensor& x) { return detail::unary(detail::kAbs, Fn::abs, x); }
Tensor sign(const Tensor& x) { return detail::unary(detail::kSign, Fn::sign, x); }
Tensor square(const Tensor& x) { return detail::unary(detail::kSquare, Fn::square, x); }
Tensor sqrt(const Tensor& x) { return detail::unary_floating(detail::kSqrt, Fn::sqrt, x); }
Tensor rsqrt(const Tensor& x) { return detail::unary_floating(detail::kRsqrt, Fn::rsqrt, x); }
Tensor reciprocal(const Tensor& x) { return detail::unary_floating(detail::kReciprocal, Fn::reciprocal, x); }
Tensor exp(const Tensor& x) { return detail::unary_floating(detail::kExp, Fn::exp, x); }
Tensor expm1(const Tensor& x) { return detail::unary_floating(detail::kExpm1, Fn::expm1, x); }
Tensor log(const Tensor& x) { return detail::unary_floating(detail::kLog, Fn::log, x); }
Tensor log1p(const Tensor& x) { return detail::unary_floating(detail::kLog1p, Fn::log1p, x); }
Tensor sin(const Tensor& x) { return detail::unary_floating(detail::kSin, Fn::sin, x); }
Tensor cos(const Tensor& x) { return detail::unary_floating(detail::kCos, Fn::cos, x); }
Tensor tan(const Tensor& x) { return detail::unary_floating(detail::kTan, Fn::tan, x); }
Tensor sinh(const Tensor& x) { return detail::unary_floating(detail::kSinh, Fn::sinh, x); }
Tensor cosh(const Tensor& x) { return detail::unary_floating(detail::kCosh, Fn::cosh, x); }
Tensor tanh(const Tensor& x) { return detail::unary_floating(detail::kTanh, Fn::tanh, x); }
Tensor erf(const Tensor& x) { return detail::unary_floating(detail::kErf, Fn::erf, x); }
Tensor floor(const Tensor& x) { return detail::rounding(detail::kFloor, Fn::floor, x); }
Tensor ceil(const Tensor& x) { return detail::rounding(detail::kCeil, Fn::ceil, x); }
Tensor round(const Tensor& x) { return detail::rounding(detail::kRound, Fn::round, x); }

}  // namespace gradus
