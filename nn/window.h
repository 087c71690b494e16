// What convolution and pooling layers share: options that go by name, checks of images, output shapes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "autograd/convolution.h"

namespace gradus::nn {

/// Padding or its name: Padding::same, "same", "valid", 2, {1, 2}, {{0, 1}, {2, 2}}. Conv1D also takes "causal": as much before
/// the first position as keeps the size, so that no output sees what comes after it.
class NamedPadding : public Padding {
 public:
  using Padding::Padding;
  constexpr NamedPadding(const Padding& padding) : Padding(padding) {}
  /// ValueError listing the names for any other.
  explicit NamedPadding(std::string_view name);
  NamedPadding(const std::string& name) : NamedPadding(std::string_view(name)) {}
  template <size_t N>
  NamedPadding(const char (&name)[N]) : NamedPadding(std::string_view(name)) {}  // no pointer: 0 is a number

  bool causal() const { return causal_; }

 private:
  bool causal_ = false;
};

/// Layout or its name: Layout::channels_first, "channels_first", "channels_last".
class DataFormat {
 public:
  constexpr DataFormat() = default;
  constexpr DataFormat(Layout layout) : layout_(layout) {}
  /// ValueError listing the names for any other.
  DataFormat(std::string_view name);
  DataFormat(const char* name) : DataFormat(std::string_view(name)) {}
  DataFormat(const std::string& name) : DataFormat(std::string_view(name)) {}

  constexpr operator Layout() const { return layout_; }

 private:
  Layout layout_ = Layout::channels_last;
};

namespace detail {

/// ShapeError naming the layer unless `image` is [samples, channels and so many spatial axes].
void check_image_rank(std::string_view layer, int axes, const Shape& image, Layout layout, const std::string& name);

/// A layer whose windows slide over images [batch, spatial..., channels] or [batch, channels, spatial...].
struct Window {
  std::string_view layer;  // for messages
  int axes;                // spatial ones
  Shape size, stride, dilation;
  Padding padding;
  Layout layout;

  /// ValueError for options out of their domain or not one per axis.
  Window(std::string_view layer, int axes, const PerAxis& size, const PerAxis& stride, const PerAxis& dilation,
         const NamedPadding& padding, Layout layout);

  /// ShapeError for another rank than a batch of images has; `name` is the layer's.
  void check_rank(const Shape& image, const std::string& name) const { check_image_rank(layer, axes, image, layout, name); }
  /// The output's sizes for an image of the right rank, with so many channels; -1 where the image's is unknown. ShapeError for a
  /// window larger than the padded image.
  Shape output(const Shape& image, int64_t channels) const;
  /// The same for a transposed convolution, which makes images from what such windows give: `more` positions at the end of each
  /// axis than the windows reach.
  Shape transposed_output(const Shape& image, int64_t channels, const Shape& more) const;
};

/// Where the channels are in an image of this rank.
inline int channel_axis(int rank, Layout layout) { return layout == Layout::channels_first ? 1 : rank - 1; }

/// "; in layer NAME" for messages, or nothing for a layer without a name.
std::string in_layer(const std::string& name);

}  // namespace detail

}  // namespace gradus::nn
