// Pointwise mathematics: powers, logarithms, rounding.
#include <numbers>

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kAbs{.name = "abs", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sign(s.in(0)); }}}}};
constexpr Op kSign{.name = "sign", .rules = {{kZeroGradient}}};
constexpr Op kSquare{.name = "square",
                     .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * (s.in(0) + s.in(0)); }}}}};
constexpr Op kSqrt{.name = "sqrt", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return 0.5 * g / s.out(); }}}}};
constexpr Op kRsqrt{.name = "rsqrt",
                    .rules = {{{kIn0 | kOut, [](const Saved& s, const Tensor& g) { return -0.5 * g * s.out() / s.in(0); }}}}};
constexpr Op kReciprocal{.name = "reciprocal",
                         .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return -(g * square(s.out())); }}}}};
constexpr Op kCbrt{.name = "cbrt",
                   .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g / (3 * square(s.out())); }}}}};
constexpr Op kExp{.name = "exp", .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g * s.out(); }}}}};
constexpr Op kExp2{.name = "exp2",
                   .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return std::numbers::ln2 * g * s.out(); }}}}};
// From the input: 1 + expm1(x) loses what is left of e^x for x < -17 in float32.
constexpr Op kExpm1{.name = "expm1", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * exp(s.in(0)); }}}}};
constexpr Op kLog{.name = "log", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / s.in(0); }}}}};
constexpr Op kLog2{.name = "log2",
                   .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return std::numbers::log2e * g / s.in(0); }}}}};
constexpr Op kLog10{.name = "log10",
                    .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return std::numbers::log10e * g / s.in(0); }}}}};
constexpr Op kLog1p{.name = "log1p", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g / (1 + s.in(0)); }}}}};
constexpr Op kFloor{.name = "floor", .rules = {{kZeroGradient}}};
constexpr Op kCeil{.name = "ceil", .rules = {{kZeroGradient}}};
constexpr Op kRound{.name = "round", .rules = {{kZeroGradient}}};
constexpr Op kTrunc{.name = "trunc", .rules = {{kZeroGradient}}};

// r = a - q b, where q is a quotient rounded to a whole number: from r, since a / b may round to another one.
constexpr Rule kQuotientRule{kIn0 | kIn1 | kOut,
                             [](const Saved& s, const Tensor& g) { return g * round((s.out() - s.in(0)) / s.in(1)); }};
constexpr Op kFmod{.name = "fmod",
                   .arity = 2,
                   .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}, kQuotientRule}},
                   .broadcasts = true};
constexpr Op kRemainder{.name = "remainder",
                        .arity = 2,
                        .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}, kQuotientRule}},
                        .broadcasts = true};

// No gradient: recorded so that a missing gradient can name them.
constexpr Op kIsnan{.name = "isnan"}, kIsinf{.name = "isinf"}, kIsfinite{.name = "isfinite"};

}  // namespace

constexpr const Op* kOps[] = {&kAbs,   &kSign,  &kSquare, &kSqrt,      &kRsqrt, &kReciprocal, &kCbrt,    &kExp,
                              &kExp2,  &kExpm1, &kLog,    &kLog2,      &kLog10, &kLog1p,      &kFloor,   &kCeil,
                              &kRound, &kTrunc, &kFmod,   &kRemainder, &kIsnan, &kIsinf,      &kIsfinite};
const OpFamily kMathOps{"math", kOps};

namespace {

// Rounding leaves integers as they are.
Tensor rounding(const Op& op, Fn fn, const Tensor& x) { return is_floating(x.dtype()) ? unary(op, fn, x) : x; }

Tensor modulo(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  const DType dtype = common_dtype(op.name, {&a, &b});
  const Tensor x = as_tensor(a, dtype), y = as_tensor(b, dtype);
  if (!is_floating(dtype) && !all(y).item<bool>())
    fail<ValueError>(op.name, "division of integers by zero; got a divisor with a 0, expected none",
                     "; a floating dtype gives NaN there");
  return pointwise(op, fn, {&x, &y}, dtype);
}

Tensor test(const Op& op, Fn fn, const Tensor& x) { return pointwise(op, fn, {&x}, DType::boolean); }

}  // namespace
}  // namespace detail

using detail::Fn;

Tensor abs(const Tensor& x) { return detail::unary(detail::kAbs, Fn::abs, x); }
Tensor sign(const Tensor& x) { return detail::unary(detail::kSign, Fn::sign, x); }
Tensor square(const Tensor& x) { return detail::unary(detail::kSquare, Fn::square, x); }
Tensor sqrt(const Tensor& x) { return detail::unary_floating(detail::kSqrt, Fn::sqrt, x); }
Tensor rsqrt(const Tensor& x) { return detail::unary_floating(detail::kRsqrt, Fn::rsqrt, x); }
Tensor reciprocal(const Tensor& x) { return detail::unary_floating(detail::kReciprocal, Fn::reciprocal, x); }
Tensor cbrt(const Tensor& x) { return detail::unary_floating(detail::kCbrt, Fn::cbrt, x); }
Tensor exp(const Tensor& x) { return detail::unary_floating(detail::kExp, Fn::exp, x); }
Tensor exp2(const Tensor& x) { return detail::unary_floating(detail::kExp2, Fn::exp2, x); }
Tensor expm1(const Tensor& x) { return detail::unary_floating(detail::kExpm1, Fn::expm1, x); }
Tensor log(const Tensor& x) { return detail::unary_floating(detail::kLog, Fn::log, x); }
Tensor log2(const Tensor& x) { return detail::unary_floating(detail::kLog2, Fn::log2, x); }
Tensor log10(const Tensor& x) { return detail::unary_floating(detail::kLog10, Fn::log10, x); }
Tensor log1p(const Tensor& x) { return detail::unary_floating(detail::kLog1p, Fn::log1p, x); }
Tensor floor(const Tensor& x) { return detail::rounding(detail::kFloor, Fn::floor, x); }
Tensor ceil(const Tensor& x) { return detail::rounding(detail::kCeil, Fn::ceil, x); }
Tensor round(const Tensor& x) { return detail::rounding(detail::kRound, Fn::round, x); }
Tensor trunc(const Tensor& x) { return detail::rounding(detail::kTrunc, Fn::trunc, x); }
Tensor fmod(const Operand& a, const Operand& b) { return detail::modulo(detail::kFmod, Fn::fmod, a, b); }
Tensor remainder(const Operand& a, const Operand& b) { return detail::modulo(detail::kRemainder, Fn::remainder, a, b); }
Tensor isnan(const Tensor& x) { return detail::test(detail::kIsnan, Fn::isnan, x); }
Tensor isinf(const Tensor& x) { return detail::test(detail::kIsinf, Fn::isinf, x); }
Tensor isfinite(const Tensor& x) { return detail::test(detail::kIsfinite, Fn::isfinite, x); }

}  // namespace gradus
