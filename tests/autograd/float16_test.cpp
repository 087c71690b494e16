// The 16-bit types against their definitions, in double arithmetic, and against the processor's own conversions.
#include "autograd/base/float16.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace gradus;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// A format by its definition: sign, exponent, fraction.
struct Layout {
  int exponent_bits, fraction_bits;

  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  uint16_t infinity() const { return static_cast<uint16_t>(((1 << exponent_bits) - 1) << fraction_bits); }
  bool is_nan(uint16_t bits) const { return (bits & 0x7fff) > infinity(); }
  // Of the 15 lower bits; infinity counts as the next power of two, as rounding wants it.
  double magnitude(int bits) const {
    const int exponent = bits >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
    if (exponent == 0) return std::ldexp(fraction, 1 - bias() - fraction_bits);
    return std::ldexp((1 << fraction_bits) + fraction, exponent - bias() - fraction_bits);
  }
  double value(uint16_t bits) const {
    const double sign = bits & 0x8000 ? -1 : 1;
    return sign * ((bits & 0x7fff) == infinity() ? std::numeric_limits<double>::infinity() : magnitude(bits & 0x7fff));
  }
  // Nearest, ties to the even pattern, by bisection over all magnitudes.
  uint16_t round(float x) const {
    const double target = std::abs(static_cast<double>(x));
    const uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    if (target >= magnitude(infinity())) return static_cast<uint16_t>(sign | infinity());
    int low = 0, high = infinity();  // magnitude(low) <= target < magnitude(high)
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      (magnitude(middle) <= target ? low : high) = middle;
    }
    const double below = target - magnitude(low), above = magnitude(high) - target;  // exact: neighbours are close
    const int nearest = below < above || (below == above && low % 2 == 0) ? low : high;
    return static_cast<uint16_t>(sign | nearest);
  }
};

constexpr Layout kHalf{5, 10}, kBrain{8, 7};

template <class T>
T from_bits(uint16_t bits) {
  T out;
  out.bits = bits;
  return out;
}

// Every pattern: to float exactly, and back to itself.
template <class T>
void check_all_patterns(const Layout& layout) {
  for (int i = 0; i < 65536; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const auto x = static_cast<float>(from_bits<T>(bits));
    bool good;
    if (layout.is_nan(bits)) {
      const uint16_t back = T(x).bits;
      good = std::isnan(x) && std::signbit(x) == (i >= 0x8000) && layout.is_nan(back) && (back & 0x8000) == (bits & 0x8000);
    } else {
      good = static_cast<double>(x) == layout.value(bits) && std::signbit(x) == (i >= 0x8000) && T(x).bits == bits;
    }
    if (!good) FAIL("pattern ", i, " became ", x);
  }
}

// Between every two neighbours: the tie, and the floats beside the tie and beside the neighbours.
template <class T>
void check_ties(const Layout& layout) {
  for (int i = 0; i < layout.infinity(); ++i) {
    const double low = layout.magnitude(i), high = layout.magnitude(i + 1);
    const auto tie = static_cast<float>(low + (high - low) / 2);
    if (std::isfinite(tie) && static_cast<double>(tie) != low + (high - low) / 2) FAIL("tie ", i, " is no float");
    const auto bottom = static_cast<float>(low);
    for (float x :
         {tie, std::nextafter(tie, 0.0f), std::nextafter(tie, kInf), std::nextafter(bottom, 0.0f), std::nextafter(bottom, kInf)})
      for (float y : {x, -x})
        if (T(y).bits != layout.round(y)) FAIL("float ", y, " became pattern ", T(y).bits, ", expected ", layout.round(y));
  }
}

// Floats of every exponent with many fractions.
template <class F>
void for_many_floats(const F& f) {
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 9973) f(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  for (float x : {0.0f, -0.0f, kInf, -kInf, std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min(),
                  std::numeric_limits<float>::min(), 65504.0f, 65519.996f, 65520.0f, 65535.0f, 65536.0f, 0x1p-24f, 0x1p-25f,
                  0x1.000002p-25f, 0x1p-26f, 0x1p-14f, 0x1.ffcp-15f, 0x1.fffp-15f})
    f(x);
}

template <class T>
void check_many_floats(const Layout& layout) {
  for_many_floats([&](float x) {
    const uint16_t bits = T(x).bits;
    if (std::isnan(x) ? !layout.is_nan(bits) || (bits >= 0x8000) != std::signbit(x) : bits != layout.round(x))
      FAIL("float ", x, " became pattern ", bits);
  });
}

#if defined(__x86_64__)
__attribute__((target("f16c"))) float hardware_float(uint16_t bits) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
}
__attribute__((target("f16c"))) uint16_t hardware_half(float x) {
  return static_cast<uint16_t>(_mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(x), _MM_FROUND_TO_NEAREST_INT)));
}
#endif

}  // namespace

TEST_CASE("float16 and bfloat16: known patterns") {
  CHECK(float16(1.0f).bits == 0x3c00);
  CHECK(float16(-2.0f).bits == 0xc000);
  CHECK(float16(65504.0f).bits == 0x7bff);
  CHECK(float16(65520.0f).bits == 0x7c00);
  CHECK(float16(0.1f).bits == 0x2e66);
  CHECK(float16(5.9604645e-8f).bits == 0x0001);
  CHECK(float16(-0.0f).bits == 0x8000);
  CHECK(bfloat16(1.0f).bits == 0x3f80);
  CHECK(bfloat16(0.1f).bits == 0x3dcd);
  CHECK(bfloat16(std::numeric_limits<float>::max()).bits == 0x7f80);
  CHECK(bfloat16(std::bit_cast<float>(0x7f800001u)).bits > 0x7f80);  // a NaN whose payload is in the lower half stays one
  static_assert(static_cast<float>(float16(0.5f)) == 0.5f && static_cast<float>(bfloat16(-3.0f)) == -3.0f);
}

TEST_CASE("float16 and bfloat16: all patterns") {
  check_all_patterns<float16>(kHalf);
  check_all_patterns<bfloat16>(kBrain);
}

TEST_CASE("float16 and bfloat16: ties round to even") {
  check_ties<float16>(kHalf);
  check_ties<bfloat16>(kBrain);
}

TEST_CASE("float16 and bfloat16: floats of every size") {
  check_many_floats<float16>(kHalf);
  check_many_floats<bfloat16>(kBrain);
}

#if defined(__x86_64__)
TEST_CASE("float16: as the processor converts") {
  if (!__builtin_cpu_supports("avx2")) return;  // every processor with AVX2 has F16C; not all compilers know its name
  for (int i = 0; i < 65536; ++i) {
    const float ours = from_bits<float16>(static_cast<uint16_t>(i)), theirs = hardware_float(static_cast<uint16_t>(i));
    const bool same = std::isnan(theirs) ? std::isnan(ours) : std::bit_cast<uint32_t>(ours) == std::bit_cast<uint32_t>(theirs);
    if (!same) FAIL("pattern ", i, " became ", ours, ", expected ", theirs);
  }
  for_many_floats([](float x) {
    const uint16_t ours = float16(x).bits, theirs = hardware_half(x);
    if (std::isnan(x) ? !kHalf.is_nan(ours) : ours != theirs) FAIL("float ", x, " became ", ours, ", expected ", theirs);
  });
}
#endif
