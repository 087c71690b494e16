// Elementary functions of Vec<float> and Vec<double>, within 4 units in the last place over the whole range; subnormal numbers,
// infinities, NaN and the sign of zero come out as in <cmath>.
//
// Where a reduction or an evaluation scheme is a known one, it is named. The polynomials are weighted minimax fits;
// `kernels_pointwise_test` measures every function against <cmath>.
#if defined(GRADUS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_MATH_INL_H_
#undef GRADUS_MATH_INL_H_
#else
#define GRADUS_MATH_INL_H_
#endif

#include <array>

#include "autograd/kernels/scalar.h"
#include "autograd/kernels/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <class T>
struct Constants;

template <>
struct Constants<float> {
  static constexpr int kMantissa = 23, kBias = 127;
  static constexpr float kMagic = 0x1.8p23f;  // adding it rounds to an integer, which the low bits then hold
  static constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 1.42860682e-6f;
  static constexpr float kExpLow = -150, kExpHigh = 90;  // e^x is 0 below (even 10^19 times), infinite above
  static constexpr float kExpNormal = -87;               // e^x is normal above
  static constexpr int kLift = 100;                      // brings e^kExpLow among the normal numbers
  static constexpr float kUnlift = 0x1p-100f;            // its inverse
  static constexpr float kSaturated = 10;                // tanh is 1, e^-x - 1 rounds to -1 beyond twice as much
  // (e^r - 1 - r) / r^2 for |r| <= log(2) / 2
  static constexpr std::array kExp{0.49999994f, 0.166665211f, 0.041668389f, 0.00836872403f, 0.00138145813f};
  // (log((1 + s) / (1 - s)) - 2 s) / s^3 in s^2, for |s| <= (sqrt(2) - 1) / (sqrt(2) + 1)
  static constexpr std::array kLog{0.666666627f, 0.400003344f, 0.285372645f, 0.235831037f};
};

template <>
struct Constants<double> {
  static constexpr int kMantissa = 52, kBias = 1023;
  static constexpr double kMagic = 0x1.8p52;
  static constexpr double kLn2High = 0x1.62e42fefa4p-1, kLn2Low = -1.7239444525614835e-13;
  static constexpr double kExpLow = -746, kExpHigh = 711;
  static constexpr double kExpNormal = -708;
  static constexpr int kLift = 512;
  static constexpr double kUnlift = 0x1p-512;
  static constexpr double kSaturated = 22;
  static constexpr std::array kExp{0.5,
                                   0.16666666666666677,
                                   0.041666666666666699,
                                   0.0083333333333215354,
                                   0.0013888888888866518,
                                   0.00019841269886391517,
                                   2.4801587361107599e-05,
                                   2.7557243919612615e-06,
                                   2.7557242327327498e-07,
                                   2.5109145007824457e-08,
                                   2.0924569171205309e-09};
  static constexpr std::array kLog{0.66666666666666663, 0.40000000000006292, 0.28571428569071955, 0.22222222648884077,
                                   0.18181775499726571, 0.15387096951246129, 0.13249957024824774, 0.13252785915130227};
};

/// Horner's scheme, lowest coefficient first.
template <class T, size_t N>
HWY_INLINE Vec<T> polynomial(Vec<T> x, const std::array<T, N>& c) {
  Vec<T> sum(static_cast<double>(c[N - 1]));
  for (size_t i = N - 1; i-- > 0;) sum = mul_add(sum, x, Vec<T>(static_cast<double>(c[i])));
  return sum;
}

// Powers of two

/// An integer in each lane, as a number and in the low bits of `shifted`.
template <class T>
struct Rounded {
  Vec<T> value, shifted;
};

template <class T>
HWY_INLINE Rounded<T> round_small(Vec<T> x, T scale) {
  const Vec<T> magic(static_cast<double>(Constants<T>::kMagic));
  const Vec<T> shifted = mul_add(x, Vec<T>(static_cast<double>(scale)), magic);
  return {shifted - magic, shifted};
}

/// 2^(k + more) for normal results, k given by its shifted form.
template <int more = 0, class T>
HWY_INLINE Vec<T> power_of_two(Vec<T> shifted) {
  using C = Constants<T>;
  const hn::RebindToUnsigned<typename Vec<T>::Tag> di;
  const auto bias =
      hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(C::kBias + more));  // the bits of kMagic leave through the top
  return Vec<T>(hn::BitCast(typename Vec<T>::Tag(), hn::ShiftLeft<C::kMantissa>(hn::Add(hn::BitCast(di, shifted.raw), bias))));
}

// Exponential family

/// e^x = 2^k (1 + p) with k split in two, each small enough for a power of two of its own.
template <class T>
struct Reduced {
  Vec<T> p, first, second, second_inverse;
};

/// Cody and Waite: r = x - k log 2 in two parts, p = e^r - 1. `x` is held to the range first; `low` is added to r (|low| small).
template <class T>
HWY_INLINE Reduced<T> reduce(Vec<T> x, Vec<T> low) {
  using C = Constants<T>;
  const Vec<T> least(static_cast<double>(C::kExpLow)), most(static_cast<double>(C::kExpHigh));
  x = select(x < least, least, select(x > most, most, x));  // NaN stays
  constexpr T kLog2E = static_cast<T>(1.4426950408889634);
  const Vec<T> k = round_small(x + low, kLog2E).value;
  const Rounded<T> first = round_small(k, static_cast<T>(0.5));
  const Vec<T> second = k - first.value, magic(static_cast<double>(C::kMagic));
  const Vec<T> r =
      mul_add(k, Vec<T>(static_cast<double>(-C::kLn2Low)), mul_add(k, Vec<T>(static_cast<double>(-C::kLn2High)), x) + low);
  return {mul_add(r * r, polynomial(r, C::kExp), r), power_of_two(first.shifted), power_of_two(magic + second),
          power_of_two(magic - second)};
}

template <class T>
HWY_INLINE Vec<T> exp(Vec<T> x) {
  const Reduced<T> e = reduce(x, Vec<T>(0));
  return mul_add(e.p, e.first, e.first) * e.second;
}

/// e^x 2^lift where that is a normal number; NaN for NaN.
template <int lift, class T>
HWY_INLINE Vec<T> exp_normal(Vec<T> x) {
  using C = Constants<T>;
  const Rounded<T> k = round_small(x, static_cast<T>(1.4426950408889634));
  const Vec<T> r =
      mul_add(k.value, Vec<T>(static_cast<double>(-C::kLn2Low)), mul_add(k.value, Vec<T>(static_cast<double>(-C::kLn2High)), x));
  const Vec<T> scale = power_of_two<lift>(k.shifted);
  return mul_add(mul_add(r * r, polynomial(r, C::kExp), r), scale, scale);
}
/// e^x for x <= 0, for less than exp: held at one end only, and with one power of two.
template <class T>
HWY_INLINE Vec<T> exp_nonpositive(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> least(static_cast<double>(C::kExpLow));
  return exp_normal<C::kLift>(select(x < least, least, x)) * Vec<T>(static_cast<double>(C::kUnlift));  // NaN stays
}
/// The same for terms of a sum with a 1 in it: 0 where it is no normal number.
template <class T>
HWY_INLINE Vec<T> exp_term(Vec<T> x) {
  return select(x < Vec<T>(static_cast<double>(Constants<T>::kExpNormal)), Vec<T>(0), exp_normal<0>(x));
}

template <class T>
HWY_INLINE Vec<T> exp2(Vec<T> x) {
  using C = Constants<T>;
  const Vec<T> least(static_cast<double>(C::kExpLow) * 1.45), most(static_cast<double>(C::kExpHigh) * 1.45);
  x = select(x < least, least, select(x > most, most, x));
  const Vec<T> k = round_small(x, T(1)).value, r = (x - k) * Vec<T>(0.69314718055994531);
  const Rounded<T> first = round_small(k, static_cast<T>(0.5));
  const Vec<T> scale = power_of_two(first.shifted),
               second = power_of_two(Vec<T>(static_cast<double>(C::kMagic)) + (k - first.value));
  return mul_add(mul_add(r * r, polynomial(r, C::kExp), r), scale, scale) * second;
}

template <class T>
HWY_INLINE Vec<T> expm1(Vec<T> x) {
  const Vec<T> least(-4.0 * static_cast<double>(Constants<T>::kSaturated));
  const Reduced<T> e = reduce(select(x < least, least, x), Vec<T>(0));
  const Vec<T> result = mul_add(e.p, e.first, e.first - e.second_inverse) * e.second;
  return select(x == Vec<T>(0), x, result);  // -0
}

template <class T>
HWY_INLINE Vec<T> tanh(Vec<T> x) {
  // t = e^2|x| - 1, as 2^k p + (2^k - 1): no cancellation. Here 2^k needs no second factor.
  using C = Constants<T>;
  const Vec<T> a = abs(x), most(static_cast<double>(C::kSaturated));
  const Vec<T> doubled = select(a > most, most, a) * Vec<T>(2);
  const Rounded<T> k = round_small(doubled, static_cast<T>(1.4426950408889634));
  const Vec<T> r = mul_add(k.value, Vec<T>(static_cast<double>(-C::kLn2Low)),
                           mul_add(k.value, Vec<T>(static_cast<double>(-C::kLn2High)), doubled));
  const Vec<T> p = mul_add(r * r, polynomial(r, C::kExp), r), scale = power_of_two(k.shifted);
  const Vec<T> t = mul_add(p, scale, scale - Vec<T>(1));
  return copysign(t / (t + Vec<T>(2)), x);
}

/// e^|x| / 2, which overflows only where cosh does.
template <class T>
HWY_INLINE Vec<T> half_exp(Vec<T> a) {
  const Reduced<T> e = reduce(a, Vec<T>(0));
  return mul_add(e.p, e.first, e.first) * (e.second * Vec<T>(0.5));
}

template <class T>
HWY_INLINE Vec<T> cosh(Vec<T> x) {
  const Vec<T> h = half_exp(abs(x));
  return h + Vec<T>(0.25) / h;
}

template <class T>
HWY_INLINE Vec<T> sinh(Vec<T> x) {
  const Vec<T> a = abs(x), h = half_exp(a), t = expm1(a);
  const Vec<T> small = Vec<T>(0.5) * (t + t / (t + Vec<T>(1)));
  return copysign(select(a < Vec<T>(1), small, h - Vec<T>(0.25) / h), x);
}

/// The product of two numbers, kept apart because it may underflow.
template <class T>
struct Product {
  Vec<T> first, second;
};

/// e^(x + low) in two normal parts.
template <class T>
HWY_INLINE Product<T> split_exp(Vec<T> x, Vec<T> low) {
  const Reduced<T> e = reduce(x, low);
  return {mul_add(e.p, e.first, e.first), e.second};
}

/// e^(-scale x^2), scale 1 or 0.5, in two normal parts. x^2 is split into an exact part and a rest: rounding it would cost x^2 /
/// 2 units in the last place.
template <class T>
HWY_INLINE Product<T> split_exp_minus_square(Vec<T> x, Vec<T> scale) {
  constexpr int kDropped = (Constants<T>::kMantissa + 2) / 2;
  const hn::RebindToUnsigned<typename Vec<T>::Tag> du;
  const Vec<T> a = abs(x), limit(Constants<T>::kMantissa == 23 ? 15.0 : 39.0);  // 0 beyond
  const Vec<T> held = select(a > limit, limit, a);
  const Vec<T> high(
      hn::BitCast(typename Vec<T>::Tag(), hn::ShiftLeft<kDropped>(hn::ShiftRight<kDropped>(hn::BitCast(du, held.raw)))));
  return split_exp(-scale * (high * high), -scale * ((held - high) * (held + high)));
}
template <class T>
HWY_INLINE Vec<T> exp_minus_square(Vec<T> x, Vec<T> scale = Vec<T>(1)) {
  const Product<T> e = split_exp_minus_square(x, scale);
  return e.first * e.second;
}

// Logarithms

/// x = 2^k m with m near 1, f = m - 1, s = f / (2 + f): log m = f - (half_square - s (half_square + r)), as in fdlibm.
template <class T>
struct LogParts {
  Vec<T> k, f, s, half_square, r;

  HWY_INLINE Vec<T> log_m() const { return f - (half_square - s * (half_square + r)); }
};

/// Of normal x > 0, which is 2^-exponent_offset times too large.
template <class T>
HWY_INLINE LogParts<T> log_parts(Vec<T> x, Vec<T> exponent_offset) {
  using C = Constants<T>;
  const typename Vec<T>::Tag d;
  const hn::RebindToUnsigned<decltype(d)> du;
  using U = hn::TFromD<decltype(du)>;
  constexpr U kOne = static_cast<U>(C::kBias) << C::kMantissa;
  const auto root_half = hn::BitCast(du, hn::Set(d, static_cast<T>(0.70710678118654752)));
  const auto shifted = hn::Add(hn::Sub(hn::BitCast(du, x.raw), root_half), hn::Set(du, kOne));  // k + bias in the exponent field
  const auto magic = hn::BitCast(du, hn::Set(d, C::kMagic));
  const Vec<T> k = Vec<T>(hn::BitCast(d, hn::Add(hn::ShiftRight<C::kMantissa>(shifted), magic))) -
                   Vec<T>(static_cast<double>(C::kMagic + C::kBias)) + exponent_offset;
  const auto fraction = hn::And(shifted, hn::Set(du, static_cast<U>((U{1} << C::kMantissa) - 1)));
  const Vec<T> f = Vec<T>(hn::BitCast(d, hn::Add(fraction, root_half))) - Vec<T>(1);
  const Vec<T> s = f / (Vec<T>(2) + f), z = s * s;
  return {k, f, s, Vec<T>(0.5) * f * f, z * polynomial(z, C::kLog)};
}

/// log(x) + correction for normal x > 0.
template <class T>
HWY_INLINE Vec<T> log_normal(Vec<T> x, Vec<T> exponent_offset, Vec<T> correction) {
  using C = Constants<T>;
  const LogParts<T> p = log_parts(x, exponent_offset);
  const Vec<T> low = mul_add(p.k, Vec<T>(static_cast<double>(C::kLn2Low)), correction);
  return mul_add(p.k, Vec<T>(static_cast<double>(C::kLn2High)), p.f - (p.half_square - mul_add(p.s, p.half_square + p.r, low)));
}

/// `value` where 0 < x < inf; log's value at 0, infinity, negative numbers and NaN elsewhere.
template <class T>
HWY_INLINE Vec<T> log_edges(Vec<T> x, Vec<T> value) {
  const Vec<T> zero(0), infinity(std::numeric_limits<double>::infinity()), nan(std::numeric_limits<double>::quiet_NaN());
  const Vec<T> edge = select(x == zero, -infinity, select(x > zero, x, nan));
  return select((x > zero) & (x < infinity), value, edge);
}

/// x as a normal number, and the exponent that this took off.
template <class T>
struct Normalized {
  Vec<T> value, exponent_offset;
};

template <class T>
HWY_INLINE Normalized<T> normalized(Vec<T> x) {
  constexpr double kScale = sizeof(T) == 4 ? 0x1p24 : 0x1p53, kExponent = sizeof(T) == 4 ? 24 : 53;
  const auto subnormal = x < Vec<T>(static_cast<double>(std::numeric_limits<T>::min()));
  return {select(subnormal, x * Vec<T>(kScale), x), select(subnormal, Vec<T>(-kExponent), Vec<T>(0))};
}

template <class T>
HWY_INLINE Vec<T> log(Vec<T> x) {
  const Normalized<T> n = normalized(x);
  return log_edges(x, log_normal(n.value, n.exponent_offset, Vec<T>(0)));
}

/// k + log2(m): powers of two come out exact.
template <class T>
HWY_INLINE Vec<T> log2(Vec<T> x) {
  const Normalized<T> n = normalized(x);
  const LogParts<T> p = log_parts(n.value, n.exponent_offset);
  return log_edges(x, mul_add(p.log_m(), Vec<T>(1.4426950408889634), p.k));
}

template <class T>
HWY_INLINE Vec<T> log10(Vec<T> x) {
  // log10(2) in two parts, the first short enough for exact products with exponents
  constexpr double kHigh = sizeof(T) == 4 ? 0x1.344p-2 : 0x1.34413509f8p-2, kLow = 0.30102999566398119521 - kHigh;
  constexpr double kRest = sizeof(T) == 4 ? kLow : -0x1.80433b83b532ap-44;
  const Normalized<T> n = normalized(x);
  const LogParts<T> p = log_parts(n.value, n.exponent_offset);
  return log_edges(x, mul_add(p.k, Vec<T>(kHigh), mul_add(p.log_m(), Vec<T>(0.43429448190325183), p.k * Vec<T>(kRest))));
}

template <class T>
HWY_INLINE Vec<T> log1p(Vec<T> x) {
  // u = 1 + x rounded; what the rounding lost comes back as c / u.
  const Vec<T> u = Vec<T>(1) + x, c = x - (u - Vec<T>(1));
  const Vec<T> value = log_edges(u, log_normal(u, Vec<T>(0), c / u));
  return select(x == Vec<T>(0), x, value);  // -0
}

// Error function

/// e^(a^2) erfc(a) for a >= 0.5: a polynomial in (a - 2) / (a + 2), of about the same size everywhere, over 1 + 2 a.
HWY_INLINE Vec<float> scaled_erfc(Vec<float> a) {
  static constexpr std::array kTail{1.27697839f,    -0.0927636642f, -0.166030809f,  0.164045395f,    -0.0542124631f,
                                    -0.0079758017f, 0.00866806563f, 0.00104790615f, -0.00128176081f, -0.000116552932f};
  const Vec<float> held = select(a > Vec<float>(15), Vec<float>(15), a), two(2);
  return polynomial((held - two) / (held + two), kTail) / mul_add(two, held, Vec<float>(1));
}

/// erf(x) for |x| <= 1, as x + x P(x^2).
HWY_INLINE Vec<float> erf_small(Vec<float> x) {
  static constexpr std::array kSmall{0.128379166f,   -0.376126379f,   0.112837829f,    -0.0268654451f,
                                     0.00522107398f, -0.00084846979f, 0.000112704503f, -9.67987398e-06f};
  return mul_add(x, polynomial(x * x, kSmall), x);
}

HWY_INLINE Vec<float> erf(Vec<float> x) {
  const Vec<float> a = abs(x);
  return copysign(select(a < Vec<float>(1), erf_small(a), Vec<float>(1) - exp_minus_square(a) * scaled_erfc(a)), x);
}
HWY_INLINE Vec<float> erfc(Vec<float> x) {
  const Vec<float> a = abs(x), half(0.5), two(2);
  const Product<float> e = split_exp_minus_square(a, Vec<float>(1));
  const Vec<float> tail = e.first * scaled_erfc(a) * e.second;
  return select(a < half, Vec<float>(1) - erf_small(x), select(x < Vec<float>(0), two - tail, tail));
}
HWY_INLINE Vec<double> erfc(Vec<double> x) { return per_lane(static_cast<double (*)(double)>(std::erfc), x); }
HWY_INLINE Vec<double> erf(Vec<double> x) { return per_lane(static_cast<double (*)(double)>(std::erf), x); }

/// The distribution function of the standard normal, exact in its left tail.
HWY_INLINE Vec<float> normal_cdf(Vec<float> x) {
  const Vec<float> scaled = x * Vec<float>(0.70710678118654752), a = abs(scaled), half(0.5);
  const Vec<float> tail = half * exp_minus_square(x, half) * scaled_erfc(a);
  return select(a < half, mul_add(half, erf_small(scaled), half), select(x < Vec<float>(0), tail, Vec<float>(1) - tail));
}
HWY_INLINE Vec<double> normal_cdf(Vec<double> x) {
  return Vec<double>(0.5) * per_lane(static_cast<double (*)(double)>(std::erfc), x * Vec<double>(-0.70710678118654752));
}

// Rounding

template <class T>
HWY_INLINE Vec<T> floor(Vec<T> x) {
  return copysign(Vec<T>(hn::Floor(x.raw)), x);
}
template <class T>
HWY_INLINE Vec<T> ceil(Vec<T> x) {
  return copysign(Vec<T>(hn::Ceil(x.raw)), x);
}
template <class T>
HWY_INLINE Vec<T> trunc(Vec<T> x) {
  return copysign(Vec<T>(hn::Trunc(x.raw)), x);
}
/// To the nearest integer, halves to the even one.
template <class T>
HWY_INLINE Vec<T> rint(Vec<T> x) {
  return copysign(Vec<T>(hn::Round(x.raw)), x);
}

// Powers

/// x^y through <cmath>, with the exponents that occur in practice done by multiplication.
template <class T>
HWY_INLINE Vec<T> pow(Vec<T> x, std::type_identity_t<Vec<T>> y) {
  const Vec<T> one(1), two(2), three(3), inverse(-1);
  const auto easy = (y == one) | (y == two) | (y == three) | (y == inverse);
  const Vec<T> square = x * x;
  const Vec<T> value = select(y == two, square, select(y == one, x, select(y == three, square * x, one / x)));
  if (HWY_LIKELY(hn::AllTrue(typename Vec<T>::Tag(), easy.raw))) return value;
  return select(easy, value, per_lane(static_cast<T (*)(T, T)>(std::pow), x, y));
}

template <class T>
HWY_INLINE Vec<T> cbrt(Vec<T> x) {
  return per_lane(static_cast<T (*)(T)>(std::cbrt), x);
}

/// hi sqrt(1 + q^2) with q = lo / hi, as hi + lo q / (1 + sqrt(1 + q^2)): no square overflows. Infinite if either is, NaN or not.
template <class T>
HWY_INLINE Vec<T> hypot(Vec<T> a, Vec<T> b) {
  const Vec<T> x = abs(a), y = abs(b), zero(0), infinity(std::numeric_limits<double>::infinity());
  const auto larger = x > y;
  const Vec<T> high = select(larger, x, y), low = select(larger, y, x);
  const Vec<T> q = low / select(high == zero, Vec<T>(1), high);
  return select((x == infinity) | (y == infinity), infinity, high + low * (q / (Vec<T>(1) + sqrt(mul_add(q, q, Vec<T>(1))))));
}

// Remainders

/// Exact, with the sign of a.
template <class T>
HWY_INLINE Vec<T> fmod(Vec<T> a, Vec<T> b) {
  return per_lane(static_cast<T (*)(T, T)>(std::fmod), a, b);
}
/// With the sign of b.
template <class T>
HWY_INLINE Vec<T> remainder(Vec<T> a, Vec<T> b) {
  return per_lane(static_cast<T (*)(T, T)>(scalar::remainder), a, b);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_MATH_INL_H_
