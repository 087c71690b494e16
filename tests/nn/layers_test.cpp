// Layers: the common harness, then their values against plain loops.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "nn/nn.h"
#include "tests/nn/check_layer.h"

using namespace gradus;
using test::check_layer;

TEST_CASE("every layer keeps the promises of a layer") {
  check_layer([](DType dtype) { return nn::Dense(5, {.dtype = dtype}); },
              {.input = {3, 4}, .output = {3, 5}, .parameters = 25, .refused = {{3, 5}, {4}, {}}});
  check_layer([](DType dtype) { return nn::Dense(2, {.activation = nn::tanh, .dtype = dtype}); },
              {.input = {2, 3, 4}, .output = {2, 3, 2}, .parameters = 10, .refused = {{2, 4, 3}}});
  check_layer([](DType dtype) { return nn::Dense(3, {.activation = "softmax", .use_bias = false, .dtype = dtype}); },
              {.input = {4, 2}, .output = {4, 3}, .parameters = 6, .refused = {{4, 3}}});
  check_layer([] { return nn::Dropout(0.5); }, {.input = {8, 8}, .output = {8, 8}, .random_in_training = true});
  check_layer([] { return nn::Dropout(0); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer([] { return nn::Flatten(); }, {.input = {2, 3, 4}, .output = {2, 12}, .refused = {{}}});
  check_layer([] { return nn::Flatten(); }, {.input = {5}, .output = {5, 1}});
  check_layer([] { return nn::ActivationLayer("sigmoid"); }, {.input = {3, 4}, .output = {3, 4}});
  check_layer(
      [] {
        return nn::Sequential{nn::Flatten(), nn::Dense(4, {.activation = nn::tanh, .dtype = DType::float64}), nn::Dropout(0.5),
                              nn::Sequential{nn::Dense(3, {.dtype = DType::float64}), nn::sigmoid}};
      },
      {.input = {2, 3, 2},
       .output = {2, 3},
       .parameters = 6 * 4 + 4 + 4 * 3 + 3,
       .refused = {{2, 5}},
       .random_in_training = true});
}

TEST_CASE("Dense is x @ kernel + bias, then the activation") {
  nn::Dense dense(2, {.activation = nn::relu, .dtype = DType::float64});
  dense.build({-1, 3});
  const std::vector<double> kernel{1, -2, 3, 0.5, -1, 2}, bias{0.25, -4};
  dense.kernel().assign(Tensor(kernel, {3, 2}));
  dense.bias().assign(Tensor(bias));
  const std::vector<double> x{1, 2, 3, -1, 0, 4};
  std::vector<double> expected;
  for (size_t n = 0; n < 2; ++n)
    for (size_t j = 0; j < 2; ++j) {
      double value = bias[j];
      for (size_t i = 0; i < 3; ++i) value += x[3 * n + i] * kernel[2 * i + j];
      expected.push_back(value > 0 ? value : 0);
    }
  CHECK(dense(Tensor(x, {2, 3})).to_vector<double>() == expected);
  CHECK(dense.logits(Tensor(x, {2, 3}), false).to_vector<double>()[2] < 0);
}

TEST_CASE("Dense takes the width of its first input and Keras' defaults") {
  random::seed(3);
  nn::Dense dense(200);
  CHECK_THROWS_AS(dense.kernel(), ValueError);
  CHECK_THROWS_AS(dense.bias(), ValueError);
  dense(zeros({1, 100}));
  CHECK((dense.kernel().shape() == Shape{100, 200}));
  CHECK(dense.kernel().dtype() == DType::float32);
  CHECK(dense.kernel().name() == "kernel");
  for (const double b : dense.bias().value().to_vector<double>()) CHECK(b == 0);
  // Glorot uniform: within sqrt(6 / (in + out)), and spread over that interval.
  const double limit = std::sqrt(6.0 / 300);
  double largest = 0, squares = 0;
  const std::vector<double> values = dense.kernel().value().to_vector<double>();
  for (const double w : values) largest = std::max(largest, std::abs(w)), squares += w * w;
  CHECK(largest <= limit);
  CHECK(largest > 0.99 * limit);
  CHECK(squares / static_cast<double>(values.size()) == doctest::Approx(limit * limit / 3).epsilon(0.02));
}

TEST_CASE("Dense converts inputs of other dtypes") {
  nn::Dense dense(1, {.kernel_initializer = "ones"});
  const Tensor y = dense(Tensor(std::vector<uint8_t>{1, 2, 250}, {1, 3}));
  CHECK(y.dtype() == DType::float32);
  CHECK(y.item<double>() == 253);
}

TEST_CASE("Dense refuses wrong options and names itself in errors") {
  CHECK_THROWS_AS(nn::Dense(0), ValueError);
  CHECK_THROWS_AS(nn::Dense(-3), ValueError);
  CHECK_THROWS_AS(nn::Dense(3, {.dtype = DType::int32}), DTypeError);
  CHECK_THROWS_AS(nn::Dense(3, {.name = "a.b"}), ValueError);
  nn::Dense wrong(3, {.kernel_initializer = [](const Shape&, DType d, random::Generator&) { return zeros({2}, d); }});
  CHECK_THROWS_AS(wrong(zeros({1, 2})), ShapeError);
  nn::Sequential model{nn::Dense(3), nn::Dense(4, {.name = "head"})};
  model(zeros({1, 2}));
  CHECK_THROWS_WITH_AS(model[1](zeros({1, 7})), doctest::Contains("head"), ShapeError);
}

TEST_CASE("Dropout scales what it keeps, and is the identity at inference") {
  const Tensor x = ones({100, 100}, DType::float64);
  nn::Dropout dropout(0.2, {.seed = 5});
  CHECK(dropout(x).to_vector<double>() == x.to_vector<double>());
  const std::vector<double> y = dropout(x, true).to_vector<double>();
  int64_t dropped = 0;
  for (const double v : y) {
    CHECK((v == 0 || v == doctest::Approx(1.25).epsilon(1e-12)));
    dropped += v == 0;
  }
  CHECK(dropped > 1800);  // 10,000 draws of 0.2: five standard deviations are 200
  CHECK(dropped < 2200);

  nn::Dropout same(0.2, {.seed = 5});
  CHECK(same(x, true).to_vector<double>() == y);
  CHECK(same(x, true).to_vector<double>() != y);
}

TEST_CASE("Dropout: seeds, extremes, errors") {
  const Tensor x = ones({20, 20});
  nn::Dropout dropout(0.5);
  random::seed(9);
  const std::vector<float> first = dropout(x, true).to_vector<float>();
  CHECK(dropout(x, true).to_vector<float>() != first);
  random::seed(9);
  CHECK(dropout(x, true).to_vector<float>() == first);

  const Variable v(ones({3}));
  GradientTape tape;
  const Tensor nothing = nn::Dropout(1)(v, true);
  CHECK(nothing.to_vector<float>() == std::vector<float>(3, 0));
  CHECK(tape.gradient(nothing, v).to_vector<float>() == std::vector<float>(3, 0));

  CHECK_THROWS_AS(nn::Dropout(-0.1), ValueError);
  CHECK_THROWS_AS(nn::Dropout(1.1), ValueError);
  CHECK_THROWS_AS(nn::Dropout(std::nan("")), ValueError);
  CHECK_THROWS_AS(dropout(ones({2}, DType::int32), true), DTypeError);
}

TEST_CASE("activations by constant, by name, as functions") {
  const std::vector<std::pair<const nn::Activation*, std::function<double(double)>>> formulas{
      {&nn::linear, [](double x) { return x; }},
      {&nn::relu, [](double x) { return x > 0 ? x : 0; }},
      {&nn::leaky_relu, [](double x) { return x > 0 ? x : 0.2 * x; }},
      {&nn::elu, [](double x) { return x > 0 ? x : std::expm1(x); }},
      {&nn::selu, [](double x) { return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * std::expm1(x)); }},
      {&nn::gelu, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
      {&nn::silu, [](double x) { return x / (1 + std::exp(-x)); }},
      {&nn::softplus, [](double x) { return std::log1p(std::exp(x)); }},
      {&nn::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }},
      {&nn::tanh, [](double x) { return std::tanh(x); }},
      {&nn::gaussian, [](double x) { return std::exp(-x * x); }},
      {&nn::exponential, [](double x) { return std::exp(x); }},
  };
  const std::vector<double> points{-3, -0.5, 0, 0.25, 2};
  for (const auto& row : formulas) {
    const nn::Activation* constant = row.first;
    const auto& formula = row.second;
    CAPTURE(std::string(constant->name()));
    const nn::Activation named(constant->name());
    CHECK(named.same_as(*constant));
    const std::function<Tensor(const Tensor&)> function = *constant;
    const std::vector<double> got = function(Tensor(points)).to_vector<double>();
    for (size_t i = 0; i < points.size(); ++i) CHECK(got[i] == doctest::Approx(formula(points[i])).epsilon(1e-12));
  }
  const std::vector<double> p = nn::softmax(Tensor({{0.0, std::log(3.0)}})).to_vector<double>();
  CHECK(p[0] == doctest::Approx(0.25).epsilon(1e-12));
  CHECK(p[1] == doctest::Approx(0.75).epsilon(1e-12));
  CHECK(nn::log_softmax(Tensor({{0.0, std::log(3.0)}})).to_vector<double>()[0] == doctest::Approx(std::log(0.25)).epsilon(1e-12));

  CHECK_THROWS_WITH_AS(nn::Activation("reluu"), doctest::Contains("expected one of linear, relu, leaky_relu"), ValueError);
  const double slope = 0.1;
  const nn::Activation own = [slope](const Tensor& x) { return x * slope; };
  CHECK(own(Tensor(5.0)).item<double>() == doctest::Approx(0.5));
  CHECK(own.same_as(nn::Activation(own)));
  CHECK_FALSE(own.same_as(nn::relu));
}

TEST_CASE("initializers: variance and shape of their distributions") {
  struct Row {
    const char* name;
    double variance;  // for a kernel [100, 300]
    double limit;     // no value beyond
  };
  const double truncation = 2 / 0.87962566103423978;
  const std::vector<Row> rows{
      {"glorot_uniform", 1.0 / 200, std::sqrt(3.0 / 200)},
      {"glorot_normal", 1.0 / 200, truncation * std::sqrt(1.0 / 200)},
      {"he_uniform", 2.0 / 100, std::sqrt(6.0 / 100)},
      {"he_normal", 2.0 / 100, truncation * std::sqrt(2.0 / 100)},
      {"lecun_uniform", 1.0 / 100, std::sqrt(3.0 / 100)},
      {"lecun_normal", 1.0 / 100, truncation * std::sqrt(1.0 / 100)},
      {"random_uniform", 0.05 * 0.05 / 3, 0.05},
      {"random_normal", 0.05 * 0.05, 1},
      {"truncated_normal", 0.05 * 0.05 * 0.7737413035, 0.1},
  };
  random::Generator generator(11);
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const std::vector<double> values = nn::Initializer(row.name)({100, 300}, DType::float64, generator).to_vector<double>();
    double mean = 0, squares = 0, largest = 0;
    for (const double v : values) mean += v, squares += v * v, largest = std::max(largest, std::abs(v));
    mean /= 30000, squares /= 30000;
    CHECK(std::abs(mean) < 5 * std::sqrt(row.variance / 30000));
    CHECK(squares == doctest::Approx(row.variance).epsilon(0.05));
    CHECK(largest <= row.limit);
  }
  // Each call draws anew.
  const nn::Initializer glorot("glorot_uniform");
  CHECK(glorot({10}, DType::float32, generator).to_vector<float>() != glorot({10}, DType::float32, generator).to_vector<float>());
  CHECK(nn::Initializer::constant(2.5)({3}).to_vector<float>() == std::vector<float>(3, 2.5f));
  CHECK(nn::Initializer("ones")({2}).to_vector<float>() == std::vector<float>(2, 1));
  CHECK_THROWS_WITH_AS(nn::Initializer("glorot"), doctest::Contains("glorot_uniform"), ValueError);
  CHECK_THROWS_AS(nn::Initializer(nn::VarianceScaling{.scale = 0}), ValueError);
  CHECK(nn::fans_of({3, 3, 16, 32}).in == 144);
  CHECK(nn::fans_of({3, 3, 16, 32}).out == 288);
  CHECK(nn::fans_of({7}).in == 7);
}
