// Inverse trigonometric and hyperbolic functions of Vec<T>, within 4 units in the last place.
#if defined(GRADUS_INVERSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_INVERSE_INL_H_
#undef GRADUS_INVERSE_INL_H_
#else
#define GRADUS_INVERSE_INL_H_
#endif

#include <array>
#include <numbers>

#include "autograd/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <class T>
struct InverseConstants;

template <>
struct InverseConstants<float> {
  // (atan(t) / t - 1) / t^2 in t^2, for |t| <= tan(pi/8)
  static constexpr std::array kAtan{-0.333333318f, 0.199995402f, -0.142639464f, 0.107436316f, -0.0645159726f};
  // (asin(t) / t - 1) / t^2 in t^2, for |t| <= 1/2
  static constexpr std::array kAsin{0.166666663f, 0.0750009476f, 0.0445993192f, 0.0311017278f, 0.0171437168f, 0.0337007263f};
  static constexpr double kLarge = 4096;  // beyond, x^2 + 1 rounds to x^2
};

template <>
struct InverseConstants<double> {
  static constexpr std::array kAtan{-0.33333333333333333,  0.19999999999999804,  -0.14285714285659749,  0.11111111105147764,
                                    -0.090909087531185939, 0.07692296363979951,  -0.066664246872464995, 0.058789267157567258,
                                    -0.052304374642516871, 0.045515165635903106, -0.0345685906686069,   0.016283572356482589};
  static constexpr std::array kAsin{0.16666666666666667,   0.075000000000001185,  0.044642857142550185,  0.030381944475693705,
                                    0.022372157435623815,  0.017352816768546473,  0.013963775787848136,  0.011566511821890943,
                                    0.0096214027473448303, 0.0093221015010827739, 0.0030350071727267624, 0.019579201619744685,
                                    -0.019277545928584555, 0.029635026263548548};
  static constexpr double kLarge = 0x1p28;
};

// Trigonometric

/// atan of 0 <= t <= 1: atan(t) = pi/4 + atan((t - 1) / (t + 1)) above tan(pi/8).
template <class T>
HWY_INLINE Vec<T> atan_unit(Vec<T> t) {
  const auto upper = t > Vec<T>(0.41421356237309503);
  const Vec<T> u = select(upper, (t - Vec<T>(1)) / (t + Vec<T>(1)), t), z = u * u;
  const Vec<T> value = mul_add(u * z, polynomial(z, InverseConstants<T>::kAtan), u);
  return select(upper, Vec<T>(std::numbers::pi / 4) + value, value);
}

template <class T>
HWY_INLINE Vec<T> atan(Vec<T> x) {
  const Vec<T> a = abs(x);
  const auto large = a > Vec<T>(1);
  const Vec<T> value = atan_unit(select(large, Vec<T>(1) / a, a));
  return copysign(select(large, Vec<T>(std::numbers::pi / 2) - value, value), x);
}

/// The angle of the point (x, y), zeros and infinities as in <cmath>.
template <class T>
HWY_INLINE Vec<T> atan2(Vec<T> y, Vec<T> x) {
  const Vec<T> zero(0), one(1), ax = abs(x), ay = abs(y);
  const auto steep = ay > ax;
  const Vec<T> high = select(steep, ay, ax), low = select(steep, ax, ay);
  const auto defined = (ay == ay) & (ax == ax);
  const Vec<T> q = select(ay == ax, select(ax == zero, zero, one), select(defined, low / high, ax + ay));
  const Vec<T> octant = atan_unit(q), angle = select(steep, Vec<T>(std::numbers::pi / 2) - octant, octant);
  const auto left = copysign(one, x) < zero;  // -0 is on the left
  return copysign(select(left, Vec<T>(std::numbers::pi) - angle, angle), y);
}

/// asin of 0 <= t <= 1/2.
template <class T>
HWY_INLINE Vec<T> asin_half(Vec<T> t) {
  const Vec<T> z = t * t;
  return mul_add(t * z, polynomial(z, InverseConstants<T>::kAsin), t);
}

// Above 1/2: asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)).
template <class T>
HWY_INLINE Vec<T> asin(Vec<T> x) {
  const Vec<T> a = abs(x);
  const auto upper = a > Vec<T>(0.5);
  const Vec<T> part = asin_half(select(upper, sqrt((Vec<T>(1) - a) * Vec<T>(0.5)), a));
  return copysign(select(upper, Vec<T>(std::numbers::pi / 2) - (part + part), part), x);
}
template <class T>
HWY_INLINE Vec<T> acos(Vec<T> x) {
  const Vec<T> a = abs(x);
  const auto upper = a > Vec<T>(0.5);
  const Vec<T> part = asin_half(select(upper, sqrt((Vec<T>(1) - a) * Vec<T>(0.5)), a)), twice = part + part;
  const Vec<T> outer = select(x < Vec<T>(0), Vec<T>(std::numbers::pi) - twice, twice);
  return select(upper, outer, Vec<T>(std::numbers::pi / 2) - copysign(part, x));
}

// Hyperbolic: logarithms of 1 + something, which keeps small arguments exact

template <class T>
HWY_INLINE Vec<T> asinh(Vec<T> x) {
  const Vec<T> a = abs(x), square = a * a, one(1);
  const Vec<T> value = log1p(a + square / (one + sqrt(square + one)));
  return copysign(select(a > Vec<T>(InverseConstants<T>::kLarge), log(a) + Vec<T>(std::numbers::ln2), value), x);
}
template <class T>
HWY_INLINE Vec<T> acosh(Vec<T> x) {
  const Vec<T> t = x - Vec<T>(1), value = log1p(t + sqrt(t * (t + Vec<T>(2))));
  const Vec<T> large = log(x) + Vec<T>(std::numbers::ln2), nan(std::numeric_limits<double>::quiet_NaN());
  return select(x >= Vec<T>(1), select(x > Vec<T>(InverseConstants<T>::kLarge), large, value), nan);
}
template <class T>
HWY_INLINE Vec<T> atanh(Vec<T> x) {
  const Vec<T> a = abs(x);
  return copysign(Vec<T>(0.5) * log1p((a + a) / (Vec<T>(1) - a)), x);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_INVERSE_INL_H_
