// MaxPooling1D ... AveragePooling3D and GlobalMaxPooling1D ... GlobalAveragePooling3D. No variables; inputs keep their dtype,
// except that means of integers are float32.
#pragma once

#include <string>
#include <utility>

#include "autograd/convolution.h"
#include "nn/layer.h"
#include "nn/window.h"

namespace gradus::nn {

struct PoolingOptions {
  PerAxis strides = {};                   // the window's size when left out
  NamedPadding padding = Padding::valid;  // or "same", or numbers up to half the window
  DataFormat data_format = Layout::channels_last;
  bool count_include_pad = false;  // means: padding counts as zeros. PyTorch's default is true
  std::string name = {};
};

struct GlobalPoolingOptions {
  bool keepdims = false;  // spatial axes stay, with size 1
  DataFormat data_format = Layout::channels_last;
  std::string name = {};
};

enum class Pool : uint8_t { max, average };

namespace detail {

class PoolingLayer : public Layer {
 public:
  using Options = PoolingOptions;

  /// ShapeError for inputs of another rank, or smaller than the window.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return window_.layer; }
  Shape output_shape(const Shape& input) const override;

 protected:
  PoolingLayer(Pool pool, int axes, const PerAxis& size, const Options& options);

 private:
  Pool pool_;
  Window window_;
  bool count_include_pad_;
};

class GlobalPoolingLayer : public Layer {
 public:
  using Options = GlobalPoolingOptions;

  /// ShapeError for inputs of another rank; for max also for empty images.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return window_.layer; }
  Shape output_shape(const Shape& input) const override;

 protected:
  GlobalPoolingLayer(Pool pool, int axes, const Options& options);

 private:
  Pool pool_;
  Window window_;
  bool keepdims_;
};

}  // namespace detail

/// The largest element, or the mean, under each window, channel by channel: nn::MaxPooling2D(2).
template <Pool kPool, int kAxes>
class Pooling : public detail::PoolingLayer {
 public:
  /// ValueError for sizes out of range, padding larger than half the window, or numbers that are neither one nor one per axis.
  explicit Pooling(PerAxis pool_size = 2, const Options& options = {}) : PoolingLayer(kPool, kAxes, pool_size, options) {}
};

/// Over all positions: [samples, spatial..., channels] -> [samples, channels].
template <Pool kPool, int kAxes>
class GlobalPooling : public detail::GlobalPoolingLayer {
 public:
  explicit GlobalPooling(const Options& options = {}) : GlobalPoolingLayer(kPool, kAxes, options) {}
};

using MaxPooling1D = Pooling<Pool::max, 1>;
using MaxPooling2D = Pooling<Pool::max, 2>;
using MaxPooling3D = Pooling<Pool::max, 3>;
using AveragePooling1D = Pooling<Pool::average, 1>;
using AveragePooling2D = Pooling<Pool::average, 2>;
using AveragePooling3D = Pooling<Pool::average, 3>;
using GlobalMaxPooling1D = GlobalPooling<Pool::max, 1>;
using GlobalMaxPooling2D = GlobalPooling<Pool::max, 2>;
using GlobalMaxPooling3D = GlobalPooling<Pool::max, 3>;
using GlobalAveragePooling1D = GlobalPooling<Pool::average, 1>;
using GlobalAveragePooling2D = GlobalPooling<Pool::average, 2>;
using GlobalAveragePooling3D = GlobalPooling<Pool::average, 3>;

}  // namespace gradus::nn
