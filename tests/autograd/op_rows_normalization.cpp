// Layer, batch, group and rms normalisation.
#include <cmath>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Inputs = std::vector<Tensor>;

/// Normalises x over the elements that `same(a, b)` puts together, from the definition.
template <class Same>
Array normalized(const Array& x, double epsilon, bool centered, const Same& same) {
  return build(x.shape, [&](const Shape& at) {
    std::vector<double> group;
    for_each_index(x.shape, [&](const Shape& other) {
      if (same(at, other)) group.push_back(x(other));
    });
    double mean = 0, squares = 0;
    for (const double v : group) mean += v / static_cast<double>(group.size());
    if (!centered) mean = 0;
    for (const double v : group) squares += (v - mean) * (v - mean);
    return (x(at) - mean) / std::sqrt(squares / static_cast<double>(group.size()) + epsilon);
  });
}
/// The first `kept` indices agree.
auto leading(int kept) {
  return [kept](const Shape& a, const Shape& b) {
    for (int i = 0; i < kept; ++i)
      if (a[i] != b[i]) return false;
    return true;
  };
}
/// t, a vector over one axis of `shape`, as an array that broadcasts.
Array along(const Array& t, const Shape& shape, int axis) {
  Array out{Shape::filled(shape.ndim(), 1), t.values};
  out.shape[axis] = t.size();
  return out;
}
Array affine(const Array& xhat, const Array& scale, const Array& offset) {
  return elementwise([](double x, double a, double b) { return x * a + b; })({xhat, scale, offset});
}

// Shapes in which statistics are taken over several elements: the deviation of a single one has no slope.
Row layer_row(std::string name, int64_t axes, std::vector<Shape> shapes, std::vector<std::vector<Shape>> more) {
  Row row{.name = std::move(name), .inputs = {}, .shapes = std::move(more)};
  for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape});
  row.call = [axes](const Inputs& in) {
    const LayerNormOptions options{.axes = axes, .epsilon = 0.1};
    return layer_norm(in[0], in.size() > 1 ? in[1] : Tensor(), in.size() > 2 ? in[2] : Tensor(), options);
  };
  row.reference = [axes](const Arrays& in) {
    const Array xhat = normalized(in[0], 0.1, true, leading(in[0].shape.ndim() - static_cast<int>(axes)));
    const Array one{{1}, {1}}, zero{{1}, {0}};
    return affine(xhat, in.size() > 1 ? in[1] : one, in.size() > 2 ? in[2] : zero);
  };
  row.reduces = true;
  row.covers = {"normalize_rows", "normalize_rows_grad"};
  return row;
}

std::vector<ErrorCase> layer_errors() {
  const auto call = [](Shape x, Shape scale, Shape offset, LayerNormOptions options) {
    return [=] { layer_norm(zeros(x), zeros(scale), zeros(offset), options); };
  };
  return {raises<ShapeError>("number of axes out of range; got 0 for shape [2, 3], expected 1 to 2",
                             call({2, 3}, {3}, {3}, {.axes = 0})),
          raises<ShapeError>("number of axes out of range; got 3", call({2, 3}, {3}, {3}, {.axes = 3})),
          raises<ShapeError>("number of axes out of range; got -9223372036854775808",
                             call({2, 3}, {3}, {3}, {.axes = std::numeric_limits<int64_t>::min()})),
          raises<ShapeError>("number of axes out of range; got 1 for shape []", call({}, {}, {}, {})),
          raises<ShapeError>("scale does not fit; got shape [2], expected [3]", call({2, 3}, {2}, {3}, {})),
          raises<ShapeError>("scale does not fit; got shape [], expected [3]", call({2, 3}, {}, {3}, {})),
          raises<ShapeError>("offset does not fit; got shape [3], expected [2, 3]", call({2, 3}, {2, 3}, {3}, {.axes = 2})),
          raises<ValueError>("bad epsilon; got -1", call({2, 3}, {3}, {3}, {.epsilon = -1})),
          raises<ValueError>("bad epsilon; got nan", call({2, 3}, {3}, {3}, {.epsilon = kNaN})),
          raises<ValueError>(
              "has no value", [] { layer_norm(Tensor()); }, "Tensor")};
}

std::vector<Row> layer_rows() {
  std::vector<Row> rows{
      layer_row("layer_norm", 1, {{2, 4}, {4}, {4}},
                {{{3}, {3}, {3}},
                 {{2, 1}, {1}, {1}},
                 {{0, 3}, {3}, {3}},
                 {{2, 0}, {0}, {0}},
                 {{2, 2, 3}, {3}, {3}},
                 {{3, 70}, {70}, {70}},
                 {{70, 3}, {3}, {3}}}),
      layer_row("layer_norm without an offset", 1, {{2, 4}, {4}}, {{{0, 3}, {3}}}),
      layer_row("layer_norm without scale and offset", 1, {{2, 4}}, {{{2, 37}}, {{2, 0}}}),
      layer_row("layer_norm over two axes", 2, {{2, 2, 3}, {2, 3}, {2, 3}}, {{{2, 3}, {2, 3}, {2, 3}}}),
  };
  rows.front().covers.push_back("normalize_rows_scale_grad");
  // Means that are large against the deviation, elements that are all alike, and what is not finite.
  rows[2].specials = {{{{1e6, 1e6 + 1, 1e6 - 1}}, {0, 1.1420804814403216, -1.1420804814403216}},
                      {{{5, 5, 5}}, {0, 0, 0}, {{0, 0, 0}}},
                      {{{1, kNaN}}, {kNaN, kNaN}},
                      {{{kInf, 1}}, {kNaN, kNaN}},
                      {{{3}}, {0}, {{0}}}};
  rows.front().errors = layer_errors();

  Row offset_only = layer_row("layer_norm without a scale", 1, {{2, 4}, {4}}, {{{0, 3}, {3}}});
  offset_only.call = [](const Inputs& in) { return layer_norm(in[0], {}, in[1], {.epsilon = 0.1}); };
  offset_only.reference = [](const Arrays& in) {
    return affine(normalized(in[0], 0.1, true, leading(in[0].shape.ndim() - 1)), {{1}, {1}}, in[1]);
  };
  rows.push_back(offset_only);
  return rows;
}

Row rms_row(std::string name, int64_t axes, std::vector<Shape> shapes, std::vector<std::vector<Shape>> more) {
  Row row = layer_row(std::move(name), axes, std::move(shapes), std::move(more));
  row.call = [axes](const Inputs& in) {
    return rms_norm(in[0], in.size() > 1 ? in[1] : Tensor(), {.axes = axes, .epsilon = 0.1});
  };
  row.reference = [axes](const Arrays& in) {
    const Array xhat = normalized(in[0], 0.1, false, leading(in[0].shape.ndim() - static_cast<int>(axes)));
    return affine(xhat, in.size() > 1 ? in[1] : Array{{1}, {1}}, {{1}, {0}});
  };
  return row;
}

/// Groups of neighbouring channels of one sample.
Row group_row(std::string name, int64_t groups, int64_t axis, std::vector<Shape> shapes,
              std::vector<std::vector<Shape>> more = {}) {
  Row row = layer_row(std::move(name), 1, std::move(shapes), std::move(more));
  const auto place = [axis](int ndim) { return static_cast<int>(axis < 0 ? axis + ndim : axis); };
  row.call = [=](const Inputs& in) {
    const ChannelNormOptions options{.axis = axis, .epsilon = 0.1};
    return in.size() > 1 ? group_norm(in[0], groups, in[1], in[2], options) : group_norm(in[0], groups, {}, {}, options);
  };
  row.reference = [=](const Arrays& in) {
    const Shape& shape = in[0].shape;
    const int at = place(shape.ndim());
    const int64_t width = shape[at] / groups;
    const Array xhat = normalized(in[0], 0.1, true,
                                  [&](const Shape& a, const Shape& b) { return a[0] == b[0] && a[at] / width == b[at] / width; });
    return in.size() > 1 ? affine(xhat, along(in[1], shape, at), along(in[2], shape, at)) : xhat;
  };
  return row;
}

std::vector<Row> group_rows() {
  std::vector<Row> rows{
      group_row("group_norm", 2, -1, {{2, 2, 4}, {4}, {4}}, {{{2, 4}, {4}, {4}}, {{0, 2, 2}, {2}, {2}}, {{1, 0, 2}, {2}, {2}}}),
      group_row("group_norm of channels first", 2, 1, {{2, 4, 3}, {4}, {4}}, {{{1, 2, 2, 2}, {2}, {2}}}),
      group_row("group_norm without scale and offset", 1, -1, {{2, 2, 3}}),
      group_row("group_norm of single channels", 3, -1, {{2, 4, 3}, {3}, {3}}),
  };
  const auto call = [](Shape x, int64_t groups, Shape scale, ChannelNormOptions options) {
    return [=] { group_norm(zeros(x), groups, zeros(scale), {}, options); };
  };
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  rows.front().errors = {
      raises<ShapeError>("groups do not divide the channels; got 3 for 4, expected a divisor", call({2, 4}, 3, {4}, {})),
      raises<ShapeError>("groups do not divide the channels; got 0 for 4", call({2, 4}, 0, {4}, {})),
      raises<ShapeError>("groups do not divide the channels; got -2 for 4", call({2, 4}, -2, {4}, {})),
      raises<ShapeError>("channels on the axis of the batch; got axis 0 of shape [2, 4]", call({2, 4}, 2, {2}, {.axis = 0})),
      raises<ShapeError>("axis out of range; got 2", call({2, 4}, 2, {4}, {.axis = 2})),
      raises<ShapeError>("axis out of range; got -9223372036854775808", call({2, 4}, 2, {4}, {.axis = kLeast})),
      raises<ShapeError>("axis out of range; got -1", call({}, 1, {}, {})),
      raises<ShapeError>("scale does not fit; got shape [2], expected [4]", call({2, 4}, 2, {2}, {})),
      raises<ValueError>("bad epsilon; got inf", call({2, 4}, 2, {4}, {.epsilon = kInf})),
  };
  return rows;
}

auto same_channel(int axis) {
  return [axis](const Shape& a, const Shape& b) { return a[axis] == b[axis]; };
}

/// y, and the statistics multiplied by numbers so that they cannot be confused with each other.
Row batch_row(std::string name, int64_t axis, std::vector<Shape> shapes, std::vector<std::vector<Shape>> more = {}) {
  Row row = group_row(std::move(name), 1, axis, std::move(shapes), std::move(more));
  row.covers = {};
  row.call = [axis](const Inputs& in) {
    const BatchNormResult b = in.size() > 1 ? batch_norm(in[0], in[1], in[2], {.axis = axis, .epsilon = 0.1})
                                            : batch_norm(in[0], {}, {}, {.axis = axis, .epsilon = 0.1});
    return concat({reshape(b.y, {-1}), 3 * b.mean, 5 * b.variance});
  };
  row.reference = [axis](const Arrays& in) {
    const Shape& shape = in[0].shape;
    const int at = static_cast<int>(axis < 0 ? axis + shape.ndim() : axis);
    Array y = normalized(in[0], 0.1, true, same_channel(at));
    if (in.size() > 1) y = affine(y, along(in[1], shape, at), along(in[2], shape, at));
    std::vector<int> others;
    for (int i = 0; i < shape.ndim(); ++i)
      if (i != at) others.push_back(i);
    const auto mean_of = [](const std::vector<double>& v) {
      return std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
    };
    const Array mean = reduction(mean_of, others)({in[0]});
    const Array distance = elementwise([](double x, double m) { return (x - m) * (x - m); })({in[0], along(mean, shape, at)});
    const Array variance = reduction(mean_of, others)({distance});
    Array out{{y.size() + mean.size() + variance.size()}, y.values};
    for (const double m : mean.values) out.values.push_back(3 * m);
    for (const double v : variance.values) out.values.push_back(5 * v);
    return out;
  };
  return row;
}

std::vector<Row> batch_rows() {
  std::vector<Row> rows{
      batch_row("batch_norm", -1, {{4, 3}, {3}, {3}}, {{{2, 2, 2}, {2}, {2}}, {{3, 0}, {0}, {0}}}),
      batch_row("batch_norm of channels first", 1, {{2, 3, 2}, {3}, {3}}, {{{2, 2, 1, 2}, {2}, {2}}}),
      batch_row("batch_norm without scale and offset", -1, {{4, 2}}),
  };
  const auto call = [](Shape x, Shape scale, Shape offset, ChannelNormOptions options) {
    return [=] { batch_norm(zeros(x), zeros(scale), zeros(offset), options); };
  };
  rows.front().errors = {
      raises<ShapeError>("axis out of range; got -3, expected -2 <= axis < 2", call({2, 4}, {4}, {4}, {.axis = -3})),
      raises<ShapeError>("axis out of range; got -1", call({}, {}, {}, {})),
      raises<ShapeError>("scale does not fit; got shape [2], expected [4]", call({2, 4}, {2}, {4}, {})),
      raises<ShapeError>("offset does not fit; got shape [4, 1], expected [4]", call({2, 4}, {4}, {4, 1}, {})),
      raises<ValueError>("bad epsilon; got -0.5", call({2, 4}, {4}, {4}, {.epsilon = -0.5})),
  };

  Row inference{
      .name = "batch_norm_inference", .inputs = {}, .shapes = {{{0, 3}, {3}, {3}, {3}, {3}}, {{3}, {3}, {3}, {3}, {3}}}};
  for (const Shape& shape : {Shape{2, 2, 3}, Shape{3}, Shape{3}, Shape{3}, Shape{3}})
    inference.inputs.push_back({.shape = shape});
  inference.inputs[2] = {.shape = {3}, .low = 1, .high = 3};  // variances
  inference.call = [](const Inputs& in) { return batch_norm_inference(in[0], in[1], in[2], in[3], in[4], {.epsilon = 0.1}); };
  inference.reference = [](const Arrays& in) {
    const Array distance = elementwise([](double x, double m) { return x - m; })({in[0], in[1]});
    const Array xhat = elementwise([](double d, double v) { return d / std::sqrt(v + 0.1); })({distance, in[2]});
    return affine(xhat, in[3], in[4]);
  };
  inference.reduces = true;
  inference.errors = {raises<ShapeError>("mean does not fit; got shape [2], expected [3]",
                                         [] {
                                           batch_norm_inference(zeros({2, 3}), zeros({2}), zeros({3}));
                                         }),
                      raises<ShapeError>("variance does not fit; got shape [2], expected [3]",
                                         [] {
                                           batch_norm_inference(zeros({2, 3}), zeros({3}), zeros({2}));
                                         }),
                      raises<ShapeError>("axis out of range; got 5", [] {
                        batch_norm_inference(zeros({2, 3}), zeros({3}), zeros({3}), {}, {}, {.axis = 5});
                      })};
  rows.push_back(inference);

  Row first = inference;
  first.name = "batch_norm_inference of channels first, without scale and offset";
  first.inputs.resize(3);
  first.inputs[0].shape = {2, 3, 2};
  first.shapes = {};
  first.call = [](const Inputs& in) { return batch_norm_inference(in[0], in[1], in[2], {}, {}, {.axis = 1, .epsilon = 0.1}); };
  first.reference = [](const Arrays& in) {
    const auto f = [](double x, double m, double v) { return (x - m) / std::sqrt(v + 0.1); };
    return elementwise(f)({in[0], along(in[1], in[0].shape, 1), along(in[2], in[0].shape, 1)});
  };
  first.errors = {};
  rows.push_back(first);
  return rows;
}

}  // namespace

std::vector<Row> normalization_rows() {
  std::vector<Row> rows = layer_rows();
  rows.push_back(
      rms_row("rms_norm", 1, {{2, 4}, {4}}, {{{3}, {3}}, {{2, 1}, {1}}, {{0, 3}, {3}}, {{2, 0}, {0}}, {{2, 70}, {70}}}));
  rows.back().specials = {{{{0, 0}, {1, 2}}, {0, 0}}, {{{1e3, -1e3}, {1, 2}}, {0.99999995000000375, -1.9999999000000075}}};
  rows.back().covers.push_back("normalize_rows_scale_grad");
  rows.back().errors = {
      raises<ShapeError>("number of axes out of range; got 2", [] { rms_norm(zeros({3}), {}, {.axes = 2}); }),
      raises<ShapeError>("scale does not fit; got shape [2], expected [3]", [] { rms_norm(zeros({3}), zeros({2})); })};
  rows.push_back(rms_row("rms_norm over two axes, without a scale", 2, {{2, 2, 3}}, {}));
  for (auto* family : {group_rows, batch_rows})
    for (Row& row : family()) rows.push_back(std::move(row));
  return rows;
}

}  // namespace gradus::test
