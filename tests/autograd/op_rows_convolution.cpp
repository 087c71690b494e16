// Convolution of one, two and three dimensions, and its transpose.
#include "tests/autograd/naive_windows.h"
#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

struct Case {
  NaiveWindow window = {};
  int64_t groups = 1;
  bool filter_first = false;
};

Shape filter_size(const Shape& filter, bool filter_first) {
  return Shape(std::span(filter.begin() + (filter_first ? 2 : 0), static_cast<size_t>(filter.ndim() - 2)));
}

/// y[n, o, out] += x[n, p, in] * filter[k, in, out] wherever output o and input p meet.
Reference convolved(Case c) {
  return [c](const Arrays& in) {
    const bool first = c.window.channels_first;
    const Array &x = in[0], &filter = in[1];
    const Shape size = filter_size(filter.shape, c.filter_first), from = spatial_of(x.shape, first);
    const Shape to = fitting(from, size, c.window);
    const int64_t outs = c.filter_first ? filter.shape[0] : filter.shape.back(), ins = channels_of(x.shape, first) / c.groups;
    Array y = build(image_at(x.shape[0], to, outs, first), [](const Shape&) { return 0.0; });
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for_each_meeting(from, to, size, c.window, [&](const Shape& o, const Shape& k, const Shape& p) {
        for (int64_t out = 0; out < outs; ++out)
          for (int64_t i = 0; i < ins; ++i)
            y.values[y.position(image_at(n, o, out, first))] +=
                x(image_at(n, p, out / (outs / c.groups) * ins + i, first)) * filter(filter_at(k, i, out, c.filter_first));
      });
    return y;
  };
}

/// The transpose: every element of x is spread over the window that it would have come from. `to` are the sizes of the result.
Reference spread(Case c, std::function<Shape(const Shape&)> sizes) {
  return [c, sizes](const Arrays& in) {
    const bool first = c.window.channels_first;
    const Array &x = in[0], &filter = in[1];
    const Shape size = filter_size(filter.shape, c.filter_first), from = spatial_of(x.shape, first), to = sizes(from);
    const int64_t ins = channels_of(x.shape, first),
                  outs = c.filter_first ? filter.shape[1] : filter.shape[filter.shape.ndim() - 2];
    Array y = build(image_at(x.shape[0], to, outs * c.groups, first), [](const Shape&) { return 0.0; });
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for_each_meeting(to, from, size, c.window, [&](const Shape& o, const Shape& k, const Shape& p) {
        for (int64_t i = 0; i < ins; ++i)
          for (int64_t out = 0; out < outs; ++out)
            y.values[y.position(image_at(n, p, i / (ins / c.groups) * outs + out, first))] +=
                x(image_at(n, o, i, first)) * filter(filter_at(k, out, i, c.filter_first));
      });
    return y;
  };
}

Row bilinear(std::string name, std::vector<Shape> shapes, Call call, Reference reference, std::vector<std::vector<Shape>> more) {
  Row row{.name = std::move(name), .inputs = {{.shape = shapes[0]}, {.shape = shapes[1]}}, .shapes = std::move(more)};
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.polynomial = true;
  row.reduces = true;
  return row;
}

using Conv = Tensor (*)(const Tensor&, const Tensor&, const ConvOptions&);
using ConvTranspose = Tensor (*)(const Tensor&, const Tensor&, const ConvTransposeOptions&);

/// `options` as a caller writes them, `window` what they come to.
Row conv(std::string name, Conv f, std::vector<Shape> shapes, const ConvOptions& options, NaiveWindow window,
         std::vector<std::vector<Shape>> more = {}) {
  window.channels_first = options.layout == Layout::channels_first;
  Row row = bilinear(
      std::move(name), std::move(shapes), [f, options](const std::vector<Tensor>& in) { return f(in[0], in[1], options); },
      convolved({window, options.groups, window.channels_first}), std::move(more));
  row.covers = {"convolution", "convolution_input", "convolution_filter"};
  return row;
}
Row transposed(std::string name, ConvTranspose f, std::vector<Shape> shapes, const ConvTransposeOptions& options,
               NaiveWindow window, std::function<Shape(const Shape&)> sizes, std::vector<std::vector<Shape>> more = {}) {
  window.channels_first = options.layout == Layout::channels_first;
  Row row = bilinear(
      std::move(name), std::move(shapes), [f, options](const std::vector<Tensor>& in) { return f(in[0], in[1], options); },
      spread({window, options.groups, window.channels_first}, std::move(sizes)), std::move(more));
  row.covers = {"convolution_input"};
  return row;
}

/// Keras' depthwise filter, [spatial, channel, multiplier]: output channel * multiplier + j.
Row depthwise(std::string name, std::vector<Shape> shapes, const ConvOptions& options, NaiveWindow window) {
  window.channels_first = options.layout == Layout::channels_first;
  return bilinear(
      std::move(name), std::move(shapes),
      [options](const std::vector<Tensor>& in) { return depthwise_conv2d(in[0], in[1], options); },
      [window](const Arrays& in) {
        const Array &x = in[0], &w = in[1];
        const bool first = window.channels_first;
        const Shape size{w.shape[0], w.shape[1]}, from = spatial_of(x.shape, first), to = fitting(from, size, window);
        const int64_t channels = w.shape[2], multiplier = w.shape[3];
        Array y = build(image_at(x.shape[0], to, channels * multiplier, first), [](const Shape&) { return 0.0; });
        for (int64_t n = 0; n < x.shape[0]; ++n)
          for_each_meeting(from, to, size, window, [&](const Shape& o, const Shape& k, const Shape& p) {
            for (int64_t c = 0; c < channels; ++c)
              for (int64_t j = 0; j < multiplier; ++j)
                y.values[y.position(image_at(n, o, c * multiplier + j, first))] +=
                    x(image_at(n, p, c, first)) * w({k[0], k[1], c, j});
          });
        return y;
      },
      {});
}

constexpr Layout kFirst = Layout::channels_first;

std::vector<Row> forward_rows() {
  return {
      conv("conv1d", conv1d, {{2, 5, 2}, {3, 2, 3}}, {}, {},
           {{{1, 3, 1}, {3, 1, 1}}, {{0, 4, 2}, {2, 2, 1}}, {{1, 4, 1}, {1, 1, 2}}}),
      conv("conv1d with stride, dilation and uneven padding", conv1d, {{1, 6, 2}, {2, 2, 2}},
           {.stride = 2, .padding = {{1, 2}}, .dilation = 3}, {.stride = {2}, .dilation = {3}, .before = {1}, .after = {2}}),
      conv("conv1d channels first", conv1d, {{2, 2, 5}, {3, 2, 2}}, {.stride = 2, .layout = kFirst}, {.stride = {2}}),
      conv("conv2d", conv2d, {{2, 4, 3, 2}, {2, 2, 2, 2}}, {}, {},
           {{{1, 1, 1, 1}, {1, 1, 1, 1}},
            {{0, 3, 3, 1}, {2, 2, 1, 1}},
            {{1, 2, 3, 1}, {2, 3, 1, 4}},
            {{1, 3, 3, 3}, {3, 1, 3, 1}}}),
      conv("conv2d same", conv2d, {{1, 5, 4, 1}, {2, 3, 1, 2}}, {.padding = Padding::same}, {.before = {0, 1}, .after = {1, 1}},
           {{{0, 2, 2, 1}, {2, 3, 1, 1}}, {{1, 1, 1, 1}, {2, 3, 1, 1}}}),
      conv("conv2d same with stride", conv2d, {{1, 5, 4, 2}, {3, 3, 2, 1}}, {.stride = 2, .padding = Padding::same},
           {.stride = {2}, .before = {1, 0}, .after = {1, 1}}),
      conv("conv2d with uneven everything", conv2d, {{1, 5, 6, 2}, {2, 2, 2, 1}},
           {.stride = {2, 1}, .padding = {{0, 2}, {1, 0}}, .dilation = {1, 3}},
           {.stride = {2, 1}, .dilation = {1, 3}, .before = {0, 1}, .after = {2, 0}}),
      conv("conv2d with groups", conv2d, {{1, 3, 3, 4}, {2, 2, 2, 4}}, {.padding = 1, .groups = 2},
           {.before = {1}, .after = {1}}),
      conv("conv2d channels first", conv2d, {{2, 2, 4, 3}, {2, 2, 3, 2}}, {.padding = {1, 0}, .layout = kFirst},
           {.before = {1, 0}, .after = {1, 0}}, {{{1, 1, 1, 1}, {1, 1, 1, 1}}, {{0, 1, 3, 3}, {1, 1, 2, 2}}}),
      conv("conv2d channels first with groups and stride", conv2d, {{2, 4, 3, 4}, {2, 2, 2, 2}},
           {.stride = 2, .padding = 1, .groups = 2, .layout = kFirst}, {.stride = {2}, .before = {1}, .after = {1}}),
      conv("conv2d of single pixels", conv2d, {{2, 2, 3, 2}, {1, 1, 2, 3}}, {}, {}),
      conv("conv2d of single pixels in groups", conv2d, {{2, 2, 2, 4}, {1, 1, 2, 2}}, {.groups = 2}, {}),
      conv("conv2d of single pixels, channels first", conv2d, {{2, 4, 2, 2}, {2, 2, 1, 1}}, {.groups = 2, .layout = kFirst}, {}),
      conv("conv2d of single pixels with stride", conv2d, {{1, 3, 4, 2}, {1, 1, 2, 2}}, {.stride = {2, 3}}, {.stride = {2, 3}}),
      conv("conv2d with as many groups as channels", conv2d, {{2, 3, 4, 2}, {2, 2, 1, 4}}, {.padding = 1, .groups = 2},
           {.before = {1}, .after = {1}}, {{{0, 2, 2, 2}, {2, 2, 1, 2}}}),
      conv("conv2d with as many groups as channels, channels first", conv2d, {{2, 2, 3, 4}, {2, 1, 2, 2}},
           {.stride = {1, 2}, .groups = 2, .layout = kFirst}, {.stride = {1, 2}}),
      conv("conv3d", conv3d, {{1, 3, 2, 3, 2}, {2, 2, 2, 2, 1}}, {}, {}, {{{1, 1, 1, 1, 1}, {1, 1, 1, 1, 1}}}),
      conv("conv3d channels first", conv3d, {{1, 2, 3, 2, 3}, {2, 1, 2, 1, 2}},
           {.stride = {2, 1, 1}, .padding = {{1, 0}, {0, 0}, {0, 1}}, .groups = 2, .layout = kFirst},
           {.stride = {2, 1, 1}, .before = {1, 0, 0}, .after = {0, 0, 1}}),
      depthwise("depthwise_conv2d", {{2, 3, 3, 2}, {2, 2, 2, 2}}, {.padding = Padding::same}, {.before = {0}, .after = {1}}),
      depthwise("depthwise_conv2d channels first", {{1, 3, 4, 3}, {2, 2, 3, 1}}, {.dilation = {2, 1}, .layout = kFirst},
                {.dilation = {2, 1}}),
      depthwise("depthwise_conv2d of one channel", {{1, 3, 3, 1}, {2, 2, 1, 2}}, {}, {}),
  };
}

std::vector<Row> transpose_rows() {
  const auto sizes = [](Shape scale, Shape more) {
    return [=](const Shape& in) {
      Shape out;
      for (int i = 0; i < in.ndim(); ++i) out.push_back(in[i] * along(scale, i) + along(more, i));
      return out;
    };
  };
  return {
      transposed("conv1d_transpose", conv1d_transpose, {{2, 3, 2}, {3, 2, 2}}, {}, {}, sizes({1}, {2}),
                 {{{0, 3, 2}, {3, 2, 2}}, {{1, 1, 1}, {3, 1, 1}}, {{1, 0, 2}, {3, 2, 2}}}),
      transposed("conv1d_transpose with stride beyond the filter", conv1d_transpose, {{1, 3, 1}, {2, 2, 1}},
                 {.stride = 4, .output_padding = 2}, {.stride = {4}}, sizes({4}, {0})),
      transposed("conv1d_transpose with dilation beyond the stride", conv1d_transpose, {{1, 3, 1}, {2, 2, 1}},
                 {.padding = 1, .output_padding = 2, .dilation = 3}, {.dilation = {3}, .before = {1}, .after = {1}},
                 sizes({1}, {3})),
      transposed("conv2d_transpose", conv2d_transpose, {{1, 3, 2, 2}, {2, 3, 2, 2}}, {.stride = 2}, {.stride = {2}},
                 sizes({2}, {0, 1})),
      transposed("conv2d_transpose same", conv2d_transpose, {{1, 3, 2, 1}, {3, 2, 2, 1}}, {.stride = 2, .padding = Padding::same},
                 {.stride = {2}, .before = {0}, .after = {1, 0}}, sizes({2}, {0}), {{{1, 0, 2, 1}, {3, 2, 1, 1}}}),
      transposed("conv2d_transpose with uneven everything", conv2d_transpose, {{1, 2, 3, 2}, {2, 2, 2, 2}},
                 {.stride = {3, 1}, .padding = {{0, 1}, {1, 0}}, .output_padding = {1, 0}, .dilation = {1, 2}},
                 {.stride = {3, 1}, .dilation = {1, 2}, .before = {0, 1}}, sizes({3, 1}, {-1, 1})),
      transposed("conv2d_transpose with groups, channels first", conv2d_transpose, {{1, 4, 2, 2}, {4, 1, 2, 3}},
                 {.stride = 2, .padding = 1, .groups = 2, .layout = kFirst}, {.stride = {2}, .before = {1}},
                 sizes({2}, {-2, -1})),
      transposed("conv2d_transpose with as many groups as channels", conv2d_transpose, {{1, 2, 3, 2}, {2, 2, 1, 2}},
                 {.groups = 2}, {}, sizes({1}, {1})),
      transposed("conv2d_transpose of single pixels", conv2d_transpose, {{1, 2, 3, 2}, {1, 1, 3, 2}}, {}, {}, sizes({1}, {0})),
      transposed("conv3d_transpose", conv3d_transpose, {{1, 2, 1, 2, 2}, {2, 2, 2, 1, 2}}, {.stride = {1, 2, 1}},
                 {.stride = {1, 2, 1}}, sizes({1, 2, 1}, {1, 0, 1})),
  };
}

std::vector<ErrorCase> conv_errors() {
  const Tensor x = zeros({1, 4, 4, 2}), w = zeros({3, 3, 2, 4});
  const auto call = [](Shape image, Shape filter, ConvOptions options = {}) {
    return [=] { conv2d(zeros(image), zeros(filter), options); };
  };
  const auto with = [x, w](ConvOptions options) { return [=] { conv2d(x, w, options); }; };
  return {
      raises<ShapeError>("image has the wrong rank; got [4, 4, 2], expected rank 4", call({4, 4, 2}, {3, 3, 2, 4})),
      raises<ShapeError>("filter has the wrong rank; got [3, 2, 4], expected rank 4", call({1, 4, 4, 2}, {3, 2, 4})),
      raises<ShapeError>(
          "channels do not fit the filter; got 3 (image [1, 4, 4, 3], channels last) for a filter [3, 3, 2, 4] in 1 "
          "group, expected 2",
          call({1, 4, 4, 3}, {3, 3, 2, 4})),
      raises<ShapeError>("channels do not fit the filter; got 4", call({1, 4, 4, 2}, {4, 2, 3, 3}, {.layout = kFirst})),
      raises<ShapeError>("empty filter; got [0, 3, 2, 4]", call({1, 4, 4, 2}, {0, 3, 2, 4})),
      raises<ShapeError>("empty filter; got [3, 3, 0, 4]", call({1, 4, 4, 0}, {3, 3, 0, 4})),
      raises<ShapeError>("empty filter; got [3, 3, 2, 0]", call({1, 4, 4, 2}, {3, 3, 2, 0})),
      raises<ValueError>("groups out of range; got 0", with({.groups = 0})),
      raises<ValueError>("groups out of range; got -1", with({.groups = -1})),
      raises<ShapeError>("groups do not divide the filters; got 4 filters in 3 groups", with({.groups = 3})),
      raises<ShapeError>("channels do not fit the filter; got 2", with({.groups = 2})),
      raises<ValueError>("stride out of range; got [0]", with({.stride = 0})),
      raises<ValueError>("stride out of range; got [1, -1]", with({.stride = {1, -1}})),
      raises<ValueError>("stride does not fit the image; got [1, 1, 1], expected one number or 2", with({.stride = {1, 1, 1}})),
      raises<ValueError>("stride does not fit the image; got []", with({.stride = {}})),
      raises<ValueError>("dilation out of range; got [0]", with({.dilation = 0})),
      raises<ValueError>("dilation out of range; got [4611686018427387904]", with({.dilation = int64_t{1} << 62})),
      raises<ValueError>("padding before out of range; got [-1]", with({.padding = -1})),
      raises<ValueError>("padding after out of range; got [0, -2]", with({.padding = {{0, 0}, {0, -2}}})),
      raises<ValueError>("padding before does not fit the image; got [1, 2, 3]", with({.padding = {1, 2, 3}})),
      raises<ShapeError>("window larger than the padded image; got an extent of 5 over 4 + 0 + 0 positions of spatial axis 0",
                         with({.dilation = 2})),
      raises<ShapeError>("window larger than the padded image", call({0, 0, 4, 2}, {3, 3, 2, 4})),
      raises<ShapeError>("too many elements", with({.padding = int64_t{1} << 40})),
      raises<ShapeError>("window too large; got size 16777216 with dilation 1099511627776",
                         [] {
                           const Tensor wide = broadcast_to(zeros({1, 1, 1, 1}), {1 << 24, 1, 1, 1});
                           conv2d(zeros({1, 1, 1, 1}), wide, {.dilation = int64_t{1} << 40});
                         }),
  };
}

}  // namespace

std::vector<Row> convolution_rows() {
  std::vector<Row> rows = forward_rows();
  for (Row& row : transpose_rows()) rows.push_back(std::move(row));
  for (Row& row : rows) {
    if (row.name == "conv2d") row.errors = conv_errors();
    if (row.name == "conv1d")
      row.errors = {raises<ShapeError>("image has the wrong rank; got [1, 4, 4, 2], expected rank 3: 1 spatial axis", [] {
        conv1d(zeros({1, 4, 4, 2}), zeros({3, 2, 4}));
      })};
    if (row.name == "conv3d")
      row.errors = {raises<ShapeError>("expected rank 5: 3 spatial axes", [] {
        conv3d(zeros({1, 4, 4, 2}), zeros({3, 3, 2, 4}));
      })};
    if (row.name == "depthwise_conv2d")
      row.errors = {raises<ShapeError>("channels do not fit the filter; got 3",
                                       [] {
                                         depthwise_conv2d(zeros({1, 4, 4, 3}), zeros({3, 3, 2, 1}));
                                       }),
                    raises<ShapeError>("empty filter; got [3, 3, 2, 0]",
                                       [] {
                                         depthwise_conv2d(zeros({1, 4, 4, 2}), zeros({3, 3, 2, 0}));
                                       }),
                    raises<ValueError>("groups are the channels; got 2",
                                       [] {
                                         depthwise_conv2d(zeros({1, 4, 4, 2}), zeros({3, 3, 2, 1}), {.groups = 2});
                                       }),
                    raises<ShapeError>("image has the wrong rank", [] {
                      depthwise_conv2d(zeros({4, 4, 2}), zeros({3, 3, 2, 1}));
                    })};
    if (row.name == "conv1d_transpose")
      row.errors = {raises<ShapeError>("image has the wrong rank; got [1, 4, 4, 2], expected rank 3",
                                       [] {
                                         conv1d_transpose(zeros({1, 4, 4, 2}), zeros({3, 4, 2}));
                                       }),
                    raises<ValueError>("dilation out of range; got [0]", [] {
                      conv1d_transpose(zeros({1, 4, 2}), zeros({3, 4, 2}), {.dilation = 0});
                    })};
    if (row.name == "conv3d_transpose")
      row.errors = {raises<ShapeError>("filter has the wrong rank; got [3, 4, 2], expected rank 5",
                                       [] {
                                         conv3d_transpose(zeros({1, 2, 2, 2, 2}), zeros({3, 4, 2}));
                                       }),
                    raises<ShapeError>("empty filter; got [0, 1, 1, 4, 2]", [] {
                      conv3d_transpose(zeros({1, 2, 2, 2, 2}), zeros({0, 1, 1, 4, 2}));
                    })};
    if (row.name == "conv2d_transpose") {
      const auto with = [](ConvTransposeOptions options) {
        return [=] { conv2d_transpose(zeros({1, 4, 4, 2}), zeros({3, 3, 4, 2}), options); };
      };
      row.errors = {
          raises<ShapeError>(
              "channels do not fit the filter; got 3 (image [1, 4, 4, 3], channels last) for a filter [3, 3, 4, 2]",
              [] {
                conv2d_transpose(zeros({1, 4, 4, 3}), zeros({3, 3, 4, 2}));
              }),
          raises<ShapeError>("groups do not divide the filters; got 2 filters in 3 groups", with({.groups = 3})),
          raises<ValueError>("output padding out of range; got 2 along spatial axis 0, expected less than the larger of stride 2",
                             with({.stride = 2, .output_padding = 2})),
          raises<ValueError>("output padding out of range; got [-1]", with({.output_padding = -1})),
          raises<ValueError>("output padding beside padding same; got 1 along spatial axis 1",
                             with({.stride = 2, .padding = Padding::same, .output_padding = {0, 1}})),
          raises<ShapeError>("result would be empty; got 4 positions along spatial axis 0 and padding 3 + 3",
                             with({.padding = 3})),
          raises<ShapeError>("too many elements", with({.stride = int64_t{1} << 40})),
          raises<ValueError>("stride out of range; got [1099511627777]", with({.stride = (int64_t{1} << 40) + 1})),
      };
    }
  }
  return rows;
}

}  // namespace gradus::test
