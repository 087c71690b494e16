// Special functions of Vec<T> that are computed in double, lane by lane or in vectors.
#if defined(GRADUS_SPECIAL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_SPECIAL_INL_H_
#undef GRADUS_SPECIAL_INL_H_
#else
#define GRADUS_SPECIAL_INL_H_
#endif

#include <numbers>

#include "autograd/kernels/special.h"
#include "autograd/kernels/tails-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <class T>
HWY_INLINE Vec<T> lgamma(Vec<T> x) {
  return per_lane([](T v) { return static_cast<T>(special::lgamma(static_cast<double>(v))); }, x);
}
template <class T>
HWY_INLINE Vec<T> digamma(Vec<T> x) {
  return per_lane([](T v) { return static_cast<T>(special::digamma(static_cast<double>(v))); }, x);
}
/// The order as a number in each lane.
template <class T>
HWY_INLINE Vec<T> polygamma(Vec<T> n, Vec<T> x) {
  return per_lane(
      [](T order, T v) { return static_cast<T>(special::polygamma(static_cast<int>(order), static_cast<double>(v))); }, n, x);
}

/// log(e^a + e^b) for any number. Equal infinities have no difference.
template <class V>
HWY_INLINE V logaddexp_of(V a, V b) {
  const auto ordered = a >= b;
  const V high = select(ordered, a, b), low = select(ordered, b, a);
  return high + log1p(exp(low - high));
}
HWY_INLINE Vec<double> logaddexp(Vec<double> a, Vec<double> b) {
  return select(a == b, a + Vec<double>(std::numbers::ln2), logaddexp_of(a, b));
}
/// In double: near its zeros the sum cancels.
HWY_INLINE Vec<float> logaddexp(Vec<float> a, Vec<float> b) {
  return through_double([](Vec<double> x, Vec<double> y) HWY_ATTR { return logaddexp(x, y); }, a, b);
}

/// x log(y), 0 where x is 0 and y is a number.
template <class T>
HWY_INLINE Vec<T> xlogy(Vec<T> x, Vec<T> y) {
  return select((x == Vec<T>(0)) & (y == y), Vec<T>(0), x * log(y));
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_SPECIAL_INL_H_
