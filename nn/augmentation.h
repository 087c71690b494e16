// RandomFlip, RandomCrop, RandomTranslation: other views of the same images while training. Images are [samples, height, width,
// channels] or, by data_format, [samples, channels, height, width], of any dtype, which they keep. Each sample is moved by
// itself, by whole pixels; gradients flow back to where pixels came from.
#pragma once

#include <string>

#include "nn/random_layer.h"
#include "nn/window.h"

namespace gradus::nn {

struct AugmentationOptions {
  std::optional<uint64_t> seed = std::nullopt;  // as in RandomOptions
  DataFormat data_format = Layout::channels_last;
  std::string name = {};
};

namespace detail {

/// A random layer that takes images.
class Augmentation : public RandomLayer {
 public:
  Shape output_shape(const Shape& input) const override;

 protected:
  Augmentation(std::string_view type, const AugmentationOptions& options);
  /// ShapeError unless x is a batch of images.
  void check(const Shape& x) const;
  int height_axis() const { return layout_ == Layout::channels_first ? 2 : 1; }
  int width_axis() const { return height_axis() + 1; }

 private:
  Layout layout_;
};

}  // namespace detail

/// Mirrors each image with probability 1/2 along each direction of `mode`: "horizontal" (left and right change places),
/// "vertical" or "horizontal_and_vertical". The identity at inference.
class RandomFlip : public detail::Augmentation {
 public:
  using Options = AugmentationOptions;
  /// ValueError for any other mode.
  explicit RandomFlip(std::string_view mode = "horizontal_and_vertical", const Options& options = {});

  /// ShapeError for anything but a batch of images.
  Tensor call(const Tensor& x, bool training) override;

 private:
  bool horizontal_, vertical_;
};

/// A window of height x width out of each image, anywhere while training, in the middle at inference.
class RandomCrop : public detail::Augmentation {
 public:
  using Options = AugmentationOptions;
  /// ValueError unless both are > 0.
  RandomCrop(int64_t height, int64_t width, const Options& options = {});

  /// ShapeError for anything but a batch of images at least as large as the window.
  Tensor call(const Tensor& x, bool training) override;
  Shape output_shape(const Shape& input) const override;

 private:
  int64_t height_, width_;
};

struct TranslationOptions {
  std::string fill_mode = "reflect";  // "reflect" dcba|abcd|dcba, "nearest" aaaa|abcd|dddd, "wrap", "constant" 0000|abcd|0000
  std::optional<uint64_t> seed = std::nullopt;  // as in RandomOptions
  DataFormat data_format = Layout::channels_last;
  std::string name = {};
};

/// Shifts each image up or down by at most height_factor times its height, and sideways by at most width_factor times its width,
/// rounded to whole pixels. The identity at inference.
class RandomTranslation : public detail::Augmentation {
 public:
  using Options = TranslationOptions;
  /// ValueError unless both factors are in [0, 1] and the mode is known.
  RandomTranslation(double height_factor, double width_factor, const Options& options = {});

  /// ShapeError for anything but a batch of images.
  Tensor call(const Tensor& x, bool training) override;

  /// What comes in over an edge: from the strip at this edge, the strip at the other one, and the edge itself.
  using Fill = Tensor (*)(const Tensor& near, const Tensor& far, const Tensor& edge, int axis);

 private:
  double height_factor_, width_factor_;
  Fill fill_;
};

}  // namespace gradus::nn
