// Orders of axes, grids, triangles, diagonals.
#include "tests/autograd/moved_row.h"

namespace gradus::test {

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

}  // namespace gradus::test
