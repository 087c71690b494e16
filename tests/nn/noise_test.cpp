// Noise layers: the common harness, then the statistics of what they draw.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "tests/nn/check_layer.h"

using namespace gradus;
using test::check_layer;

namespace {

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments(const std::vector<double>& values) {
  Moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values) m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
  return m;
}

Tensor normal_tensor(const Shape& shape, uint64_t seed) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, DType::float64, generator);
}

/// How many generators a layer shows, for a checkpoint.
int generators_of(nn::Layer& layer) {
  struct Counter : nn::Visitor {
    void on_variable(const Variable&) override {}
    void on_generator(random::Generator&) override { ++count; }
    int count = 0;
  } counter;
  layer.visit(counter);
  return counter.count;
}

}  // namespace

TEST_CASE("noise layers keep the promises of a layer") {
  check_layer([] { return nn::AlphaDropout(0.4, {.seed = 1}); }, {.input = {6, 8}, .output = {6, 8}, .random_in_training = true});
  check_layer([] { return nn::AlphaDropout(0); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer([] { return nn::GaussianDropout(0.3); }, {.input = {6, 8}, .output = {6, 8}, .random_in_training = true});
  check_layer([] { return nn::GaussianDropout(0); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer([] { return nn::GaussianNoise(0.5, {.seed = 1}); },
              {.input = {6, 8}, .output = {6, 8}, .random_in_training = true});
  check_layer([] { return nn::GaussianNoise(0); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer([] { return nn::SpatialDropout1D(0.5, {.seed = 1}); },
              {.input = {4, 2, 12}, .output = {4, 2, 12}, .random_in_training = true, .never = {{4, 2}, {4, 2, 3, 3}}});
  check_layer([] { return nn::SpatialDropout2D(0.5, {.data_format = "channels_first"}); },
              {.input = {4, 12, 2, 2}, .output = {4, 12, 2, 2}, .random_in_training = true, .never = {{4, 12, 2}}});
  check_layer([] { return nn::SpatialDropout3D(0); }, {.input = {1, 2, 2, 2, 3}, .output = {1, 2, 2, 2, 3}});
}

TEST_CASE("AlphaDropout keeps the mean and variance of what selu gives") {
  const Tensor x = normal_tensor({400, 500}, 3);
  const Moments before = moments(x.to_vector<double>());
  for (const double rate : {0.1, 0.5, 0.9}) {
    CAPTURE(rate);
    nn::AlphaDropout layer(rate, {.seed = 8});
    const std::vector<double> y = layer(x, true).to_vector<double>();
    const Moments after = moments(y);
    CHECK(after.mean == doctest::Approx(before.mean).epsilon(0.02));
    CHECK(after.variance == doctest::Approx(1).epsilon(0.03));
    // Dropped elements all have one value; as many as the rate says.
    const double a = 1 / std::sqrt((1 - rate) * (1 + rate * 1.7580993408473766 * 1.7580993408473766));
    const double dropped = -1.7580993408473766 * a * (1 - rate);
    const auto count = static_cast<double>(std::ranges::count_if(y, [&](double v) { return std::abs(v - dropped) < 1e-12; }));
    CHECK(std::abs(count / 200000 - rate) < 0.006);
    // The others are scaled and shifted.
    const std::vector<double> in = x.to_vector<double>();
    for (size_t i = 0; i < 1000; ++i)
      if (std::abs(y[i] - dropped) > 1e-12)
        CHECK(y[i] == doctest::Approx(a * in[i] + a * rate * 1.7580993408473766).epsilon(1e-12));
  }
  // What leaves a selu network of this kind stays standard through many layers.
  random::seed(1);
  Tensor h = normal_tensor({500, 200}, 4);
  for (int i = 0; i < 8; ++i) {
    nn::Dense dense(200, {.activation = nn::selu, .kernel_initializer = "lecun_normal", .dtype = DType::float64});
    h = nn::AlphaDropout(0.1)(dense(h), true);
  }
  const Moments deep = moments(h.to_vector<double>());
  CHECK(std::abs(deep.mean) < 0.15);
  CHECK(deep.variance == doctest::Approx(1).epsilon(0.2));
}

TEST_CASE("Gaussian noise and dropout have the deviation they promise") {
  const Tensor x = full({300, 300}, 2, DType::float64);
  const Moments noise = moments(nn::GaussianNoise(0.5, {.seed = 5})(x, true).to_vector<double>());
  CHECK(noise.mean == doctest::Approx(2).epsilon(0.005));
  CHECK(noise.variance == doctest::Approx(0.25).epsilon(0.03));
  const Moments product = moments(nn::GaussianDropout(0.2, {.seed = 5})(x, true).to_vector<double>());
  CHECK(product.mean == doctest::Approx(2).epsilon(0.01));
  CHECK(product.variance == doctest::Approx(4 * 0.25).epsilon(0.03));  // (2 sqrt(0.2 / 0.8))^2
}

TEST_CASE("SpatialDropout drops whole maps, each sample's by itself") {
  nn::SpatialDropout2D last(0.25, {.seed = 6});
  nn::SpatialDropout2D first(0.25, {.seed = 6, .data_format = "channels_first"});
  const std::vector<double> y = last(ones({50, 3, 4, 40}, DType::float64), true).to_vector<double>();
  const std::vector<double> z = first(ones({50, 40, 3, 4}, DType::float64), true).to_vector<double>();
  int dropped = 0, partly = 0;
  for (size_t n = 0; n < 50; ++n)
    for (size_t c = 0; c < 40; ++c) {
      const double map = y[n * 480 + c];
      CHECK((map == 0 || map == doctest::Approx(4.0 / 3)));
      for (size_t p = 0; p < 12; ++p)
        partly += y[n * 480 + p * 40 + c] != map || z[(n * 40 + c) * 12 + p] != z[(n * 40 + c) * 12];
      dropped += map == 0;
    }
  CHECK(partly == 0);
  CHECK(dropped > 400);  // of 2000 draws of 0.25: five standard deviations are 97
  CHECK(dropped < 600);
  CHECK(nn::SpatialDropout1D(1)(ones({1, 2, 3}), true).to_vector<double>() == std::vector<double>(6, 0));
}

TEST_CASE("a seed gives a layer numbers of its own, which visit() shows; without one they are the process's") {
  const Tensor x = ones({5, 5});
  nn::GaussianNoise own(1, {.seed = 5}), same(1, {.seed = 5}), other(1, {.seed = 6});
  const std::vector<double> first = own(x, true).to_vector<double>();
  CHECK(same(x, true).to_vector<double>() == first);
  CHECK(other(x, true).to_vector<double>() != first);
  CHECK(generators_of(own) == 1);
  auto handle = own;
  CHECK(handle(x, true).to_vector<double>() == same(x, true).to_vector<double>());  // copies share where they are

  nn::AlphaDropout shared(0.5);
  CHECK(generators_of(shared) == 0);
  random::seed(4);
  const std::vector<double> drawn = shared(x, true).to_vector<double>();
  random::seed(4);
  CHECK(shared(x, true).to_vector<double>() == drawn);
}

TEST_CASE("noise layers name what is wrong") {
  const double nan = std::nan(""), infinity = std::numeric_limits<double>::infinity();
  for (const double rate : {-0.1, 1.1, nan}) {
    CHECK_THROWS_AS(nn::AlphaDropout{rate}, ValueError);
    CHECK_THROWS_AS(nn::GaussianDropout{rate}, ValueError);
    CHECK_THROWS_AS(nn::SpatialDropout1D{rate}, ValueError);
  }
  CHECK_THROWS_WITH_AS(nn::AlphaDropout(1), doctest::Contains("AlphaDropout: rate out of range; got 1, expected [0, 1)"),
                       ValueError);
  CHECK_THROWS_AS(nn::GaussianDropout(1), ValueError);
  for (const double stddev : {-1.0, nan, infinity}) CHECK_THROWS_AS(nn::GaussianNoise{stddev}, ValueError);
  CHECK_THROWS_AS(nn::GaussianNoise(1, {.name = "a.b"}), ValueError);
  const Tensor integers = ones({2, 3}, DType::int32);
  CHECK_THROWS_WITH_AS(nn::GaussianNoise(1)(integers, true), doctest::Contains("GaussianNoise: input is not floating; got int32"),
                       DTypeError);
  CHECK_THROWS_AS(nn::GaussianDropout(0.5)(integers, true), DTypeError);
  CHECK_THROWS_AS(nn::AlphaDropout(0.5)(integers, true), DTypeError);
  CHECK_THROWS_AS(nn::SpatialDropout1D(0.5)(ones({2, 3, 4}, DType::int32), true), DTypeError);
  CHECK(nn::GaussianNoise(1)(integers).dtype() == DType::int32);
}
