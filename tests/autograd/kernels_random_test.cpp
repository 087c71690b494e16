#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <vector>

#include "autograd/kernels/random.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using detail::TensorImpl;
using kernels::RandomKey;

constexpr RandomKey kKey{0x0123456789abcdefULL, 0xfedcba9876543210ULL};

/// Word w of block b, by the definition of the counters.
uint32_t word(RandomKey key, int64_t block, int64_t w) {
  const auto b = static_cast<uint64_t>(block);
  return kernels::philox({static_cast<uint32_t>(b), static_cast<uint32_t>(b >> 32), static_cast<uint32_t>(key.stream),
                          static_cast<uint32_t>(key.stream >> 32)},
                         {static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32)})[static_cast<size_t>(w)];
}
uint32_t one_word(RandomKey key, int64_t i) { return word(key, i / 64 * 16 + i % 16, i % 64 / 16); }
uint64_t two_words(RandomKey key, int64_t i) {
  const int64_t block = i / 32 * 16 + i % 16, w = i % 32 / 16 * 2;
  return uint64_t{word(key, block, w)} << 32 | word(key, block, w + 1);
}

using Fill = std::function<void(TensorImpl&, RandomKey)>;

Impl drawn(const Shape& shape, DType dtype, const Fill& fill, RandomKey key = {42, 0}) {
  const Impl out = filled(shape, dtype, [](int64_t) { return 77; });
  fill(*out, key);
  return out;
}

const Fill kUniform = [](TensorImpl& out, RandomKey key) { kernels::fill_uniform(out, key, 0, 1); };
const Fill kNormal = [](TensorImpl& out, RandomKey key) { kernels::fill_normal(out, key, 0, 1); };
const Fill kTruncated = [](TensorImpl& out, RandomKey key) { kernels::fill_truncated_normal(out, key, 0, 1); };
const Fill kBernoulli = [](TensorImpl& out, RandomKey key) { kernels::fill_bernoulli(out, key, 0.3); };
const Fill kRandint = [](TensorImpl& out, RandomKey key) { kernels::fill_randint(out, key, 0, 100); };

/// Kolmogorov and Smirnov's distance from a distribution function, times sqrt(n): above 1.95 once in a thousand.
double ks(std::vector<double> v, const std::function<double(double)>& cdf) {
  std::sort(v.begin(), v.end());
  double worst = 0;
  const double n = static_cast<double>(v.size());
  for (size_t i = 0; i < v.size(); ++i) {
    const double p = cdf(v[i]), rank = static_cast<double>(i);
    worst = std::max({worst, p - rank / n, (rank + 1) / n - p});
  }
  return worst * std::sqrt(n);
}

double moment(const std::vector<double>& v, int k) {
  double sum = 0;
  for (double x : v) sum += std::pow(x, k);
  return sum / static_cast<double>(v.size());
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

}  // namespace

TEST_CASE("philox: the published known answers") {
  using Words = std::array<uint32_t, 4>;
  CHECK((kernels::philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  CHECK((kernels::philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  CHECK((kernels::philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
         Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST_CASE("random: elements get the words they are promised") {
  for (int64_t n : {0, 1, 15, 16, 17, 63, 64, 65, 1000}) {
    CAPTURE(n);
    const Impl u = drawn({n}, DType::float32, kUniform, kKey), w = drawn({n}, DType::float64, kUniform, kKey);
    const Impl b = drawn({n}, DType::float32, kBernoulli, kKey), r = drawn({n}, DType::int64, kRandint, kKey);
    for (int64_t i = 0; i < n; ++i) {
      REQUIRE(u->as<float>()[i] == static_cast<float>(one_word(kKey, i) >> 8) * 0x1p-24f);
      REQUIRE(w->as<double>()[i] == static_cast<double>(two_words(kKey, i) >> 11) * 0x1p-53);
      REQUIRE(b->as<float>()[i] == (one_word(kKey, i) < 1288490189u ? 1.0f : 0.0f));  // 0.3 * 2^32
      const double position = static_cast<double>(two_words(kKey, i)) * 0x1p-64 * 100;
      if (std::abs(position - std::round(position)) > 1e-9) REQUIRE(r->as<int64_t>()[i] == static_cast<int64_t>(position));
    }
  }
}

TEST_CASE("random: normals are Box and Muller's of their words") {
  const int64_t n = 640;
  const Impl x = drawn({n}, DType::float32, kNormal, kKey), y = drawn({n}, DType::float64, kNormal, kKey);
  for (int64_t i = 0; i < n; ++i) {
    const bool second = i % 32 >= 16;
    {
      const uint32_t a = one_word(kKey, second ? i - 16 : i), b = one_word(kKey, second ? i : i + 16);
      const double radius = std::sqrt(-2 * std::log((static_cast<double>(a >> 1) + 0.5) * 0x1p-31));
      const double fraction = static_cast<double>(static_cast<int32_t>(b << 2)) * 0x1p-32,
                   quadrant = static_cast<double>(b >> 30);
      const double angle = (quadrant + fraction) * std::numbers::pi / 2;
      REQUIRE(std::abs(x->as<float>()[i] - radius * (second ? std::sin(angle) : std::cos(angle))) < 2e-6);
    }
    {
      const uint64_t a = two_words(kKey, second ? i - 16 : i), b = two_words(kKey, second ? i : i + 16);
      const double u = static_cast<double>(a >> 33) * 0x1p-31 + static_cast<double>((a & 0xffffffffu) >> 10) * 0x1p-53;
      const double radius = std::sqrt(-2 * std::log1p(-u));
      const double fraction = static_cast<double>(static_cast<int32_t>(static_cast<uint32_t>(b >> 32) << 2)) * 0x1p-32 +
                              static_cast<double>((b & 0xffffffffu) >> 10) * 0x1p-52;
      const double angle = (static_cast<double>(b >> 62) + fraction) * std::numbers::pi / 2;
      REQUIRE(std::abs(y->as<double>()[i] - radius * (second ? std::sin(angle) : std::cos(angle))) < 1e-14 * (1 + radius));
    }
  }
}

TEST_CASE("random: truncated normals invert the distribution function") {
  const int64_t n = 640;
  const Impl x = drawn({n}, DType::float32, kTruncated, kKey), y = drawn({n}, DType::float64, kTruncated, kKey);
  const double tail = normal_cdf(-2);
  for (int64_t i = 0; i < n; ++i) {
    const double t = (static_cast<double>(static_cast<int32_t>(one_word(kKey, i))) + 0.5) * 0x1p-31;
    REQUIRE(std::abs((normal_cdf(x->as<float>()[i]) - tail) / (1 - 2 * tail) - (t + 1) / 2) < 5e-7);
    const uint64_t bits = two_words(kKey, i);
    const double wide = (static_cast<double>(static_cast<int32_t>(bits >> 32)) + 0.5) * 0x1p-31 +
                        (static_cast<double>((bits & 0xffffffffu) >> 10) - 0x1p21) * 0x1p-53;
    REQUIRE(std::abs((normal_cdf(y->as<double>()[i]) - tail) / (1 - 2 * tail) - (wide + 1) / 2) < 2e-15);
  }
}

TEST_CASE("random: moments and distribution functions") {
  const int64_t n = 200000;
  for (DType dtype : {DType::float32, DType::float64}) {
    CAPTURE(info(dtype).name);
    const std::vector<double> u = values(*drawn({n}, dtype, kUniform)), z = values(*drawn({n}, dtype, kNormal, {42, 1}));
    const std::vector<double> t = values(*drawn({n}, dtype, kTruncated, {42, 2}));
    CHECK(ks(u, [](double x) { return x; }) < 1.95);
    CHECK(ks(z, normal_cdf) < 1.95);
    const double tail = normal_cdf(-2);
    CHECK(ks(t, [&](double x) { return (normal_cdf(x) - tail) / (1 - 2 * tail); }) < 1.95);

    const double root = std::sqrt(static_cast<double>(n));
    CHECK(std::abs(moment(u, 1) - 0.5) < 4 * std::sqrt(1.0 / 12) / root);
    CHECK(std::abs(moment(z, 1)) < 4 / root);
    CHECK(std::abs(moment(z, 2) - 1) < 4 * std::sqrt(2.0) / root);
    CHECK(std::abs(moment(z, 3)) < 4 * std::sqrt(15.0) / root);
    CHECK(std::abs(moment(z, 4) - 3) < 4 * std::sqrt(96.0) / root);
    CHECK(std::abs(moment(t, 1)) < 4 / root);
    CHECK(std::abs(std::sqrt(moment(t, 2)) - 0.87962566103423978) < 4 / root);  // the constant of Keras' initialisers
    CHECK(*std::max_element(t.begin(), t.end()) <= 2);
    CHECK(*std::min_element(t.begin(), t.end()) >= -2);
    for (double x : z) REQUIRE(std::abs(x) < 9);

    double neighbours = 0, partners = 0;
    for (size_t i = 0; i + 16 < z.size(); ++i) neighbours += z[i] * z[i + 1], partners += z[i] * z[i + 16];
    CHECK(std::abs(neighbours) < 4 * root);
    CHECK(std::abs(partners) < 4 * root);
  }
}

TEST_CASE("random: mean and deviation scale") {
  const Impl z = drawn({100}, DType::float64, kNormal), out = empty({100}, DType::float64);
  kernels::fill_normal(*out, {42, 0}, 10, 3);
  for (int64_t i = 0; i < 100; ++i) CHECK(out->as<double>()[i] == doctest::Approx(10 + 3 * z->as<double>()[i]).epsilon(1e-14));
  kernels::fill_normal(*out, {42, 0}, 2.5, 0);
  CHECK(values(*out) == std::vector<double>(100, 2.5));
  kernels::fill_truncated_normal(*out, {42, 0}, -1, 0.5);
  for (double x : values(*out)) CHECK((x >= -2 && x <= 0));
}

TEST_CASE("random: uniform stays below its upper bound in every dtype") {
  struct Bounds {
    double low, high;
  };
  for (DType dtype : kFloatingDTypes) {
    CAPTURE(info(dtype).name);
    for (const Bounds& b : {Bounds{0, 1}, {-1, 0}, {-3, -2}, {100, 101}, {-1e4, 3e4}}) {
      const Impl out = empty({40000}, dtype);
      kernels::fill_uniform(*out, kKey, b.low, b.high);
      const std::vector<double> v = values(*out);
      const auto [low, high] = std::minmax_element(v.begin(), v.end());
      const Impl bound = filled({1}, dtype, [&](int64_t) { return b.high; });
      CHECK(*low >= (b.low < -1000 ? b.low * 1.01 : b.low));
      CHECK(*high < values(*bound)[0]);
      CHECK(moment(v, 1) == doctest::Approx((b.low + b.high) / 2).epsilon(0.02));
    }
    const Impl same = empty({70}, dtype);
    kernels::fill_uniform(*same, kKey, 1.5, 1.5);
    CHECK(values(*same) == std::vector<double>(70, 1.5));
  }
  const double most = std::numeric_limits<float>::max();
  const Impl wide = empty({1000}, DType::float32);
  kernels::fill_uniform(*wide, kKey, -most, most);
  for (double x : values(*wide)) CHECK(std::abs(x) < most);
}

TEST_CASE("random: bernoulli") {
  for (DType dtype : kAllDTypes) {
    CAPTURE(info(dtype).name);
    const std::vector<double> v = values(*drawn({40003}, dtype, kBernoulli));
    for (double x : v) REQUIRE((x == 0 || x == 1));
    CHECK(std::abs(moment(v, 1) - 0.3) < 4 * std::sqrt(0.21 / 40003));
    const Impl out = empty({1000}, dtype);
    kernels::fill_bernoulli(*out, kKey, 0);
    CHECK(moment(values(*out), 1) == 0);
    kernels::fill_bernoulli(*out, kKey, 1);
    CHECK(moment(values(*out), 1) == 1);
  }
}

TEST_CASE("random: integers") {
  for (DType dtype : {DType::uint8, DType::int32, DType::int64, DType::float16, DType::float32, DType::float64}) {
    CAPTURE(info(dtype).name);
    const Impl out = empty({70000}, dtype);
    kernels::fill_randint(*out, {7, 3}, 10, 17);
    std::map<double, int> counts;
    for (double x : values(*out)) ++counts[x];
    REQUIRE(counts.size() == 7);
    double chi = 0;
    for (const auto& [x, count] : counts) {
      CHECK((x >= 10 && x < 17));
      chi += (count - 10000.0) * (count - 10000.0) / 10000;
    }
    CHECK(chi < 22.5);  // 6 degrees of freedom, one in a thousand
  }
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();
  const Impl out = empty({10000}, DType::int64);
  kernels::fill_randint(*out, kKey, kLeast, kMost);
  int64_t negative = 0;
  for (int64_t i = 0; i < out->size; ++i) negative += out->as<int64_t>()[i] < 0;
  CHECK(std::abs(static_cast<double>(negative) - 5000) < 200);
  kernels::fill_randint(*out, kKey, kMost - 1, kMost);
  for (int64_t i = 0; i < out->size; ++i) REQUIRE(out->as<int64_t>()[i] == kMost - 1);
  kernels::fill_randint(*out, kKey, kLeast, kLeast + 1);
  for (int64_t i = 0; i < out->size; ++i) REQUIRE(out->as<int64_t>()[i] == kLeast);
  // Where a remainder would favour small numbers by 2 to 1.
  kernels::fill_randint(*out, kKey, 0, int64_t{3} << 61);
  int64_t low = 0;
  for (int64_t i = 0; i < out->size; ++i) low += out->as<int64_t>()[i] < int64_t{1} << 61;
  CHECK(std::abs(static_cast<double>(low) - 10000.0 / 3) < 200);
}

TEST_CASE("random: permutations") {
  for (int64_t n : {0, 1, 2, 31, 32, 33, 1000}) {
    const Impl out = empty({n}, DType::int64);
    kernels::fill_permutation(*out, kKey);
    std::vector<double> sorted = values(*out);
    std::sort(sorted.begin(), sorted.end());
    for (int64_t i = 0; i < n; ++i) REQUIRE(sorted[static_cast<size_t>(i)] == static_cast<double>(i));
  }
  std::map<std::vector<double>, int> counts;
  for (uint64_t stream = 0; stream < 24000; ++stream) {
    const Impl out = empty({4}, DType::int64);
    kernels::fill_permutation(*out, {1, stream});
    ++counts[values(*out)];
  }
  REQUIRE(counts.size() == 24);
  double chi = 0;
  for (const auto& entry : counts) chi += (entry.second - 1000.0) * (entry.second - 1000.0) / 1000;
  CHECK(chi < 49.7);  // 23 degrees of freedom, one in a thousand
}

TEST_CASE("random: the same for any number of threads; a prefix is a prefix; keys differ") {
  for (const Fill* fill : {&kUniform, &kNormal, &kTruncated, &kBernoulli, &kRandint}) {
    for (DType dtype : kFloatingDTypes) {
      std::vector<double> first;
      for (int threads : {1, 2, 3}) {
        const Threads set(threads);
        const std::vector<double> v = values(*drawn({50007}, dtype, *fill));
        if (threads == 1) first = v;
        CHECK(v == first);
      }
      const std::vector<double> prefix = values(*drawn({1001}, dtype, *fill));
      CHECK(std::equal(prefix.begin(), prefix.end(), first.begin()));
      CHECK(values(*drawn({1001}, dtype, *fill, {43, 0})) != prefix);
      CHECK(values(*drawn({1001}, dtype, *fill, {42, 1})) != prefix);
      CHECK(values(*drawn({1001}, dtype, *fill, {42, uint64_t{1} << 32})) != prefix);
      CHECK(values(*drawn({1001}, dtype, *fill, {42 + (uint64_t{1} << 32), 0})) != prefix);
    }
  }
}

}  // namespace gradus::test
