// Pooling: maxima and means under windows, and over whole images.
#include "tests/autograd/naive_windows.h"
#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

/// fold(inputs that a window meets, elements of the window) for every window and channel.
template <class F>
Reference pooled(Shape size, NaiveWindow window, F fold) {
  return [=](const Arrays& in) {
    const bool first = window.channels_first;
    const Array& x = in[0];
    const Shape from = spatial_of(x.shape, first), to = fitting(from, size, window);
    const int64_t channels = channels_of(x.shape, first);
    const Array layout{image_at(x.shape[0], to, channels, first)};
    std::vector<std::vector<double>> met(static_cast<size_t>(numel("reference", layout.shape)));
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for_each_meeting(from, to, size, window, [&](const Shape& o, const Shape&, const Shape& p) {
        for (int64_t c = 0; c < channels; ++c)
          met[layout.position(image_at(n, o, c, first))].push_back(x(image_at(n, p, c, first)));
      });
    Array y{layout.shape};
    for (const auto& values : met) y.values.push_back(fold(values, static_cast<double>(numel("reference", size))));
    return y;
  };
}

double largest(const std::vector<double>& values, double) { return *std::max_element(values.begin(), values.end()); }
double mean_of(const std::vector<double>& values, double) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}
double share_of(const std::vector<double>& values, double elements) {
  return std::accumulate(values.begin(), values.end(), 0.0) / elements;
}

using Pool = Tensor (*)(const Tensor&, const PoolOptions&);
using Fold = double (*)(const std::vector<double>&, double);

/// `options` as a caller writes them, `size` and `window` what they come to.
Row pool(std::string name, Pool f, Fold fold, Shape shape, const PoolOptions& options, Shape size, NaiveWindow window,
         std::vector<std::vector<Shape>> more = {}) {
  window.channels_first = options.layout == Layout::channels_first;
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(more)};
  row.call = [f, options](const std::vector<Tensor>& in) { return f(in[0], options); };
  row.reference = pooled(size, window, fold);
  if (fold == largest) {
    row.result = kept;
    row.ulps = 0;
    row.covers = {"max_pool", "max_pool_input"};
  } else {
    row.reduces = true;
    row.polynomial = true;
    row.covers = {"avg_pool", "avg_pool_input"};
  }
  return row;
}

constexpr Layout kFirst = Layout::channels_first;

/// The same windows for maxima and means.
std::vector<Row> rows_of(const std::string& name, Pool pool1, Pool pool2, Pool pool3, Fold fold) {
  return {
      pool(name + "1d", pool1, fold, {2, 5, 2}, {}, {2}, {.stride = {2}}, {{{1, 2, 1}}, {{0, 4, 2}}, {{1, 3, 0}}}),
      pool(name + "1d with padding", pool1, fold, {1, 6, 2}, {.window = 3, .stride = 2, .padding = {{1, 0}}}, {3},
           {.stride = {2}, .before = {1}}),
      pool(name + "2d", pool2, fold, {2, 4, 5, 2}, {}, {2, 2}, {.stride = {2}}, {{{1, 2, 2, 1}}, {{0, 2, 2, 1}}}),
      pool(name + "2d with overlap", pool2, fold, {1, 4, 4, 2}, {.window = {3, 2}, .stride = 1}, {3, 2}, {}),
      pool(name + "2d same", pool2, fold, {2, 3, 5, 1}, {.window = {2, 3}, .padding = Padding::same}, {2, 3},
           {.stride = {2, 3}, .before = {0}, .after = {1}}),
      pool(name + "2d same with small steps", pool2, fold, {1, 3, 3, 2}, {.window = 2, .stride = 1, .padding = Padding::same},
           {2, 2}, {.before = {0}, .after = {1}}, {{{1, 1, 1, 1}}}),
      pool(name + "2d channels first", pool2, fold, {2, 2, 5, 4},
           {.window = 3, .stride = {2, 1}, .padding = {1, 0}, .layout = kFirst}, {3, 3},
           {.stride = {2, 1}, .before = {1, 0}, .after = {1, 0}}),
      pool(name + "3d", pool3, fold, {1, 2, 3, 4, 2}, {.window = {1, 2, 2}, .stride = {1, 1, 2}}, {1, 2, 2},
           {.stride = {1, 1, 2}}),
      pool(name + "3d channels first", pool3, fold, {1, 2, 3, 2, 2}, {.stride = 1, .layout = kFirst}, {2, 2, 2}, {}),
  };
}

std::vector<ErrorCase> errors(Pool f) {
  const auto with = [f](PoolOptions options, Shape shape = {1, 4, 4, 2}) { return [=] { f(zeros(shape), options); }; };
  return {
      raises<ShapeError>("image has the wrong rank; got [4, 4, 2], expected rank 4", with({}, {4, 4, 2})),
      raises<ValueError>("window out of range; got [0]", with({.window = 0})),
      raises<ValueError>("window does not fit the image; got [2, 2, 2]", with({.window = {2, 2, 2}})),
      raises<ValueError>("stride out of range; got [2, 0]", with({.stride = {2, 0}})),
      raises<ValueError>("padding before out of range; got [-1]", with({.padding = -1})),
      raises<ValueError>("padding larger than half the window; got [2] for a window [3, 3]", with({.window = 3, .padding = 2})),
      raises<ShapeError>("window larger than the padded image; got an extent of 5 over 4 + 0 + 0", with({.window = 5})),
      raises<ShapeError>("window larger than the padded image", with({}, {1, 4, 0, 2})),
      raises<ShapeError>("windows over padding alone; got an image [1, 4, 0, 2]", with({.padding = 1}, {1, 4, 0, 2})),
      raises<ShapeError>("too many elements", with({.window = int64_t{1} << 36, .padding = Padding::same})),
  };
}

/// Special points are 1-D: one image of one channel.
Row with_points(Row row, Pool f, std::vector<Special> specials) {
  const Call call = row.call;
  row.call = [=](const std::vector<Tensor>& in) {
    return in[0].ndim() > 1 ? call(in) : reshape(f(reshape(in[0], {1, -1, 1}), {.window = 3, .stride = 2, .padding = 1}), {-1});
  };
  row.specials = std::move(specials);
  return row;
}

template <Tensor (*kPool)(const Tensor&, Layout, bool)>
Row global(std::string name, Fold fold, Shape shape, Layout layout, bool keepdims, std::vector<std::vector<Shape>> more) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(more)};
  row.call = [=](const std::vector<Tensor>& in) { return kPool(in[0], layout, keepdims); };
  row.reference = [=](const Arrays& in) {
    std::vector<int> axes;
    for (int i = 0; i < in[0].shape.ndim() - 2; ++i) axes.push_back(i + (layout == kFirst ? 2 : 1));
    return reduction([fold](const std::vector<double>& v) { return v.empty() ? kNaN : fold(v, 0); }, axes, keepdims)(in);
  };
  row.reduces = fold == mean_of;
  row.polynomial = fold == mean_of;
  if (fold == largest) row.result = kept, row.ulps = 0;
  const Shape empty = layout == kFirst ? Shape{2, 3, 0} : Shape{2, 0, 3};
  row.errors = {raises<ShapeError>("image has the wrong rank; got [2, 3], expected rank 3 or more", [] {
    kPool(zeros({2, 3}), Layout::channels_last, false);
  })};
  if (fold == largest)
    row.errors.push_back(raises<ShapeError>("empty image; got [2, ", [=] { kPool(zeros(empty), layout, keepdims); }));
  return row;
}

}  // namespace

std::vector<Row> pooling_rows() {
  std::vector<Row> rows = rows_of("max_pool", max_pool1d, max_pool2d, max_pool3d, largest);
  for (Row& row : rows_of("avg_pool", avg_pool1d, avg_pool2d, avg_pool3d, mean_of)) rows.push_back(std::move(row));
  for (Row& row : rows) {
    const auto fewer = [&](std::string_view name, auto pool, Shape image, Shape wrong) {
      if (row.name != name) return;
      row.errors = {
          raises<ShapeError>("image has the wrong rank; got " + text(wrong), [=] { pool(zeros(wrong), PoolOptions()); }),
          raises<ShapeError>("window larger than the padded image; got an extent of 9",
                             [=] { pool(zeros(image), PoolOptions{.window = 9}); }),
          raises<ValueError>("window out of range; got [0]", [=] { pool(zeros(image), PoolOptions{.window = 0}); })};
    };
    fewer("max_pool1d", max_pool1d, {1, 4, 2}, {1, 4, 4, 2});
    fewer("avg_pool1d", avg_pool1d, {1, 4, 2}, {1, 4, 4, 2});
    fewer("max_pool3d", max_pool3d, {1, 4, 4, 4, 2}, {1, 4, 2});
    fewer("avg_pool3d", avg_pool3d, {1, 4, 4, 4, 2}, {1, 4, 2});
    if (row.name == "max_pool2d") row.errors = errors(max_pool2d);
    if (row.name == "avg_pool2d") row.errors = errors(avg_pool2d);
    if (row.name == "max_pool1d")  // windows {x0 x1} {x1 x2 x3}: the first of equals takes the gradient, NaN wins
      row = with_points(row, max_pool1d,
                        {{{{1, 1, 1, 1}}, {1, 1}, {{1, 1, 0, 0}}},
                         {{{-kInf, -kInf, -kInf, -kInf}}, {-kInf, -kInf}, {{1, 1, 0, 0}}},
                         {{{5, kNaN, 7, kNaN}}, {kNaN, kNaN}, {{0, 2, 0, 0}}},
                         {{{0, 2, kInf, 3}}, {2, kInf}, {{0, 1, 1, 0}}},
                         {{{-0.0, 0.0, -1, 0}}, {0, 0}, {{1, 1, 0, 0}}}});
    if (row.name == "avg_pool1d")
      row = with_points(row, avg_pool1d,
                        {{{{1, 2, 4, 6}}, {1.5, 4}, {{0.5, 0.5 + 1.0 / 3, 1.0 / 3, 1.0 / 3}}}, {{{kNaN, 1, 2, 3}}, {kNaN, 2}}});
  }
  rows.push_back(pool("avg_pool2d counting padding", avg_pool2d, share_of, {1, 3, 4, 2},
                      {.window = {2, 3}, .stride = 1, .padding = {{1, 0}, {0, 1}}, .count_include_pad = true}, {2, 3},
                      {.before = {1, 0}, .after = {0, 1}}));
  rows.push_back(global<global_max_pool>("global_max_pool", largest, {2, 3, 2, 2}, Layout::channels_last, false,
                                         {{{2, 3, 1}}, {{0, 2, 2, 1}}}));
  rows.push_back(
      global<global_max_pool>("global_max_pool channels first", largest, {2, 2, 3}, kFirst, true, {{{1, 2, 2, 1, 2}}}));
  rows.push_back(global<global_avg_pool>("global_avg_pool", mean_of, {2, 3, 2, 2}, Layout::channels_last, false,
                                         {{{2, 3, 1}}, {{0, 2, 2, 1}}}));
  rows.push_back(
      global<global_avg_pool>("global_avg_pool channels first", mean_of, {2, 2, 3}, kFirst, true, {{{1, 2, 2, 1, 2}}}));
  return rows;
}

}  // namespace gradus::test
