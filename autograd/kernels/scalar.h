// What the pointwise functors need of a scalar type: plain floats through <cmath>, integers modulo 2^bits.
//
// The functors call these names unqualified; vectors bring their own overloads in their own namespace.
#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

namespace gradus::kernels::scalar {

using std::abs, std::sqrt, std::exp, std::expm1, std::log, std::log1p, std::sin, std::cos, std::tan, std::sinh, std::cosh,
    std::tanh;
using std::erf, std::floor, std::ceil, std::rint, std::pow;

template <std::floating_point T>
T select(bool condition, T a, T b) {
  return condition ? a : b;
}
/// e^(-x^2).
template <std::floating_point T>
T exp_minus_square(T x) {
  return std::exp(-x * x);
}
/// The distribution function of the standard normal.
template <std::floating_point T>
T normal_cdf(T x) {
  return T(0.5) * std::erfc(x * T(-0.70710678118654752));
}

/// a - floor(a / b) b, with the sign of b; a zero takes that sign too.
template <std::floating_point T>
T remainder(T a, T b) {
  const T r = std::fmod(a, b);
  if (r == 0) return std::copysign(r, b);
  return (r < 0) != (b < 0) ? r + b : r;
}

// Integers are finite.
template <class T>
bool isnan(T x) {
  return x != x;
}
template <class T>
bool isinf(T x) {
  if constexpr (std::floating_point<T>) return std::isinf(x);
  else return false;
}
template <class T>
bool isfinite(T x) {
  return x - x == 0;
}

/// An integer or boolean whose arithmetic wraps instead of overflowing. For booleans + is or, * is and, - is exclusive or.
template <std::integral T>
struct Wrapped {
  T value;

  constexpr Wrapped(T v) : value(v) {}
  /// 0, 1 and -1, the constants of the functors for all dtypes.
  constexpr explicit Wrapped(int v) requires(!std::same_as<T, int>) : value(static_cast<T>(v)) {}

  friend constexpr Wrapped operator+(Wrapped a, Wrapped b) {
    if constexpr (kBool) return T(a.value || b.value);
    else return wrap(unsign(a) + unsign(b));
  }
  friend constexpr Wrapped operator-(Wrapped a, Wrapped b) {
    if constexpr (kBool) return T(a.value != b.value);
    else return wrap(unsign(a) - unsign(b));
  }
  friend constexpr Wrapped operator*(Wrapped a, Wrapped b) {
    if constexpr (kBool) return T(a.value && b.value);
    else return wrap(unsign(a) * unsign(b));
  }
  friend constexpr Wrapped operator-(Wrapped a) { return Wrapped(T(0)) - a; }
  friend constexpr bool operator<(Wrapped a, Wrapped b) { return a.value < b.value; }
  friend constexpr bool operator<=(Wrapped a, Wrapped b) { return a.value <= b.value; }
  friend constexpr bool operator>(Wrapped a, Wrapped b) { return a.value > b.value; }
  friend constexpr bool operator>=(Wrapped a, Wrapped b) { return a.value >= b.value; }
  friend constexpr bool operator==(Wrapped a, Wrapped b) { return a.value == b.value; }
  friend constexpr bool operator!=(Wrapped a, Wrapped b) { return a.value != b.value; }

  friend constexpr Wrapped select(bool condition, Wrapped a, Wrapped b) { return condition ? a : b; }
  friend constexpr Wrapped abs(Wrapped a) { return a < Wrapped(T(0)) ? -a : a; }
  /// By squaring. A negative exponent gives the whole part of the result, and 0 for the base 0.
  friend constexpr Wrapped pow(Wrapped base, Wrapped exponent) {
    Wrapped result(T(1));
    T e = exponent.value;
    if constexpr (kBool) return base + Wrapped(T(!e));
    else {
      if constexpr (std::signed_integral<T>)
        if (e < T(0)) {
          if (base.value == T(1)) return base;
          return base.value == T(-1) ? ((e & T(1)) != 0 ? base : -base) : Wrapped(T(0));
        }
      for (; e != 0; e = static_cast<T>(e >> 1), base = base * base)
        if ((e & T(1)) != 0) result = result * base;
      return result;
    }
  }
  /// With the sign of a; 0 for b = 0, which the operations refuse.
  friend constexpr Wrapped fmod(Wrapped a, Wrapped b) {
    if constexpr (kBool) return T(false);
    else {
      if (b.value == 0) return T(0);
      if constexpr (std::signed_integral<T>)
        if (b.value == T(-1)) return T(0);  // the least number by -1 overflows
      return static_cast<T>(a.value % b.value);
    }
  }
  /// With the sign of b.
  friend constexpr Wrapped remainder(Wrapped a, Wrapped b) {
    const Wrapped r = fmod(a, b);
    return r.value != T(0) && (r.value < T(0)) != (b.value < T(0)) ? r + b : r;
  }

 private:
  static constexpr bool kBool = std::same_as<T, bool>;
  // At least as wide as unsigned: narrower types would be promoted to int, whose product may overflow.
  static constexpr auto unsign(Wrapped a) {
    using U = std::make_unsigned_t<std::conditional_t<kBool, unsigned char, T>>;
    return static_cast<std::common_type_t<U, unsigned>>(a.value);
  }
  template <class U>
  static constexpr Wrapped wrap(U value) {
    return static_cast<T>(value);
  }
};

}  // namespace gradus::kernels::scalar
