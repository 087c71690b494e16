// Views: the same values under other shapes, and the copies where no view will do.
#include <utility>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Map = std::function<Array(const Array&)>;

Row view(std::string name, Shape shape, std::function<Tensor(const Tensor&)> f, Map reference,
         std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(more)};
  row.call = [f = std::move(f)](const std::vector<Tensor>& in) { return f(in[0]); };
  row.reference = [reference = std::move(reference)](const Arrays& in) { return reference(in[0]); };
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  return row;
}

Map into(Shape shape) {
  return [shape](const Array& x) { return Array{shape, x.values}; };
}
Map ordered(Shape order) {
  return [order](const Array& x) { return permuted(x, order); };
}
Map expanded(Shape shape) {
  return [shape](const Array& x) { return build(shape, [&](const Shape& at) { return x.broadcast(at); }); };
}
Array reversed(const Array& x) {
  Shape order;
  for (int i = x.shape.ndim(); i-- > 0;) order.push_back(i);
  return permuted(x, order);
}

/// Along each axis, the positions picked; then the axes of `shape`.
Map picked(std::vector<std::vector<int64_t>> positions, Shape shape) {
  return [positions, shape](const Array& x) {
    Shape sizes;
    for (const auto& p : positions) sizes.push_back(static_cast<int64_t>(p.size()));
    const Array out = build(sizes, [&](const Shape& at) {
      Shape from = at;
      for (int i = 0; i < at.ndim(); ++i) from[i] = positions[static_cast<size_t>(i)][static_cast<size_t>(at[i])];
      return x(from);
    });
    return Array{shape, out.values};
  };
}

Row sliced(std::string index, Shape shape, std::vector<std::vector<int64_t>> positions, Shape result) {
  return view(
      "slice [" + index + "]", shape, [index](const Tensor& x) { return x[index]; }, picked(std::move(positions), result));
}

std::vector<Row> slice_rows() {
  std::vector<Row> rows{
      view(
          "slice", {3, 4},
          [](const Tensor& x) {
            return slice(x, {Slice(0, 2), Slice(none, none, 2)});
          },
          picked({{0, 1}, {0, 2}}, {2, 2})),
      sliced("1:, ::-1", {3, 2}, {{1, 2}, {1, 0}}, {2, 2}),
      sliced("-1", {3, 2}, {{2}, {0, 1}}, {2}),
      sliced("..., 0", {2, 3}, {{0, 1}, {0}}, {2}),
      sliced("1, 2", {2, 3}, {{1}, {2}}, {}),
      sliced(":, newaxis, 1:2", {2, 3}, {{0, 1}, {1}}, {2, 1, 1}),
      sliced("5:1:-2, :-1", {6, 2}, {{5, 3}, {0}}, {2, 1}),
      sliced("2:2", {3, 2}, {{}, {0, 1}}, {0, 2}),
      view(
          "slice by position", {3, 2}, [](const Tensor& x) { return x[-2]; }, picked({{1}, {0, 1}}, {2})),
  };
  const Tensor x = zeros({2, 3});
  rows.front().covers = {"place"};
  rows.front().errors = {raises<ShapeError>("too many indices; got 3", [x] { x[":, :, :"]; }),
                         raises<ShapeError>("index out of range; got 2 for axis 0 of shape [2, 3]", [x] { x[2]; }),
                         raises<ShapeError>("index out of range; got -4", [x] { x[":, -4"]; }),
                         raises<ValueError>("zero step", [x] { x["::0"]; }),
                         raises<ValueError>("malformed index", [x] { x["1:two"]; }),
                         raises<ValueError>("more than one ellipsis", [x] { x["..., ..."]; }),
                         raises<ShapeError>("too many indices; got 1 for shape []", [] { Tensor(1.0f)[0]; })};
  return rows;
}

}  // namespace

std::vector<Row> view_rows() {
  std::vector<Row> rows{
      view("reshape", {2, 3},
           [](const Tensor& x) {
             return reshape(x, {3, 2});
           },
           into({3, 2}), {{{6}}, {{1, 6}}, {{3, 2}}}),
      view(
          "reshape to an inferred size", {2, 3, 2},
          [](const Tensor& x) {
            return x.reshape({-1, 4});
          },
          into({3, 4})),
      view("reshape to nothing", {1}, [](const Tensor& x) { return reshape(x, {}); }, into({}), {{{}}, {{1, 1}}}),
      view(
          "reshape of nothing", {0, 2},
          [](const Tensor& x) {
            return reshape(x, {3, 0});
          },
          into({3, 0})),
      view(
          "flatten", {2, 3, 2}, [](const Tensor& x) { return flatten(x); },
          [](const Array& x) {
            return Array{{x.size()}, x.values};
          },
          {{{}}, {{0, 3}}, {{4}}}),
      view(
          "flatten from axis 1", {2, 3, 2}, [](const Tensor& x) { return flatten(x, 1); },
          [](const Array& x) {
            return Array{{x.shape[0], x.shape[0] ? x.size() / x.shape[0] : 6}, x.values};
          },
          {{{0, 3, 2}}, {{1, 2}}}),
      view("transpose", {2, 3}, [](const Tensor& x) { return transpose(x); }, reversed, {{{}}, {{4}}, {{2, 1, 3}}, {{0, 2}}}),
      view("permute", {2, 3, 4},
           [](const Tensor& x) {
             return permute(x, {1, 2, 0});
           },
           ordered({1, 2, 0}), {{{1, 2, 1}}, {{2, 0, 1}}}),
      view(
          "permute by a negative axis", {2, 3},
          [](const Tensor& x) {
            return x.transpose({-1, 0});
          },
          ordered({1, 0})),
      view(
          "swapaxes", {2, 3, 2}, [](const Tensor& x) { return swapaxes(x, 0, -1); }, ordered({2, 1, 0})),
      view(
          "squeeze", {1, 3, 1}, [](const Tensor& x) { return squeeze(x); }, into({3})),
      view(
          "squeeze of axis -1", {1, 3, 1}, [](const Tensor& x) { return squeeze(x, -1); }, into({1, 3})),
      view(
          "expand_dims", {2, 3}, [](const Tensor& x) { return expand_dims(x, 1); }, into({2, 1, 3})),
      view(
          "expand_dims at the end", {3}, [](const Tensor& x) { return expand_dims(x, -1); }, into({3, 1})),
      view("broadcast_to", {2, 1},
           [](const Tensor& x) {
             return broadcast_to(x, {3, 2, 3});
           },
           expanded({3, 2, 3}), {{{}}, {{1}}, {{3}}, {{1, 1, 3}}, {{3, 2, 3}}}),
      view("broadcast_to nothing", {1, 2},
           [](const Tensor& x) {
             return broadcast_to(x, {0, 2});
           },
           expanded({0, 2}), {{{2}}}),
      view(
          "flip", {2, 3}, [](const Tensor& x) { return flip(x); }, picked({{1, 0}, {2, 1, 0}}, {2, 3})),
      view(
          "flip of axis 1", {2, 3}, [](const Tensor& x) { return flip(x, 1); }, picked({{0, 1}, {2, 1, 0}}, {2, 3})),
      view("contiguous", {2, 3}, [](const Tensor& x) { return transpose(x).contiguous(); }, reversed,
           {{{1, 3}}, {{0, 3}}, {{2, 2, 2}}}),
  };
  const Tensor x = zeros({2, 3});
  const auto errors = [&](std::string_view op, std::vector<ErrorCase> cases) {
    for (Row& row : rows)
      if (row.name == op) row.errors = std::move(cases);
  };
  errors("reshape",
         {raises<ShapeError>("number of elements differs; got [4] from shape [2, 3], expected 6", [x] { reshape(x, {4}); }),
          raises<ShapeError>("more than one unknown dimension",
                             [x] {
                               reshape(x, {-1, -1});
                             }),
          raises<ShapeError>("number of elements differs",
                             [x] {
                               reshape(x, {-1, 4});
                             }),
          raises<ShapeError>("number of elements differs",
                             [] {
                               reshape(zeros({0}), {0, -1});
                             }),
          raises<ShapeError>("impossible dimension",
                             [x] {
                               reshape(x, {-2, 3});
                             }),
          raises<ShapeError>("impossible dimension", [x] {
            reshape(x, {int64_t{1} << 62, 4});
          })});
  errors("flatten", {raises<ShapeError>("axis out of range; got 2", [x] { flatten(x, 2); })});
  errors("transpose", {raises<ValueError>(
                          "has no value", [] { transpose(Tensor()); }, "Tensor")});
  errors("permute", {raises<ShapeError>("not an order of the axes; got [0]", [x] { permute(x, {0}); }),
                     raises<ShapeError>("axis given twice",
                                        [x] {
                                          permute(x, {0, 0});
                                        }),
                     raises<ShapeError>("axis out of range; got 2", [x] {
                       permute(x, {0, 2});
                     })});
  errors("swapaxes", {raises<ShapeError>("axis out of range; got -3", [x] { swapaxes(x, 0, -3); })});
  errors("squeeze", {raises<ShapeError>("axis 1 is not of size 1; got shape [2, 3]", [x] { squeeze(x, 1); }),
                     raises<ShapeError>("axis out of range; got 2", [x] { squeeze(x, 2); })});
  errors("expand_dims", {raises<ShapeError>("axis out of range; got 3, expected -3 <= axis < 3", [x] { expand_dims(x, 3); }),
                         raises<ShapeError>(
                             "too many dimensions", [] { expand_dims(zeros(Shape::filled(8, 1)), 0); }, "Shape")});
  errors("broadcast_to", {raises<ShapeError>("got [2, 3] and [3, 3]",
                                             [x] {
                                               broadcast_to(x, {3, 3});
                                             }),
                          raises<ShapeError>("does not broadcast; got [2, 3]",
                                             [x] {
                                               broadcast_to(x, {1, 3});
                                             }),
                          raises<ShapeError>("does not broadcast; got [2, 3]", [x] { broadcast_to(x, {3}); })});
  errors("flip", {raises<ShapeError>("axis out of range; got 4", [x] { flip(x, 4); })});
  for (Row& row : slice_rows()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
