// What the pointwise functions should compute: one row each, with the error allowed in units in the last place.
#pragma once

#include <algorithm>
#include <cmath>

#include "autograd/kernels/pointwise.h"
#include "tests/autograd/kernel_layouts.h"
#include "tests/support/gamma.h"

namespace gradus::test {

using Real = long double;

inline Impl apply(kernels::Fn fn, const Impl& a, DType out) {
  const Impl y = empty(a->shape, out);
  const detail::TensorImpl* in[] = {a.get()};
  kernels::pointwise(fn, *y, in);
  return y;
}
inline Impl apply(kernels::Fn fn, const Impl& a, const Impl& b, const Shape& shape, DType out) {
  const Impl y = empty(shape, out);
  const detail::TensorImpl* in[] = {a.get(), b.get()};
  kernels::pointwise(fn, *y, in);
  return y;
}
inline Impl apply(kernels::Fn fn, const Impl& a, const Impl& b, const Impl& c, const Shape& shape, DType out) {
  const Impl y = empty(shape, out);
  const detail::TensorImpl* in[] = {a.get(), b.get(), c.get()};
  kernels::pointwise(fn, *y, in);
  return y;
}

struct Unary {
  const char* name;
  kernels::Fn fn;
  Real (*value)(Real);
  double ulps;
  // Further units allowed at x, for float64: a rounded intermediate result is an argument of the exponential function, or a
  // difference vanishes. accuracy_test allows float32 none.
  double (*slack)(double) = [](double) { return 0.0; };
};

inline Real normal_cdf(Real x) { return std::erfc(-x / std::sqrt(Real(2))) / 2; }
// So that what is multiplied with 0 is no infinity.
inline Real held(Real x) { return std::max(x, Real(-1e4L)); }
inline Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }

inline const Unary kUnary[] = {
    {"negative", kernels::Fn::negative, [](Real x) { return -x; }, 0},
    {"abs", kernels::Fn::abs, [](Real x) { return std::abs(x); }, 0},
    {"sign", kernels::Fn::sign, [](Real x) { return std::isnan(x) ? x
                                                    : x > 0       ? Real(1)
                                                    : x < 0       ? Real(-1)
                                                                  : Real(0); }, 0},
    {"square", kernels::Fn::square, [](Real x) { return x * x; }, 0.5},
    {"sqrt", kernels::Fn::sqrt, [](Real x) { return std::sqrt(x); }, 0.5},
    {"rsqrt", kernels::Fn::rsqrt, [](Real x) { return 1 / std::sqrt(x); }, 1.5},
    {"reciprocal", kernels::Fn::reciprocal, [](Real x) { return 1 / x; }, 0.5},
    {"exp", kernels::Fn::exp, [](Real x) { return std::exp(x); }, 1.5},
    {"expm1", kernels::Fn::expm1, [](Real x) { return std::expm1(x); }, 2},
    {"log", kernels::Fn::log, [](Real x) { return std::log(x); }, 1},
    {"log1p", kernels::Fn::log1p, [](Real x) { return std::log1p(x); }, 1},
    {"sin", kernels::Fn::sin, [](Real x) { return std::sin(x); }, 2.5},
    {"cos", kernels::Fn::cos, [](Real x) { return std::cos(x); }, 2.5},
    {"tan", kernels::Fn::tan, [](Real x) { return std::tan(x); }, 1.5},
    {"sinh", kernels::Fn::sinh, [](Real x) { return std::sinh(x); }, 2.5},
    {"cosh", kernels::Fn::cosh, [](Real x) { return std::cosh(x); }, 2},
    {"tanh", kernels::Fn::tanh, [](Real x) { return std::tanh(x); }, 3},
    {"erf", kernels::Fn::erf, [](Real x) { return std::erf(x); }, 1.5},
    {"floor", kernels::Fn::floor, [](Real x) { return std::floor(x); }, 0},
    {"ceil", kernels::Fn::ceil, [](Real x) { return std::ceil(x); }, 0},
    {"round", kernels::Fn::round, [](Real x) { return std::nearbyint(x); }, 0},
    {"cbrt", kernels::Fn::cbrt, [](Real x) { return std::cbrt(x); }, 4},
    {"exp2", kernels::Fn::exp2, [](Real x) { return std::exp2(x); }, 1.5},
    {"log2", kernels::Fn::log2, [](Real x) { return std::log2(x); }, 2.5},
    {"log10", kernels::Fn::log10, [](Real x) { return std::log10(x); }, 2.5},
    {"asin", kernels::Fn::asin, [](Real x) { return std::asin(x); }, 2.5},
    {"acos", kernels::Fn::acos, [](Real x) { return std::acos(x); }, 2.5},
    {"atan", kernels::Fn::atan, [](Real x) { return std::atan(x); }, 2.5},
    {"asinh", kernels::Fn::asinh, [](Real x) { return std::asinh(x); }, 4},
    {"acosh", kernels::Fn::acosh, [](Real x) { return std::acosh(x); }, 4},
    {"atanh", kernels::Fn::atanh, [](Real x) { return std::atanh(x); }, 4},
    {"erfc", kernels::Fn::erfc, [](Real x) { return std::erfc(x); }, 4},
    {"lgamma", kernels::Fn::lgamma, [](Real x) { return std::lgamma(x); }, 4},
    {"digamma", kernels::Fn::digamma, [](Real x) { return digamma_of(x); }, 4, [](double x) { return x < 0 ? 1e8 : 64.0; }},
    {"trunc", kernels::Fn::trunc, [](Real x) { return std::trunc(x); }, 0},
    {"log_sigmoid", kernels::Fn::log_sigmoid,
     [](Real x) { return x < 0 ? x - std::log1p(std::exp(x)) : -std::log1p(std::exp(-x)); }, 2.5},
    {"relu", kernels::Fn::relu, [](Real x) { return x <= 0 ? Real(0) : x; }, 0},
    {"selu", kernels::Fn::selu,
     [](Real x) { return 1.0507009873554804934193349852946L * (x > 0 ? x : 1.6732632423543772848170429916717L * std::expm1(x)); },
     3.5},
    {"gelu", kernels::Fn::gelu, [](Real x) { return held(x) * normal_cdf(x); }, 4, [](double x) { return 2 * x * x; }},
    {"gelu_tanh", kernels::Fn::gelu_tanh,
     [](Real x) { return held(x) * logistic(2 * std::sqrt(2 / std::acos(Real(-1))) * (x + 0.044715L * x * x * x)); }, 4,
     [](double x) { return std::abs(x * x * x); }},
    {"silu", kernels::Fn::silu, [](Real x) { return held(x) * logistic(x); }, 4, [](double x) { return x < -700 ? -x : 0.0; }},
    {"softplus", kernels::Fn::softplus, [](Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); }, 2},
    {"sigmoid", kernels::Fn::sigmoid, logistic, 3},
    {"gaussian", kernels::Fn::gaussian, [](Real x) { return std::exp(-x * x); }, 1.5},
};

struct Binary {
  const char* name;
  kernels::Fn fn;
  Real (*value)(Real, Real);
  double ulps;
};

inline const Binary kBinary[] = {
    {"add", kernels::Fn::add, [](Real a, Real b) { return a + b; }, 0.5},
    {"subtract", kernels::Fn::subtract, [](Real a, Real b) { return a - b; }, 0.5},
    {"multiply", kernels::Fn::multiply, [](Real a, Real b) { return a * b; }, 0.5},
    {"divide", kernels::Fn::divide, [](Real a, Real b) { return a / b; }, 0.5},
    {"maximum", kernels::Fn::maximum, [](Real a, Real b) { return std::isnan(a) ? a
                                                                  : a > b       ? a
                                                                                : b; }, 0},
    {"minimum", kernels::Fn::minimum, [](Real a, Real b) { return std::isnan(a) ? a
                                                                  : a < b       ? a
                                                                                : b; }, 0},
    {"pow", kernels::Fn::pow, [](Real a, Real b) { return std::pow(a, b); }, 1.5},
    {"fmod", kernels::Fn::fmod, [](Real a, Real b) { return std::fmod(a, b); }, 0},
    {"remainder", kernels::Fn::remainder,
     [](Real a, Real b) {
       const Real r = std::fmod(a, b);
       return r == 0 ? std::copysign(r, b) : (r < 0) != (b < 0) ? r + b : r;
     },
     0.5},
    {"atan2", kernels::Fn::atan2, [](Real y, Real x) { return std::atan2(y, x); }, 3},
    {"hypot", kernels::Fn::hypot, [](Real a, Real b) { return std::hypot(a, b); }, 2},
    // Near a zero of the result float64 cancels; accuracy_test holds float32 to 4.
    {"logaddexp", kernels::Fn::logaddexp,
     [](Real a, Real b) { return a == b ? a + std::log(Real(2)) : std::max(a, b) + std::log1p(std::exp(-std::abs(a - b))); }, 64},
    {"xlogy", kernels::Fn::xlogy, [](Real x, Real y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log(y); }, 2},
    {"leaky_relu", kernels::Fn::leaky_relu, [](Real x, Real slope) { return x < 0 ? slope * x : x; }, 0.5},
    {"relu gradient", kernels::Fn::relu_gradient, [](Real y, Real g) { return y <= 0 ? 0 : g; }, 0},
    {"elu", kernels::Fn::elu, [](Real x, Real alpha) { return x > 0 ? x : alpha * std::expm1(x); }, 2.5},
};

struct Comparison {
  const char* name;
  kernels::Fn fn;
  bool (*value)(double, double);
};

inline const Comparison kComparisons[] = {
    {"equal", kernels::Fn::equal, [](double a, double b) { return a == b; }},
    {"not_equal", kernels::Fn::not_equal, [](double a, double b) { return a != b; }},
    {"less", kernels::Fn::less, [](double a, double b) { return a < b; }},
    {"less_equal", kernels::Fn::less_equal, [](double a, double b) { return a <= b; }},
};

inline bool is_comparison(kernels::Fn fn) {
  for (const Comparison& row : kComparisons)
    if (row.fn == fn) return true;
  return false;
}

}  // namespace gradus::test
