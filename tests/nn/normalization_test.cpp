// Normalising layers: the common harness, values against plain loops, and moving statistics against their recurrences by hand.
#include "nn/normalization.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/nn/check_layer.h"
#include "tests/support/reference.h"

using namespace gradus;
using test::check_layer;

namespace {

Tensor random_tensor(const Shape& shape, uint64_t seed, double mean = 0, double stddev = 1) {
  random::Generator generator(seed);
  return random::normal(shape, mean, stddev, DType::float64, generator);
}
test::Array array_of(const Tensor& x) { return {x.shape(), x.to_vector<double>()}; }

struct Moments {
  double mean, variance, n;
};
/// Of the elements of x whose index satisfies `chosen`.
Moments moments(const test::Array& x, const std::function<bool(const Shape&)>& chosen) {
  double total = 0, squares = 0, n = 0;
  test::for_each_index(x.shape, [&](const Shape& at) {
    if (chosen(at)) total += x(at), n += 1;
  });
  test::for_each_index(x.shape, [&](const Shape& at) {
    if (chosen(at)) squares += (x(at) - total / n) * (x(at) - total / n);
  });
  return {total / n, squares / n, n};
}

void check_equal(const Tensor& got, const test::Array& expected) {
  REQUIRE((got.shape() == expected.shape));
  const std::vector<double> values = got.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == doctest::Approx(expected.values[i]).epsilon(1e-11));
}

std::vector<double> values(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("normalising layers keep the promises of a layer") {
  check_layer([](DType dtype) { return nn::BatchNormalization({.dtype = dtype}); }, {.input = {5, 3},
                                                                                     .output = {5, 3},
                                                                                     .parameters = 12,
                                                                                     .refused = {{5, 4}},
                                                                                     .frozen_parameters = 6,
                                                                                     .differs_in_training = true,
                                                                                     .never = {{5}, {}}});
  check_layer([](DType dtype) { return nn::BatchNormalization({.axis = 1, .center = false, .scale = false, .dtype = dtype}); },
              {.input = {3, 2, 2, 3},
               .output = {3, 2, 2, 3},
               .parameters = 4,
               .refused = {{3, 3, 2, 3}},
               .frozen_parameters = 4,
               .differs_in_training = true});
  check_layer([](DType dtype) { return nn::LayerNormalization({.dtype = dtype}); },
              {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = 8, .refused = {{2, 3, 5}}, .never = {{3}, {}}});
  check_layer(
      [](DType dtype) {
        return nn::LayerNormalization({.axis = {1, -2}, .dtype = dtype});
      },
      {.input = {2, 3, 2, 2}, .output = {2, 3, 2, 2}, .parameters = 12, .refused = {{2, 3, 3, 2}}, .never = {{2, 3}}});
  check_layer([](DType dtype) { return nn::LayerNormalization({.center = false, .scale = false, .dtype = dtype}); },
              {.input = {2, 3}, .output = {2, 3}, .refused = {{2, 4}}});
  check_layer([](DType dtype) { return nn::RMSNormalization({.dtype = dtype}); },
              {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = 4, .refused = {{2, 3, 5}}, .never = {{3}}});
  check_layer(
      [](DType dtype) { return nn::GroupNormalization(2, {.dtype = dtype}); },
      {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = 8, .refused = {{2, 3, 6}}, .never = {{2, 3, 5}, {2, 0}, {4}}});
  check_layer([](DType dtype) { return nn::GroupNormalization(-1, {.axis = 1, .scale = false, .dtype = dtype}); },
              {.input = {2, 3, 4}, .output = {2, 3, 4}, .parameters = 3, .refused = {{2, 4, 4}}});
}

TEST_CASE("batch normalisation while training: the batch's own statistics, and moving ones that follow") {
  for (const bool unbiased : {false, true}) {
    CAPTURE(unbiased);
    nn::BatchNormalization layer({.momentum = 0.75, .epsilon = 0.01, .unbiased = unbiased, .dtype = DType::float64});
    std::vector<double> mean(3, 0), variance(3, 1);
    for (uint64_t step = 0; step < 4; ++step) {
      const test::Array x = array_of(random_tensor({4, 2, 3}, step, 5, 2));
      layer.build(x.shape);
      const std::vector<Variable> weights = layer.trainable_variables();
      weights[0].assign(random_tensor({3}, 50 + step));
      weights[1].assign(random_tensor({3}, 60 + step));
      const std::vector<double> gamma = values(weights[0]), beta = values(weights[1]);
      test::Array expected = x;
      for (int64_t c = 0; c < 3; ++c) {
        const auto i = static_cast<size_t>(c);
        const Moments m = moments(x, [c](const Shape& at) { return at[2] == c; });
        test::for_each_index(x.shape, [&](const Shape& at) {
          if (at[2] == c) expected.values[x.position(at)] = (x(at) - m.mean) / std::sqrt(m.variance + 0.01) * gamma[i] + beta[i];
        });
        mean[i] = 0.75 * mean[i] + 0.25 * m.mean;
        variance[i] = 0.75 * variance[i] + 0.25 * m.variance * (unbiased ? m.n / (m.n - 1) : 1);
      }
      check_equal(layer(Tensor(x.values, x.shape), true), expected);
      for (size_t i = 0; i < 3; ++i) {
        CHECK(values(layer.moving_mean())[i] == doctest::Approx(mean[i]).epsilon(1e-12));
        CHECK(values(layer.moving_variance())[i] == doctest::Approx(variance[i]).epsilon(1e-12));
      }

      test::Array inference = x;
      test::for_each_index(x.shape, [&](const Shape& at) {
        const auto i = static_cast<size_t>(at[2]);
        inference.values[x.position(at)] = (x(at) - mean[i]) / std::sqrt(variance[i] + 0.01) * gamma[i] + beta[i];
      });
      check_equal(layer(Tensor(x.values, x.shape)), inference);
    }
  }
}

TEST_CASE("batch normalisation as PyTorch has it") {
  // torch 1.13: BatchNorm1d(2), one training step on these rows, then eval() on them.
  nn::BatchNormalization layer(nn::BatchNormalizationOptions::torch());
  const Tensor x({{1.0f, 4.0f}, {2.0f, 0.0f}, {6.0f, -1.0f}});
  const std::vector<double> trained = values(layer(x, true)), later = values(layer(x));
  const std::vector<double> expected_trained{-0.925819, 1.388729, -0.4629095, -0.4629095, 1.388729, -0.9258191},
      expected_later{0.5533969, 3.083211, 1.343964, -0.0790567, 4.506232, -0.8696237};
  for (size_t i = 0; i < 6; ++i) {
    CHECK(trained[i] == doctest::Approx(expected_trained[i]).epsilon(1e-5));
    CHECK(later[i] == doctest::Approx(expected_later[i]).epsilon(1e-5));
  }
  CHECK(values(layer.moving_mean())[0] == doctest::Approx(0.3).epsilon(1e-6));
  CHECK(values(layer.moving_variance())[0] == doctest::Approx(1.6).epsilon(1e-6));
}

TEST_CASE("batch normalisation: names, buffers, defaults, frozen, extremes") {
  nn::BatchNormalization layer({.name = "bn"});
  CHECK_THROWS_AS(layer.moving_mean(), ValueError);
  CHECK_THROWS_AS(layer.moving_variance(), ValueError);
  layer(zeros({1, 2}));
  std::vector<std::string> names;
  for (const nn::NamedVariable& part : layer.named_variables()) names.push_back(part.name);
  CHECK(names == std::vector<std::string>{"gamma", "beta", "moving_mean", "moving_variance"});
  CHECK(layer.moving_mean().name() == "bn.moving_mean");
  CHECK_FALSE(layer.moving_mean().trainable());
  CHECK(values(layer.moving_variance()) == std::vector<double>{1, 1});

  // Keras: moving = 0.99 moving + 0.01 batch.
  layer(Tensor({{1.0f, 10.0f}, {3.0f, 10.0f}}), true);
  CHECK(values(layer.moving_mean())[0] == doctest::Approx(0.02));
  CHECK(values(layer.moving_variance())[0] == doctest::Approx(0.99 + 0.01));
  CHECK(values(layer.moving_variance())[1] == doctest::Approx(0.99));

  // Frozen it infers, whatever it is told, and unfrozen its buffers still are not trained.
  const Tensor x({{7.0f, 7.0f}, {9.0f, 1.0f}});
  layer.set_trainable(false);
  CHECK(values(layer(x, true)) == values(layer(x)));
  layer.set_trainable(true);
  CHECK(values(layer(x, true)) != values(layer(x)));
  CHECK(layer.trainable_variables().size() == 2);

  // One value per feature: its distance to the mean is 0, and there is no sample variance.
  nn::BatchNormalization one({.unbiased = true});
  CHECK(values(one(Tensor({{5.0f}}), true)) == std::vector<double>{0});
  CHECK(values(one.moving_variance())[0] == doctest::Approx(0.99));

  CHECK_THROWS_WITH_AS(nn::BatchNormalization({.momentum = 1.5}), doctest::Contains("momentum out of range; got 1.5"),
                       ValueError);
  CHECK_THROWS_AS(nn::BatchNormalization({.epsilon = -1}), ValueError);
  CHECK_THROWS_AS(nn::BatchNormalization({.epsilon = std::nan("")}), ValueError);
  CHECK_THROWS_AS(nn::BatchNormalization({.dtype = DType::int32}), DTypeError);
  CHECK_THROWS_WITH_AS(nn::BatchNormalization({.axis = 0})(zeros({2, 2})), doctest::Contains("without axis 0 behind the samples"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(layer(zeros({2, 3})), doctest::Contains("expected 2 along axis 1; in layer bn"), ShapeError);
  CHECK_THROWS_AS(nn::BatchNormalization().build({2, -1}), ShapeError);
  const nn::Initializer wrong = [](const Shape&, DType d, random::Generator&) { return zeros({9}, d); };
  CHECK_THROWS_AS(nn::BatchNormalization({.moving_mean_initializer = wrong})(zeros({2, 3})), ShapeError);
}

TEST_CASE("batch normalisation in mixed precision keeps its statistics in float32") {
  nn::BatchNormalization layer;
  const nn::PrecisionScope scope(nn::mixed_bfloat16);
  // 256 + k / 8: bfloat16 has no room for the fraction, so a mean taken in it would be off.
  Tensor x = full({8, 1}, 256) + arange(8).reshape({8, 1}).astype(DType::float32) / 8.0;
  CHECK(layer(x, true).dtype() == DType::bfloat16);
  CHECK(layer.moving_mean().dtype() == DType::float32);
  CHECK(values(layer.moving_mean())[0] == doctest::Approx(0.01 * (256 + 3.5 / 8)).epsilon(1e-6));
}

TEST_CASE("batch normalisation learns and its moving statistics end where the data are") {
  random::seed(2);
  nn::Sequential model{nn::BatchNormalization({.momentum = 0.8}), nn::Dense(1)};
  const Tensor x = random_tensor({256, 2}, 7, 30, 4).astype(DType::float32);
  const Tensor y = x[":, :1"] - x[":, 1:"];
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.1}), .loss = "mse"});
  const nn::History history = model.fit(x, y, {.epochs = 12, .batch_size = 64, .verbose = 0});
  CHECK(model.evaluate(x, y)["loss"] < 0.5);
  const auto& bn = dynamic_cast<const nn::BatchNormalization&>(model[0]);
  const Moments first = moments(array_of(x), [](const Shape& at) { return at[1] == 0; });
  CHECK(values(bn.moving_mean())[0] == doctest::Approx(first.mean).epsilon(0.02));
  CHECK(values(bn.moving_variance())[0] == doctest::Approx(first.variance).epsilon(0.2));
}

TEST_CASE("layer, root mean square and group normalisation, against loops") {
  const Tensor input = random_tensor({2, 3, 2, 4}, 21, 1, 3);
  const test::Array x = array_of(input);
  const Tensor gamma = random_tensor({3, 4}, 22), beta = random_tensor({3, 4}, 23);

  // Over the axes 1 and 3: per sample and place along axis 2.
  nn::LayerNormalization layer({.axis = {3, 1}, .epsilon = 0.1, .dtype = DType::float64});
  layer.build(x.shape);
  REQUIRE((layer.variables()[0].shape() == Shape{3, 4}));
  layer.variables()[0].assign(gamma);
  layer.variables()[1].assign(beta);
  check_equal(layer(input), test::build(x.shape, [&](const Shape& at) {
                const Moments m = moments(x, [&](const Shape& o) { return o[0] == at[0] && o[2] == at[2]; });
                const auto i = static_cast<size_t>(4 * at[1] + at[3]);
                return (x(at) - m.mean) / std::sqrt(m.variance + 0.1) * values(gamma)[i] + values(beta)[i];
              }));

  nn::RMSNormalization rms({.epsilon = 0.1, .dtype = DType::float64});
  rms.build(x.shape);
  rms.variables()[0].assign(random_tensor({4}, 24));
  const std::vector<double> scale = values(rms.variables()[0]);
  check_equal(rms(input), test::build(x.shape, [&](const Shape& at) {
                double squares = 0;
                for (int64_t k = 0; k < 4; ++k) squares += x({at[0], at[1], at[2], k}) * x({at[0], at[1], at[2], k});
                return x(at) / std::sqrt(squares / 4 + 0.1) * scale[static_cast<size_t>(at[3])];
              }));

  for (const int64_t axis : {-1, 2}) {
    CAPTURE(axis);
    const int channels = axis < 0 ? 3 : 2;
    nn::GroupNormalization group(2, {.axis = axis, .epsilon = 0.1, .dtype = DType::float64});
    group.build(x.shape);
    group.variables()[1].assign(random_tensor({x.shape[channels]}, 25));
    const std::vector<double> offset = values(group.variables()[1]);
    const int64_t size = x.shape[channels] / 2;
    check_equal(group(input), test::build(x.shape, [&](const Shape& at) {
                  const Moments m =
                      moments(x, [&](const Shape& o) { return o[0] == at[0] && o[channels] / size == at[channels] / size; });
                  return (x(at) - m.mean) / std::sqrt(m.variance + 0.1) + offset[static_cast<size_t>(at[channels])];
                }));
  }
}

TEST_CASE("normalisation of samples: defaults and errors") {
  // Keras' epsilons: 1e-3 for layer and group normalisation, 1e-6 for root mean square.
  const Tensor x({{0.0, 2.0}});
  CHECK(values(nn::LayerNormalization({.dtype = DType::float64})(x))[1] == doctest::Approx(1 / std::sqrt(1.001)).epsilon(1e-12));
  CHECK(values(nn::GroupNormalization(1, {.dtype = DType::float64})(x))[1] ==
        doctest::Approx(1 / std::sqrt(1.001)).epsilon(1e-12));
  CHECK(values(nn::RMSNormalization({.dtype = DType::float64})(x))[1] == doctest::Approx(2 / std::sqrt(2.000001)).epsilon(1e-12));

  CHECK_THROWS_WITH_AS(nn::GroupNormalization()(zeros({2, 16})),
                       doctest::Contains("32 groups for [2, 16], expected a divisor of 16"), ShapeError);
  CHECK_THROWS_AS(nn::GroupNormalization(0), ValueError);
  CHECK_THROWS_AS(nn::GroupNormalization(-2), ValueError);
  CHECK_THROWS_AS(nn::GroupNormalization(2, {.dtype = DType::int64}), DTypeError);
  CHECK_THROWS_AS(nn::LayerNormalization({.axis = {}}), ValueError);
  CHECK_THROWS_AS(nn::LayerNormalization({.epsilon = -1}), ValueError);
  CHECK_THROWS_AS(nn::LayerNormalization({.axis = {1, -1}})(zeros({2, 3})), ShapeError);
  CHECK_THROWS_AS(nn::LayerNormalization({.axis = {0, 1}})(zeros({2, 3})), ShapeError);
  CHECK_THROWS_AS(nn::LayerNormalization().build({2, -1}), ShapeError);
  CHECK_THROWS_WITH_AS(nn::RMSNormalization({.name = "last"})(zeros({3})),
                       doctest::Contains("RMSNormalization: input without axis -1"), ShapeError);
  CHECK(nn::LayerNormalization({.gamma_regularizer = "l2"}).penalties().empty());
  nn::LayerNormalization regular({.beta_regularizer = "l1", .gamma_regularizer = nn::l2(0.5)});
  regular(zeros({1, 4}));
  CHECK(regular.penalty().item<double>() == doctest::Approx(2));
}
