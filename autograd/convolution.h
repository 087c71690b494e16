// Convolution and pooling over one, two or three spatial dimensions.
//
// Images are [batch, spatial..., channels], Keras' layout and the default, or [batch, channels, spatial...], PyTorch's; results
// have the layout of the argument. Everything here is differentiable any number of times; working memory does not grow with the
// batch, but for a copy of images that have their channels first. Integers are computed in float32; an image and a filter of two
// dtypes meet as operands of matmul do. Batches may be empty. ShapeError for a wrong rank, channels that do not fit, or a window
// larger than the padded image; ValueError for options out of their domain.
#pragma once

#include "autograd/tensor.h"

namespace gradus {

/// Where the channels of an image are, and with them the layout of filters.
enum class Layout : uint8_t {
  channels_last,   // image [batch, spatial..., channels], filter [spatial..., in / groups, out]
  channels_first,  // image [batch, channels, spatial...], filter [out, in / groups, spatial...]
};

/// One number for all spatial axes, or one for each: 2 or {2, 1}.
class PerAxis {
 public:
  constexpr PerAxis() = default;
  constexpr PerAxis(int64_t all) : values_{all} {}
  constexpr PerAxis(std::initializer_list<int64_t> values) : values_(values) {}
  explicit constexpr PerAxis(const Shape& values) : values_(values) {}
  constexpr const Shape& values() const { return values_; }

 private:
  Shape values_;
};

/// What surrounds an image: nothing, as much as keeps its size, or so many positions. `{1, 2}` is 1 on both sides of the first
/// axis and 2 on both sides of the second, as in PyTorch; `{{0, 1}, {2, 2}}` says before and after for each.
class Padding {
 public:
  struct Pair {
    int64_t before = 0, after = 0;
  };
  enum class Mode : uint8_t { valid, same, given };

  /// No padding.
  static const Padding valid;
  /// As Keras: ceil(n / stride) outputs; the odd position of padding goes after.
  static const Padding same;

  constexpr Padding() = default;
  constexpr Padding(int64_t all) : mode_(Mode::given), before_{all}, after_{all} {}
  constexpr Padding(std::initializer_list<int64_t> both) : mode_(Mode::given), before_(both), after_(both) {}
  constexpr Padding(std::initializer_list<Pair> pairs) : mode_(Mode::given) {
    for (const Pair& p : pairs) before_.push_back(p.before), after_.push_back(p.after);
  }
  constexpr Mode mode() const { return mode_; }
  constexpr const Shape& before() const { return before_; }
  constexpr const Shape& after() const { return after_; }

 private:
  explicit constexpr Padding(Mode mode) : mode_(mode) {}

  Mode mode_ = Mode::valid;
  Shape before_, after_;
};
inline constexpr Padding Padding::valid{Mode::valid};
inline constexpr Padding Padding::same{Mode::same};

// Convolution

struct ConvOptions {
  PerAxis stride = 1;
  Padding padding = Padding::valid;
  PerAxis dilation = 1;  // distance of the filter's elements
  int64_t groups = 1;    // output channels of group g see the input channels of group g alone; as many as channels: depthwise
  Layout layout = Layout::channels_last;
};

/// y[b, i, o] = sum over k and c of x[b, i * stride + k * dilation - before, c] * filter[k, c, o]: the filter is not flipped.
Tensor conv1d(const Tensor& x, const Tensor& filter, const ConvOptions& options = {});
Tensor conv2d(const Tensor& x, const Tensor& filter, const ConvOptions& options = {});
Tensor conv3d(const Tensor& x, const Tensor& filter, const ConvOptions& options = {});

/// Each channel by itself. Filter [height, width, channels, multiplier] in either layout, as Keras; channel c gives the outputs
/// c * multiplier, ... `groups` stays 1.
Tensor depthwise_conv2d(const Tensor& x, const Tensor& filter, const ConvOptions& options = {});

struct ConvTransposeOptions {
  PerAxis stride = 1;
  Padding padding = Padding::valid;  // of the convolution that this turns round: same gives n * stride outputs
  PerAxis output_padding = 0;        // more outputs at the end of an axis: fewer than the larger of stride and dilation
  PerAxis dilation = 1;
  int64_t groups = 1;
  Layout layout = Layout::channels_last;
};

/// The gradient of a convolution with respect to its input, for x as the gradient of its output. The filter is that
/// convolution's: [spatial..., out / groups, in] or [in, out / groups, spatial...], as in Keras and PyTorch. Outputs along an
/// axis: (n - 1) * stride - before - after + (size - 1) * dilation + 1 + output_padding, where Keras reaches n * stride with a
/// filter shorter than the stride.
Tensor conv1d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options = {});
Tensor conv2d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options = {});
Tensor conv3d_transpose(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options = {});

// Pooling

struct PoolOptions {
  PerAxis window = 2;
  PerAxis stride = {};               // the window's size when left out
  Padding padding = Padding::valid;  // given positions: at most half the window
  bool count_include_pad = false;    // averages: padding counts as zeros. PyTorch's default is true
  Layout layout = Layout::channels_last;
};

/// The largest element under each window; padding is never the largest, NaN always is. The gradient goes to the first of equals.
/// Keeps integers.
Tensor max_pool1d(const Tensor& x, const PoolOptions& options = {});
Tensor max_pool2d(const Tensor& x, const PoolOptions& options = {});
Tensor max_pool3d(const Tensor& x, const PoolOptions& options = {});
/// The mean under each window.
Tensor avg_pool1d(const Tensor& x, const PoolOptions& options = {});
Tensor avg_pool2d(const Tensor& x, const PoolOptions& options = {});
Tensor avg_pool3d(const Tensor& x, const PoolOptions& options = {});
/// Over all spatial axes (one or more): [batch, channels], or with keepdims the rank of x. Ties of max share the gradient
/// equally; ShapeError for its empty images, whose mean is NaN.
Tensor global_max_pool(const Tensor& x, Layout layout = Layout::channels_last, bool keepdims = false);
Tensor global_avg_pool(const Tensor& x, Layout layout = Layout::channels_last, bool keepdims = false);

}  // namespace gradus
