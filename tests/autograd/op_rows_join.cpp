// Joining, splitting, and indexing by integer tensors.
#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

/// Naive concatenation along an axis.
Array joined(const Arrays& in, int axis) {
  Shape shape = in[0].shape;
  shape[axis] = 0;
  for (const Array& x : in) shape[axis] += x.shape[axis];
  return build(shape, [&](Shape at) {
    size_t k = 0;
    while (at[axis] >= in[k].shape[axis]) at[axis] -= in[k++].shape[axis];
    return in[k](at);
  });
}
Array with_axis(const Array& x, int axis) {
  Array out{{}, x.values};
  for (int i = 0; i <= x.shape.ndim(); ++i) {
    if (i == axis) out.shape.push_back(1);
    if (i < x.shape.ndim()) out.shape.push_back(x.shape[i]);
  }
  return out;
}

Row join(std::string name, std::vector<Shape> shapes, Call call, Reference reference, std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = std::move(name)};
  row.inputs.clear();
  for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape});
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.shapes = std::move(more);
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  return row;
}
Row concat_row(std::string name, std::vector<Shape> shapes, int axis, int64_t given, std::vector<std::vector<Shape>> more = {}) {
  return join(
      std::move(name), std::move(shapes), [given](const std::vector<Tensor>& in) { return concat(in, given); },
      [axis](const Arrays& in) { return joined(in, axis); }, std::move(more));
}
Row stack_row(std::string name, int axis, int64_t given) {
  const auto reference = [axis](Arrays in) {
    for (Array& x : in) x = with_axis(x, axis);
    return joined(in, axis);
  };
  return join(std::move(name), {{2, 3}, {2, 3}}, [given](const std::vector<Tensor>& in) { return stack(in, given); }, reference,
              {{{1, 1}, {1, 1}}, {{0, 2}, {0, 2}}});
}
/// The parts of a split, put together in reverse order.
Row split_row(std::string name, Shape shape, int axis, std::vector<int64_t> sizes,
              std::function<std::vector<Tensor>(const Tensor&)> f) {
  return join(
      std::move(name), {shape},
      [f, axis](const std::vector<Tensor>& in) {
        std::vector<Tensor> parts = f(in[0]);
        return concat({parts.rbegin(), parts.rend()}, axis);
      },
      [axis, sizes](const Arrays& in) {
        Arrays parts;
        int64_t begin = 0;
        for (const int64_t n : sizes) {
          Shape part = in[0].shape;
          part[axis] = n;
          parts.insert(parts.begin(), build(part, [&](Shape at) {
                         at[axis] += begin;
                         return in[0](at);
                       }));
          begin += n;
        }
        return joined(parts, axis);
      });
}

int64_t wrapped(double index, int64_t size) { return static_cast<int64_t>(index) + (index < 0 ? size : 0); }

Row indexed(std::string name, Input x, Input indices, Call call, Reference reference, std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = std::move(name), .inputs = {x, indices}, .shapes = std::move(more)};
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  return row;
}
Row take_row(std::string name, Shape shape, int axis, Input indices, std::vector<std::vector<Shape>> more = {}) {
  const auto reference = [axis](const Arrays& in) {
    const Array &x = in[0], &i = in[1];
    const int rank = i.shape.ndim();
    Shape out;
    for (int k = 0; k < axis; ++k) out.push_back(x.shape[k]);
    for (const int64_t d : i.shape) out.push_back(d);
    for (int k = axis + 1; k < x.shape.ndim(); ++k) out.push_back(x.shape[k]);
    return build(out, [&](const Shape& at) {
      Shape which, from;
      for (int k = 0; k < rank; ++k) which.push_back(at[axis + k]);
      for (int k = 0; k < axis; ++k) from.push_back(at[k]);
      from.push_back(wrapped(i(which), x.shape[axis]));
      for (int k = axis + rank; k < at.ndim(); ++k) from.push_back(at[k]);
      return x(from);
    });
  };
  return indexed(
      std::move(name), {.shape = shape}, indices,
      [axis](const std::vector<Tensor>& in) { return take(in[0], in[1], axis - in[0].ndim()); }, reference, std::move(more));
}
Row gather_row(std::string name, Shape shape, int axis, Input indices, std::vector<std::vector<Shape>> more = {}) {
  const auto reference = [axis](const Arrays& in) {
    return build(in[1].shape, [&](Shape at) {
      at[axis] = wrapped(in[1](at), in[0].shape[axis]);
      return in[0](at);
    });
  };
  return indexed(
      std::move(name), {.shape = shape}, indices, [axis](const std::vector<Tensor>& in) { return gather(in[0], in[1], axis); },
      reference, std::move(more));
}
Row one_hot_row(std::string name, DType dtype, DType (*result)(DType)) {
  Row row{.name = std::move(name),
          .inputs = {{.shape = {2, 3}, .low = 0, .high = 3, .dtype = DType::int32}},
          .shapes = {{{}}, {{0}}, {{7}}}};
  row.call = [dtype](const std::vector<Tensor>& in) { return one_hot(in[0], 4, dtype); };
  row.reference = [](const Arrays& in) {
    Shape shape = in[0].shape;
    shape.push_back(4);
    return build(shape, [&](const Shape& at) {
      const Shape from(std::span(at.begin(), static_cast<size_t>(at.ndim() - 1)));
      return in[0](from) == static_cast<double>(at.back()) ? 1.0 : 0.0;
    });
  };
  row.differentiable = false;
  row.result = result;
  row.ulps = 0;
  return row;
}

}  // namespace

std::vector<Row> join_rows() {
  std::vector<Row> rows{
      concat_row("concat", {{2, 3}, {1, 3}, {3, 3}}, 0, 0, {{{0, 2}, {2, 2}, {1, 2}}, {{2, 0}, {1, 0}, {3, 0}}, {{2}, {3}, {1}}}),
      concat_row("concat along the last axis", {{2, 3}, {2, 1}}, 1, -1, {{{2, 0}, {2, 0}}, {{1, 1}, {1, 1}}, {{2, 0}, {2, 3}}}),
      concat_row("concat of one", {{2, 3}}, 1, 1),
      stack_row("stack", 0, 0),
      stack_row("stack along the last axis", 2, -1),
      split_row("split", {4, 2}, 0, {2, 2}, [](const Tensor& x) { return split(x, 2); }),
      split_row("split along axis 1", {2, 3}, 1, {1, 1, 1}, [](const Tensor& x) { return split(x, 3, -1); }),
      split_row("split by sizes", {2, 4}, 1, {1, 0, 3},
                [](const Tensor& x) {
                  return split(x, {1, 0, 3}, 1);
                }),
      take_row("take", {4, 3}, 0, {.shape = {2, 3}, .low = -4, .high = 3, .dtype = DType::int64},
               {{{4, 1}, {5}}, {{4}, {}}, {{4, 3}, {0}}, {{4, 0}, {2}}, {{4, 2, 2}, {1, 1}}}),
      take_row("take along axis 1", {2, 3, 2}, 1, {.shape = {4}, .low = 0, .high = 2, .dtype = DType::uint8},
               {{{2, 3}, {2, 2}}, {{0, 3}, {2}}}),
      take_row("take along the last axis", {2, 4}, 1, {.shape = {2, 2}, .low = -4, .high = -1, .dtype = DType::int32}),
      gather_row("gather", {2, 4}, 1, {.shape = {2, 3}, .low = -4, .high = 3, .dtype = DType::int64},
                 {{{2, 4}, {2, 0}}, {{1, 4}, {1, 1}}}),
      gather_row("gather along axis 0", {3, 2}, 0, {.shape = {4, 2}, .low = -3, .high = 2, .dtype = DType::int32},
                 {{{3, 0}, {2, 0}}, {{3}, {5}}}),
      gather_row("gather along axis 1 of three", {2, 3, 2}, 1, {.shape = {2, 2, 2}, .low = 0, .high = 2, .dtype = DType::uint8}),
      one_hot_row("one_hot", DType::float32, [](DType) { return DType::float32; }),
      one_hot_row("one_hot of integers", DType::int64, index),
      one_hot_row("one_hot of booleans", DType::boolean, boolean),
  };
  const Tensor x = zeros({2, 3});
  const auto row = [&](std::string_view op) -> Row& {
    for (Row& r : rows)
      if (r.name == op) return r;
    return rows.front();
  };
  row("concat").errors = {raises<ShapeError>("nothing to join; got 0 tensors", [] { concat({}); }),
                          raises<ShapeError>("shapes differ outside axis 0; got [2, 2], expected [2, 3]",
                                             [x] {
                                               concat({x, zeros({2, 2})});
                                             }),
                          raises<ShapeError>("shapes differ outside axis 0; got [3]",
                                             [x] {
                                               concat({x, zeros({3})});
                                             }),
                          raises<ShapeError>("axis out of range; got 2",
                                             [x] {
                                               concat({x, x}, 2);
                                             }),
                          raises<ShapeError>("axis out of range", [] {
                            concat({Tensor(1.0f), Tensor(1.0f)});
                          })};
  row("stack").errors = {raises<ShapeError>("nothing to join; got 0 tensors", [] { stack({}); }),
                         raises<ShapeError>("shapes differ; got [3], expected [2, 3]",
                                            [x] {
                                              stack({x, zeros({3})});
                                            }),
                         raises<ShapeError>("axis out of range; got 3", [x] {
                           stack({x, x}, 3);
                         })};
  row("split").errors = {raises<ShapeError>("axis of size 3 does not divide; got 2 parts", [x] { split(x, 2, 1); }),
                         raises<ShapeError>("got 0 parts", [x] { split(x, 0); }),
                         raises<ShapeError>("sizes do not add up to the axis; got [1, 1], expected a sum of 3",
                                            [x] {
                                              split(x, {1, 1}, 1);
                                            }),
                         raises<ShapeError>("sizes do not add up",
                                            [x] {
                                              split(x, {4, -1}, 1);
                                            }),
                         raises<ShapeError>("axis out of range; got -3", [x] { split(x, 1, -3); })};
  row("take").covers = {"take_add"};
  row("take").errors = {raises<ValueError>("index out of range; got 2 at position 1, expected -2 <= index < 2",
                                           [x] {
                                             take(x, Tensor({0, 2}));
                                           }),
                        raises<ValueError>("index out of range; got -3", [x] { take(x, Tensor({-3})); }),
                        raises<ValueError>("index out of range",
                                           [] {
                                             take(zeros({0, 3}), Tensor({0}));
                                           }),
                        raises<DTypeError>("indices must be integers; got float32", [x] { take(x, zeros({1})); }),
                        raises<DTypeError>("indices must be integers; got bool", [x] { take(x, zeros({1}, DType::boolean)); }),
                        raises<ShapeError>("axis out of range; got 2", [x] { take(x, Tensor({0}), 2); }),
                        raises<ShapeError>("axis out of range", [] { take(Tensor(1.0f), Tensor({0})); })};
  row("gather").covers = {"scatter_add"};
  row("gather").errors = {raises<ShapeError>("indices do not fit; got [3, 1] for [2, 3]",
                                             [x] {
                                               gather(x, zeros({3, 1}, DType::int64));
                                             }),
                          raises<ShapeError>("indices do not fit; got [2]",
                                             [x] {
                                               gather(x, Tensor({0, 1}));
                                             }),
                          raises<ValueError>("index out of range; got 3 at position 1",
                                             [x] {
                                               gather(x, Tensor({{0}, {3}}));
                                             }),
                          raises<DTypeError>("indices must be integers", [x] { gather(x, x); })};
  row("one_hot").errors = {
      raises<ValueError>("index out of range; got -1 at position 0, expected 0 <= index < 4", [] { one_hot(Tensor({-1}), 4); }),
      raises<ValueError>("index out of range; got 4", [] { one_hot(Tensor({4}), 4); }),
      raises<ValueError>("negative depth; got -1", [] { one_hot(Tensor({0}), -1); }),
      raises<DTypeError>("indices must be integers", [x] { one_hot(x, 4); })};
  return rows;
}

}  // namespace gradus::test
