#include "autograd/ops/window.h"

#include "autograd/base/error.h"

namespace gradus::detail {
namespace {

using kernels::WindowAxis;

// Options and sizes up to here add and multiply without overflow.
constexpr int64_t kLargestOption = int64_t{1} << 40, kLargestExtent = int64_t{1} << 60;

/// Positions from the first to the last element of a window.
int64_t extent(std::string_view op, int64_t size, int64_t dilation) {
  int64_t reach;
  if (__builtin_mul_overflow(size - 1, dilation, &reach) || reach >= kLargestExtent)
    fail<ShapeError>(op, "window too large; got size ", size, " with dilation ", dilation,
                     ", expected an extent of at most 2^60");
  return reach + 1;
}

struct Sides {
  int64_t before, after;
};
/// The padding of axis i, were it given as numbers; `same` pads for ceil(in / stride) outputs.
Sides sides(const Padding& padding, int i, int64_t in, int64_t extent, int64_t stride) {
  switch (padding.mode()) {
    case Padding::Mode::valid: return {0, 0};
    case Padding::Mode::given: {
      const int at = padding.before().ndim() == 1 ? 0 : i;
      return {padding.before()[at], padding.after()[at]};
    }
    case Padding::Mode::same: break;
  }
  const int64_t outputs = kernels::ceil_div(in, stride);
  const int64_t total = outputs > 0 ? std::max<int64_t>(0, (outputs - 1) * stride + extent - in) : 0;
  return {total / 2, total - total / 2};
}

void check_padding(std::string_view op, const Padding& padding, int count) {
  if (padding.mode() != Padding::Mode::given) return;
  per_axis(op, "padding before", PerAxis(padding.before()), count, 0);
  per_axis(op, "padding after", PerAxis(padding.after()), count, 0);
}

template <class F>
kernels::Windows each_axis(std::string_view op, const Shape& sizes, const WindowRequest& r, const F& f) {
  check_padding(op, r.padding, sizes.ndim());
  kernels::Windows windows;
  windows.channels_first = r.layout == Layout::channels_first;
  for (int i = 0; i < sizes.ndim(); ++i) {
    if (sizes[i] > kLargestExtent)
      fail<ShapeError>(op, "image too large; got ", sizes, ", expected at most 2^60 positions along an axis");
    WindowAxis& axis = windows.axes[static_cast<size_t>(3 - sizes.ndim() + i)];
    axis = {.size = r.size[i], .stride = r.stride[i], .dilation = r.dilation[i]};
    f(axis, i, extent(op, r.size[i], r.dilation[i]));
  }
  return windows;
}

Shape innermost(const kernels::Windows& windows, int count, int64_t WindowAxis::*member) {
  Shape out;
  for (int i = 3 - count; i < 3; ++i) out.push_back(windows.axes[static_cast<size_t>(i)].*member);
  return out;
}

}  // namespace

void check_rank(std::string_view op, std::string_view what, const Tensor& x, int axes) {
  if (x.ndim() != axes + 2)
    fail<ShapeError>(op, what, " has the wrong rank; got ", x.shape(), ", expected rank ", axes + 2, ": ", axes, " spatial ",
                     axes == 1 ? "axis" : "axes", " and two more");
}

Shape spatial(const Shape& image, Layout layout) {
  const int first = layout == Layout::channels_first ? 2 : 1;
  return Shape(std::span(image.begin() + first, static_cast<size_t>(image.ndim() - 2)));
}

Shape image_shape(int64_t batch, const Shape& spatial, int64_t channels, Layout layout) {
  Shape out{batch};
  if (layout == Layout::channels_first) out.push_back(channels);
  for (const int64_t n : spatial) out.push_back(n);
  if (layout == Layout::channels_last) out.push_back(channels);
  return out;
}

Shape per_axis(std::string_view op, std::string_view what, const PerAxis& values, int count, int64_t least) {
  const Shape& given = values.values();
  if (given.ndim() != 1 && given.ndim() != count)
    fail<ValueError>(op, what, " does not fit the image; got ", given, ", expected one number or ", count,
                     ", one per spatial axis");
  Shape out;
  for (int i = 0; i < count; ++i) {
    out.push_back(given[given.ndim() == 1 ? 0 : i]);
    if (out[i] < least || out[i] > kLargestOption)
      fail<ValueError>(op, what, " out of range; got ", given, ", expected ", least, " to 2^40");
  }
  return out;
}

kernels::Windows windows_over(std::string_view op, const Shape& in, const WindowRequest& request) {
  return each_axis(op, in, request, [&](WindowAxis& axis, int i, int64_t extent) {
    const auto [before, after] = sides(request.padding, i, in[i], extent, axis.stride);
    const int64_t free = in[i] + before + after - extent;
    axis.in = in[i];
    axis.before = before;
    const bool same = request.padding.mode() == Padding::Mode::same;
    if (free < 0 && !same)
      fail<ShapeError>(op, "window larger than the padded image; got an extent of ", extent, " over ", in[i], " + ", before,
                       " + ", after, " positions of spatial axis ", i, ", expected at most their sum");
    axis.out = same ? kernels::ceil_div(in[i], axis.stride) : free / axis.stride + 1;
  });
}

kernels::Windows windows_giving(std::string_view op, const Shape& out, const WindowRequest& request, const Shape& more) {
  return each_axis(op, out, request, [&](WindowAxis& axis, int i, int64_t extent) {
    const bool same = request.padding.mode() == Padding::Mode::same;
    if (same && more[i] > 0)
      fail<ValueError>(op, "output padding beside padding same; got ", more[i], " along spatial axis ", i, ", expected 0");
    if (more[i] > 0 && more[i] >= std::max(axis.stride, axis.dilation))
      fail<ValueError>(op, "output padding out of range; got ", more[i], " along spatial axis ", i,
                       ", expected less than the larger of stride ", axis.stride, " and dilation ", axis.dilation);
    int64_t in;
    if (__builtin_mul_overflow(out[i] - (same ? 0 : 1), axis.stride, &in) || in > kLargestExtent)
      fail<ShapeError>(op, "result too large; got ", out[i], " positions with stride ", axis.stride,
                       ", expected at most 2^60 in the result");
    const auto [before, after] = sides(request.padding, i, in, extent, axis.stride);
    if (!same) in += extent - before - after + more[i];
    if (in < 1 && !(same && in == 0))
      fail<ShapeError>(op, "result would be empty; got ", out[i], " positions along spatial axis ", i, " and padding ", before,
                       " + ", after, ", expected a size of at least 1, not ", in);
    axis.in = in;
    axis.out = out[i];
    axis.before = before;
  });
}

Shape inputs(const kernels::Windows& windows, int count) { return innermost(windows, count, &WindowAxis::in); }
Shape outputs(const kernels::Windows& windows, int count) { return innermost(windows, count, &WindowAxis::out); }

}  // namespace gradus::detail
