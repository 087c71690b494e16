#include "autograd/slice.h"

#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <string>
#include <vector>

#include "autograd/tensor.h"

using namespace gradus;

namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();

// The offsets a view shows, in row-major order. On a row-major source that holds 0, 1, 2, ... they are its values.
std::vector<int64_t> offsets(const ViewSpec& view) {
  std::vector<int64_t> out{view.offset};
  for (int axis = 0; axis < view.shape.ndim(); ++axis) {
    std::vector<int64_t> next;
    for (int64_t base : out)
      for (int64_t i = 0; i < view.shape[axis]; ++i) next.push_back(base + i * view.strides[static_cast<size_t>(axis)]);
    out = next;
  }
  return out;
}

template <class I>
ViewSpec resolve(const I& index, const Shape& shape) {
  return resolve_index(index, shape, contiguous_strides(shape));
}
ViewSpec resolve(const char* index, const Shape& shape) { return resolve(std::string_view(index), shape); }
ViewSpec resolve(std::initializer_list<Index> index, const Shape& shape) {
  return resolve(std::span<const Index>(index.begin(), index.size()), shape);
}

struct Row {
  const char* index;
  Shape shape;
  std::vector<int64_t> values;
};

// What a slice selects, by walking instead of arithmetic: Python's definition of start, stop and step.
std::vector<int64_t> walked(std::optional<int64_t> start, std::optional<int64_t> stop, int64_t step, int64_t n) {
  __extension__ using Wide = __int128;
  std::vector<int64_t> out;
  const Wide first = start ? (*start < 0 ? Wide{*start} + n : Wide{*start}) : step > 0 ? Wide{0} : Wide{n} - 1;
  const Wide last = stop ? (*stop < 0 ? Wide{*stop} + n : Wide{*stop}) : step > 0 ? Wide{n} : Wide{-1};
  if (step > 0)  // a start before the front is clamped to 0, one behind the back to n - 1
    for (Wide i = std::max<Wide>(first, 0); i < std::min<Wide>(last, n); i += step) out.push_back(static_cast<int64_t>(i));
  else
    for (Wide i = std::min<Wide>(first, n - 1); i > std::max<Wide>(last, -1); i += step) out.push_back(static_cast<int64_t>(i));
  return out;
}

}  // namespace

TEST_CASE("slice text selects what NumPy selects") {
  // numpy.arange(24).reshape(2, 3, 4)[...], NumPy 1.24
  const std::vector<int64_t> all{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23};
  const std::vector<Row> rows{
      {"1", {3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {"-1", {3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {"0, 2, 3", {}, {11}},
      {"-2,-3,-4", {}, {0}},
      {":", {2, 3, 4}, all},
      {"...", {2, 3, 4}, all},
      {"..., 0", {2, 3}, {0, 4, 8, 12, 16, 20}},
      {"0, ...", {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {"1, ..., -1", {3}, {15, 19, 23}},
      {":, 1", {2, 4}, {4, 5, 6, 7, 16, 17, 18, 19}},
      {"::-1", {2, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {":, :, ::-2", {2, 3, 2}, {3, 1, 7, 5, 11, 9, 15, 13, 19, 17, 23, 21}},
      {"1:", {1, 3, 4}, {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}},
      {"1:1", {0, 3, 4}, {}},
      {"5:", {0, 3, 4}, {}},
      {"-5:1", {1, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {"::2, 1:, 1:3", {1, 2, 2}, {5, 6, 9, 10}},
      {":, 2:0:-1, 3::-2", {2, 2, 2}, {11, 9, 7, 5, 23, 21, 19, 17}},
      {":, -1:-100:-2, 0", {2, 2}, {8, 0, 20, 12}},
      {":, 100:-100:-1, 1", {2, 3}, {9, 5, 1, 21, 17, 13}},
      {"newaxis, 1, 2", {1, 4}, {20, 21, 22, 23}},
      {"1, newaxis, 2", {1, 4}, {20, 21, 22, 23}},
      {"..., newaxis", {2, 3, 4, 1}, all},
      {"newaxis, ..., newaxis, 0", {1, 2, 3, 1}, {0, 4, 8, 12, 16, 20}},
      {"0, ..., 1, 2", {}, {6}},
      {":, :, :, ...", {2, 3, 4}, all},
      {"..., :, :, :", {2, 3, 4}, all},
      {":, 2:1", {2, 0, 4}, {}},
      {"::9223372036854775807", {1, 3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {":, ::-9223372036854775808, -9223372036854775808:9223372036854775807:3", {2, 1, 2}, {8, 11, 20, 23}},
      {"0,", {3, 4}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
      {"  1 ,\t2:,:: ", {1, 4}, {20, 21, 22, 23}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.index);
    const ViewSpec view = resolve(row.index, {2, 3, 4});
    CHECK((view.shape == row.shape));
    CHECK((offsets(view) == row.values));
  }
}

TEST_CASE("slice objects mean the same as text") {
  const Shape shape{2, 3, 4};
  const auto same = [&](std::initializer_list<Index> objects, const char* text) {
    CAPTURE(text);
    const ViewSpec a = resolve(objects, shape), b = resolve(text, shape);
    CHECK((a.shape == b.shape));
    CHECK((offsets(a) == offsets(b)));
  };
  same({Slice(), Slice(1, none)}, ":, 1:");
  same({Slice(none, 2, none), Slice(none, none, -1), -1}, ":2, ::-1, -1");
  same({ellipsis, newaxis, Slice(3, 0, -2)}, "..., newaxis, 3:0:-2");
  same({newaxis, uint8_t{1}, ellipsis}, "newaxis, 1, ...");
  CHECK((resolve(std::initializer_list<Index>{}, shape).shape == shape));
}

TEST_CASE("slice clamps like Python for every small bound and step") {
  std::vector<std::optional<int64_t>> bounds{none, kMin, kMin + 1, kMax, kMax - 1};
  for (int64_t b = -6; b <= 6; ++b) bounds.push_back(b);
  for (int64_t n = 0; n <= 4; ++n)
    for (auto start : bounds)
      for (auto stop : bounds)
        for (int64_t step : {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{5}, kMax, int64_t{-1}, int64_t{-2}, int64_t{-4}, kMin}) {
          const ViewSpec view = resolve({Slice(start, stop, step)}, {n});
          const std::vector<int64_t> expected = walked(start, stop, step, n);
          if (view.shape == Shape{static_cast<int64_t>(expected.size())} && offsets(view) == expected) continue;
          FAIL("n ", n, " start ", start.value_or(999), " stop ", stop.value_or(999), " step ", step, " (999: none)");
        }
}

TEST_CASE("slice of strided, broadcast and huge sources") {
  // Columns of a flipped, transposed [3, 4]: strides {-1, 4} from element 3.
  Strides strides{};
  strides[0] = -1, strides[1] = 4;
  const ViewSpec view = resolve_index("1:, ::-1", {4, 3}, strides);
  CHECK((view.shape == Shape{3, 3}));
  CHECK((offsets(view) == std::vector<int64_t>{7, 3, -1, 6, 2, -2, 5, 1, -3}));  // relative to the source's first element

  strides[0] = 0, strides[1] = 1;
  CHECK((offsets(resolve_index("4611686018427387000:4611686018427387003, 1", {kMax / 2, 2}, strides)) ==
         std::vector<int64_t>{1, 1, 1}));
  // Steps and bounds at the end of the range: nothing overflows (the sanitizer build watches), one element is left.
  CHECK((offsets(resolve({Slice(kMax - 1, kMin, kMin)}, {7})) == std::vector<int64_t>{6}));
  CHECK((resolve({Slice(kMin, kMax, kMax)}, {kMax}).shape == Shape{1}));
  CHECK((resolve({Slice(none, none, -1)}, {kMax}).shape == Shape{kMax}));
}

TEST_CASE("slice of nothing stays inside the memory") {
  for (const char* text : {"4", "4:", "-1, ::-1", "::-1, newaxis", "3:, 0:"}) {
    CAPTURE(text);
    CHECK(resolve(text, {5, 0}).offset == 0);
  }
  CHECK(resolve("4, 2:2", {5, 3}).offset == 0);
  CHECK_THROWS_AS(resolve("0, 0", {5, 0}), ShapeError);
}

TEST_CASE("slice refuses integers out of range and too many entries") {
  for (int64_t i : {int64_t{3}, int64_t{-4}, kMax, kMin}) CHECK_THROWS_AS(resolve({i}, {3}), ShapeError);
  CHECK_THROWS_WITH_AS(resolve(":, 4", {3, 4}),
                       "slice: index out of range; got 4 for axis 1 of shape [3, 4], expected -4 <= index < 4", ShapeError);
  CHECK_THROWS_WITH_AS(resolve("0, 0", {3}), "slice: too many indices; got 2 for shape [3], expected at most 1", ShapeError);
  CHECK_THROWS_AS(resolve("..., 0, :", {3}), ShapeError);
  CHECK_THROWS_AS(resolve("0", {}), ShapeError);
  CHECK_THROWS_AS(resolve({Slice()}, {}), ShapeError);
  CHECK((resolve("...", {}).shape == Shape{}));
  CHECK((resolve("newaxis, newaxis", {}).shape == Shape{1, 1}));
  CHECK_THROWS_AS(resolve("::0", {3}), ValueError);
  CHECK_THROWS_AS(resolve({Slice(none, none, 0)}, {0}), ValueError);
  CHECK_THROWS_AS(resolve("..., ...", {3, 3}), ValueError);
  CHECK_THROWS_AS(resolve({ellipsis, ellipsis}, {3, 3}), ValueError);

  const Shape widest{1, 1, 1, 1, 1, 1, 1, 1};
  CHECK_THROWS_AS(resolve("newaxis", widest), ShapeError);
  CHECK((resolve("0,0,0,0,0,0,0,0,newaxis,newaxis,newaxis,newaxis,newaxis,newaxis,newaxis,newaxis,...", widest).shape == widest));
  std::string endless = "newaxis";
  for (int i = 0; i < 1000; ++i) endless += ",newaxis";
  CHECK_THROWS_AS(resolve(endless.c_str(), {1}), ShapeError);
  CHECK_THROWS_AS(resolve(std::vector<Index>(1000, newaxis), {1}), ShapeError);
}

TEST_CASE("malformed slice text is refused at its first wrong character") {
  struct Bad {
    const char* text;
    int position;
  };
  const std::vector<Bad> rows{{"", 0},
                              {"  ", 2},
                              {",", 0},
                              {"1,,2", 2},
                              {", 1", 0},
                              {"x", 0},
                              {"1x", 1},
                              {"1 2", 2},
                              {"1:2x", 3},
                              {"1:2:3x", 5},
                              {"1:2:3:4", 5},
                              {":::", 2},
                              {"..", 2},
                              {"....", 3},
                              {". ..", 1},
                              {"...1", 3},
                              {"newaxs", 5},
                              {"newaxis1", 7},
                              {"n", 1},
                              {"None", 0},
                              {"-", 1},
                              {"- 1", 1},
                              {"--1", 1},
                              {"+1", 0},
                              {"1.5", 1},
                              {"0x10", 1},
                              {"1e3", 1},
                              {"1:-", 3},
                              {"1:2:-", 5},
                              {"(1)", 0},
                              {"[1]", 0},
                              {"1;2", 1},
                              {":, 14:, a", 8},
                              {"1,\n2", 2},
                              {"1,,", 2},
                              {"\xff", 0},
                              {"1:\xc2\xa0", 2},
                              {"9223372036854775808", 0},
                              {"0, :-9223372036854775809", 4},
                              {"..., ..x", 7},
                              {"1_0", 1}};
  for (const Bad& row : rows) {
    CAPTURE(row.text);
    const std::string position = "wrong at position " + std::to_string(row.position) +
                                 (static_cast<size_t>(row.position) == std::string_view(row.text).size() ? " (its end)," : ",");
    // However many axes there are: the text is judged first.
    CHECK_THROWS_WITH_AS(resolve(row.text, {}), doctest::Contains(position.c_str()), ValueError);
    CHECK_THROWS_WITH_AS(resolve(row.text, {5, 6, 7}), doctest::Contains(position.c_str()), ValueError);
  }
  CHECK_THROWS_AS(resolve(std::string_view("1\0", 2), {5}), ValueError);
}

TEST_CASE("random slice text never selects outside the source") {
  std::mt19937_64 engine(7);
  const std::string alphabet = "0123456789-:,. n";
  const Shape shape{3, 1, 4};
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto length = engine() % 9; length > 0; --length) text += alphabet[engine() % alphabet.size()];
    ViewSpec view;
    try {
      view = resolve(text.c_str(), shape);
    } catch (const ShapeError&) {
      continue;
    } catch (const ValueError&) {
      continue;
    }
    ++accepted;
    for (int64_t offset : offsets(view))
      if (offset < 0 || offset >= 12) FAIL("outside: ", text);
  }
  CHECK(accepted > 500);
}

TEST_CASE("indexing tensors") {
  const Tensor images = zeros({100, 28, 28}, DType::uint8), matrix({{5, 78, 2}, {6, 79, 3}, {7, 80, 4}});
  CHECK((images["10:90"].shape() == Shape{80, 28, 28}));
  CHECK((images[":, 14:, 14:"].shape() == Shape{100, 14, 14}));
  CHECK((images[":, 7:-7, 7:-7"].shape() == Shape{100, 14, 14}));
  CHECK((images["..., ::2"].shape() == Shape{100, 28, 14}));
  CHECK((images.slice({Slice(), Slice(14, none)}).shape() == Shape{100, 14, 28}));
  CHECK((matrix[1].to_vector<int>() == std::vector<int>{6, 79, 3}));
  CHECK((matrix[-1].to_vector<int>() == std::vector<int>{7, 80, 4}));
  CHECK((matrix[":, 1"].to_vector<int>() == std::vector<int>{78, 79, 80}));
  CHECK((matrix["::-1, ::-2"].to_vector<int>() == std::vector<int>{4, 7, 3, 6, 2, 5}));
  CHECK((matrix["1:, newaxis, 0"].shape() == Shape{2, 1}));
  CHECK(matrix["1:"].slice({0, 1}).item<int>() == 79);
  CHECK_THROWS_AS(matrix[3], ShapeError);
  CHECK_THROWS_AS(matrix[-4], ShapeError);
  CHECK_THROWS_AS(Tensor(1)[0], ShapeError);
  CHECK_THROWS_AS(Tensor()[":"], ValueError);
}
