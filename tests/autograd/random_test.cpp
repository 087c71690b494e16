#include "autograd/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "autograd/parallel.h"

using namespace gradus;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

struct Moments {
  double mean = 0, variance = 0, skewness = 0, kurtosis = 0;
};
Moments moments(const std::vector<double>& x) {
  const auto n = static_cast<double>(x.size());
  Moments m;
  for (double v : x) m.mean += v / n;
  double third = 0, fourth = 0;
  for (double v : x) {
    const double d = v - m.mean;
    m.variance += d * d / n, third += d * d * d / n, fourth += d * d * d * d / n;
  }
  m.skewness = third / std::pow(m.variance, 1.5);
  m.kurtosis = fourth / (m.variance * m.variance);
  return m;
}

// The largest distance between the distribution of the sample and `cdf` (Kolmogorov-Smirnov), times sqrt(n): above 1.95 in one
// sample of a thousand.
template <class Cdf>
double distance(std::vector<double> x, const Cdf& cdf) {
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double p = cdf(x[i]), rank = static_cast<double>(i);
    worst = std::max({worst, p - rank / n, (rank + 1) / n - p});
  }
  return worst * std::sqrt(n);
}
double normal_cdf(double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }

std::vector<double> values(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("draws depend on seed, stream and index only") {
  random::Generator a(7), b(7), c(8);
  const std::vector<double> first = values(random::normal({1000}, 0, 1, DType::float32, a));
  CHECK((values(random::normal({1000}, 0, 1, DType::float32, b)) == first));
  CHECK((values(random::normal({1000}, 0, 1, DType::float32, c)) != first));
  CHECK((values(random::normal({1000}, 0, 1, DType::float32, a)) != first));  // the next stream
  CHECK(a.stream() == 2);
  a.reset(7);
  const std::vector<double> longer = values(random::normal({40, 50}, 0, 1, DType::float32, a));
  CHECK(std::equal(first.begin(), first.end(), longer.begin()));
  random::Generator resumed(7, 1);
  b.reset(7, 1);
  CHECK((values(random::uniform({9}, 0, 1, DType::float64, resumed)) == values(random::uniform({9}, 0, 1, DType::float64, b))));
}

TEST_CASE("draws are the same for any number of threads") {
  const int before = num_threads();
  const auto draw = [] {
    random::Generator g(3);
    std::vector<std::vector<double>> out;
    out.push_back(values(random::normal({100003}, 0, 1, DType::float32, g)));
    out.push_back(values(random::normal({100003}, 0, 1, DType::float64, g)));
    out.push_back(values(random::uniform({300, 333}, 0, 1, DType::float32, g)));
    out.push_back(values(random::truncated_normal({100003}, 0, 1, DType::float32, g)));
    out.push_back(values(random::bernoulli({100003}, 0.3, DType::uint8, g)));
    out.push_back(values(random::randint({100003}, -5, 1000, DType::int64, g)));
    return out;
  };
  set_num_threads(1);
  const auto one = draw();
  set_num_threads(4);
  const auto four = draw();
  set_num_threads(before);
  CHECK((one == four));
}

TEST_CASE("the default generator restarts with its seed and serves several threads") {
  random::seed(42);
  const std::vector<double> first = values(random::uniform({10}));
  CHECK(random::default_generator().seed() == 42);
  CHECK((values(random::uniform({10})) != first));
  random::seed(42);
  CHECK((values(random::uniform({10})) == first));

  random::seed(1);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) random::uniform({3});
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(random::default_generator().stream() == 400);
  random::seed(0);
}

TEST_CASE("uniform") {
  random::Generator g(11);
  for (DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    CAPTURE(info(dtype).name);
    const Tensor x = random::uniform({50000}, -2, 6, dtype, g);
    CHECK(x.dtype() == dtype);
    const std::vector<double> v = values(x);
    CHECK(*std::min_element(v.begin(), v.end()) >= -2);
    CHECK(*std::max_element(v.begin(), v.end()) < 6);
    CHECK(moments(v).mean == doctest::Approx(2).epsilon(0.02));
    CHECK(moments(v).variance == doctest::Approx(64.0 / 12).epsilon(0.02));
  }
  CHECK(distance(values(random::uniform({50000}, 0, 1, DType::float64, g)), [](double x) { return x; }) < 1.95);
  CHECK((values(random::uniform({3}, 4, 4, DType::float32, g)) == std::vector<double>{4, 4, 4}));
  CHECK(random::uniform({2, 0, 3}).size() == 0);
  CHECK((random::uniform({}).shape() == Shape{}));
}

TEST_CASE("normal") {
  random::Generator g(12);
  for (DType dtype : {DType::float16, DType::bfloat16, DType::float32, DType::float64}) {
    CAPTURE(info(dtype).name);
    const Moments m = moments(values(random::normal({200000}, 1, 3, dtype, g)));
    CHECK(m.mean == doctest::Approx(1).epsilon(0.03));
    CHECK(m.variance == doctest::Approx(9).epsilon(0.02));
    CHECK(std::abs(m.skewness) < 0.03);
    CHECK(m.kurtosis == doctest::Approx(3).epsilon(0.03));
  }
  CHECK(distance(values(random::normal({50000}, 0, 1, DType::float64, g)), normal_cdf) < 1.95);
  CHECK(distance(values(random::normal({50000}, 0, 1, DType::float32, g)), normal_cdf) < 1.95);
  CHECK((values(random::normal({3}, 2, 0, DType::float64, g)) == std::vector<double>{2, 2, 2}));
}

TEST_CASE("truncated normal stays within two standard deviations") {
  random::Generator g(13);
  const double low = normal_cdf(-2), mass = 1 - 2 * low;
  for (DType dtype : {DType::float32, DType::float64}) {
    const std::vector<double> x = values(random::truncated_normal({50000}, 10, 3, dtype, g));
    CHECK(*std::min_element(x.begin(), x.end()) >= 4);
    CHECK(*std::max_element(x.begin(), x.end()) <= 16);
    CHECK(distance(x, [&](double v) { return (normal_cdf((v - 10) / 3) - low) / mass; }) < 1.95);
  }
}

TEST_CASE("bernoulli") {
  random::Generator g(14);
  for (double p : {0.0, 0.001, 0.3, 1.0})
    for (DType dtype : {DType::boolean, DType::uint8, DType::float16, DType::float32}) {
      const std::vector<double> x = values(random::bernoulli({100000}, p, dtype, g));
      CHECK(std::all_of(x.begin(), x.end(), [](double v) { return v == 0 || v == 1; }));
      CHECK(std::abs(moments(x).mean - p) <= 5 * std::sqrt(p * (1 - p) / 100000) + 1e-9);
    }
}

TEST_CASE("randint covers [low, high) evenly") {
  random::Generator g(15);
  for (DType dtype : {DType::uint8, DType::int32, DType::int64, DType::float16, DType::float32, DType::float64}) {
    CAPTURE(info(dtype).name);
    const Tensor x = random::randint({70000}, 3, 10, dtype, g);
    CHECK(x.dtype() == dtype);
    std::vector<int> counts(7);
    for (int64_t v : x.to_vector<int64_t>()) {
      REQUIRE(v >= 3);
      REQUIRE(v < 10);
      ++counts[static_cast<size_t>(v - 3)];
    }
    double chi_squared = 0;  // 6 degrees of freedom: above 22.5 in one sample of a thousand
    for (int c : counts) chi_squared += (c - 10000.0) * (c - 10000.0) / 10000;
    CHECK(chi_squared < 22.5);
  }
  CHECK((random::randint({4}, -3, -2, DType::int32, g).to_vector<int>() == std::vector<int>{-3, -3, -3, -3}));
  const std::vector<int64_t> wide = random::randint({1000}, kMin, kMax, DType::int64, g).to_vector<int64_t>();
  CHECK(std::count_if(wide.begin(), wide.end(), [](int64_t v) { return v < 0; }) > 400);
  CHECK(std::count_if(wide.begin(), wide.end(), [](int64_t v) { return v > kMax / 2; }) > 150);
  CHECK((random::randint({2}, 255, 256, DType::uint8, g).to_vector<int>() == std::vector<int>{255, 255}));
}

TEST_CASE("permutation") {
  random::Generator g(16);
  const Tensor p = random::permutation(1000, g);
  CHECK(p.dtype() == DType::int64);
  std::vector<int64_t> x = p.to_vector<int64_t>(), sorted(1000);
  std::iota(sorted.begin(), sorted.end(), 0);
  CHECK((x != sorted));
  std::sort(x.begin(), x.end());
  CHECK((x == sorted));
  CHECK(random::permutation(0, g).size() == 0);
  CHECK((random::permutation(1, g).to_vector<int>() == std::vector<int>{0}));
  // All six orders of three come equally often (5 degrees of freedom: above 20.5 in one sample of a thousand).
  std::vector<int> counts(27);
  for (int i = 0; i < 6000; ++i) {
    const std::vector<int64_t> v = random::permutation(3, g).to_vector<int64_t>();
    ++counts[static_cast<size_t>(v[0] * 9 + v[1] * 3 + v[2])];
  }
  double chi_squared = 0;
  for (size_t i : {5u, 7u, 11u, 15u, 19u, 21u}) chi_squared += (counts[i] - 1000.0) * (counts[i] - 1000.0) / 1000;
  CHECK(chi_squared < 20.5);
}

TEST_CASE("bad arguments are refused and take no stream") {
  random::Generator g(17);
  const DType f = DType::float32;
  CHECK_THROWS_AS(random::normal({2}, 0, -1, f, g), ValueError);
  CHECK_THROWS_AS(random::normal({2}, 0, kNan, f, g), ValueError);
  CHECK_THROWS_AS(random::normal({2}, kInf, 1, f, g), ValueError);
  CHECK_THROWS_AS(random::normal({2}, 0, 1, DType::int32, g), DTypeError);
  CHECK_THROWS_AS(random::normal({-2}, 0, 1, f, g), ShapeError);
  CHECK_THROWS_AS(random::truncated_normal({2}, 0, -1, f, g), ValueError);
  CHECK_THROWS_AS(random::truncated_normal({2}, 0, 1, DType::boolean, g), DTypeError);
  CHECK_THROWS_AS(random::uniform({2}, 1, 0, f, g), ValueError);
  CHECK_THROWS_AS(random::uniform({2}, kNan, 1, f, g), ValueError);
  CHECK_THROWS_AS(random::uniform({2}, 0, kInf, f, g), ValueError);
  CHECK_THROWS_AS(random::uniform({2}, 0, 1, DType::uint8, g), DTypeError);
  CHECK_THROWS_AS(random::bernoulli({2}, -0.1, f, g), ValueError);
  CHECK_THROWS_AS(random::bernoulli({2}, 1.1, f, g), ValueError);
  CHECK_THROWS_AS(random::bernoulli({2}, kNan, f, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, 5, 5, DType::int64, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, 0, 257, DType::uint8, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, -1, 5, DType::uint8, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, 0, int64_t{1} << 32, DType::int32, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, 0, 5000, DType::float16, g), ValueError);
  CHECK_THROWS_AS(random::randint({2}, 0, 2, DType::boolean, g), DTypeError);
  CHECK_THROWS_AS(random::permutation(-1, g), ValueError);
  CHECK(g.stream() == 0);
}
