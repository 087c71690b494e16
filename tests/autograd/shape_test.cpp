#include "autograd/base/shape.h"

#include <doctest/doctest.h>

#include <limits>
#include <vector>

using namespace gradus;

namespace {
constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
}

TEST_CASE("shapes hold up to eight dimensions") {
  const Shape shape{2, 3, 4};
  CHECK(shape.ndim() == 3);
  CHECK(shape[1] == 3);
  CHECK(shape.back() == 4);
  CHECK((shape == Shape{2, 3, 4}));
  CHECK(!(shape == Shape{2, 3}));
  CHECK(!(shape == Shape{2, 3, 5}));
  CHECK(!(shape == Shape{2, 3, 4, 1}));
  CHECK((std::vector<int64_t>(shape.begin(), shape.end()) == std::vector<int64_t>{2, 3, 4}));
  CHECK((Shape::filled(3, 7) == Shape{7, 7, 7}));
  CHECK(text(shape, Shape{}) == "[2, 3, 4][]");

  Shape full{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(full.ndim() == kMaxRank);
  CHECK_THROWS_AS(full.push_back(9), ShapeError);
  CHECK((full == Shape{1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK_THROWS_AS((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}), ShapeError);
  CHECK_THROWS_AS(Shape(std::vector<int64_t>(100, 1)), ShapeError);
  CHECK_THROWS_AS(Shape::filled(9, 1), ShapeError);
}

TEST_CASE("number of elements") {
  CHECK(numel("op", {}) == 1);
  CHECK(numel("op", {2, 3, 4}) == 24);
  CHECK(numel("op", {2, 0, 4}) == 0);
  CHECK(numel("op", {kMax}) == kMax);
  CHECK(numel("op", {kMax, 1}) == kMax);
  CHECK(numel("op", {int64_t{1} << 31, int64_t{1} << 31}) == int64_t{1} << 62);
  CHECK_THROWS_WITH_AS(numel("op", {2, -1}), "op: negative dimension; got shape [2, -1], expected dimensions of at least 0",
                       ShapeError);
  CHECK_THROWS_AS(numel("op", {kMin}), ShapeError);
  CHECK_THROWS_AS(numel("op", {0, kMin}), ShapeError);
}

TEST_CASE("number of elements beyond 2^63 - 1 is refused, also beside a zero") {
  CHECK_THROWS_AS(numel("op", {int64_t{1} << 31, int64_t{1} << 32}), ShapeError);
  CHECK_THROWS_AS(numel("op", {kMax, 2}), ShapeError);
  CHECK_THROWS_AS(numel("op", Shape::filled(8, 256)), ShapeError);
  CHECK_THROWS_AS(numel("op", {int64_t{1} << 32, int64_t{1} << 32}), ShapeError);  // 0 modulo 2^64
  CHECK_THROWS_AS(numel("op", {3, 6148914691236517206}), ShapeError);              // 2 modulo 2^64
  CHECK_THROWS_AS(numel("op", {0, kMax, kMax}), ShapeError);
  CHECK_THROWS_AS(numel("op", {kMax, kMax, 0}), ShapeError);
}

TEST_CASE("row-major strides") {
  const auto strides = [](const Shape& shape) {
    const Strides s = contiguous_strides(shape);
    return std::vector<int64_t>(s.begin(), s.begin() + shape.ndim());
  };
  CHECK((strides({2, 3, 4}) == std::vector<int64_t>{12, 4, 1}));
  CHECK((strides({5}) == std::vector<int64_t>{1}));
  CHECK(strides({}).empty());
  CHECK((strides({2, 1, 4}) == std::vector<int64_t>{4, 4, 1}));
}

TEST_CASE("broadcasting") {
  const auto both = [](const Shape& a, const Shape& b) {
    const Shape out = broadcast_shapes("op", a, b);
    CHECK((broadcast_shapes("op", b, a) == out));
    return out;
  };
  CHECK((both({}, {}) == Shape{}));
  CHECK((both({2, 3}, {}) == Shape{2, 3}));
  CHECK((both({2, 3}, {3}) == Shape{2, 3}));
  CHECK((both({64, 3, 32, 10}, {32, 10}) == Shape{64, 3, 32, 10}));
  CHECK((both({4, 1}, {3}) == Shape{4, 3}));
  CHECK((both({1}, {0}) == Shape{0}));
  CHECK((both({2, 1, 1}, {1, 0, 5}) == Shape{2, 0, 5}));
  CHECK_THROWS_WITH_AS(broadcast_shapes("add", {2, 3}, {2}),
                       "add: shapes do not broadcast; got [2, 3] and [2], expected equal dimensions or 1, aligned from the right",
                       ShapeError);
  CHECK_THROWS_AS(broadcast_shapes("op", {2}, {0}), ShapeError);
  CHECK_THROWS_AS(broadcast_shapes("op", {0}, {3}), ShapeError);
}

TEST_CASE("axes count from both ends") {
  CHECK(normalize_axis("op", 0, 3) == 0);
  CHECK(normalize_axis("op", 2, 3) == 2);
  CHECK(normalize_axis("op", -1, 3) == 2);
  CHECK(normalize_axis("op", -3, 3) == 0);
  for (int64_t axis : {int64_t{3}, int64_t{-4}, kMin, kMin + 1, kMax, int64_t{1} << 32, -(int64_t{1} << 32)})
    CHECK_THROWS_AS(normalize_axis("op", axis, 3), ShapeError);
  CHECK_THROWS_AS(normalize_axis("op", 0, 0), ShapeError);
  CHECK_THROWS_AS(normalize_axis("op", -1, 0), ShapeError);
  CHECK_THROWS_WITH_AS(normalize_axis("sum", kMin, 2),
                       "sum: axis out of range; got -9223372036854775808, expected -2 <= axis < 2", ShapeError);
}

TEST_CASE("axes of a reduction") {
  CHECK(Axes().mask("op", 3) == 0b111u);
  CHECK(Axes().mask("op", 0) == 0u);
  CHECK(Axes().mask("op", 8) == 0xffu);
  CHECK(Axes(1).mask("op", 3) == 0b010u);
  CHECK(Axes{0, -1}.mask("op", 3) == 0b101u);
  CHECK_THROWS_AS((Axes{0, -3}.mask("op", 3)), ShapeError);
  CHECK_THROWS_AS((Axes{1, 1}.mask("op", 3)), ShapeError);
  CHECK_THROWS_AS(Axes(kMin).mask("op", 3), ShapeError);
  CHECK_THROWS_AS(Axes(kMax).mask("op", 8), ShapeError);
  CHECK_THROWS_AS(Axes(0).mask("op", 0), ShapeError);

  CHECK((reduced_shape({2, 3, 4}, 0b101u, false) == Shape{3}));
  CHECK((reduced_shape({2, 3, 4}, 0b101u, true) == Shape{1, 3, 1}));
  CHECK((reduced_shape({2, 3, 4}, 0, false) == Shape{2, 3, 4}));
  CHECK((reduced_shape({2, 0}, 0b11u, false) == Shape{}));
}
