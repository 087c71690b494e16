#include "data/digits.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "autograd/parallel.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

constexpr size_t kPixels = 28 * 28;

// Squared distance of two images.
double distance(const uint8_t* a, const uint8_t* b) {
  int64_t sum = 0;
  for (size_t i = 0; i < kPixels; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return static_cast<double>(sum);
}

TEST_CASE("digits: shapes, labels and determinism") {
  const data::digits::Digits a = data::digits::generate(500, 3), b = data::digits::generate(200, 3),
                             c = data::digits::generate(200, 4);
  CHECK((a.images.shape() == Shape{500, 28, 28}));
  CHECK((a.labels.shape() == Shape{500}));
  CHECK(a.images.dtype() == DType::uint8);
  CHECK(a.labels.dtype() == DType::uint8);
  CHECK(std::equal(b.images.data<uint8_t>(), b.images.data<uint8_t>() + 200 * kPixels, a.images.data<uint8_t>()));
  CHECK(std::equal(b.labels.data<uint8_t>(), b.labels.data<uint8_t>() + 200, a.labels.data<uint8_t>()));
  CHECK_FALSE(identical(b.images, c.images));
  CHECK((data::digits::generate(0).images.shape() == Shape{0, 28, 28}));
  CHECK_THROWS_AS(data::digits::generate(-1), ValueError);
}

TEST_CASE("digits: the same for any number of threads") {
  const int threads = num_threads();
  set_num_threads(1);
  const auto one = data::digits::generate(1000, 9);
  set_num_threads(3);
  const auto three = data::digits::generate(1000, 9);
  set_num_threads(threads);
  CHECK(identical(one.images, three.images));
  CHECK(identical(one.labels, three.labels));
}

TEST_CASE("digits: placed as in MNIST, every image with ink, every digit about as often") {
  const int64_t n = 5000;
  const auto [images, labels] = data::digits::generate(n, 1);
  std::array<int, 10> counts{};
  double ink = 0;
  for (int64_t i = 0; i < n; ++i) {
    const uint8_t label = labels.data<uint8_t>()[i];
    REQUIRE(label < 10);
    ++counts[label];
    const uint8_t* image = images.data<uint8_t>() + static_cast<size_t>(i) * kPixels;
    double mass = 0, x = 0, y = 0;
    for (size_t p = 0; p < kPixels; ++p) {
      mass += image[p];
      x += image[p] * static_cast<double>(p % 28);
      y += image[p] * static_cast<double>(p / 28);
    }
    REQUIRE(mass > 255 * 10);
    CHECK(std::abs(x / mass - 13.5) < 4);  // centred along the stroke, not by pixels
    CHECK(std::abs(y / mass - 13.5) < 4);
    ink += mass;
  }
  for (const int count : counts) CHECK(std::abs(count - 500) < 110);                              // five standard deviations
  CHECK(ink / (255 * static_cast<double>(n) * kPixels) == doctest::Approx(0.131).epsilon(0.15));  // MNIST's mean
}

// MNIST itself scores 0.82 on the first measure and 0.90 on the second (5,000 training images).
TEST_CASE("digits: about as hard as MNIST for classifiers that do not learn") {
  const size_t n = 3000, m = 400;
  const auto train = data::digits::generate(n, 1), test = data::digits::generate(m, 2);
  const uint8_t *x = train.images.data<uint8_t>(), *y = train.labels.data<uint8_t>();
  const uint8_t *u = test.images.data<uint8_t>(), *v = test.labels.data<uint8_t>();

  std::array<std::array<double, kPixels>, 10> means{};
  std::array<double, 10> counts{};
  for (size_t i = 0; i < n; ++i) {
    counts[y[i]] += 1;
    for (size_t p = 0; p < kPixels; ++p) means[y[i]][p] += x[i * kPixels + p];
  }
  size_t by_mean = 0, by_neighbour = 0;
  for (size_t i = 0; i < m; ++i) {
    size_t best = 0, nearest = 0;
    double least = 1e300;
    for (size_t d = 0; d < 10; ++d) {
      double sum = 0;
      for (size_t p = 0; p < kPixels; ++p) sum += std::pow(means[d][p] / counts[d] - u[i * kPixels + p], 2);
      if (sum < least) least = sum, best = d;
    }
    by_mean += best == v[i];
    least = 1e300;
    for (size_t k = 0; k < n; ++k)
      if (const double far = distance(x + k * kPixels, u + i * kPixels); far < least) least = far, nearest = k;
    by_neighbour += y[nearest] == v[i];
  }
  const double mean_accuracy = static_cast<double>(by_mean) / m, neighbour_accuracy = static_cast<double>(by_neighbour) / m;
  CHECK(mean_accuracy > 0.68);
  CHECK(mean_accuracy < 0.88);
  CHECK(neighbour_accuracy > 0.88);
  CHECK(neighbour_accuracy < 0.98);
}

}  // namespace
}  // namespace gradus::test
