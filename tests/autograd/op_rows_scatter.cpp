// Writing and adding by index; segments; masks.
#include <cmath>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

/// Rows of functions that move or add elements; `ulps` 0: nothing is rounded.
Row indexed(std::string name, std::vector<Input> inputs, Call call, Reference reference,
            std::vector<std::vector<Shape>> more = {}, double ulps = 0) {
  Row row{.name = std::move(name), .call = std::move(call), .reference = std::move(reference), .inputs = std::move(inputs)};
  row.shapes = std::move(more);
  row.polynomial = true;
  row.result = kept;
  row.ulps = ulps;
  return row;
}

int64_t wrapped(double index, int64_t size) { return static_cast<int64_t>(index) + (index < 0 ? size : 0); }

Input indices(Shape shape, double low, double high, DType dtype = DType::int64) {
  return {.shape = shape, .low = low, .high = high, .dtype = dtype};
}

/// One update after the other.
Row written(std::string name, Tensor (*f)(const Tensor&, const Tensor&, const Tensor&, int64_t), bool adds, Shape x, Shape at,
            Shape updates, int axis, std::vector<std::vector<Shape>> more = {}) {
  const auto size = static_cast<double>(x[axis]);
  return indexed(
      std::move(name), {{.shape = x}, indices(at, -size, size - 1), {.shape = updates}},
      [f, axis](const std::vector<Tensor>& in) { return f(in[0], in[1], in[2], axis - in[0].ndim()); },
      [adds, axis](const Arrays& in) {
        Array out = in[0];
        for_each_index(in[1].shape, [&](Shape index) {
          const double update = in[2].broadcast(index);
          index[axis] = wrapped(in[1](index), out.shape[axis]);
          double& element = out.values[out.position(index)];
          element = adds ? element + update : update;
        });
        return out;
      },
      std::move(more), adds ? 1 : 0);
}
std::vector<Row> written_rows() {
  std::vector<Row> rows;
  for (const bool adds : {false, true}) {
    auto* f = adds ? scatter_add : scatter;
    const std::string name = adds ? "scatter_add" : "scatter";
    const size_t first = rows.size();
    rows.push_back(written(name, f, adds, {2, 4}, {2, 3}, {2, 3}, 1, {{{2, 4}, {2, 0}, {2, 0}}, {{1, 4}, {1, 9}, {1, 9}}}));
    rows.push_back(written(name + " along axis 0", f, adds, {3, 2}, {5, 2}, {5, 2}, 0,
                           {{{3, 0}, {2, 0}, {2, 0}}, {{3}, {7}, {7}}, {{3}, {0}, {0}}}));
    rows.push_back(written(name + " along axis 1 of three", f, adds, {2, 3, 2}, {2, 4, 2}, {4, 1}, 1));
    rows.push_back(written(name + " of one number", f, adds, {4}, {3}, {}, 0));
    const Tensor x = zeros({2, 3}), at = zeros({2, 1}, DType::int64);
    rows[first].errors = {
        raises<ShapeError>("axis out of range; got 2", [=] { f(x, at, x, 2); }),
        raises<ShapeError>("axis out of range; got -1", [=] { f(Tensor(1.0f), Tensor(0), x, -1); }),
        raises<ShapeError>("indices do not fit; got [3, 1] for [2, 3]",
                           [=] {
                             f(x, zeros({3, 1}, DType::int64), x, 1);
                           }),
        raises<ShapeError>("indices do not fit; got [2]",
                           [=] {
                             f(x, Tensor({0, 1}), x, 1);
                           }),
        raises<ShapeError>("shapes do not broadcast; got [4] and [2, 3]", [=] { f(x, x.astype(DType::int64), zeros({4}), 1); }),
        raises<ShapeError>("updates do not fit; got [2, 3] for indices [2, 1]", [=] { f(x, at, x, 1); }),
        raises<ValueError>("index out of range; got 3 at position 1, expected -3 <= index < 3",
                           [=] {
                             f(x, Tensor({{0}, {3}}), at, 1);
                           }),
        raises<ValueError>("index out of range; got -4", [=] { f(x, at - 4, at, 1); }),
        raises<ValueError>("index out of range", [=] { f(x, at - kHuge - 1, at, 1); }),
        raises<ValueError>("index out of range",
                           [=] {
                             f(zeros({2, 0}), at, at, 1);
                           }),
        raises<DTypeError>("indices must be integers; got float32", [=] { f(x, x, x, 1); })};
  }
  // The last update stays, and it alone gets a gradient.
  rows[3].specials = {{{{1, 2, 3}, {0, 2, 0, -1}, {4, 5, 6, 7}}, {6, 2, 7}, {{0, 1, 0}, {0, 0, 1, 1}}}};
  rows[3].call = [](const std::vector<Tensor>& in) { return scatter(in[0], in[1], in[2], 0); };
  return rows;
}

Row along_axis(std::string name, Shape x, int axis, Input at, std::vector<std::vector<Shape>> more = {}) {
  return indexed(
      std::move(name), {{.shape = x}, at}, [axis](const std::vector<Tensor>& in) { return take_along_axis(in[0], in[1], axis); },
      [axis](const Arrays& in) {
        Shape shape = broadcast_shape(in);
        shape[axis] = in[1].shape[axis];
        return build(shape, [&](const Shape& to) {
          Shape from = to;
          from[axis] = wrapped(in[1].broadcast(to), in[0].shape[axis]);
          for (int i = 0; i < from.ndim(); ++i)
            if (i != axis && in[0].shape[i] == 1) from[i] = 0;
          return in[0](from);
        });
      },
      std::move(more));
}
std::vector<Row> taken_rows() {
  const auto rows_at = [](const Arrays& in) {
    Shape shape = in[1].shape;
    shape.push_back(in[0].shape[1]);
    return build(shape, [&](const Shape& to) {
      const Shape which(std::span(to.begin(), static_cast<size_t>(to.ndim() - 1)));
      return in[0]({static_cast<int64_t>(in[1](which)), to.back()});
    });
  };
  std::vector<Row> rows{
      along_axis("take_along_axis", {2, 4}, 1, indices({2, 3}, -4, 3), {{{2, 4}, {1, 3}}, {{1, 4}, {2, 2}}, {{2, 4}, {2, 0}}}),
      along_axis("take_along_axis 0", {3, 1, 2}, 0, indices({4, 3, 1}, 0, 2, DType::int32), {{{3, 0, 2}, {4, 1, 1}}}),
      indexed("embedding", {{.shape = {4, 3}}, indices({2, 3}, 0, 3)},
              [](const std::vector<Tensor>& in) { return embedding(in[0], in[1]); }, rows_at,
              {{{4, 1}, {5}}, {{4, 2}, {}}, {{4, 3}, {0}}, {{4, 0}, {2}}}),
  };
  const Tensor x = zeros({2, 3}), at = zeros({2, 1}, DType::int64);
  rows[0].errors = {raises<ShapeError>("axis out of range; got 2", [=] { take_along_axis(x, at, 2); }),
                    raises<ShapeError>("ranks differ; got [2] for [2, 3]",
                                       [=] {
                                         take_along_axis(x, Tensor({0, 1}));
                                       }),
                    raises<ShapeError>("shapes do not broadcast; got [2, 1] and [3, 1]",
                                       [=] {
                                         take_along_axis(x, zeros({3, 1}, DType::int64));
                                       }),
                    raises<ValueError>("index out of range; got 3 at position 0", [=] { take_along_axis(x, at + 3); }),
                    raises<DTypeError>("indices must be integers; got bool", [=] { take_along_axis(x, at == 0); })};
  rows[2].errors = {
      raises<ShapeError>("the table is not a matrix; got shape [2]", [=] { embedding(zeros({2}), at); }),
      raises<ValueError>("index out of range; got -1 at position 0, expected 0 <= index < 2", [=] { embedding(x, at - 1); }),
      raises<ValueError>("index out of range; got 2", [=] { embedding(x, at + 2); }),
      raises<DTypeError>("indices must be integers; got float32", [=] { embedding(x, x); })};
  return rows;
}

enum class Fold { sum, mean, max };
Array folded(Fold fold, const Array& x, const Array& ids, int64_t segments) {
  Shape shape = x.shape;
  shape[0] = segments;
  return build(shape, [&](const Shape& to) {
    double total = 0, count = 0, largest = -kInf;
    for (int64_t i = 0; i < x.shape[0]; ++i) {
      if (static_cast<int64_t>(ids({i})) != to[0]) continue;
      Shape from = to;
      from[0] = i;
      total += x(from);
      count += 1;
      largest = std::max(largest, x(from));
    }
    return fold == Fold::max ? largest : fold == Fold::mean && count > 0 ? total / count : total;
  });
}
std::vector<ErrorCase> segment_errors(Tensor (*f)(const Tensor&, const Tensor&, int64_t)) {
  const Tensor x = zeros({2, 3}), ids = zeros({2}, DType::int64);
  return {raises<ShapeError>("no rows; got values of shape []", [=] { f(Tensor(1.0f), ids, 2); }),
          raises<ShapeError>("one segment id per row; got ids [2, 1]",
                             [=] {
                               f(x, zeros({2, 1}, DType::int64), 2);
                             }),
          raises<ShapeError>("one segment id per row; got ids [3] for values [2, 3], expected [2]",
                             [=] { f(x, zeros({3}, DType::int64), 2); }),
          raises<ValueError>("negative number of segments; got -1", [=] { f(x, ids, -1); }),
          raises<ValueError>("index out of range; got 2 at position 0, expected 0 <= index < 2", [=] { f(x, ids + 2, 2); }),
          raises<ValueError>("index out of range; got -1", [=] { f(x, ids - 1, 2); }),
          raises<ValueError>("index out of range; got 0", [=] { f(x, ids, 0); }),
          raises<DTypeError>("indices must be integers; got float32", [=] { f(x, zeros({2}), 2); }),
          raises<ShapeError>("too many elements; got shape [9223372036854775807, 3]", [=] { f(x, ids, kHuge); }),
          raises<ShapeError>("too large for memory; got shape [1099511627776, 3000]", [=] {
            f(zeros({2, 3000}), ids, int64_t{1} << 40);
          })};
}
std::vector<Row> segment_rows() {
  std::vector<Row> rows;
  const auto add = [&](std::string name, Fold fold, auto f, DType (*result)(DType), double ulps) {
    rows.push_back(indexed(
        name, {{.shape = {5, 2}}, indices({5}, 0, 3)}, [f](const std::vector<Tensor>& in) { return f(in[0], in[1], 4); },
        [fold](const Arrays& in) { return folded(fold, in[0], in[1], 4); },
        {{{0, 2}, {0}}, {{1}, {1}}, {{6}, {6}}, {{3, 2, 2}, {3}}, {{2, 0}, {2}}}, ulps));
    rows.back().result = result;
    rows.back().errors = segment_errors(f);
  };
  add("segment_sum", Fold::sum, segment_sum, summed, 1);
  add("segment_mean", Fold::mean, segment_mean, floating, 2);
  // The lowest integer is not what doubles hold: no empty segments there.
  rows.push_back(indexed(
      "segment_max", {{.shape = {5, 2}}},
      [](const std::vector<Tensor>& in) {
        return segment_max(in[0], Tensor({2, 0, 1, 0, 1}), 3);
      },
      [](const Arrays& in) {
        return folded(Fold::max, in[0], {{5}, {2, 0, 1, 0, 1}}, 3);
      },
      {{{5}}, {{5, 0}}, {{5, 2, 2}}}));
  rows.back().polynomial = false;
  rows.back().errors = segment_errors(segment_max);
  // Empty segments give -inf, of which differences know nothing: 9 stands for it.
  Row empty = indexed(
      "segment_max with empty segments", {{.shape = {4}}, indices({4}, 0, 4)},
      [](const std::vector<Tensor>& in) {
        const Tensor y = segment_max(in[0], in[1], 5);
        return where(y == -kInf, 9, y);
      },
      [](const Arrays& in) {
        Array out = folded(Fold::max, in[0], in[1], 5);
        for (double& v : out.values) v = v == -kInf ? 9 : v;
        return out;
      },
      {{{0}, {0}}, {{3, 2}, {3}}});
  empty.polynomial = false;
  empty.integers = false;
  empty.specials = {{{{1, 5, 5, 2}, {0, 2, 2, 0}}, {2, 9, 5, 9, 9}, {{0, 0.5, 0.5, 1}}},
                    {{{kNaN, 1, 2, kNaN}, {1, 1, 2, 2}}, {9, kNaN, kNaN, 9, 9}}};
  rows.push_back(std::move(empty));
  return rows;
}

/// Elements of x at the true elements of a mask over its leading axes.
Array chosen(const Array& x, const Array& mask) {
  Array out{{0}};
  for (int i = mask.shape.ndim(); i < x.shape.ndim(); ++i) out.shape.push_back(x.shape[i]);
  for (const double set : mask.values) out.shape[0] += set != 0;
  for_each_index(x.shape, [&](const Shape& at) {
    if (mask(Shape(std::span(at.begin(), static_cast<size_t>(mask.shape.ndim())))) != 0) out.values.push_back(x(at));
  });
  return out;
}
Array widened(const Array& x, const Shape& shape) {
  return build(shape, [&](const Shape& at) { return x.broadcast(at); });
}
std::vector<Row> mask_rows() {
  const auto mask = [](Shape shape) { return Input{.shape = shape, .low = 0, .high = 1, .dtype = DType::boolean}; };
  Row positions = indexed(
      "nonzero", {{.shape = {3, 4}, .low = -1, .high = 1}}, [](const std::vector<Tensor>& in) { return nonzero(round(in[0])); },
      [](const Arrays& in) {
        Array out{{0, in[0].shape.ndim()}};
        for_each_index(in[0].shape, [&](const Shape& at) {
          if (std::nearbyint(in[0](at)) == 0) return;
          ++out.shape[0];
          for (const int64_t i : at) out.values.push_back(static_cast<double>(i));
        });
        return out;
      },
      {{{7}}, {{0, 3}}, {{}}, {{2, 3, 2}}});
  positions.differentiable = false;
  positions.result = index;
  std::vector<Row> rows{
      indexed(
          "boolean_mask", {{.shape = {3, 4}}, mask({3})},
          [](const std::vector<Tensor>& in) { return boolean_mask(in[0], in[1]); },
          [](const Arrays& in) { return chosen(in[0], in[1]); },
          {{{3, 4}, {3, 4}}, {{2, 3, 2}, {2, 3}}, {{5}, {5}}, {{0, 2}, {0}}, {{3, 0}, {3}}, {{2}, {}}}),
      indexed(
          "masked_select", {{.shape = {3, 4}}, mask({3, 4})},
          [](const std::vector<Tensor>& in) { return masked_select(in[0], in[1]); },
          [](const Arrays& in) {
            const Shape shape = broadcast_shape(in);
            return chosen(widened(in[0], shape), widened(in[1], shape));
          },
          {{{3, 4}, {4}}, {{4}, {3, 1}}, {{0, 2}, {2}}, {{}, {}}}),
      indexed(
          "masked_fill", {{.shape = {3, 4}}, mask({3, 4}), {.shape = {}}},
          [](const std::vector<Tensor>& in) { return masked_fill(in[0], in[1], in[2]); },
          [](const Arrays& in) {
            return build(in[0].shape,
                         [&](const Shape& at) { return in[1].broadcast(at) != 0 ? in[2].broadcast(at) : in[0](at); });
          },
          {{{3, 4}, {4}, {3, 1}}, {{0, 2}, {1}, {}}, {{}, {}, {}}}),
      indexed(
          "masked_fill with a number", {{.shape = {3, 4}}, mask({3, 4})},
          [](const std::vector<Tensor>& in) { return masked_fill(in[0], in[1], true); },
          [](const Arrays& in) { return build(in[0].shape, [&](const Shape& at) { return in[1](at) != 0 ? 1 : in[0](at); }); }),
  };
  rows.push_back(std::move(positions));
  const Tensor x = zeros({2, 3}), on = x == 0;
  rows[0].errors = {raises<DTypeError>("the mask must be boolean; got float32", [=] { boolean_mask(x, x); }),
                    raises<ShapeError>("the mask does not fit; got [3] for [2, 3]", [=] { boolean_mask(x, zeros({3}) == 0); }),
                    raises<ShapeError>("the mask does not fit", [=] { boolean_mask(zeros({2}), on); })};
  rows[1].errors = {
      raises<DTypeError>("the mask must be boolean; got int64", [=] { masked_select(x, zeros({2}, DType::int64)); }),
      raises<ShapeError>("shapes do not broadcast", [=] { masked_select(zeros({2}), on); })};
  rows[2].errors = {raises<DTypeError>("the mask must be boolean; got float32", [=] { masked_fill(x, x, 1); }),
                    raises<ShapeError>("mask or value is larger than x; got a result of shape [2, 3], expected [3]",
                                       [=] { masked_fill(zeros({3}), on, 1); }),
                    raises<ShapeError>("mask or value is larger than x",
                                       [=] {
                                         masked_fill(x, on, zeros({4, 1, 1}));
                                       }),
                    raises<ShapeError>("shapes do not broadcast", [=] { masked_fill(x, on, zeros({2})); })};
  rows.back().errors = {raises<ValueError>(
      "has no value", [] { nonzero(Tensor()); }, "Tensor")};
  return rows;
}

}  // namespace

std::vector<Row> scatter_rows() {
  std::vector<Row> rows;
  for (auto* family : {written_rows, taken_rows, segment_rows, mask_rows})
    for (Row& row : family()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
