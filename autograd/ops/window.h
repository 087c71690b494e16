// From options to windows, with every check on the way.
#pragma once

#include <string_view>

#include "autograd/convolution.h"
#include "autograd/kernels/window.h"

namespace gradus::detail {

/// How many spatial axes an image has; ShapeError naming `op` unless it has `axes` of them.
void check_rank(std::string_view op, std::string_view what, const Tensor& x, int axes);
/// The sizes along the spatial axes.
Shape spatial(const Shape& image, Layout layout);
/// [batch, spatial..., channels] in the given layout.
Shape image_shape(int64_t batch, const Shape& spatial, int64_t channels, Layout layout);
inline int channel_axis(const Shape& image, Layout layout) { return layout == Layout::channels_first ? 1 : image.ndim() - 1; }

/// `values` for each of `count` axes. ValueError unless there is one number or one per axis, each at least `least`.
Shape per_axis(std::string_view op, std::string_view what, const PerAxis& values, int count, int64_t least);

struct WindowRequest {
  Shape size, stride, dilation;  // one number per axis
  Padding padding;
  Layout layout = Layout::channels_last;
};

/// Windows over an image with these spatial sizes.
kernels::Windows windows_over(std::string_view op, const Shape& in, const WindowRequest& request);
/// Windows with these outputs, over an image with `more` positions than the windows reach.
kernels::Windows windows_giving(std::string_view op, const Shape& out, const WindowRequest& request, const Shape& more);

/// Sizes of the innermost `count` axes of windows.
Shape inputs(const kernels::Windows& windows, int count);
Shape outputs(const kernels::Windows& windows, int count);

}  // namespace gradus::detail
