// Layers that only move elements about, and Lambda.
#include "nn/reshape.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "tests/nn/check_layer.h"

using namespace gradus;
using test::check_layer;

TEST_CASE("reshaping layers keep the promises of a layer") {
  check_layer([] { return nn::Reshape({3, -1}); }, {.input = {2, 4, 3}, .output = {2, 3, 4}, .never = {{2, 4}, {}}});
  check_layer([] { return nn::Reshape({2, 2, 3}); }, {.input = {2, 12}, .output = {2, 2, 2, 3}, .never = {{2, 11}, {2}}});
  check_layer([] { return nn::Reshape({}); }, {.input = {4, 1}, .output = {4}, .never = {{4, 2}}});
  check_layer([] { return nn::Permute({2, 3, 1}); }, {.input = {2, 3, 4, 5}, .output = {2, 4, 5, 3}, .never = {{2, 3, 4}}});
  check_layer([] { return nn::RepeatVector(3); }, {.input = {2, 4}, .output = {2, 3, 4}, .never = {{2}, {2, 3, 4}}});
  check_layer([] { return nn::ZeroPadding1D(Padding{{0, 2}}); }, {.input = {2, 3, 2}, .output = {2, 5, 2}, .never = {{2, 3}}});
  check_layer(
      [] {
        return nn::ZeroPadding2D({1, 2}, {.data_format = "channels_first"});
      },
      {.input = {2, 1, 2, 3}, .output = {2, 1, 4, 7}});
  check_layer([] { return nn::UpSampling1D(3); }, {.input = {2, 2, 3}, .output = {2, 6, 3}, .never = {{2, 3}}});
  check_layer(
      [] {
        return nn::UpSampling2D({2, 1}, {.data_format = "channels_first"});
      },
      {.input = {2, 1, 2, 3}, .output = {2, 1, 4, 3}});
  check_layer([] { return nn::Lambda([](const Tensor& x) { return sum(square(x), -1); }); },
              {.input = {3, 4, 2}, .output = {3, 4}});
  check_layer([] { return nn::Lambda(nn::tanh, {.output_shape = [](const Shape& in) { return in; }}); },
              {.input = {3, 2}, .output = {3, 2}});
}

TEST_CASE("Reshape, Permute and RepeatVector: values, unknown sizes, errors") {
  const Tensor x = arange(12).reshape({2, 2, 3});
  CHECK(nn::Reshape({-1})(x).to_vector<int>() == x.to_vector<int>());
  CHECK(nn::Permute({2, 1})(x).to_vector<int>() == std::vector<int>{0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11});
  CHECK(nn::RepeatVector(2)(x[":, 0"]).to_vector<int>() == std::vector<int>{0, 1, 2, 0, 1, 2, 6, 7, 8, 6, 7, 8});
  CHECK((nn::Reshape({3, -1}).output_shape({-1, 6}) == Shape{-1, 3, 2}));
  CHECK((nn::Reshape({3, -1}).output_shape({5, -1, 2}) == Shape{5, 3, -1}));
  CHECK((nn::Reshape({0, -1}).output_shape({5, -1}) == Shape{5, 0, -1}));

  CHECK_THROWS_WITH_AS(nn::Reshape({5})(x), doctest::Contains("Reshape: samples of another size; got [2, 2, 3]"), ShapeError);
  CHECK_THROWS_AS(nn::Reshape({0, -1})(x), ShapeError);
  CHECK_THROWS_AS(nn::Reshape({-1, -1}), ValueError);
  CHECK_THROWS_AS(nn::Reshape({-2}), ValueError);
  CHECK_THROWS_WITH_AS(nn::Permute({0, 1}), doctest::Contains("expected each of 1 to 2 once"), ValueError);
  CHECK_THROWS_AS(nn::Permute({1, 1}), ValueError);
  CHECK_THROWS_AS(nn::Permute({1, 3}), ValueError);
  CHECK_THROWS_AS(nn::RepeatVector(-1), ValueError);
  CHECK_THROWS_WITH_AS(nn::Permute({2, 1}, {.name = "turn"})(zeros({2})), doctest::Contains("in layer turn"), ShapeError);
  CHECK(nn::Reshape({2}, {.name = "pairs"}).name() == "pairs");
  CHECK(nn::Flatten({.name = "row"}).name() == "row");
  CHECK(nn::ActivationLayer("relu", {.name = "kink"}).name() == "kink");
  CHECK_THROWS_AS(nn::RepeatVector(2, {.name = "a.b"}), ValueError);
  CHECK((nn::RepeatVector(0)(zeros({2, 3})).shape() == Shape{2, 0, 3}));
}

TEST_CASE("ZeroPadding and UpSampling: values, unknown sizes, errors") {
  const Tensor x({{{1, 2}, {3, 4}}});  // [1, 2, 2]
  CHECK(nn::ZeroPadding1D(Padding{{1, 2}})(x).to_vector<int>() == std::vector<int>{0, 0, 1, 2, 3, 4, 0, 0, 0, 0});
  CHECK(nn::UpSampling1D(2)(x).to_vector<int>() == std::vector<int>{1, 2, 1, 2, 3, 4, 3, 4});
  const Tensor image = x.reshape({1, 2, 2, 1});
  CHECK(nn::ZeroPadding2D({{0, 1}, {1, 0}})(image).to_vector<int>() == std::vector<int>{0, 1, 2, 0, 3, 4, 0, 0, 0});
  CHECK(nn::UpSampling2D({1, 2})(image).to_vector<int>() == std::vector<int>{1, 1, 2, 2, 3, 3, 4, 4});
  CHECK((nn::ZeroPadding2D(2).output_shape({-1, -1, 5, 3}) == Shape{-1, -1, 9, 3}));
  CHECK((nn::UpSampling2D(2).output_shape({-1, -1, 5, 3}) == Shape{-1, -1, 10, 3}));

  CHECK_THROWS_WITH_AS(nn::ZeroPadding2D(Padding::same), doctest::Contains("ZeroPadding2D: padding by name"), ValueError);
  CHECK_THROWS_AS(nn::ZeroPadding2D(-1), ValueError);
  CHECK_THROWS_AS(nn::ZeroPadding2D({1, 2, 3}), ValueError);
  CHECK_THROWS_AS(nn::UpSampling2D(0), ValueError);
  CHECK_THROWS_AS(nn::UpSampling1D({1, 2}), ValueError);
  CHECK_THROWS_WITH_AS(nn::UpSampling2D(2, {.name = "up"})(zeros({2, 2, 2})), doctest::Contains("in layer up"), ShapeError);
}

TEST_CASE("Lambda: training, unknown sizes, errors of the function") {
  nn::Lambda layer([](const Tensor& x, bool training) { return training ? x * 2 : x; });
  CHECK(layer(Tensor({3.0f}), true).item<double>() == 6);
  CHECK(layer(Tensor({3.0f})).item<double>() == 3);
  CHECK((nn::Lambda([](const Tensor& x) { return x.transpose({0, 2, 1}); }).output_shape({-1, 3, -1}) == Shape{-1, -1, 3}));
  CHECK((nn::Lambda([](const Tensor& x) { return x[":, :2"]; }).output_shape({-1, 7}) == Shape{-1, 2}));
  CHECK((nn::Lambda([](const Tensor&) { return zeros({1}); }, {.output_shape = [](const Shape&) { return Shape{7}; }})
             .output_shape({2}) == Shape{7}));
  CHECK_THROWS_AS(nn::Lambda([](const Tensor& x) { return x.reshape({-1, 7}); }).output_shape({2, 3}), ShapeError);
  nn::Sequential model{nn::Lambda([](const Tensor& x) { return log1p(x); }), nn::Dense(1)};
  CHECK((model(zeros({2, 3})).shape() == Shape{2, 1}));
  CHECK(model[0].name() == "lambda");
}
