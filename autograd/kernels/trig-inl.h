// sin, cos and tan of Vec<T>. Arguments up to 10000 are reduced by multiples of pi/2 in parts; beyond, <cmath> does it lane by
// lane.
#if defined(GRADUS_TRIG_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_TRIG_INL_H_
#undef GRADUS_TRIG_INL_H_
#else
#define GRADUS_TRIG_INL_H_
#endif

#include <array>

#include "autograd/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <class T>
struct TrigConstants;

template <>
struct TrigConstants<float> {
  // pi/2: all parts but the last short enough for exact products with multiples of up to 13 bits (Cody and Waite)
  static constexpr std::array kHalfPi{0x1.92p+0f, 0x1.fb4p-12f, 0x1.444p-24f, 0x1.68c234p-39f};
  // (sin(r) / r - 1) / r^2 and (cos(r) - 1) / r^2 in r^2, for |r| <= pi/4
  static constexpr std::array kSin{-0.166666672f, 0.00833332911f, -0.000198393289f, 2.71824979e-06f};
  static constexpr std::array kCos{-0.5f, 0.0416666679f, -0.00138888811f, 2.47990301e-05f, -2.71792601e-07f};
};

template <>
struct TrigConstants<double> {
  static constexpr std::array kHalfPi{0x1.921fb54440p+0, 0x1.68c234c4c4p-39, 0x1.3145c06e0e689p-78};
  static constexpr std::array kSin{-0.16666666666666666,   0.0083333333333333228,  -0.00019841269841254999,
                                   2.7557319214154648e-06, -2.505210490205651e-08, 1.6058365382776353e-10,
                                   -7.5786346125060472e-13};
  static constexpr std::array kCos{-0.5,
                                   0.041666666666666664,
                                   -0.0013888888888888863,
                                   2.4801587301564676e-05,
                                   -2.7557319213133782e-07,
                                   2.0876753954469102e-09,
                                   -1.1470253629157064e-11,
                                   4.736549958628176e-14};
};

/// sin(x + quarter * pi/2) for |x| < 10000.
template <class T, int quarter>
HWY_INLINE Vec<T> sin_reduced(Vec<T> x) {
  using C = TrigConstants<T>;
  const typename Vec<T>::Tag d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using U = hn::TFromD<decltype(du)>;
  const Rounded<T> multiple = round_small(x, static_cast<T>(0.63661977236758134));
  Vec<T> r = x;
  for (size_t i = 0; i < C::kHalfPi.size(); ++i) r = mul_add(multiple.value, Vec<T>(static_cast<double>(-C::kHalfPi[i])), r);
  const Vec<T> z = r * r;
  const Vec<T> sine = mul_add(r * z, polynomial(z, C::kSin), r), cosine = mul_add(z, polynomial(z, C::kCos), Vec<T>(1));
  // The quadrant is in the low bits of the shifted form: bit 0 exchanges sine and cosine, bit 1 changes the sign.
  const auto quadrant = hn::Add(hn::BitCast(du, multiple.shifted.raw), hn::Set(du, static_cast<U>(quarter)));
  const auto even = hn::Eq(hn::And(quadrant, hn::Set(du, U{1})), hn::Zero(du));
  const auto sign = hn::ShiftLeft<static_cast<int>(sizeof(T)) * 8 - 2>(hn::And(quadrant, hn::Set(du, U{2})));
  const Vec<T> value = select(typename Vec<T>::Mask{hn::RebindMask(d, even)}, sine, cosine);
  return Vec<T>(hn::Xor(value.raw, hn::BitCast(d, sign)));
}

/// `value`, except where |x| is too large for it or x is not finite.
template <class T>
HWY_INLINE Vec<T> within_range(Vec<T> x, Vec<T> value, T (*exact)(T)) {
  const auto inside = abs(x) < Vec<T>(10000);
  if (HWY_LIKELY(hn::AllTrue(typename Vec<T>::Tag(), inside.raw))) return value;
  return select(inside, value, per_lane(exact, x));
}

template <class T>
HWY_INLINE Vec<T> sin(Vec<T> x) {
  return within_range(x, select(x == Vec<T>(0), x, sin_reduced<T, 0>(x)), static_cast<T (*)(T)>(std::sin));
}
template <class T>
HWY_INLINE Vec<T> cos(Vec<T> x) {
  return within_range(x, sin_reduced<T, 1>(x), static_cast<T (*)(T)>(std::cos));
}
template <class T>
HWY_INLINE Vec<T> tan(Vec<T> x) {
  return per_lane(static_cast<T (*)(T)>(std::tan), x);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_TRIG_INL_H_
