// Rescaling and Normalization: the common harness, statistics against plain loops, and being part of a model's file.
#include "nn/preprocessing.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/data.h"
#include "nn/nn.h"
#include "tests/data/files.h"
#include "tests/nn/check_layer.h"

using namespace gradus;
using test::check_layer;

namespace {

std::vector<double> values(const Tensor& x) { return x.to_vector<double>(); }

Tensor random_tensor(const Shape& shape, uint64_t seed, double mean, double stddev) {
  random::Generator generator(seed);
  return random::normal(shape, mean, stddev, DType::float64, generator);
}

}  // namespace

TEST_CASE("preprocessing layers keep the promises of a layer") {
  check_layer([] { return nn::Rescaling(0.5, {.offset = -1}); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer([](DType dtype) { return nn::Normalization({.dtype = dtype}); }, {.input = {3, 2, 4},
                                                                                .output = {3, 2, 4},
                                                                                .parameters = 8,
                                                                                .refused = {{3, 2, 5}},
                                                                                .frozen_parameters = 8,
                                                                                .never = {{3}, {}}});
  check_layer([](DType dtype) { return nn::Normalization({.axis = {}, .dtype = dtype}); },
              {.input = {3, 4}, .output = {3, 4}, .parameters = 2, .frozen_parameters = 2, .never = {{}}});
  check_layer(
      [](DType dtype) {
        return nn::Normalization({.axis = {1, -1}, .mean = Tensor(2.0), .variance = Tensor(9.0), .invert = true, .dtype = dtype});
      },
      {.input = {3, 2, 2, 4}, .output = {3, 2, 2, 4}, .parameters = 16, .refused = {{3, 3, 2, 4}}, .frozen_parameters = 16});
}

TEST_CASE("Rescaling is x * scale + offset, of integers in float32") {
  nn::Rescaling layer(1.0 / 127.5, {.offset = -1});
  const Tensor y = layer(Tensor(std::vector<uint8_t>{0, 255}));
  CHECK(y.dtype() == DType::float32);
  CHECK(values(y) == std::vector<double>{-1, 1});
  CHECK(layer(Tensor({1.0})).dtype() == DType::float64);
  const nn::PrecisionScope scope(nn::mixed_bfloat16);
  CHECK(layer(Tensor(std::vector<uint8_t>{255})).dtype() == DType::bfloat16);
  CHECK_THROWS_AS(nn::Rescaling(std::nan("")), ValueError);
  CHECK_THROWS_AS(nn::Rescaling(1, {.offset = HUGE_VAL}), ValueError);
}

TEST_CASE("Normalization adapts to mean and variance of the data, whole or in batches") {
  const Tensor x = random_tensor({9000, 2, 3}, 5, 1000, 0.5);
  std::vector<double> mean(3, 0), variance(3, 0);
  const std::vector<double> in = values(x);
  for (size_t i = 0; i < in.size(); ++i) mean[i % 3] += in[i] / 18000;
  for (size_t i = 0; i < in.size(); ++i) variance[i % 3] += (in[i] - mean[i % 3]) * (in[i] - mean[i % 3]) / 18000;

  nn::Normalization whole({.dtype = DType::float64}), parts({.dtype = DType::float64}), loader({.dtype = DType::float64});
  whole.adapt(x);
  parts.adapt(std::vector<Tensor>{x[":1"], x[":0"], x["1:100"], x["100:"]});
  const data::TensorDataset dataset(x, zeros({9000}));
  loader.adapt(data::DataLoader(dataset, {.batch_size = 1024}));
  for (nn::Normalization* layer : {&whole, &parts, &loader})
    for (size_t i = 0; i < 3; ++i) {
      CHECK(values(layer->mean())[i] == doctest::Approx(mean[i]).epsilon(1e-12));
      CHECK(values(layer->variance())[i] == doctest::Approx(variance[i]).epsilon(1e-9));
    }
  const std::vector<double> y = values(whole(x));
  for (size_t i = 0; i < 30; ++i)
    CHECK(y[i] == doctest::Approx((in[i] - mean[i % 3]) / std::sqrt(variance[i % 3])).epsilon(1e-8));

  // Adapting anew forgets what was before, and float32 data keep the small spread about a large mean.
  whole.adapt(x + 5);
  CHECK(values(whole.mean())[0] == doctest::Approx(mean[0] + 5).epsilon(1e-12));
  nn::Normalization single;
  single.adapt(x.astype(DType::float32));
  CHECK(single.variance().dtype() == DType::float32);
  CHECK(values(single.variance())[0] == doctest::Approx(variance[0]).epsilon(1e-3));
}

TEST_CASE("Normalization: axes, constants, integers, given statistics, inverse") {
  const Tensor x({{1.0, 7.0}, {3.0, 7.0}});
  nn::Normalization features({.dtype = DType::float64});
  features.adapt(x);
  CHECK(values(features(x)) == std::vector<double>{-1, 0, 1, 0});  // a constant feature becomes 0
  nn::Normalization everything({.axis = {}, .dtype = DType::float64});
  everything.adapt(x);
  CHECK((everything.mean().shape() == Shape{}));
  CHECK(everything.mean().item<double>() == 4.5);
  CHECK(everything.variance().item<double>() == doctest::Approx((3.5 * 3.5 + 1.5 * 1.5 + 2 * 2.5 * 2.5) / 4));

  nn::Normalization bytes;
  bytes.adapt(Tensor(std::vector<uint8_t>{0, 255, 255, 0}, {4, 1}));
  CHECK(bytes.mean().item<double>() == 127.5);
  CHECK(values(bytes(Tensor(std::vector<uint8_t>{255}, {1, 1}))) == std::vector<double>{1});

  nn::Normalization given({.mean = Tensor({1.0f, 2.0f}), .variance = Tensor({4.0f, 0.0f})});
  CHECK(values(given(Tensor({{5.0f, 2.0f}}))) == std::vector<double>{2, 0});
  nn::Normalization back({.mean = Tensor({1.0f, 2.0f}), .variance = Tensor({4.0f, 9.0f}), .invert = true});
  CHECK(values(back(Tensor({{2.0f, -1.0f}}))) == std::vector<double>{5, -1});

  nn::Normalization images({.axis = {1, 3}});
  images.adapt(random_tensor({4, 2, 5, 3}, 1, 0, 1));
  CHECK((images.mean().shape() == Shape{2, 3}));
}

TEST_CASE("Normalization is the identity before adapt(), and what it learned goes with the model's file") {
  nn::Sequential model{nn::Normalization(), nn::Dense(1)};
  const Tensor x({{4.0f, 8.0f}});
  CHECK(values(dynamic_cast<nn::Normalization&>(model[0])(x)) == std::vector<double>{4, 8});
  dynamic_cast<nn::Normalization&>(model[0]).adapt(Tensor({{1.0f, 2.0f}, {3.0f, 6.0f}}));
  const std::vector<double> y = values(model(x));
  CHECK(model.trainable_variables().size() == 2);
  const test::Folder folder;
  nn::save_weights(model, folder / "model.safetensors");
  nn::Sequential other{nn::Normalization(), nn::Dense(1)};
  other.build({-1, 2});
  nn::load_weights(other, folder / "model.safetensors");
  CHECK(values(other(x)) == y);
}

TEST_CASE("Normalization names what is wrong") {
  nn::Normalization layer({.name = "scale"});
  CHECK_THROWS_AS(layer.mean(), ValueError);
  CHECK_THROWS_AS(layer.variance(), ValueError);
  CHECK_THROWS_WITH_AS(layer.adapt(zeros({0, 3})), doctest::Contains("nothing to adapt to"), ShapeError);
  CHECK_THROWS_AS(layer.adapt(Tensor(1.0f)), ShapeError);
  CHECK_THROWS_AS(layer.adapt(zeros({4})), ShapeError);
  CHECK_THROWS_WITH_AS(layer.adapt(std::vector<Tensor>{zeros({2, 3}), zeros({2, 4})}),
                       doctest::Contains("batches of different features"), ShapeError);
  CHECK(layer.variables().empty());
  layer.adapt(zeros({2, 3}));
  CHECK_THROWS_WITH_AS(layer.adapt(zeros({2, 4})), doctest::Contains("other features than the statistics"), ShapeError);
  CHECK_THROWS_WITH_AS(layer(zeros({2, 4})), doctest::Contains("expected [3] along the axes; in layer scale"), ShapeError);
  CHECK_THROWS_AS(nn::Normalization({.axis = 0})(zeros({2, 4})), ShapeError);
  CHECK_THROWS_AS(nn::Normalization({.axis = 2})(zeros({2, 4})), ShapeError);
  CHECK_THROWS_AS(nn::Normalization().build({2, -1}), ShapeError);
  CHECK_THROWS_WITH_AS(nn::Normalization({.mean = Tensor(1.0f)}),
                       doctest::Contains("got a mean, expected mean and variance or none"), ValueError);
  CHECK_THROWS_AS(nn::Normalization({.mean = Tensor(1.0f), .variance = Tensor(-1.0f)}), ValueError);
  CHECK_THROWS_AS(nn::Normalization({.dtype = DType::int32}), DTypeError);
  nn::Normalization given({.mean = Tensor(1.0f), .variance = Tensor(1.0f)});
  CHECK_THROWS_WITH_AS(given.adapt(zeros({2, 4})), doctest::Contains("beside given statistics"), ValueError);
}
