// Pad, roll, tile, triangles, diagonals.
#include <optional>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

/// The shape of the result, given that of x.
using Sized = std::function<Shape(const Shape& x)>;
/// Where the element at `at` of the result comes from; nowhere: it is the row's filler.
using From = std::function<std::optional<Shape>(Shape at, const Shape& x)>;

Row moved(std::string name, Shape shape, std::function<Tensor(const Tensor&)> f, Sized sized, From from,
          std::vector<Shape> more = {}, double filler = 0) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}};
  for (const Shape& s : more) row.shapes.push_back({s});
  row.call = [f = std::move(f)](const std::vector<Tensor>& in) { return f(in[0]); };
  row.reference = [=](const Arrays& in) {
    return build(sized(in[0].shape), [&](const Shape& at) {
      const std::optional<Shape> source = from(at, in[0].shape);
      return source ? in[0](*source) : filler;
    });
  };
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  return row;
}

Shape same(const Shape& x) { return x; }

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
      tile_row("tile of rank 8", {1, 2, 1, 1, 2, 1, 1, 2}, {2, 1, 2, 1, 2, 1, 1, 1}),
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

std::vector<Row> axis_rows() {
  const auto ordered = [](Shape order) {
    return std::pair<Sized, From>{[order](const Shape& x) {
                                    Shape out;
                                    for (const int64_t axis : order) out.push_back(x[static_cast<int>(axis)]);
                                    return out;
                                  },
                                  [order](Shape at, const Shape&) {
                                    Shape from = at;
                                    for (int i = 0; i < at.ndim(); ++i) from[static_cast<int>(order[i])] = at[i];
                                    return from;
                                  }};
  };
  const auto [last, from_last] = ordered({1, 2, 0});
  const auto [two, from_two] = ordered({3, 1, 0, 2});
  // The grids side by side in a new last axis.
  const auto grid_row = [](std::string name, std::string indexing, bool exchanged) {
    Row row{.name = std::move(name), .inputs = {{.shape = {2}}, {.shape = {3}}, {.shape = {2}}}, .shapes = {{{1}, {0}, {2}}}};
    row.call = [indexing](const std::vector<Tensor>& in) { return stack(meshgrid(in, indexing), -1); };
    row.reference = [exchanged](const Arrays& in) {
      Shape shape{in[0].shape[0], in[1].shape[0], in[2].shape[0], 3};
      if (exchanged) std::swap(shape[0], shape[1]);
      return build(shape, [&](Shape at) {
        if (exchanged) std::swap(at[0], at[1]);
        return in[static_cast<size_t>(at[3])]({at[static_cast<int>(at[3])]});
      });
    };
    row.polynomial = true;
    row.result = kept;
    row.ulps = 0;
    return row;
  };
  Row together{.name = "broadcast_tensors", .inputs = {{.shape = {2, 1}}, {.shape = {3}}}, .shapes = {{{}, {0}}, {{1}, {2, 1}}}};
  together.call = [](const std::vector<Tensor>& in) { return stack(broadcast_tensors(in)); };
  together.reference = [](const Arrays& in) {
    Shape shape{2};
    for (const int64_t d : broadcast_shape(in)) shape.push_back(d);
    return build(shape, [&](const Shape& at) { return in[static_cast<size_t>(at[0])].broadcast(at); });
  };
  together.polynomial = true;
  together.result = kept;
  together.ulps = 0;
  together.errors = {raises<ShapeError>("shapes do not broadcast; got [2] and [3]", [] {
    broadcast_tensors({zeros({2}), zeros({3})});
  })};

  const Tensor x = zeros({2, 3, 2});
  std::vector<Row> rows{
      moved("moveaxis", {2, 3, 2}, [](const Tensor& t) { return moveaxis(t, 0, -1); }, last, from_last, {{0, 2, 1}}),
      moved(
          "moveaxis of two", {2, 3, 1, 2},
          [](const Tensor& t) {
            return moveaxis(t, {3, 0}, {0, 2});
          },
          two, from_two),
      grid_row("meshgrid", "xy", true), grid_row("meshgrid ij", "ij", false), together};
  rows[0].errors = {raises<ShapeError>("axis out of range; got 3", [x] { moveaxis(x, 3, 0); }),
                    raises<ShapeError>("axis out of range; got -4", [x] { moveaxis(x, 0, -4); }),
                    raises<ShapeError>("axis given twice",
                                       [x] {
                                         moveaxis(x, {0, 0}, {0, 1});
                                       }),
                    raises<ShapeError>("axes come in pairs; got [0, 1] and [0]", [x] {
                      moveaxis(x, {0, 1}, {0});
                    })};
  rows[2].errors = {raises<ValueError>("unknown indexing; got \"yx\"", [] { meshgrid({zeros({2})}, "yx"); }),
                    raises<ShapeError>("not a vector; got shape [2, 2]",
                                       [] {
                                         meshgrid({zeros({2, 2})});
                                       }),
                    raises<ShapeError>("too many axes; got 9", [] { meshgrid(std::vector<Tensor>(9, zeros({1}))); })};
  return rows;
}

std::vector<Row> diagonal_rows() {
  const auto triangle = [](std::string name, Tensor (*f)(const Tensor&, int64_t), int64_t k, bool lower) {
    return moved(
        std::move(name), {3, 4}, [f, k](const Tensor& x) { return f(x, k); }, same,
        [k, lower](const Shape& at, const Shape&) -> std::optional<Shape> {
          const int64_t above = at[at.ndim() - 1] - at[at.ndim() - 2];
          return (lower ? above <= k : above >= k) ? std::optional(at) : std::nullopt;
        },
        {{2, 3, 2}, {1, 1}, {0, 2}, {2, 0}});
  };
  const auto length = [](int64_t m, int64_t n, int64_t k) {
    return std::max<int64_t>(0, std::min(m + std::min<int64_t>(k, 0), n - std::max<int64_t>(k, 0)));
  };
  const auto place = [](int64_t i, int64_t k) { return std::pair{i - std::min<int64_t>(k, 0), i + std::max<int64_t>(k, 0)}; };
  const auto taken = [=](std::string name, Tensor (*f)(const Tensor&, int64_t), int64_t k) {
    return moved(
        std::move(name), {3, 4}, [f, k](const Tensor& x) { return f(x, k); },
        [=](const Shape& x) { return Shape{length(x[0], x[1], k)}; },
        [=](const Shape& at, const Shape&) {
          const auto [row, column] = place(at[0], k);
          return Shape{row, column};
        },
        {{4, 2}, {1, 1}, {0, 2}, {3, 0}});
  };
  const auto matrix = [=](std::string name, int64_t k) {
    return moved(
        std::move(name), {3}, [k](const Tensor& x) { return diag(x, k); },
        [k](const Shape& x) {
          return Shape{x[0] + std::abs(k), x[0] + std::abs(k)};
        },
        [=](const Shape& at, const Shape& x) -> std::optional<Shape> {
          for (int64_t i = 0; i < x[0]; ++i)
            if (place(i, k) == std::pair{at[0], at[1]}) return Shape{i};
          return std::nullopt;
        },
        {{1}, {0}});
  };
  const auto main = [](const Tensor& x, int64_t k) { return diagonal(x, k); };
  std::vector<Row> rows{
      triangle("tril", tril, 0, true),
      triangle("tril below", tril, -1, true),
      triangle("tril above", tril, 2, true),
      triangle("tril of everything", tril, kHuge, true),
      triangle("triu", triu, 0, false),
      triangle("triu below", triu, -2, false),
      triangle("triu above", triu, 1, false),
      triangle("triu of everything", triu, -kHuge - 1, false),
      matrix("diag", 0),
      matrix("diag above", 2),
      matrix("diag below", -1),
      taken("diag of a matrix", diag, 1),
      taken("diagonal", main, 0),
      taken("diagonal above", main, 2),
      taken("diagonal below", main, -1),
      taken("diagonal out of reach", main, kHuge),
      taken("diagonal out of reach below", main, -kHuge - 1),
      moved(
          "diagonal of axes 2 and 0", {2, 2, 3}, [](const Tensor& x) { return diagonal(x, -1, 2, 0); },
          [=](const Shape& x) {
            return Shape{x[1], length(x[2], x[0], -1)};
          },
          [](const Shape& at, const Shape&) {
            return Shape{at[1], at[0], at[1] + 1};
          },
          {{3, 1, 2}}),
  };
  Row trace_row{.name = "trace", .inputs = {{.shape = {3, 4}}}, .shapes = {{{1, 1}}, {{0, 2}}, {{4, 2}}}};
  trace_row.call = [](const std::vector<Tensor>& in) { return trace(in[0], 1); };
  trace_row.reference = [](const Arrays& in) {
    double total = 0;
    for (int64_t i = 0; i < in[0].shape[0] && i + 1 < in[0].shape[1]; ++i) total += in[0]({i, i + 1});
    return Array{{}, {total}};
  };
  trace_row.polynomial = true;
  trace_row.result = summed;
  trace_row.reduces = true;
  rows.push_back(trace_row);
  trace_row.name = "trace of axes 0 and 2";
  trace_row.inputs = {{.shape = {2, 3, 2}}};
  trace_row.shapes = {{{3, 0, 3}}};
  trace_row.call = [](const std::vector<Tensor>& in) { return trace(in[0], 0, 0, -1); };
  trace_row.reference = [](const Arrays& in) {
    return build({in[0].shape[1]}, [&](const Shape& at) {
      double total = 0;
      for (int64_t i = 0; i < in[0].shape[0]; ++i) total += in[0]({i, at[0], i});
      return total;
    });
  };
  rows.push_back(trace_row);

  const Tensor x = zeros({2, 3}), vector = zeros({3});
  const auto row = [&](std::string_view name) -> Row& {
    return *std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  };
  row("tril").errors = {raises<ShapeError>("not a matrix; got shape [3]", [=] { tril(vector); })};
  row("triu").errors = {raises<ShapeError>("not a matrix; got shape []", [] { triu(Tensor(1.0f)); })};
  row("diag").errors = {raises<ShapeError>("not a vector or matrix; got shape [2, 2, 2]",
                                           [] {
                                             diag(zeros({2, 2, 2}));
                                           }),
                        raises<ShapeError>("too many elements", [=] { diag(vector, kHuge); }),
                        raises<ShapeError>("too many elements", [=] { diag(vector, -kHuge - 1); }),
                        raises<ShapeError>("too large for memory", [=] { diag(vector, 1 << 30); })};
  row("diagonal").errors = {raises<ShapeError>("axis out of range; got 1", [=] { diagonal(vector); }),
                            raises<ShapeError>("one axis given twice; got 1 and -1", [=] { diagonal(x, 0, 1, -1); })};
  row("trace").errors = {raises<ShapeError>("axis out of range; got 2", [=] { trace(x, 0, 0, 2); }),
                         raises<ShapeError>("one axis given twice", [=] { trace(x, 0, 0, 0); })};
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
