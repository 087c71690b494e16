// What the lambda of fused() computes with: a number that writes down what is done to it.
//
// Operators and functions append to the expression that is being traced; C++ numbers become constants of it. A comparison gives a
// mask, for where(mask, a, b); masks combine by & | ! and the functions logical_and, logical_or and logical_not.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "autograd/kernels/pointwise.h"

namespace gradus {
namespace detail {

class Expression;

/// A value of an expression.
struct ExpressionRef {
  Expression* expression;
  uint32_t node;
};
/// ValueError outside of the lambda that is being traced, and for a value from another one.
ExpressionRef traced(double constant);
ExpressionRef traced(kernels::Fn fn, std::initializer_list<ExpressionRef> arguments);

}  // namespace detail

/// Stands for an element, one that is given or one that is computed. ValueError when made outside of a lambda that is traced.
class FusedNumber {
 public:
  FusedNumber() : FusedNumber(0.0) {}
  FusedNumber(double constant) : ref(detail::traced(constant)) {}
  explicit FusedNumber(detail::ExpressionRef r) : ref(r) {}
  FusedNumber(kernels::Fn fn, std::initializer_list<detail::ExpressionRef> arguments) : ref(detail::traced(fn, arguments)) {}

  detail::ExpressionRef ref;
};

/// Stands for the result of a comparison.
class FusedMask {
 public:
  explicit FusedMask(detail::ExpressionRef r) : ref(r) {}
  FusedMask(kernels::Fn fn, std::initializer_list<detail::ExpressionRef> arguments) : ref(detail::traced(fn, arguments)) {}
  /// An element has no value while its function is traced: use where(mask, a, b).
  explicit operator bool() const = delete;

  detail::ExpressionRef ref;
};

inline FusedNumber operator+(FusedNumber a, FusedNumber b) { return {kernels::Fn::add, {a.ref, b.ref}}; }
inline FusedNumber operator-(FusedNumber a, FusedNumber b) { return {kernels::Fn::subtract, {a.ref, b.ref}}; }
inline FusedNumber operator*(FusedNumber a, FusedNumber b) { return {kernels::Fn::multiply, {a.ref, b.ref}}; }
inline FusedNumber operator/(FusedNumber a, FusedNumber b) { return {kernels::Fn::divide, {a.ref, b.ref}}; }
inline FusedNumber operator-(FusedNumber a) { return {kernels::Fn::negative, {a.ref}}; }
inline FusedNumber& operator+=(FusedNumber& a, FusedNumber b) { return a = a + b; }
inline FusedNumber& operator-=(FusedNumber& a, FusedNumber b) { return a = a - b; }
inline FusedNumber& operator*=(FusedNumber& a, FusedNumber b) { return a = a * b; }
inline FusedNumber& operator/=(FusedNumber& a, FusedNumber b) { return a = a / b; }

inline FusedMask operator<(FusedNumber a, FusedNumber b) { return {kernels::Fn::less, {a.ref, b.ref}}; }
inline FusedMask operator<=(FusedNumber a, FusedNumber b) { return {kernels::Fn::less_equal, {a.ref, b.ref}}; }
inline FusedMask operator>(FusedNumber a, FusedNumber b) { return {kernels::Fn::less, {b.ref, a.ref}}; }
inline FusedMask operator>=(FusedNumber a, FusedNumber b) { return {kernels::Fn::less_equal, {b.ref, a.ref}}; }
inline FusedMask operator==(FusedNumber a, FusedNumber b) { return {kernels::Fn::equal, {a.ref, b.ref}}; }
inline FusedMask operator!=(FusedNumber a, FusedNumber b) { return {kernels::Fn::not_equal, {a.ref, b.ref}}; }
inline FusedMask isnan(FusedNumber x) { return {kernels::Fn::isnan, {x.ref}}; }
inline FusedMask isinf(FusedNumber x) { return {kernels::Fn::isinf, {x.ref}}; }
inline FusedMask isfinite(FusedNumber x) { return {kernels::Fn::isfinite, {x.ref}}; }

inline FusedMask logical_and(FusedMask a, FusedMask b) { return {kernels::Fn::logical_and, {a.ref, b.ref}}; }
inline FusedMask logical_or(FusedMask a, FusedMask b) { return {kernels::Fn::logical_or, {a.ref, b.ref}}; }
inline FusedMask logical_not(FusedMask a) { return {kernels::Fn::logical_not, {a.ref}}; }
inline FusedMask operator&(FusedMask a, FusedMask b) { return logical_and(a, b); }
inline FusedMask operator|(FusedMask a, FusedMask b) { return logical_or(a, b); }
inline FusedMask operator!(FusedMask a) { return logical_not(a); }
/// a where the mask is true, b elsewhere; so are their derivatives: none comes from the side that is not chosen.
inline FusedNumber where(FusedMask mask, FusedNumber a, FusedNumber b) { return {kernels::Fn::where, {mask.ref, a.ref, b.ref}}; }

// The functions of autograd/ops.h by the same names, with the same values to the last bit.
inline FusedNumber abs(FusedNumber x) { return {kernels::Fn::abs, {x.ref}}; }
inline FusedNumber sqrt(FusedNumber x) { return {kernels::Fn::sqrt, {x.ref}}; }
inline FusedNumber cbrt(FusedNumber x) { return {kernels::Fn::cbrt, {x.ref}}; }
inline FusedNumber rsqrt(FusedNumber x) { return {kernels::Fn::rsqrt, {x.ref}}; }
inline FusedNumber reciprocal(FusedNumber x) { return {kernels::Fn::reciprocal, {x.ref}}; }
inline FusedNumber square(FusedNumber x) { return {kernels::Fn::square, {x.ref}}; }
inline FusedNumber exp(FusedNumber x) { return {kernels::Fn::exp, {x.ref}}; }
inline FusedNumber exp2(FusedNumber x) { return {kernels::Fn::exp2, {x.ref}}; }
inline FusedNumber expm1(FusedNumber x) { return {kernels::Fn::expm1, {x.ref}}; }
inline FusedNumber log(FusedNumber x) { return {kernels::Fn::log, {x.ref}}; }
inline FusedNumber log2(FusedNumber x) { return {kernels::Fn::log2, {x.ref}}; }
inline FusedNumber log10(FusedNumber x) { return {kernels::Fn::log10, {x.ref}}; }
inline FusedNumber log1p(FusedNumber x) { return {kernels::Fn::log1p, {x.ref}}; }
inline FusedNumber sin(FusedNumber x) { return {kernels::Fn::sin, {x.ref}}; }
inline FusedNumber cos(FusedNumber x) { return {kernels::Fn::cos, {x.ref}}; }
inline FusedNumber tan(FusedNumber x) { return {kernels::Fn::tan, {x.ref}}; }
inline FusedNumber asin(FusedNumber x) { return {kernels::Fn::asin, {x.ref}}; }
inline FusedNumber acos(FusedNumber x) { return {kernels::Fn::acos, {x.ref}}; }
inline FusedNumber atan(FusedNumber x) { return {kernels::Fn::atan, {x.ref}}; }
inline FusedNumber sinh(FusedNumber x) { return {kernels::Fn::sinh, {x.ref}}; }
inline FusedNumber cosh(FusedNumber x) { return {kernels::Fn::cosh, {x.ref}}; }
inline FusedNumber tanh(FusedNumber x) { return {kernels::Fn::tanh, {x.ref}}; }
inline FusedNumber asinh(FusedNumber x) { return {kernels::Fn::asinh, {x.ref}}; }
inline FusedNumber acosh(FusedNumber x) { return {kernels::Fn::acosh, {x.ref}}; }
inline FusedNumber atanh(FusedNumber x) { return {kernels::Fn::atanh, {x.ref}}; }
inline FusedNumber erf(FusedNumber x) { return {kernels::Fn::erf, {x.ref}}; }
inline FusedNumber erfc(FusedNumber x) { return {kernels::Fn::erfc, {x.ref}}; }
inline FusedNumber lgamma(FusedNumber x) { return {kernels::Fn::lgamma, {x.ref}}; }
inline FusedNumber digamma(FusedNumber x) { return {kernels::Fn::digamma, {x.ref}}; }
inline FusedNumber sign(FusedNumber x) { return {kernels::Fn::sign, {x.ref}}; }
inline FusedNumber floor(FusedNumber x) { return {kernels::Fn::floor, {x.ref}}; }
inline FusedNumber ceil(FusedNumber x) { return {kernels::Fn::ceil, {x.ref}}; }
inline FusedNumber round(FusedNumber x) { return {kernels::Fn::round, {x.ref}}; }
inline FusedNumber trunc(FusedNumber x) { return {kernels::Fn::trunc, {x.ref}}; }
inline FusedNumber relu(FusedNumber x) { return {kernels::Fn::relu, {x.ref}}; }
inline FusedNumber softplus(FusedNumber x) { return {kernels::Fn::softplus, {x.ref}}; }
inline FusedNumber silu(FusedNumber x) { return {kernels::Fn::silu, {x.ref}}; }
inline FusedNumber gelu(FusedNumber x) { return {kernels::Fn::gelu, {x.ref}}; }
inline FusedNumber sigmoid(FusedNumber x) { return {kernels::Fn::sigmoid, {x.ref}}; }
inline FusedNumber log_sigmoid(FusedNumber x) { return {kernels::Fn::log_sigmoid, {x.ref}}; }
inline FusedNumber gaussian(FusedNumber x) { return {kernels::Fn::gaussian, {x.ref}}; }
inline FusedNumber maximum(FusedNumber a, FusedNumber b) { return {kernels::Fn::maximum, {a.ref, b.ref}}; }
inline FusedNumber minimum(FusedNumber a, FusedNumber b) { return {kernels::Fn::minimum, {a.ref, b.ref}}; }
inline FusedNumber pow(FusedNumber a, FusedNumber b) { return {kernels::Fn::pow, {a.ref, b.ref}}; }
inline FusedNumber fmod(FusedNumber a, FusedNumber b) { return {kernels::Fn::fmod, {a.ref, b.ref}}; }
inline FusedNumber remainder(FusedNumber a, FusedNumber b) { return {kernels::Fn::remainder, {a.ref, b.ref}}; }
inline FusedNumber atan2(FusedNumber y, FusedNumber x) { return {kernels::Fn::atan2, {y.ref, x.ref}}; }
inline FusedNumber hypot(FusedNumber a, FusedNumber b) { return {kernels::Fn::hypot, {a.ref, b.ref}}; }
inline FusedNumber logaddexp(FusedNumber a, FusedNumber b) { return {kernels::Fn::logaddexp, {a.ref, b.ref}}; }
inline FusedNumber xlogy(FusedNumber x, FusedNumber y) { return {kernels::Fn::xlogy, {x.ref, y.ref}}; }
inline FusedNumber polygamma(int n, FusedNumber x) { return {kernels::Fn::polygamma, {FusedNumber(n).ref, x.ref}}; }

}  // namespace gradus
