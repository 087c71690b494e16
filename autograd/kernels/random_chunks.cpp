#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/random_chunks.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
//
#include "autograd/kernels/math-inl.h"
#include "autograd/kernels/random_chunks.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

/// The words of one chunk, row by row.
void words(uint32_t* to, int64_t chunk, const RandomKey& key) {
  // Each 64-bit lane holds a word in its lower half; what is in the upper half never matters. Two vectors, of the even and the
  // odd blocks, make one vector of words.
  const hn::CappedTag<uint32_t, kChunkBlocks> d;
  const hn::Repartition<uint64_t, decltype(d)> wide;
  using V = hn::Vec<decltype(wide)>;
  const auto multiply = [&](V x, uint32_t by) HWY_ATTR { return hn::MulEven(hn::BitCast(d, x), hn::Set(d, by)); };
  const auto join = [&](V even, V odd) HWY_ATTR {
    return hn::BitCast(d, hn::Or(hn::And(even, hn::Set(wide, 0xffffffffu)), hn::ShiftLeft<32>(odd)));
  };
  for (int64_t b = 0; b < kChunkBlocks; b += static_cast<int64_t>(hn::Lanes(d))) {
    const V first = hn::Set(wide, static_cast<uint64_t>(chunk * kChunkBlocks + b)), iota = hn::Iota(wide, 0);
    V x[4][2];
    for (size_t odd = 0; odd < 2; ++odd) {
      const V counter = hn::Add(hn::Add(first, hn::ShiftLeft<1>(iota)), hn::Set(wide, odd));
      const V stream = hn::Set(wide, key.stream);
      x[0][odd] = counter, x[1][odd] = hn::ShiftRight<32>(counter);
      x[2][odd] = stream, x[3][odd] = hn::ShiftRight<32>(stream);
    }
    uint32_t k0 = static_cast<uint32_t>(key.seed), k1 = static_cast<uint32_t>(key.seed >> 32);
    for (int round = 0; round < Philox::kRounds; ++round, k0 += Philox::kWeyl0, k1 += Philox::kWeyl1) {
      HWY_UNROLL(2)
      for (size_t odd = 0; odd < 2; ++odd) {
        const V p0 = multiply(x[0][odd], Philox::kMultiplier0), p1 = multiply(x[2][odd], Philox::kMultiplier1);
        x[0][odd] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), x[1][odd]), hn::Set(wide, k0));
        x[2][odd] = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), x[3][odd]), hn::Set(wide, k1));
        x[1][odd] = p1;
        x[3][odd] = p0;
      }
    }
    for (int64_t w = 0; w < 4; ++w) hn::StoreU(join(x[w][0], x[w][1]), d, to + w * kChunkBlocks + b);
  }
}

// The words of as many elements as a vector has, as numbers. `at` points to the first word; a second one lies kChunkBlocks
// behind.

template <int kShift, class T>
HWY_INLINE Vec<T> signed_number(const uint32_t* at) {
  const hn::Rebind<uint32_t, typename Vec<T>::Tag> du;
  const hn::Rebind<int32_t, typename Vec<T>::Tag> di;
  const auto bits = hn::LoadU(du, at);
  const auto moved = hn::BitCast(di, [&]() HWY_ATTR {
    if constexpr (kShift < 0) return hn::ShiftRight<-kShift>(bits);
    else return hn::ShiftLeft<kShift>(bits);
  }());
  if constexpr (sizeof(T) == 8) return Vec<T>(hn::PromoteTo(typename Vec<T>::Tag(), moved));
  else return Vec<T>(hn::ConvertTo(typename Vec<T>::Tag(), moved));
}

/// (0, 1]: 31 bits, of small numbers all that count (float), or 53 bits.
template <class T>
HWY_INLINE Vec<T> above_zero(const uint32_t* at) {
  const Vec<T> high = signed_number<-1, T>(at);
  if constexpr (sizeof(T) == 4) return (high + Vec<T>(0.5)) * Vec<T>(0x1p-31);
  else return Vec<T>(1) - (high * Vec<T>(0x1p-31) + signed_number<-10, T>(at + kChunkBlocks) * Vec<T>(0x1p-53));
}

/// 1, -1/(k+1)(k+2), ...: Taylor's series of sin(x) / x (first = 1) and cos(x) (first = 0) in x^2.
template <class T, size_t N>
constexpr std::array<T, N> taylor(int first) {
  std::array<T, N> c{};
  double term = 1;
  for (size_t i = 0; i < N; ++i) {
    c[i] = static_cast<T>(term);
    const double k = 2.0 * static_cast<double>(i) + first;
    term /= -(k + 1) * (k + 2);
  }
  return c;
}

template <class T>
HWY_INLINE Vec<T> flip_sign(Vec<T> x, hn::Vec<hn::RebindToUnsigned<typename Vec<T>::Tag>> bits) {
  const typename Vec<T>::Tag d;
  const hn::RebindToUnsigned<decltype(d)> du;
  return Vec<T>(hn::BitCast(d, hn::Xor(hn::BitCast(du, x.raw), hn::And(bits, hn::BitCast(du, hn::SignBit(d))))));
}

/// Box and Muller: radius^2 / 2 is exponential, the angle uniform; its first two bits choose the quadrant.
template <class T>
HWY_INLINE void normal(T* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  constexpr bool kDouble = sizeof(T) == 8;
  static constexpr auto kSin = taylor < T, kDouble ? 9 : 5 > (1);
  static constexpr auto kCos = taylor < T, kDouble ? 10 : 6 > (0);
  constexpr int64_t kRow = kDouble ? 2 * kChunkBlocks : kChunkBlocks;  // words of a row of elements
  const typename Vec<T>::Tag d;
  const hn::RebindToUnsigned<decltype(d)> du;

  alignas(64) uint32_t words[kChunkWords];
  HWY_NAMESPACE::words(words, chunk, key);
  for (int64_t row = 0; row < kChunkWords / kRow; row += 2, out += 2 * kChunkBlocks) {
    const uint32_t *radius_words = words + row * kRow, *angle_words = radius_words + kRow;
    for (int64_t b = 0; b < kChunkBlocks; b += Vec<T>::kLanes) {
      const Vec<T> log = log_normal(above_zero<T>(radius_words + b), Vec<T>(0), Vec<T>(0));
      const Vec<T> radius = sqrt(Vec<T>(-2) * log) * Vec<T>(stddev);
      Vec<T> angle = signed_number<2, T>(angle_words + b) * Vec<T>(0x1p-32);  // in quadrants, [-1/2, 1/2)
      if constexpr (kDouble) angle = angle + signed_number<-10, T>(angle_words + kChunkBlocks + b) * Vec<T>(0x1p-52);
      angle = angle * Vec<T>(1.5707963267948966);
      const Vec<T> square = angle * angle, sine = angle * polynomial(square, kSin), cosine = polynomial(square, kCos);

      auto bits = [&]() HWY_ATTR {  // the quadrant, at the top of each lane
        if constexpr (kDouble)
          return hn::ShiftLeft<32>(hn::PromoteTo(du, hn::LoadU(hn::Rebind<uint32_t, decltype(du)>(), angle_words + b)));
        else return hn::LoadU(du, angle_words + b);
      }();
      const auto odd = hn::ShiftLeft<1>(bits);
      const typename Vec<T>::Mask swap{
          hn::MaskFromVec(hn::BitCast(d, hn::BroadcastSignBit(hn::BitCast(hn::RebindToSigned<decltype(d)>(), odd))))};
      const Vec<T> x = flip_sign<T>(select(swap, sine, cosine), hn::Xor(bits, odd)),
                   y = flip_sign<T>(select(swap, cosine, sine), bits);
      (Vec<T>(mean) + radius * x).store(out + b);
      (Vec<T>(mean) + radius * y).store(out + kChunkBlocks + b);
    }
  }
}

/// Inverse error function for |t| <= 0.96 (Giles, "Approximating the erfinv function", 2010; for float64 with one step of
/// Halley's method).
template <class T>
HWY_INLINE Vec<T> inverse_erf(Vec<T> t) {
  static constexpr std::array kCentral{
      static_cast<T>(1.50140941),     static_cast<T>(0.246640727),    static_cast<T>(-0.00417768164),
      static_cast<T>(-0.00125372503), static_cast<T>(0.00021858087),  static_cast<T>(-4.39150654e-06),
      static_cast<T>(-3.5233877e-06), static_cast<T>(3.43273939e-07), static_cast<T>(2.81022636e-08)};
  const Vec<T> w = -log_normal((Vec<T>(1) - t) * (Vec<T>(1) + t), Vec<T>(0), Vec<T>(0)) - Vec<T>(2.5);
  const Vec<T> x = polynomial(w, kCentral) * t;
  if constexpr (sizeof(T) == 4) return x;
  const Vec<T> step = (erf(x) - t) * exp(x * x) * Vec<T>(0.88622692545275801);  // f / f', f'' / f' = -2 x
  return x - step / (Vec<T>(1) + x * step);
}

template <class T>
HWY_INLINE void truncated(T* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  constexpr double kCut = 2, kErf = 0.95449973610364158;  // erf(cut / sqrt 2)
  alignas(64) uint32_t words[kChunkWords];
  HWY_NAMESPACE::words(words, chunk, key);
  constexpr int64_t kRow = sizeof(T) == 8 ? 2 * kChunkBlocks : kChunkBlocks;
  for (int64_t row = 0; row < kChunkWords / kRow; ++row, out += kChunkBlocks) {
    for (int64_t b = 0; b < kChunkBlocks; b += Vec<T>::kLanes) {
      // An odd number over 2^31, symmetric about 0 (float: of 24 bits where it counts), or 53 bits.
      const uint32_t* at = words + row * kRow + b;
      Vec<T> t = (signed_number<0, T>(at) + Vec<T>(0.5)) * Vec<T>(0x1p-31);
      if constexpr (sizeof(T) == 8) t = t + (signed_number<-10, T>(at + kChunkBlocks) - Vec<T>(0x1p21)) * Vec<T>(0x1p-53);
      const Vec<T> z = inverse_erf(t * Vec<T>(kErf)) * Vec<T>(1.4142135623730951), limit(kCut);
      (Vec<T>(mean) + Vec<T>(stddev) * select(abs(z) < limit, z, copysign(limit, z))).store(out + b);
    }
  }
}

void normal_float(float* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  normal(out, chunk, key, mean, stddev);
}
void normal_double(double* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  normal(out, chunk, key, mean, stddev);
}
void truncated_float(float* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  truncated(out, chunk, key, mean, stddev);
}
void truncated_double(double* out, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  truncated(out, chunk, key, mean, stddev);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {
HWY_EXPORT(words);
HWY_EXPORT(normal_float);
HWY_EXPORT(normal_double);
HWY_EXPORT(truncated_float);
HWY_EXPORT(truncated_double);
}  // namespace

void chunk_words(uint32_t* to, int64_t chunk, const RandomKey& key) { HWY_DYNAMIC_DISPATCH(words)(to, chunk, key); }
void normal_chunk(float* to, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  HWY_DYNAMIC_DISPATCH(normal_float)(to, chunk, key, mean, stddev);
}
void normal_chunk(double* to, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  HWY_DYNAMIC_DISPATCH(normal_double)(to, chunk, key, mean, stddev);
}
void truncated_normal_chunk(float* to, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  HWY_DYNAMIC_DISPATCH(truncated_float)(to, chunk, key, mean, stddev);
}
void truncated_normal_chunk(double* to, int64_t chunk, const RandomKey& key, double mean, double stddev) {
  HWY_DYNAMIC_DISPATCH(truncated_double)(to, chunk, key, mean, stddev);
}

}  // namespace gradus::kernels
#endif
