// Pad, roll, tile, repeat; the rest of the family is in op_rows_diagonal.cpp.
#include "tests/autograd/moved_row.h"

namespace gradus::test {
namespace {

int64_t source_of(PadMode mode, int64_t i, int64_t n) {
  while (i < 0 || i >= n) {
    if (mode == PadMode::constant) return -1;
    if (mode == PadMode::edge) i = i < 0 ? 0 : n - 1;
    else if (mode == PadMode::wrap) i += i < 0 ? n : -n;
    else i = i < 0 ? -i : 2 * n - 2 - i;
  }
  return i;
}
Row pad_row(std::string name, Shape shape, std::vector<PadWidth> widths, PadMode mode, std::vector<Shape> more = {},
            double value = 0) {
  const auto sized = [widths](Shape x) {
    for (int i = 0; i < x.ndim(); ++i) x[i] += widths[static_cast<size_t>(i)].before + widths[static_cast<size_t>(i)].after;
    return x;
  };
  const auto from = [widths, mode](Shape at, const Shape& x) -> std::optional<Shape> {
    for (int i = 0; i < x.ndim(); ++i) {
      at[i] = source_of(mode, at[i] - widths[static_cast<size_t>(i)].before, x[i]);
      if (at[i] < 0) return std::nullopt;
    }
    return at;
  };
  return moved(
      std::move(name), shape, [=](const Tensor& x) { return pad(x, widths, mode, value); }, sized, from, std::move(more), value);
}
std::vector<Row> pad_rows() {
  std::vector<Row> rows{
      pad_row("pad", {2, 3}, {{1, 2}, {0, 1}}, PadMode::constant, {{0, 3}, {2, 0}, {0, 0}}),
      pad_row("pad by nothing", {2, 3}, {{0, 0}, {0, 0}}, PadMode::constant, {{0, 1}}),
      pad_row("pad with ones", {2, 2, 2}, {{0, 0}, {1, 0}, {0, 2}}, PadMode::constant, {}, 1),
      pad_row("pad of a number", {}, {}, PadMode::constant),
      pad_row("pad of a number by its edge", {}, {}, PadMode::edge),
      pad_row("pad by reflection", {3, 4}, {{2, 1}, {0, 3}}, PadMode::reflect, {{3, 5}}),
      pad_row("pad by the edge", {2, 3}, {{3, 0}, {1, 2}}, PadMode::edge, {{1, 1}}),
      pad_row("pad by wrapping", {2, 3}, {{3, 0}, {1, 4}}, PadMode::wrap, {{1, 1}}),
      pad_row("pad of one empty axis by the edge", {0, 3}, {{0, 0}, {1, 2}}, PadMode::edge),
  };
  const Tensor x = zeros({2, 3});
  const auto padded = [x](std::vector<PadWidth> widths, PadMode mode = PadMode::constant) {
    return [=] { pad(x, widths, mode); };
  };
  rows[0].covers = {"pad_constant"};
  rows[0].errors = {
      raises<ShapeError>("one width per axis; got 1 widths for shape [2, 3], expected 2", padded({{1, 1}})),
      raises<ValueError>("negative width; got 0 and -1 for axis 1", padded({{0, 0}, {0, -1}})),
      raises<ValueError>("negative width", padded({{-kHuge - 1, 0}, {0, 0}})),
      raises<ShapeError>("axis 0 grows too long", padded({{kHuge, kHuge}, {0, 0}})),
      raises<ShapeError>("axis 0 grows too long", padded({{kHuge, 0}, {0, 0}}, PadMode::wrap)),
      raises<ShapeError>("too many elements", padded({{kHuge / 2, 0}, {0, 1}})),
      raises<ShapeError>("too large for memory", padded({{int64_t{1} << 60, 0}, {0, 0}})),
      raises<ShapeError>("too large for memory", padded({{int64_t{1} << 60, 0}, {0, 0}}, PadMode::edge)),
      raises<ValueError>("reflection is wider than the axis; got widths 2 and 0 for axis 0 of size 2, expected less",
                         padded({{2, 0}, {0, 0}}, PadMode::reflect)),
      raises<ShapeError>("no element to repeat; got shape [0]",
                         [] {
                           pad(zeros({0}), {{0, 1}}, PadMode::edge);
                         }),
  };
  return rows;
}

/// Elements move by shifts[i] along axis i.
Row roll_row(std::string name, Shape shape, Shape shifts, std::function<Tensor(const Tensor&)> f, std::vector<Shape> more = {}) {
  const auto from = [shifts](Shape at, const Shape& x) {
    for (int i = 0; i < x.ndim(); ++i) at[i] = (at[i] - shifts[i] + 100 * x[i]) % x[i];
    return at;
  };
  return moved(std::move(name), shape, std::move(f), same, from, std::move(more));
}
std::vector<Row> roll_rows() {
  std::vector<Row> rows{
      roll_row("roll", {5}, {2}, [](const Tensor& x) { return roll(x, 2); }, {{1}, {0}, {2}}),
      roll_row("roll over axis 1", {2, 3}, {0, -4}, [](const Tensor& x) { return roll(x, -4, -1); }, {{0, 3}, {2, 0}, {2, 1}}),
      roll_row("roll over two axes", {3, 4}, {1, -1},
               [](const Tensor& x) {
                 return roll(x, {-1, 1}, {1, 0});
               }),
      roll_row("roll over two axes alike", {3, 2, 4}, {3, 0, 3},
               [](const Tensor& x) {
                 return roll(x, 3, {0, 2});
               }),
  };
  rows.push_back(moved(
      "roll of the flattened tensor", {2, 3}, [](const Tensor& x) { return roll(x, 1); }, same,
      [](const Shape& at, const Shape& x) {
        const int64_t n = x[0] * x[1], i = (at[0] * x[1] + at[1] + n - 1) % n;
        return Shape{i / x[1], i % x[1]};
      },
      {{0, 2}, {1, 1}}));
  const Tensor x = zeros({2, 3});
  rows[0].errors = {raises<ShapeError>("axis out of range; got 2", [x] { roll(x, 1, 2); }),
                    raises<ShapeError>("axis given twice",
                                       [x] {
                                         roll(x, 1, {0, -2});
                                       }),
                    raises<ShapeError>("one shift per axis; got shifts [1, 2] for axes [0]", [x] {
                      roll(x, {1, 2}, {0});
                    })};
  return rows;
}

std::vector<Row> repeat_rows() {
  const auto tiled = [](Shape repeats) {
    return [repeats](const Shape& x) {
      const int ndim = std::max(x.ndim(), repeats.ndim());
      Shape out = Shape::filled(ndim, 1);
      for (int i = 1; i <= x.ndim(); ++i) out[ndim - i] *= x[x.ndim() - i];
      for (int i = 1; i <= repeats.ndim(); ++i) out[ndim - i] *= repeats[repeats.ndim() - i];
      return out;
    };
  };
  const auto wrapped = [](const Shape& at, const Shape& x) {
    Shape from;
    for (int i = 0; i < x.ndim(); ++i) from.push_back(at[at.ndim() - x.ndim() + i] % x[i]);
    return from;
  };
  const auto tile_row = [&](std::string name, Shape shape, Shape repeats, std::vector<Shape> more = {}) {
    return moved(
        std::move(name), shape, [repeats](const Tensor& x) { return tile(x, repeats); }, tiled(repeats), wrapped,
        std::move(more));
  };
  const auto each = [](int axis, int64_t n) {
    return [axis, n](Shape at, const Shape&) {
      at[axis] /= n;
      return at;
    };
  };
  const auto longer = [](int axis, int64_t n) {
    return [axis, n](Shape x) {
      x[axis] *= n;
      return x;
    };
  };
  const auto counted = [](Shape at, const Shape&) {  // counts 2, 0, 3
    at[1] = at[1] < 2 ? 0 : 2;
    return at;
  };
  std::vector<Row> rows{
      tile_row("tile", {2, 3}, {2, 3}, {{0, 3}, {1, 1}}),
      tile_row("tile with fewer repeats than axes", {2, 1, 2}, {3}),
      tile_row("tile with more repeats than axes", {2}, {2, 1, 2}),
      tile_row("tile of a number", {}, {2, 2}),
      tile_row("tile no times", {2, 3}, {0, 2}),
      tile_row("tile of nothing", {2}, {}),
      tile_row("tile to rank 8", {2}, {2, 1, 2, 1, 2, 1, 1, 2}),
      moved("repeat", {2, 3}, [](const Tensor& x) { return repeat(x, 3, 0); }, longer(0, 3), each(0, 3),
            {{0, 2}, {1, 1}, {2, 0}}),
      moved("repeat along the last axis", {2, 3}, [](const Tensor& x) { return repeat(x, 2, -1); }, longer(1, 2), each(1, 2),
            {{2, 1}}),
      moved(
          "repeat of the flattened tensor", {2, 3}, [](const Tensor& x) { return repeat(x, 2); },
          [](const Shape& x) { return Shape{2 * x[0] * x[1]}; },
          [](const Shape& at, const Shape& x) {
            return Shape{at[0] / 2 / x[1], at[0] / 2 % x[1]};
          }),
      moved(
          "repeat no times", {2, 3}, [](const Tensor& x) { return repeat(x, 0, 1); }, longer(1, 0), each(1, 1)),
      moved(
          "repeat by counts", {2, 3},
          [](const Tensor& x) {
            return repeat(x, Tensor({2, 0, 3}), 1);
          },
          [](const Shape& x) {
            return Shape{x[0], 5};
          },
          counted, {{0, 3}, {1, 3}}),
      moved(
          "repeat of nothing by counts", {0, 2}, [](const Tensor& x) { return repeat(x, zeros({0}, DType::int64)); },
          [](const Shape&) { return Shape{0}; }, [](const Shape& at, const Shape&) { return at; }),
  };
  const Tensor x = zeros({2, 3});
  rows[0].errors = {raises<ValueError>("negative number of repeats; got [1, -1]",
                                       [x] {
                                         tile(x, {1, -1});
                                       }),
                    raises<ShapeError>("too many elements", [x] { tile(x, {kHuge}); }),
                    raises<ShapeError>("too many elements",
                                       [x] {
                                         tile(x, {int64_t{1} << 31, int64_t{1} << 31, 1, 1});
                                       }),
                    raises<ShapeError>("too many elements", [x] {
                      tile(x, {0, kHuge / 2, 2});
                    })};
  rows[7].errors = {
      raises<ValueError>("negative count; got -1", [x] { repeat(x, -1, 0); }),
      raises<ShapeError>("axis out of range; got 2", [x] { repeat(x, 1, 2); }),
      raises<ShapeError>("too many elements", [x] { repeat(x, kHuge, 0); }),
      raises<ShapeError>("too many elements", [x] { repeat(x, kHuge / 2, 0); }),
      raises<ShapeError>("too many elements",
                         [x] {
                           repeat(x, Tensor({kHuge, kHuge}), 0);
                         }),
      raises<ShapeError>("too large for memory", [] { repeat(zeros({1}), Tensor({int64_t{1} << 60}), 0); }),
      raises<ValueError>("negative count; got -2",
                         [x] {
                           repeat(x, Tensor({1, -2}), 0);
                         }),
      raises<DTypeError>("counts must be integers; got float32", [x] { repeat(x, zeros({2}), 0); }),
      raises<ShapeError>("one count per element of the axis; got shape [3], expected [2]",
                         [x] {
                           repeat(x, Tensor({1, 1, 1}), 0);
                         }),
  };
  return rows;
}

}  // namespace

std::vector<Row> rearrange_rows() {
  std::vector<Row> rows;
  for (auto* family : {pad_rows, roll_rows, repeat_rows, axis_rows, diagonal_rows})
    for (Row& row : family()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
