// Convolution of one, two and three dimensions. It is bilinear, and so are its two gradients: the gradients of each of the three
// are the other two.
#include "autograd/kernels/convolution.h"

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/ops/window.h"

namespace gradus {
namespace detail {
namespace {

struct ConvAttrs {
  kernels::Convolution c;
  std::string_view op;  // for messages

  Layout layout() const { return c.windows.channels_first ? Layout::channels_first : Layout::channels_last; }
};

// y from x and w, x from y and w, w from x and y.
Tensor output_of(const Tensor& x, const Tensor& w, const ConvAttrs& attrs);
Tensor input_of(const Tensor& y, const Tensor& w, const ConvAttrs& attrs);
Tensor filter_of(const Tensor& x, const Tensor& y, const ConvAttrs& attrs);

constexpr Op kConvolution{
    .name = "convolution",
    .arity = 2,
    .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return input_of(g, s.in(1), s.attrs<ConvAttrs>()); }},
               {kIn0, [](const Saved& s, const Tensor& g) { return filter_of(s.in(0), g, s.attrs<ConvAttrs>()); }}}}};
constexpr Op kConvolutionInput{
    .name = "convolution_input",
    .arity = 2,
    .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return output_of(g, s.in(1), s.attrs<ConvAttrs>()); }},
               {kIn0, [](const Saved& s, const Tensor& g) { return filter_of(g, s.in(0), s.attrs<ConvAttrs>()); }}}}};
constexpr Op kConvolutionFilter{
    .name = "convolution_filter",
    .arity = 2,
    .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return input_of(s.in(1), g, s.attrs<ConvAttrs>()); }},
               {kIn0, [](const Saved& s, const Tensor& g) { return output_of(s.in(0), g, s.attrs<ConvAttrs>()); }}}}};

// Axes of a filter.
int out_axis(const Tensor& w, bool filter_first) { return filter_first ? 0 : w.ndim() - 1; }
int in_axis(const Tensor& w, bool filter_first) { return filter_first ? 1 : w.ndim() - 2; }

Tensor output_of(const Tensor& x, const Tensor& w, const ConvAttrs& attrs) {
  const int64_t channels = w.shape()[out_axis(w, attrs.c.filter_first)];
  Tensor y =
      empty(attrs.op, image_shape(x.shape()[0], outputs(attrs.c.windows, x.ndim() - 2), channels, attrs.layout()), x.dtype());
  kernels::convolution(*y.ref(), x.impl(), w.impl(), attrs.c);
  record(kConvolution, y, {&x, &w}, attrs);
  return y;
}

Tensor input_of(const Tensor& y, const Tensor& w, const ConvAttrs& attrs) {
  const int64_t channels = w.shape()[in_axis(w, attrs.c.filter_first)] * attrs.c.groups;
  Tensor x =
      empty(attrs.op, image_shape(y.shape()[0], inputs(attrs.c.windows, y.ndim() - 2), channels, attrs.layout()), y.dtype());
  kernels::convolution_input(*x.ref(), y.impl(), w.impl(), attrs.c);
  record(kConvolutionInput, x, {&y, &w}, attrs);
  return x;
}

Tensor filter_of(const Tensor& x, const Tensor& y, const ConvAttrs& attrs) {
  const int64_t in = x.shape()[channel_axis(x.shape(), attrs.layout())] / attrs.c.groups;
  const int64_t out = y.shape()[channel_axis(y.shape(), attrs.layout())];
  Shape shape = attrs.c.filter_first ? Shape{out, in} : Shape{};
  for (int i = 5 - x.ndim(); i < 3; ++i) shape.push_back(attrs.c.windows.axes[static_cast<size_t>(i)].size);
  if (!attrs.c.filter_first) shape.push_back(in), shape.push_back(out);
  Tensor w = empty(attrs.op, shape, x.dtype());
  kernels::convolution_filter(*w.ref(), x.impl(), y.impl(), attrs.c);
  record(kConvolutionFilter, w, {&x, &y}, attrs);
  return w;
}

/// The options of either direction, one number per axis.
template <class Options>
WindowRequest request(std::string_view op, const Tensor& filter, const Options& options, bool filter_first, int axes) {
  WindowRequest r{.size = Shape(std::span(filter.shape().begin() + (filter_first ? 2 : 0), static_cast<size_t>(axes))),
                  .stride = per_axis(op, "stride", options.stride, axes, 1),
                  .dilation = per_axis(op, "dilation", options.dilation, axes, 1),
                  .padding = options.padding,
                  .layout = options.layout};
  return r;
}

void check_filter(std::string_view op, const Tensor& filter, int64_t groups, bool filter_first, int axes) {
  check_rank(op, "filter", filter, axes);
  for (const int64_t n : filter.shape())
    if (n == 0) fail<ShapeError>(op, "empty filter; got ", filter.shape(), ", expected at least 1 along every axis");
  if (groups < 1) fail<ValueError>(op, "groups out of range; got ", groups, ", expected at least 1");
  if (const int64_t out = filter.shape()[out_axis(filter, filter_first)]; out % groups != 0)
    fail<ShapeError>(op, "groups do not divide the filters; got ", out, " filters in ", groups, " groups (filter ",
                     filter.shape(), "), expected a multiple");
}

void check_channels(std::string_view op, const Tensor& x, const Tensor& filter, Layout layout, int64_t expected, int64_t groups) {
  if (const int64_t got = x.shape()[channel_axis(x.shape(), layout)]; got != expected)
    fail<ShapeError>(op, "channels do not fit the filter; got ", got, " (image ", x.shape(), ", ",
                     layout == Layout::channels_first ? "channels first" : "channels last", ") for a filter ", filter.shape(),
                     " in ", groups, groups == 1 ? " group" : " groups", ", expected ", expected);
}

/// Calls f with image and filter in the floating dtype in which they meet.
template <class F>
Tensor in_one_dtype(const Tensor& x, const Tensor& filter, const F& f) {
  const DType dtype = to_floating(promote(x.dtype(), filter.dtype()));
  return f(x.dtype() == dtype ? x : x.astype(dtype), filter.dtype() == dtype ? filter : filter.astype(dtype));
}

Tensor convolve(std::string_view op, const Tensor& x, const Tensor& filter, const ConvOptions& options, bool filter_first,
                int axes) {
  check_rank(op, "image", x, axes);
  check_filter(op, filter, options.groups, filter_first, axes);
  int64_t channels;
  if (__builtin_mul_overflow(filter.shape()[in_axis(filter, filter_first)], options.groups, &channels)) channels = -1;
  check_channels(op, x, filter, options.layout, channels, options.groups);
  const kernels::Windows windows =
      windows_over(op, spatial(x.shape(), options.layout), request(op, filter, options, filter_first, axes));
  return in_one_dtype(x, filter, [&](const Tensor& image, const Tensor& w) {
    return output_of(image, w, {{windows, options.groups, filter_first}, op});
  });
}

Tensor convolve_back(std::string_view op, const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options, int axes) {
  const bool filter_first = options.layout == Layout::channels_first;
  check_rank(op, "image", x, axes);
  check_filter(op, filter, options.groups, filter_first, axes);
  check_channels(op, x, filter, options.layout, filter.shape()[out_axis(filter, filter_first)], options.groups);
  const kernels::Windows windows =
      windows_giving(op, spatial(x.shape(), options.layout), request(op, filter, options, filter_first, axes),
                     per_axis(op, "output padding", options.output_padding, axes, 0));
  return in_one_dtype(x, filter, [&](const Tensor& image, const Tensor& w) {
    return input_of(image, w, {{windows, options.groups, filter_first}, op});
  });
}

Tensor convolve(std::string_view op, const Tensor& x, const Tensor& filter, const ConvOptions& options, int axes) {
  return convolve(op, x, filter, options, options.layout == Layout::channels_first, axes);
}

}  // namespace

constexpr const Op* kOps[] = {&kConvolution, &kConvolutionInput, &kConvolutionFilter};
const OpFamily kConvolutionOps{"convolution", kOps};

}  // namespace detail

Tensor conv1d(const Tensor& x, const Tensor& filter, const ConvOptions& options) {
  return detail::convolve("conv1d", x, filter, options, 1);
}
Tensor conv2d(const Tensor& x, const Tensor& filter, const ConvOptions& options) {
  return detail::convolve("conv2d", x, filter, options, 2);
}
Tensor conv3d(const Tensor& x, const Tensor& filter, const ConvOptions& options) {
  return detail::convolve("conv3d", x, filter, options, 3);
}

Tensor depthwise_conv2d(const Tensor& x, const Tensor& filter, const ConvOptions& options) {
  constexpr std::string_view name = "depthwise_conv2d";
  if (options.groups != 1) fail<ValueError>(name, "groups are the channels; got ", options.groups, ", expected 1, the default");
  detail::check_rank(name, "image", x, 2);
  detail::check_filter(name, filter, 1, false, 2);
  const Shape& k = filter.shape();
  detail::check_channels(name, x, filter, options.layout, k[2], k[2]);
  ConvOptions grouped = options;
  grouped.groups = k[2];
  return detail::convolve(name, x, reshape(filter, {k[0], k[1], 1, k[2] * k[3]}), grouped, false, 2);
}

Tensor conv1d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options) {
  return detail::convolve_back("conv1d_transpose", x, filter, options, 1);
}
Tensor conv2d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options) {
  return detail::convolve_back("conv2d_transpose", x, filter, options, 2);
}
Tensor conv3d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options) {
  return detail::convolve_back("conv3d_transpose", x, filter, options, 3);
}

}  // namespace gradus
