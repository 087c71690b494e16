#include "data/synthetic.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/data/files.h"

namespace gradus::test {
namespace {

using namespace data::synthetic;

TEST_CASE("will_i_pass: ranges, determinism, and passes as often as the rule says") {
  const int64_t n = 20000;
  const auto [x, y] = will_i_pass(n, 1).all();
  CHECK((x.shape() == Shape{n, 2}));
  CHECK((y.shape() == Shape{n, 1}));
  CHECK(identical(x, will_i_pass(n, 1).all().x));
  CHECK(identical(y, will_i_pass(n, 1).all().y));
  CHECK_FALSE(identical(x, will_i_pass(n, 2).all().x));

  const float* point = x.data<float>();
  double passes = 0, expected = 0, variance = 0, near = 0, near_passes = 0;
  for (int64_t i = 0; i < n; ++i, point += 2) {
    CHECK((point[0] >= 0 && point[0] <= 10 && point[0] == std::floor(point[0])));
    CHECK((point[1] >= 0 && point[1] < 10));
    const float label = y.data<float>()[i];
    REQUIRE((label == 0 || label == 1));
    const double p = 1 / (1 + std::exp(-(0.9 * (point[0] - 4) + 0.9 * (point[1] - 5) + 1)));
    passes += label, expected += p, variance += p * (1 - p);
    if (point[0] == 4 && std::abs(point[1] - 5) < 0.5) near += 1, near_passes += label;
  }
  CHECK(std::abs(passes - expected) < 5 * std::sqrt(variance));
  REQUIRE(near > 100);
  CHECK(near_passes / near > 0.6);  // 4 lectures, 5 hours: more likely than not
  CHECK(near_passes / near < 0.86);
}

TEST_CASE("two_clouds: means, covariance, and a line that parts them") {
  const int64_t n = 20000;
  const auto [x, y] = two_clouds(n, 1).all();
  double right = 0, cross = 0, square = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double a = x.data<float>()[2 * i], b = x.data<float>()[2 * i + 1], label = y.data<float>()[i];
    const double da = a - 3 * label, db = b - 3 * (1 - label);
    cross += da * db, square += db * db;
    right += (a > b) == (label == 1);
  }
  CHECK(cross / static_cast<double>(n) == doctest::Approx(0.5).epsilon(0.1));
  CHECK(square / static_cast<double>(n) == doctest::Approx(1).epsilon(0.1));
  CHECK(right / static_cast<double>(n) > 0.98);  // a - b is 3 standard deviations from 0
}

TEST_CASE("spirals: without noise every point lies on its arm") {
  const auto [x, y] = spirals(1000, 1, 0).all();
  for (int64_t i = 0; i < 1000; ++i) {
    const double a = x.data<float>()[2 * i], b = x.data<float>()[2 * i + 1], radius = std::hypot(a, b);
    const double angle = std::acos(-1.0) * (3 * radius + y.data<float>()[i]);
    CHECK(std::abs(a - radius * std::cos(angle)) + std::abs(b - radius * std::sin(angle)) < 1e-4);
  }
  CHECK_FALSE(identical(x, spirals(1000, 1, 0.1).all().x));
}

TEST_CASE("synthetic: sizes and options out of range") {
  CHECK(will_i_pass(0).size() == 0);
  CHECK_THROWS_AS(will_i_pass(-1), ValueError);
  CHECK_THROWS_AS(two_clouds(-1), ValueError);
  CHECK_THROWS_AS(spirals(-1), ValueError);
  CHECK_THROWS_AS(spirals(1, 0, -1), ValueError);
}

}  // namespace
}  // namespace gradus::test
