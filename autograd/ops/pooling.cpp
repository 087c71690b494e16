// Pooling: maxima and means under windows, and over whole images.
#include "autograd/kernels/pooling.h"

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/ops/window.h"

namespace gradus {
namespace detail {
namespace {

struct MaxAttrs {
  kernels::Windows windows;

  Layout layout() const { return windows.channels_first ? Layout::channels_first : Layout::channels_last; }
};
struct AverageAttrs {
  kernels::Windows windows;
  bool whole;  // windows count their padding

  Layout layout() const { return windows.channels_first ? Layout::channels_first : Layout::channels_last; }
};

// The largest elements are picked out of an image by their positions, and put back into it. Input 1 is the positions.
Tensor picked(const Tensor& x, const Tensor& positions, const MaxAttrs& attrs);
Tensor put_back(const Tensor& g, const Tensor& positions, const MaxAttrs& attrs);
Tensor averages(const Tensor& x, const AverageAttrs& attrs);
Tensor spread(const Tensor& g, const AverageAttrs& attrs);

constexpr Op kMaxPool{.name = "max_pool", .arity = 2, .rules = {{{kIn1, [](const Saved& s, const Tensor& g) {
                                                                    return put_back(g, s.in(1), s.attrs<MaxAttrs>());
                                                                  }}}}};
constexpr Op kMaxPoolInput{.name = "max_pool_input", .arity = 2, .rules = {{{kIn1, [](const Saved& s, const Tensor& g) {
                                                                               return picked(g, s.in(1), s.attrs<MaxAttrs>());
                                                                             }}}}};
constexpr Op kAvgPool{.name = "avg_pool",
                      .rules = {{{0, [](const Saved& s, const Tensor& g) { return spread(g, s.attrs<AverageAttrs>()); }}}}};
constexpr Op kAvgPoolInput{
    .name = "avg_pool_input",
    .rules = {{{0, [](const Saved& s, const Tensor& g) { return averages(g, s.attrs<AverageAttrs>()); }}}}};

/// The shape of an image with these windows and the batch and channels of another.
Shape like(const Tensor& image, const Shape& spatial, Layout layout) {
  return image_shape(image.shape()[0], spatial, image.shape()[channel_axis(image.shape(), layout)], layout);
}

Tensor picked(const Tensor& x, const Tensor& positions, const MaxAttrs& attrs) {
  Tensor out = empty("max_pool", like(x, outputs(attrs.windows, x.ndim() - 2), attrs.layout()), x.dtype());
  kernels::pick(*out.ref(), x.impl(), positions.impl(), attrs.windows);
  record(kMaxPool, out, {&x, &positions}, attrs);
  return out;
}

Tensor put_back(const Tensor& g, const Tensor& positions, const MaxAttrs& attrs) {
  Tensor out = empty("max_pool", like(g, inputs(attrs.windows, g.ndim() - 2), attrs.layout()), g.dtype());
  kernels::put_back(*out.ref(), g.impl(), positions.impl(), attrs.windows);
  record(kMaxPoolInput, out, {&g, &positions}, attrs);
  return out;
}

Tensor averages(const Tensor& x, const AverageAttrs& attrs) {
  Tensor out = empty("avg_pool", like(x, outputs(attrs.windows, x.ndim() - 2), attrs.layout()), x.dtype());
  kernels::avg_pool(*out.ref(), x.impl(), attrs.windows, attrs.whole);
  record(kAvgPool, out, {&x}, attrs);
  return out;
}

Tensor spread(const Tensor& g, const AverageAttrs& attrs) {
  Tensor out = empty("avg_pool", like(g, inputs(attrs.windows, g.ndim() - 2), attrs.layout()), g.dtype());
  kernels::avg_pool_input(*out.ref(), g.impl(), attrs.windows, attrs.whole);
  record(kAvgPoolInput, out, {&g}, attrs);
  return out;
}

kernels::Windows pool_windows(std::string_view op, const Tensor& x, const PoolOptions& options, int axes) {
  check_rank(op, "image", x, axes);
  const Shape size = per_axis(op, "window", options.window, axes, 1);
  numel(op, size);
  for (const Shape& padding : {options.padding.before(), options.padding.after()})
    for (int i = 0; i < axes && i < padding.ndim(); ++i)
      if (padding[i] > size[i] / 2)
        fail<ValueError>(op, "padding larger than half the window; got ", padding, " for a window ", size,
                         ", expected at most half");
  const bool strided = options.stride.values().ndim() > 0;
  const kernels::Windows windows = windows_over(op, spatial(x.shape(), options.layout),
                                                {.size = size,
                                                 .stride = strided ? per_axis(op, "stride", options.stride, axes, 1) : size,
                                                 .dilation = Shape::filled(axes, 1),
                                                 .padding = options.padding,
                                                 .layout = options.layout});
  for (const kernels::WindowAxis& a : windows.axes)
    if (a.in == 0 && a.out > 0)
      fail<ShapeError>(op, "windows over padding alone; got an image ", x.shape(),
                       ", expected at least 1 position along each axis");
  return windows;
}

Tensor max_pool(std::string_view op, const Tensor& x, const PoolOptions& options, int axes) {
  const kernels::Windows windows = pool_windows(op, x, options, axes);
  Tensor out = empty(op, like(x, outputs(windows, axes), options.layout), x.dtype());
  if (!on_tape(x)) {
    kernels::max_pool(*out.ref(), nullptr, x.impl(), windows);
    return out;
  }
  const int64_t channels = x.shape()[channel_axis(x.shape(), options.layout)];
  const Tensor positions =
      empty(op, image_shape(x.shape()[0], outputs(windows, axes), channels, Layout::channels_last), kernels::pool_index(windows));
  kernels::max_pool(*out.ref(), positions.ref().get(), x.impl(), windows);
  record(kMaxPool, out, {&x, &positions}, MaxAttrs{windows});
  return out;
}

Tensor avg_pool(std::string_view op, const Tensor& x, const PoolOptions& options, int axes) {
  return averages(as_floating(x), {pool_windows(op, x, options, axes), options.count_include_pad});
}

Axes spatial_axes(std::string_view op, const Tensor& x, Layout layout) {
  if (x.ndim() < 3)
    fail<ShapeError>(op, "image has the wrong rank; got ", x.shape(), ", expected rank 3 or more: batch, channels, spatial axes");
  Shape axes;
  for (int i = 0; i < x.ndim() - 2; ++i) axes.push_back(i + (layout == Layout::channels_first ? 2 : 1));
  return Axes(axes);
}

}  // namespace

constexpr const Op* kOps[] = {&kMaxPool, &kMaxPoolInput, &kAvgPool, &kAvgPoolInput};
const OpFamily kPoolingOps{"pooling", kOps};

}  // namespace detail

Tensor max_pool1d(const Tensor& x, const PoolOptions& options) { return detail::max_pool("max_pool1d", x, options, 1); }
Tensor max_pool2d(const Tensor& x, const PoolOptions& options) { return detail::max_pool("max_pool2d", x, options, 2); }
Tensor max_pool3d(const Tensor& x, const PoolOptions& options) { return detail::max_pool("max_pool3d", x, options, 3); }
Tensor avg_pool1d(const Tensor& x, const PoolOptions& options) { return detail::avg_pool("avg_pool1d", x, options, 1); }
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options) { return detail::avg_pool("avg_pool2d", x, options, 2); }
Tensor avg_pool3d(const Tensor& x, const PoolOptions& options) { return detail::avg_pool("avg_pool3d", x, options, 3); }

Tensor global_max_pool(const Tensor& x, Layout layout, bool keepdims) {
  const Axes axes = detail::spatial_axes("global_max_pool", x, layout);
  for (const int64_t axis : axes.list())
    if (x.shape()[static_cast<int>(axis)] == 0)
      fail<ShapeError>("global_max_pool", "empty image; got ", x.shape(),
                       ", expected at least 1 position along each spatial axis");
  return max(x, axes, keepdims);
}
Tensor global_avg_pool(const Tensor& x, Layout layout, bool keepdims) {
  return mean(x, detail::spatial_axes("global_avg_pool", x, layout), keepdims);
}

}  // namespace gradus
