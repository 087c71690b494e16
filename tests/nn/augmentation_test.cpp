// Augmentation of images: the common harness, then what each sample becomes, pixel by pixel.
#include "nn/augmentation.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "tests/nn/check_layer.h"
#include "tests/support/reference.h"

using namespace gradus;
using test::check_layer;

namespace {

test::Array array_of(const Tensor& x) { return {x.shape(), x.to_vector<double>()}; }

/// `count` copies of one image whose pixels all differ.
Tensor images(int64_t count, int64_t height, int64_t width) {
  return broadcast_to(arange(height * width).reshape({1, height, width, 1}), {count, height, width, 1}).contiguous();
}

/// Sample n of images with one channel.
test::Array sample(const Tensor& x, int64_t n) { return array_of(x[n].reshape({x.shape()[1], x.shape()[2]})); }

}  // namespace

TEST_CASE("augmentations keep the promises of a layer") {
  check_layer([] { return nn::RandomFlip("horizontal_and_vertical", {.seed = 1}); },
              {.input = {6, 3, 4, 2}, .output = {6, 3, 4, 2}, .random_in_training = true, .never = {{6, 3, 4}, {6}}});
  check_layer([] { return nn::RandomFlip("vertical", {.data_format = "channels_first"}); },
              {.input = {16, 1, 3, 2}, .output = {16, 1, 3, 2}, .random_in_training = true});
  check_layer([] { return nn::RandomCrop(2, 3, {.seed = 1}); }, {.input = {6, 4, 5, 2},
                                                                 .output = {6, 2, 3, 2},
                                                                 .random_in_training = true,
                                                                 .never = {{6, 1, 5, 2}, {6, 4, 2, 2}, {4, 5, 2}}});
  check_layer([] { return nn::RandomCrop(3, 3, {.data_format = "channels_first"}); },
              {.input = {2, 1, 3, 3}, .output = {2, 1, 3, 3}});
  check_layer([] { return nn::RandomTranslation(0.5, 0.5, {.seed = 1}); },
              {.input = {6, 4, 4, 1}, .output = {6, 4, 4, 1}, .random_in_training = true, .never = {{4, 4, 1}}});
  check_layer([] { return nn::RandomTranslation(0, 0); }, {.input = {2, 3, 3, 1}, .output = {2, 3, 3, 1}});
}

TEST_CASE("RandomFlip mirrors each image or leaves it, with equal chances along each direction") {
  const Tensor x = images(400, 2, 3);
  const test::Array original = sample(x, 0);
  for (const std::string mode : {"horizontal", "vertical", "horizontal_and_vertical"}) {
    CAPTURE(mode);
    nn::RandomFlip layer(mode, {.seed = 3});
    CHECK(array_of(layer(x)).values == array_of(x).values);
    const Tensor y = layer(x, true);
    CHECK(y.dtype() == x.dtype());
    std::map<std::pair<bool, bool>, int> seen;
    for (int64_t n = 0; n < 400; ++n) {
      const test::Array got = sample(y, n);
      const bool up = got({0, 0}) >= 3, left = static_cast<int>(got({0, 0})) % 3 != 0;
      const test::Array expected = test::build({2, 3}, [&](const Shape& at) {
        return original({up ? 1 - at[0] : at[0], left ? 2 - at[1] : at[1]});
      });
      CHECK(got.values == expected.values);
      ++seen[{up, left}];
    }
    const bool both = mode == "horizontal_and_vertical";
    REQUIRE(seen.size() == (both ? 4 : 2));
    for (const auto& [which, count] : seen) {
      CHECK((both || (mode == "vertical" ? !which.second : !which.first)));
      CHECK(std::abs(count - (both ? 100 : 200)) < 50);  // five standard deviations
    }
  }
}

TEST_CASE("RandomCrop takes windows from everywhere while training, from the middle at inference") {
  const Tensor x = images(300, 4, 5);
  nn::RandomCrop layer(2, 3, {.seed = 4});
  const Tensor y = layer(x, true);
  std::set<double> corners;
  for (int64_t n = 0; n < 300; ++n) {
    const test::Array got = sample(y, n);
    const double corner = got({0, 0});
    corners.insert(corner);
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t j = 0; j < 3; ++j) CHECK(got({i, j}) == corner + static_cast<double>(5 * i + j));
  }
  CHECK(corners == std::set<double>{0, 1, 2, 5, 6, 7, 10, 11, 12});  // 3 x 3 places
  CHECK(sample(layer(x), 0).values == std::vector<double>{6, 7, 8, 11, 12, 13});
  CHECK(nn::RandomCrop(4, 5)(x[":2"], true).to_vector<double>() == x[":2"].to_vector<double>());
  // Channels travel together.
  const Tensor pair = concat({x, x + 100}, 3);
  const std::vector<double> both = nn::RandomCrop(2, 2, {.seed = 1})(pair, true).to_vector<double>();
  for (size_t i = 0; i < both.size(); i += 2) CHECK(both[i + 1] == both[i] + 100);
}

TEST_CASE("RandomTranslation moves whole images and fills what comes in") {
  const Tensor x = images(200, 1, 4);
  const std::map<std::string, std::map<int, std::vector<double>>> expected{
      {"reflect", {{0, {0, 1, 2, 3}}, {1, {0, 0, 1, 2}}, {2, {1, 0, 0, 1}}, {-1, {1, 2, 3, 3}}, {-2, {2, 3, 3, 2}}}},
      {"nearest", {{0, {0, 1, 2, 3}}, {1, {0, 0, 1, 2}}, {2, {0, 0, 0, 1}}, {-1, {1, 2, 3, 3}}, {-2, {2, 3, 3, 3}}}},
      {"wrap", {{0, {0, 1, 2, 3}}, {1, {3, 0, 1, 2}}, {2, {2, 3, 0, 1}}, {-1, {1, 2, 3, 0}}, {-2, {2, 3, 0, 1}}}},
      {"constant", {{0, {0, 1, 2, 3}}, {1, {0, 0, 1, 2}}, {2, {0, 0, 0, 1}}, {-1, {1, 2, 3, 0}}, {-2, {2, 3, 0, 0}}}}};
  for (const auto& [mode, shifts] : expected) {
    CAPTURE(mode);
    const Tensor y = nn::RandomTranslation(0.4, 0.5, {.fill_mode = mode, .seed = 2})(x, true);
    std::set<std::vector<double>> seen, all;
    for (int64_t n = 0; n < 200; ++n) seen.insert(sample(y, n).values);
    for (const auto& [shift, row] : shifts) all.insert(row);
    CHECK(seen == all);
  }
  CHECK(nn::RandomTranslation(0.9, 0.9)(x).to_vector<double>() == x.to_vector<double>());
}

TEST_CASE("gradients flow back to where pixels came from") {
  const Variable x(ones({8, 3, 3, 1}, DType::float64));
  nn::Sequential augment{nn::RandomFlip("horizontal", {.seed = 1}), nn::RandomCrop(2, 2, {.seed = 2})};
  GradientTape tape;
  const Tensor gradient = tape.gradient(augment(x, true), x);
  const std::vector<double> g = gradient.to_vector<double>();
  for (size_t n = 0; n < 8; ++n) {
    double total = 0;
    for (size_t i = 0; i < 9; ++i) {
      CHECK((g[9 * n + i] == 0 || g[9 * n + i] == 1));
      total += g[9 * n + i];
    }
    CHECK(total == 4);
  }
}

TEST_CASE("augmentations name what is wrong") {
  CHECK_THROWS_WITH_AS(nn::RandomFlip("sideways"),
                       doctest::Contains("RandomFlip: unknown mode; got \"sideways\", expected one of horizontal, vertical, "),
                       ValueError);
  CHECK_THROWS_AS(nn::RandomCrop(0, 3), ValueError);
  CHECK_THROWS_AS(nn::RandomCrop(3, -1), ValueError);
  CHECK_THROWS_WITH_AS(
      nn::RandomCrop(3, 3, {.name = "crop"})(zeros({1, 2, 5, 1})),
      doctest::Contains("image smaller than the window; got [1, 2, 5, 1], expected at least 3 x 3; in layer crop"), ShapeError);
  CHECK((nn::RandomCrop(3, 4).output_shape({-1, -1, -1, 1}) == Shape{-1, 3, 4, 1}));
  CHECK_THROWS_AS(nn::RandomTranslation(-0.1, 0), ValueError);
  CHECK_THROWS_AS(nn::RandomTranslation(0, 1.5), ValueError);
  CHECK_THROWS_AS(nn::RandomTranslation(std::nan(""), 0), ValueError);
  CHECK_THROWS_WITH_AS(nn::RandomTranslation(0, 0, {.fill_mode = "black"}),
                       doctest::Contains("expected one of reflect, nearest, wrap, constant"), ValueError);
  CHECK_THROWS_WITH_AS(nn::RandomFlip()(zeros({3, 4, 1})), doctest::Contains("RandomFlip: input of the wrong rank"), ShapeError);
}
