// x Phi(x), x s(x) and their like for Vec<float>, exact where they underflow: products whose factors underflow before they do, or
// whose exponents must not be rounded.
#if defined(GRADUS_TAILS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_TAILS_INL_H_
#undef GRADUS_TAILS_INL_H_
#else
#define GRADUS_TAILS_INL_H_
#endif

#include "autograd/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

inline constexpr double kFarLeft = -10000;
// gelu's tanh form is x s(linear x + cubic x^3).
inline constexpr double kTanhCdfLinear = 1.5957691216057308, kTanhCdfCubic = 0.071354816272600219;

/// f of vectors of double, for vectors of float: rounded once.
template <class F, class... V>
HWY_INLINE Vec<float> through_double(F f, V... x) {
  const Vec<double>::Tag wide;
  const hn::Rebind<float, Vec<double>::Tag> narrow;
  constexpr size_t kStep = static_cast<size_t>(Vec<double>::kLanes), kLanes = static_cast<size_t>(Vec<float>::kLanes);
  alignas(64) float in[sizeof...(V)][kLanes], out[kLanes];
  size_t k = 0;
  (x.store(in[k++]), ...);
  const auto part = [&](size_t input, size_t i)
                        HWY_ATTR { return Vec<double>(hn::PromoteTo(wide, hn::LoadU(narrow, in[input] + i))); };
  for (size_t i = 0; i < kLanes; i += kStep) {
    const auto store = [&](Vec<double> y) HWY_ATTR { hn::StoreU(hn::DemoteTo(narrow, y.raw), narrow, out + i); };
    if constexpr (sizeof...(V) == 1) store(f(part(0, i)));
    else store(f(part(0, i), part(1, i)));
  }
  return Vec<float>::load(out);
}

HWY_INLINE Vec<float> times_normal_cdf(Vec<float> x) {
  const Vec<float> scaled = x * Vec<float>(0.70710678118654752), a = abs(scaled), zero(0), one(1), half(0.5), least(-15);
  const Product<float> e = split_exp_minus_square(x, half);
  const Vec<float> tail = half * scaled_erfc(a) * e.first, held = select(x < least, least, x);
  const Vec<float> middle = x * mul_add(half, erf_small(scaled), half);
  return select(a < half, middle, select(x < zero, held * tail * e.second, x * (one - tail * e.second)));
}

HWY_INLINE Vec<float> times_sigmoid(Vec<float> x) {
  const auto positive = x >= Vec<float>(0);
  const Vec<float> least(-120), one(1), held = select(x < least, least, x);
  const Product<float> e = split_exp(select(positive, -x, x), Vec<float>(0));
  const Vec<float> sum = one + e.first * e.second;
  return select(positive, x / sum, held * e.first / sum * e.second);
}

/// In double, whose tail is exact for float32.
HWY_INLINE Vec<float> times_tanh_cdf(Vec<float> x) {
  return through_double(
      [](Vec<double> v) HWY_ATTR {
        const Vec<double> u = v * (Vec<double>(kTanhCdfLinear) + Vec<double>(kTanhCdfCubic) * (v * v)), one(1), zero(0),
                          least(kFarLeft);
        const auto positive = u >= zero;
        const Vec<double> z = exp(select(positive, -u, u));
        return select(v < least, least, v) * (select(positive, one, z) / (one + z));
      },
      x);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_TAILS_INL_H_
