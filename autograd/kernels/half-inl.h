// Blocks of float16 and bfloat16 to float32 and back, with the roundings of autograd/base/float16.h.
#if defined(GRADUS_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_HALF_INL_H_
#undef GRADUS_HALF_INL_H_
#else
#define GRADUS_HALF_INL_H_
#endif

#include <cstring>

#include "autograd/base/float16.h"
#include "autograd/kernels/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

using FloatTag = hn::ScalableTag<float>;
using WordTag = hn::RebindToUnsigned<FloatTag>;
using HalfTag = hn::Rebind<uint16_t, FloatTag>;
using Word = hn::Vec<WordTag>;

/// The value of a 16-bit pattern (zero-extended in each lane), as a float32 pattern.
template <class Half>
HWY_INLINE Word widen_bits(Word h) {
  const WordTag d;
  if constexpr (std::is_same_v<Half, bfloat16>) return hn::ShiftLeft<16>(h);
  else {
    const FloatTag df;
    const Word sign = hn::ShiftLeft<16>(hn::And(h, hn::Set(d, 0x8000u)));
    const Word magnitude = hn::ShiftLeft<13>(hn::And(h, hn::Set(d, 0x7fffu)));
    const Word normal = hn::Add(magnitude, hn::Set(d, 112u << 23)), infinite = hn::Add(normal, hn::Set(d, 112u << 23));
    const Word implied = hn::Add(magnitude, hn::Set(d, 113u << 23));  // an implicit 1 in front, which the subtraction removes
    const Word subnormal = hn::BitCast(d, hn::Sub(hn::BitCast(df, implied), hn::BitCast(df, hn::Set(d, 113u << 23))));
    const Word finite = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x0400u << 13)), subnormal, normal);
    return hn::Or(sign, hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x7c00u << 13)), finite, infinite));
  }
}

/// The reverse, to nearest even; same steps as the constructors.
template <class Half>
HWY_INLINE Word narrow_bits(Word u) {
  const WordTag d;
  const Word magnitude = hn::And(u, hn::Set(d, 0x7fffffffu));
  const auto nan = hn::Gt(magnitude, hn::Set(d, 0x7f800000u));
  if constexpr (std::is_same_v<Half, bfloat16>) {
    const Word upper = hn::ShiftRight<16>(u);
    const Word odd = hn::And(upper, hn::Set(d, 1u));
    const Word rounded = hn::ShiftRight<16>(hn::Add(u, hn::Add(odd, hn::Set(d, 0x7fffu))));
    return hn::IfThenElse(nan, hn::Or(upper, hn::Set(d, 0x40u)), rounded);
  } else {
    const FloatTag df;
    const Word sign = hn::And(hn::ShiftRight<16>(u), hn::Set(d, 0x8000u));
    const Word odd = hn::And(hn::ShiftRight<13>(magnitude), hn::Set(d, 1u));
    const Word normal = hn::ShiftRight<13>(hn::Add(hn::Sub(magnitude, hn::Set(d, 0x38000000u - 0xfffu)), odd));
    const auto half = hn::BitCast(df, hn::Set(d, 0x3f000000u));
    const Word subnormal = hn::Sub(hn::BitCast(d, hn::Add(hn::BitCast(df, magnitude), half)), hn::Set(d, 0x3f000000u));
    Word result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x38800000u)), subnormal, normal);
    result = hn::IfThenElse(hn::Lt(magnitude, hn::Set(d, 0x477ff000u)), result, hn::Set(d, 0x7c00u));
    return hn::Or(sign, hn::IfThenElse(nan, hn::Set(d, 0x7e00u), result));
  }
}

template <class Half>
void widen(const void* in, float* out, int64_t n) {
  constexpr int64_t kLanes = Vec<float>::kLanes;
  const FloatTag df;
  const WordTag d;
  const HalfTag dh;
  const auto* p = static_cast<const uint16_t*>(in);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes)
    hn::StoreU(hn::BitCast(df, widen_bits<Half>(hn::PromoteTo(d, hn::LoadU(dh, p + i)))), df, out + i);
  if (i == n) return;
  uint16_t tail[kLanes] = {};
  float wide[kLanes];
  std::memcpy(tail, p + i, static_cast<size_t>(n - i) * sizeof(uint16_t));
  hn::StoreU(hn::BitCast(df, widen_bits<Half>(hn::PromoteTo(d, hn::LoadU(dh, tail)))), df, wide);
  std::memcpy(out + i, wide, static_cast<size_t>(n - i) * sizeof(float));
}

/// The 16-bit patterns of a register of floats.
template <class Half>
HWY_INLINE void store_narrow(const float* in, uint16_t* out) {
  const WordTag d;
  const Word bits = narrow_bits<Half>(hn::BitCast(d, hn::LoadU(FloatTag(), in)));
  hn::StoreU(hn::DemoteTo(HalfTag(), hn::BitCast(hn::RebindToSigned<WordTag>(), bits)), HalfTag(), out);
}

template <class Half>
void narrow(const float* in, void* out, int64_t n) {
  constexpr int64_t kLanes = Vec<float>::kLanes;
  auto* p = static_cast<uint16_t*>(out);
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) store_narrow<Half>(in + i, p + i);
  if (i == n) return;
  float wide[kLanes] = {};
  uint16_t tail[kLanes];
  std::memcpy(wide, in + i, static_cast<size_t>(n - i) * sizeof(float));
  store_narrow<Half>(wide, tail);
  std::memcpy(p + i, tail, static_cast<size_t>(n - i) * sizeof(uint16_t));
}

/// Both ways for one half type, as plain function pointers.
struct HalfConversion {
  void (*widen)(const void* in, float* out, int64_t n);
  void (*narrow)(const float* in, void* out, int64_t n);
};
template <class Half>
inline constexpr HalfConversion kHalfConversion{widen<Half>, narrow<Half>};

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_HALF_INL_H_
