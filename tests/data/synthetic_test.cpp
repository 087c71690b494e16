#include "data/synthetic.h"

#include <doctest/doctest.h>

#include <algorithm>
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

TEST_CASE("circles, moons, quadrants: where the points lie, and what repeats") {
  const int64_t n = 1000;
  const auto each = [n](const data::TensorDataset& set, const auto& check) {
    const auto [x, y] = set.all();
    REQUIRE((x.shape() == Shape{n, 2}));
    REQUIRE((y.shape() == Shape{n, 1}));
    for (int64_t i = 0; i < n; ++i)
      check(double{x.data<float>()[2 * i]}, double{x.data<float>()[2 * i + 1]}, y.data<float>()[i] == 1);
  };
  each(circles(n, 1, 0, 0.3), [](double a, double b, bool y) { CHECK(std::abs(std::hypot(a, b) - (y ? 0.3 : 1)) < 1e-6); });
  each(moons(n, 1, 0), [](double a, double b, bool y) {
    CHECK(std::abs(std::hypot(y ? a - 1 : a, y ? b - 0.5 : b) - 1) < 1e-6);
    CHECK((y ? b <= 0.5 + 1e-6 : b >= -1e-6));
  });
  int ones = 0;
  each(quadrants(n, 1), [&ones](double a, double b, bool y) {
    CHECK((std::abs(a) >= 0.0499 && std::abs(a) <= 1 && std::abs(b) >= 0.0499 && std::abs(b) <= 1));
    CHECK(y == (a * b < 0));
    ones += y;
  });
  CHECK(std::abs(ones - 500) < 80);  // five standard deviations
  CHECK(identical(moons(n, 3).all().x, moons(n, 3).all().x));
  CHECK_FALSE(identical(moons(n, 3).all().x, moons(n, 4).all().x));
  CHECK_FALSE(identical(circles(n, 3).all().x, circles(n, 4).all().x));
}

TEST_CASE("noisy_curve: sorted points, noise of the given size") {
  const auto square = [](double x) { return x * x; };
  const auto [x, y] = noisy_curve(square, 2000, {.low = -2, .high = 3, .noise = 0.5, .seed = 1}).all();
  const std::vector<double> a = x.to_vector<double>(), b = y.to_vector<double>();
  CHECK(std::is_sorted(a.begin(), a.end()));
  CHECK((a.front() >= -2 && a.front() < -1.9 && a.back() > 2.9 && a.back() < 3));
  double squares = 0;
  for (size_t i = 0; i < a.size(); ++i) squares += std::pow(b[i] - a[i] * a[i], 2);
  CHECK(std::sqrt(squares / 2000) == doctest::Approx(0.5).epsilon(0.08));
  const auto exact = noisy_curve(square, 3, {.noise = 0}).all();
  CHECK(exact.y.to_vector<double>()[1] == doctest::Approx(std::pow(exact.x.to_vector<double>()[1], 2)));
}

TEST_CASE("house_prices: the documented formula, up to its noise") {
  const int64_t n = 3000;
  const Houses houses = house_prices(n, 1);
  CHECK((houses.x.shape() == Shape{n, 13}));
  CHECK((houses.y.shape() == Shape{n}));
  CHECK(houses.names.size() == 13);
  const std::vector<double> x = houses.x.to_vector<double>(), y = houses.y.to_vector<double>();
  double squares = 0, sum = 0;
  int64_t counted = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const double* h = &x[13 * i];
    const double price = 40 + (1.1 + 0.12 * h[9]) * h[0] * std::exp(-0.035 * h[6]) + 12 * h[2] + 15 * h[5] + 0.03 * h[4] +
                         20 * std::pow(h[3] / 50 - 1, 2) - 6 * h[7] - 4 * h[8] - 0.8 * std::max(h[10] - 55, 0.0) - 3 * h[12];
    REQUIRE(y[i] >= 20);
    if (y[i] == 20) continue;
    const double z = (y[i] - price) / 12;
    sum += z, squares += z * z, ++counted;
  }
  CHECK(counted > n * 95 / 100);
  CHECK(std::abs(sum / static_cast<double>(counted)) < 0.15);
  CHECK(squares / static_cast<double>(counted) == doctest::Approx(1).epsilon(0.15));
  CHECK(identical(house_prices(50, 7).x, house_prices(50, 7).x));
}

TEST_CASE("movie_reviews: the same text for the same number, labels in balance, opinions that fit them") {
  const Reviews reviews = movie_reviews(1000, 1);
  CHECK(reviews.texts.size() == 1000);
  CHECK((reviews.labels.shape() == Shape{1000, 1}));
  CHECK(movie_reviews(10, 1).texts[9] == reviews.texts[9]);
  CHECK(movie_reviews(10, 2).texts[9] != reviews.texts[9]);
  const std::vector<int> labels = reviews.labels.to_vector<int>();
  int liked = 0, wonderful = 0, boring = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    liked += labels[i];
    wonderful += contains(reviews.texts[i], " wonderful") ? 2 * labels[i] - 1 : 0;
    boring += contains(reviews.texts[i], " boring") ? 2 * labels[i] - 1 : 0;
  }
  CHECK(std::abs(liked - 500) < 80);
  CHECK(wonderful > 10);
  CHECK(boring < -10);
}

TEST_CASE("daily_temperatures: seasons, and days that resemble their neighbours") {
  const std::vector<double> t = daily_temperatures(3653, 1).to_vector<double>();
  double january = 0, july = 0, step = 0;
  for (size_t day = 0; day < t.size(); ++day) {
    const double of_year = std::fmod(static_cast<double>(day), 365.25);
    if (of_year < 31) january += t[day] / 310;
    if (of_year >= 181 && of_year < 212) july += t[day] / 310;
    if (day > 0) step += std::abs(t[day] - t[day - 1]) / 3652;
  }
  CHECK(january == doctest::Approx(1.1).epsilon(0.9));
  CHECK(july == doctest::Approx(18.9).epsilon(0.1));
  CHECK(step == doctest::Approx(1.7).epsilon(0.05));
  CHECK(identical(daily_temperatures(100, 3), daily_temperatures(100, 3)));
}

TEST_CASE("synthetic: sizes and options out of range") {
  CHECK(will_i_pass(0).size() == 0);
  CHECK_THROWS_AS(will_i_pass(-1), ValueError);
  CHECK_THROWS_AS(two_clouds(-1), ValueError);
  CHECK_THROWS_AS(spirals(-1), ValueError);
  CHECK_THROWS_AS(spirals(1, 0, -1), ValueError);
  CHECK_THROWS_AS(circles(-1), ValueError);
  CHECK_THROWS_AS(circles(1, 0, -1), ValueError);
  CHECK_THROWS_AS(circles(1, 0, 0, 2), ValueError);
  CHECK_THROWS_AS(moons(-1), ValueError);
  CHECK_THROWS_AS(moons(1, 0, -1), ValueError);
  CHECK_THROWS_AS(quadrants(-1), ValueError);
  const auto line = [](double x) { return x; };
  CHECK_THROWS_AS(noisy_curve(line, -1), ValueError);
  CHECK_THROWS_AS(noisy_curve(line, 1, {.noise = -1}), ValueError);
  CHECK_THROWS_AS(noisy_curve(line, 1, {.low = 1, .high = 0}), ValueError);
  CHECK_THROWS_AS(house_prices(-1), ValueError);
  CHECK_THROWS_AS(movie_reviews(-1), ValueError);
  CHECK_THROWS_AS(daily_temperatures(-1), ValueError);
  CHECK(house_prices(0).x.shape(1) == 13);
  CHECK(movie_reviews(0).labels.size() == 0);
  CHECK(daily_temperatures(0).size() == 0);
}

}  // namespace
}  // namespace gradus::test
