// Dual<V, N>: a number V with N partial derivatives, by the chain rule. V may be a SIMD vector, a plain number or itself a dual.
//
// Comparisons look at the value alone; select chooses derivatives with the value. Written beside Vec so that the functors,
// generic in their number type, take either.
#if defined(GRADUS_DUAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_DUAL_INL_H_
#undef GRADUS_DUAL_INL_H_
#else
#define GRADUS_DUAL_INL_H_
#endif

#include <array>
#include <numbers>

#include "autograd/kernels/functors-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

/// With a whole order that is the same in every lane.
template <class T>
HWY_INLINE Vec<T> polygamma(int n, Vec<T> x) {
  return polygamma(Vec<T>(n), x);
}

template <class V, size_t N>
struct Dual {
  V value;
  std::array<V, N> partials;

  Dual() = default;
  HWY_INLINE Dual(double constant) : value(constant) { partials.fill(V(0.0)); }
  HWY_INLINE explicit Dual(V v) : value(v) { partials.fill(V(0.0)); }
  /// The k-th variable.
  HWY_INLINE Dual(V v, size_t k) : Dual(v) { partials[k] = V(1.0); }

  /// f(x) with derivative slope.
  static HWY_INLINE Dual chain(V fx, V slope, const Dual& x) {
    Dual out(fx);
    for (size_t i = 0; i < N; ++i) out.partials[i] = slope * x.partials[i];
    return out;
  }
  /// f(x, y) with derivatives in x and y.
  static HWY_INLINE Dual chain(V fxy, V in_x, const Dual& x, V in_y, const Dual& y) {
    Dual out(fxy);
    for (size_t i = 0; i < N; ++i) out.partials[i] = in_x * x.partials[i] + in_y * y.partials[i];
    return out;
  }

  friend HWY_INLINE Dual operator+(const Dual& a, const Dual& b) {
    Dual out(a.value + b.value);
    for (size_t i = 0; i < N; ++i) out.partials[i] = a.partials[i] + b.partials[i];
    return out;
  }
  friend HWY_INLINE Dual operator-(const Dual& a, const Dual& b) {
    Dual out(a.value - b.value);
    for (size_t i = 0; i < N; ++i) out.partials[i] = a.partials[i] - b.partials[i];
    return out;
  }
  friend HWY_INLINE Dual operator-(const Dual& a) { return chain(-a.value, V(-1.0), a); }
  friend HWY_INLINE Dual operator*(const Dual& a, const Dual& b) { return chain(a.value * b.value, b.value, a, a.value, b); }
  friend HWY_INLINE Dual operator/(const Dual& a, const Dual& b) {
    const V y = a.value / b.value, inverse = V(1.0) / b.value;
    return chain(y, inverse, a, -(y * inverse), b);
  }
  friend HWY_INLINE auto operator<(const Dual& a, const Dual& b) { return a.value < b.value; }
  friend HWY_INLINE auto operator<=(const Dual& a, const Dual& b) { return a.value <= b.value; }
  friend HWY_INLINE auto operator>(const Dual& a, const Dual& b) { return a.value > b.value; }
  friend HWY_INLINE auto operator>=(const Dual& a, const Dual& b) { return a.value >= b.value; }
  friend HWY_INLINE auto operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
  friend HWY_INLINE auto operator!=(const Dual& a, const Dual& b) { return a.value != b.value; }

  template <class Mask>
  friend HWY_INLINE Dual select(const Mask& mask, const Dual& a, const Dual& b) {
    Dual out(select(mask, a.value, b.value));
    for (size_t i = 0; i < N; ++i) out.partials[i] = select(mask, a.partials[i], b.partials[i]);
    return out;
  }

  friend HWY_INLINE Dual abs(const Dual& x) {
    return chain(abs(x.value), select(x.value > V(0.0), V(1.0), select(x.value < V(0.0), V(-1.0), V(0.0))), x);
  }
  friend HWY_INLINE Dual sqrt(const Dual& x) {
    const V y = sqrt(x.value);
    return chain(y, V(0.5) / y, x);
  }
  friend HWY_INLINE Dual exp(const Dual& x) {
    const V y = exp(x.value);
    return chain(y, y, x);
  }
  friend HWY_INLINE Dual exp2(const Dual& x) {
    const V y = exp2(x.value);
    return chain(y, V(std::numbers::ln2) * y, x);
  }
  friend HWY_INLINE Dual expm1(const Dual& x) { return chain(expm1(x.value), exp(x.value), x); }
  friend HWY_INLINE Dual log(const Dual& x) { return chain(log(x.value), V(1.0) / x.value, x); }
  friend HWY_INLINE Dual log2(const Dual& x) { return chain(log2(x.value), V(std::numbers::log2e) / x.value, x); }
  friend HWY_INLINE Dual log10(const Dual& x) { return chain(log10(x.value), V(std::numbers::log10e) / x.value, x); }
  friend HWY_INLINE Dual cbrt(const Dual& x) {
    const V y = cbrt(x.value);
    return chain(y, V(1.0) / (V(3.0) * y * y), x);
  }
  friend HWY_INLINE Dual logaddexp(const Dual& a, const Dual& b) {
    const V share = share_of(a.value, b.value);
    return chain(logaddexp(a.value, b.value), share, a, share_of(b.value, a.value), b);
  }
  /// 0 log(0) has derivative 0 in both.
  friend HWY_INLINE Dual xlogy(const Dual& x, const Dual& y) {
    const V zero(0.0), one(1.0);
    const auto none = (x.value == zero) & (y.value <= zero);
    const V safe = select(none, one, y.value);
    return chain(xlogy(x.value, y.value), log(safe), x, x.value / safe, y);
  }
  friend HWY_INLINE Dual log1p(const Dual& x) { return chain(log1p(x.value), V(1.0) / (V(1.0) + x.value), x); }
  friend HWY_INLINE Dual sin(const Dual& x) { return chain(sin(x.value), cos(x.value), x); }
  friend HWY_INLINE Dual cos(const Dual& x) { return chain(cos(x.value), -sin(x.value), x); }
  friend HWY_INLINE Dual tan(const Dual& x) {
    const V y = tan(x.value);
    return chain(y, V(1.0) + y * y, x);
  }
  friend HWY_INLINE Dual asin(const Dual& x) { return chain(asin(x.value), V(1.0) / sqrt(one_minus_square(x.value)), x); }
  friend HWY_INLINE Dual acos(const Dual& x) { return chain(acos(x.value), V(-1.0) / sqrt(one_minus_square(x.value)), x); }
  friend HWY_INLINE Dual atan(const Dual& x) { return chain(atan(x.value), V(1.0) / (V(1.0) + x.value * x.value), x); }
  /// The origin has derivative 0, as in the operations atan2 and hypot.
  friend HWY_INLINE Dual atan2(const Dual& y, const Dual& x) {
    const V h = hypot(x.value, y.value), zero(0.0);
    const auto nowhere = (h == zero) | (h == V(std::numeric_limits<double>::infinity()));
    const V length = select(nowhere, V(1.0), h);
    const V in_y = select(nowhere, zero, x.value) / length / length, in_x = select(nowhere, zero, y.value) / length / length;
    return chain(atan2(y.value, x.value), in_y, y, -in_x, x);
  }
  friend HWY_INLINE Dual hypot(const Dual& x, const Dual& y) {
    const V h = hypot(x.value, y.value), length = select(h == V(0.0), V(1.0), h);
    return chain(h, x.value / length, x, y.value / length, y);
  }
  friend HWY_INLINE Dual asinh(const Dual& x) { return chain(asinh(x.value), V(1.0) / hypot(x.value, V(1.0)), x); }
  friend HWY_INLINE Dual acosh(const Dual& x) {
    return chain(acosh(x.value), V(1.0) / (sqrt(x.value - V(1.0)) * sqrt(x.value + V(1.0))), x);
  }
  friend HWY_INLINE Dual atanh(const Dual& x) { return chain(atanh(x.value), V(1.0) / one_minus_square(x.value), x); }
  friend HWY_INLINE Dual sinh(const Dual& x) { return chain(sinh(x.value), cosh(x.value), x); }
  friend HWY_INLINE Dual cosh(const Dual& x) { return chain(cosh(x.value), sinh(x.value), x); }
  friend HWY_INLINE Dual tanh(const Dual& x) {
    const V y = tanh(x.value);
    return chain(y, V(1.0) - y * y, x);
  }
  friend HWY_INLINE Dual exp_minus_square(const Dual& x) {
    const V y = exp_minus_square(x.value);
    return chain(y, V(-2.0) * x.value * y, x);
  }
  friend HWY_INLINE Dual erf(const Dual& x) {
    return chain(erf(x.value), V(2.0 * std::numbers::inv_sqrtpi) * exp_minus_square(x.value), x);
  }
  friend HWY_INLINE Dual normal_cdf(const Dual& x) {
    const V density = V(0.39894228040143268) * exp_minus_square(V(0.70710678118654752) * x.value);
    return chain(normal_cdf(x.value), density, x);
  }
  friend HWY_INLINE Dual erfc(const Dual& x) {
    return chain(erfc(x.value), V(-2.0 * std::numbers::inv_sqrtpi) * exp_minus_square(x.value), x);
  }
  friend HWY_INLINE Dual lgamma(const Dual& x) { return chain(lgamma(x.value), digamma(x.value), x); }
  friend HWY_INLINE Dual digamma(const Dual& x) { return chain(digamma(x.value), polygamma(1, x.value), x); }
  friend HWY_INLINE Dual polygamma(int n, const Dual& x) { return chain(polygamma(n, x.value), polygamma(n + 1, x.value), x); }
  friend HWY_INLINE Dual floor(const Dual& x) { return Dual(floor(x.value)); }
  friend HWY_INLINE Dual ceil(const Dual& x) { return Dual(ceil(x.value)); }
  friend HWY_INLINE Dual rint(const Dual& x) { return Dual(rint(x.value)); }
  friend HWY_INLINE Dual trunc(const Dual& x) { return Dual(trunc(x.value)); }
  friend HWY_INLINE Dual fmod(const Dual& a, const Dual& b) {
    const V r = fmod(a.value, b.value);
    return chain(r, V(1.0), a, rint((r - a.value) / b.value), b);
  }
  friend HWY_INLINE Dual remainder(const Dual& a, const Dual& b) {
    const V r = remainder(a.value, b.value);
    return chain(r, V(1.0), a, rint((r - a.value) / b.value), b);
  }
  /// As the operation pow: 0^0 has derivative 0 in both, 0^y has derivative 0 in y > 0 and -inf in y < 0.
  friend HWY_INLINE Dual pow(const Dual& x, const Dual& y) {
    const V p = pow(x.value, y.value), zero(0.0), one(1.0);
    const auto no_power = (y.value == zero) & ((x.value == zero) | (x.value != x.value));
    const V in_x = y.value * pow(select(no_power, one, x.value), y.value - one);
    const auto no_log = (x.value >= zero) & ((p == zero) | ((x.value == zero) & (y.value == zero)));
    return chain(p, in_x, x, p * log(select(no_log, one, x.value)), y);
  }

 private:
  static HWY_INLINE V one_minus_square(V x) { return (V(1.0) - x) * (V(1.0) + x); }
  /// e^a / (e^a + e^b); a half each for equal infinities.
  static HWY_INLINE V share_of(V a, V b) {
    const V d = select((a == b) & (a - a != V(0.0)), V(0.0), a - b);
    return V(1.0) / (V(1.0) + exp(-d));
  }
};

/// The activations and other functions of the library under their names, for vectors and duals.
template <class V>
concept LaneNumber = requires {
  typename V::Scalar;
}
|| requires(V v) { v.partials; };

template <LaneNumber V>
HWY_INLINE V sigmoid(V x) {
  return Functor<Fn::sigmoid>::eval(x);
}
template <LaneNumber V>
HWY_INLINE V log_sigmoid(V x) {
  return Functor<Fn::log_sigmoid>::eval(x);
}
template <LaneNumber V>
HWY_INLINE auto isnan(V x) {
  return x != x;
}
template <LaneNumber V>
HWY_INLINE auto isinf(V x) {
  return abs(x) == V(std::numeric_limits<double>::infinity());
}
template <LaneNumber V>
HWY_INLINE auto isfinite(V x) {
  return x - x == V(0.0);
}
template <LaneNumber V>
HWY_INLINE V relu(V x) {
  return Functor<Fn::relu>::eval(x);
}
template <LaneNumber V>
HWY_INLINE V softplus(V x) {
  return Functor<Fn::softplus>::eval(x);
}
template <LaneNumber V>
HWY_INLINE V silu(V x) {
  return Functor<Fn::silu>::eval(x);
}
template <LaneNumber V>
HWY_INLINE V gelu(V x) {
  return Functor<Fn::gelu>::eval(x);
}
template <LaneNumber V>
HWY_INLINE V gaussian(V x) {
  return exp_minus_square(x);
}
template <LaneNumber V>
HWY_INLINE V square(V x) {
  return x * x;
}
template <LaneNumber V>
HWY_INLINE V rsqrt(V x) {
  return V(1.0) / sqrt(x);
}
template <LaneNumber V>
HWY_INLINE V reciprocal(V x) {
  return V(1.0) / x;
}
template <LaneNumber V>
HWY_INLINE V maximum(V a, std::type_identity_t<V> b) {
  return select(a > b, a, select(a == b, V(0.5) * (a + b), select(a != a, a, b)));  // ties share the gradient
}
template <LaneNumber V>
HWY_INLINE V minimum(V a, std::type_identity_t<V> b) {
  return select(a < b, a, select(a == b, V(0.5) * (a + b), select(a != a, a, b)));
}
/// a where the mask (a comparison) is true, b elsewhere.
template <class Mask, LaneNumber V>
HWY_INLINE V where(Mask mask, V a, std::type_identity_t<V> b) {
  return select(mask, a, b);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_DUAL_INL_H_
