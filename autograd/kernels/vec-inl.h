// Vec<T>: a SIMD register of float or double that reads like a number, so that one generic function serves vectors and plain
// numbers. Every operation works lane by lane: no lane's bits depend on its neighbours.
//
// Compiled once per target (see simd.h): include it inside a file that foreach_target.h re-includes, or alone for the baseline.
#if defined(GRADUS_VEC_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_VEC_INL_H_
#undef GRADUS_VEC_INL_H_
#else
#define GRADUS_VEC_INL_H_
#endif

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

template <class T>
struct Vec {
  using Scalar = T;
  using Tag = hn::ScalableTag<T>;
  using Raw = hn::Vec<Tag>;

  /// Lanes that are true or false.
  struct Mask {
    hn::Mask<Tag> raw;
    friend HWY_INLINE Mask operator&(Mask a, Mask b) { return {hn::And(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator|(Mask a, Mask b) { return {hn::Or(a.raw, b.raw)}; }
    friend HWY_INLINE Mask operator!(Mask a) { return {hn::Not(a.raw)}; }
  };

  static constexpr int64_t kLanes = static_cast<int64_t>(hn::MaxLanes(Tag()));

  Raw raw;

  Vec() = default;
  HWY_INLINE Vec(Raw r) : raw(r) {}
  /// All lanes equal.
  HWY_INLINE Vec(double value) : raw(hn::Set(Tag(), static_cast<T>(value))) {}

  static HWY_INLINE Vec fill(T value) { return hn::Set(Tag(), value); }
  static HWY_INLINE Vec load(const T* p) { return hn::LoadU(Tag(), p); }
  HWY_INLINE void store(T* p) const { hn::StoreU(raw, Tag(), p); }

  friend HWY_INLINE Vec operator+(Vec a, Vec b) { return hn::Add(a.raw, b.raw); }
  friend HWY_INLINE Vec operator-(Vec a, Vec b) { return hn::Sub(a.raw, b.raw); }
  friend HWY_INLINE Vec operator*(Vec a, Vec b) { return hn::Mul(a.raw, b.raw); }
  friend HWY_INLINE Vec operator/(Vec a, Vec b) { return hn::Div(a.raw, b.raw); }
  friend HWY_INLINE Vec operator-(Vec a) { return hn::Neg(a.raw); }
  friend HWY_INLINE Mask operator<(Vec a, Vec b) { return {hn::Lt(a.raw, b.raw)}; }
  friend HWY_INLINE Mask operator<=(Vec a, Vec b) { return {hn::Le(a.raw, b.raw)}; }
  friend HWY_INLINE Mask operator>(Vec a, Vec b) { return {hn::Gt(a.raw, b.raw)}; }
  friend HWY_INLINE Mask operator>=(Vec a, Vec b) { return {hn::Ge(a.raw, b.raw)}; }
  friend HWY_INLINE Mask operator==(Vec a, Vec b) { return {hn::Eq(a.raw, b.raw)}; }
  friend HWY_INLINE Mask operator!=(Vec a, Vec b) { return !(a == b); }  // Highway's own Ne is false for NaN on x86

  /// a where the mask is true, b elsewhere.
  friend HWY_INLINE Vec select(Mask mask, Vec a, Vec b) { return hn::IfThenElse(mask.raw, a.raw, b.raw); }
  /// a * b + c, with one rounding where the target has it.
  friend HWY_INLINE Vec mul_add(Vec a, Vec b, Vec c) { return hn::MulAdd(a.raw, b.raw, c.raw); }
  friend HWY_INLINE Vec abs(Vec a) { return hn::Abs(a.raw); }
  friend HWY_INLINE Vec sqrt(Vec a) { return hn::Sqrt(a.raw); }
  /// The size of a with the sign of b.
  friend HWY_INLINE Vec copysign(Vec a, Vec b) { return hn::CopySign(a.raw, b.raw); }
};

/// Reads n elements; the lanes beyond hold `rest`.
template <class T>
HWY_INLINE Vec<T> load_some(const T* p, int64_t n, T rest) {
  using V = Vec<T>;
  if (n >= V::kLanes) return V::load(p);
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) T padded[V::kLanes];
  V::fill(rest).store(padded);
  for (int64_t i = 0; i < n; ++i) padded[i] = p[i];
  return V::load(padded);
#else
  const typename V::Tag d;
  const auto some = hn::FirstN(d, static_cast<size_t>(n));
  return hn::IfThenElse(some, hn::MaskedLoad(some, d, p), hn::Set(d, rest));
#endif
}
/// The same; the lanes beyond repeat the first element, so that no lane holds a number the caller did not.
template <class T>
HWY_INLINE Vec<T> load_some(const T* p, int64_t n) {
  return n == 1 ? Vec<T>::fill(*p) : load_some(p, n, *p);
}
template <class T>
HWY_INLINE void store_some(Vec<T> v, T* p, int64_t n) {
  using V = Vec<T>;
  if (n >= V::kLanes) return v.store(p);
  if (n == 1) return void(*p = hn::GetLane(v.raw));
#if HWY_MEM_OPS_MIGHT_FAULT
  alignas(64) T padded[V::kLanes];
  v.store(padded);
  for (int64_t i = 0; i < n; ++i) p[i] = padded[i];
#else
  const typename V::Tag d;
  hn::BlendedStore(v.raw, hn::FirstN(d, static_cast<size_t>(n)), d, p);
#endif
}

/// Calls a scalar function on every lane: for functions that are rare, or hard to do better.
template <class F, class T, class... More>
HWY_INLINE Vec<T> per_lane(F f, Vec<T> x, More... more) {
  constexpr auto kLanes = static_cast<size_t>(Vec<T>::kLanes);
  alignas(64) T in[1 + sizeof...(More)][kLanes], out[kLanes];
  size_t k = 0;
  x.store(in[k++]);
  (more.store(in[k++]), ...);
  for (size_t i = 0; i < kLanes; ++i) {
    if constexpr (sizeof...(More) == 0) out[i] = f(in[0][i]);
    else out[i] = f(in[0][i], in[1][i]);
  }
  return Vec<T>::load(out);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_VEC_INL_H_
