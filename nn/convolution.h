// Conv1D, Conv2D, Conv3D and Conv1DTranspose, Conv2DTranspose, Conv3DTranspose: convolution over one, two or three spatial axes,
// and its reverse. One implementation for all of them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "autograd/convolution.h"
#include "nn/initializer.h"
#include "nn/layer.h"
#include "nn/window.h"

namespace gradus::nn {

struct ConvolutionOptions {
  PerAxis strides = 1;
  NamedPadding padding = Padding::valid;  // or "same" (TensorFlow's: the odd position goes after), numbers; Conv1D: "causal"
  PerAxis output_padding = 0;             // transposed alone: more positions at the end of an axis
  DataFormat data_format = Layout::channels_last;
  PerAxis dilation_rate = 1;
  int64_t groups = 1;
  Activation activation = linear;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  DType dtype = DType::float32;  // of kernel and bias; inputs of other dtypes are converted (see also mixed_precision.h)
  std::string name = {};
};

namespace detail {

/// activation(convolution of x with kernel + bias): x [samples, spatial..., channels], kernel [size..., channels / groups,
/// filters], bias [filters], output [samples, positions..., filters]. With channels_first the images have their channels behind
/// the samples; the kernel keeps its layout, as in Keras, so that weights do not depend on the option. `channels` is taken from
/// the first input.
///
/// Transposed, kernel [size..., filters / groups, channels]: what a convolution's gradient makes of x (conv2d_transpose). With
/// padding same an axis becomes `stride` times as long.
class ConvolutionLayer : public Layer {
 public:
  using Options = ConvolutionOptions;

  /// ShapeError for inputs of another rank or number of channels, or smaller than the kernel.
  Tensor call(const Tensor& x, bool training) override;
  Tensor logits(const Tensor& x, bool training) override;
  const Activation* output_activation() const override;
  std::string_view type() const override;
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  int64_t filters() const;
  /// ValueError before the layer is built; bias() also without one.
  const Variable& kernel() const;
  const Variable& bias() const;

 protected:
  ConvolutionLayer(bool transposed, int axes, int64_t filters, const PerAxis& kernel_size, Options options);

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by copies, so that they share the variables of the first call
};

}  // namespace detail

template <int kAxes, bool kTransposed = false>
class Convolution : public detail::ConvolutionLayer {
 public:
  /// nn::Conv2D(32, 3, {.padding = "same", .activation = nn::relu}). ValueError for sizes out of range, groups that do not divide
  /// the filters, or numbers that are neither one nor one per spatial axis; DTypeError for an integer dtype.
  Convolution(int64_t filters, PerAxis kernel_size, Options options = {})
      : ConvolutionLayer(kTransposed, kAxes, filters, kernel_size, std::move(options)) {}
};

using Conv1D = Convolution<1>;
using Conv2D = Convolution<2>;
using Conv3D = Convolution<3>;
using Conv1DTranspose = Convolution<1, true>;
using Conv2DTranspose = Convolution<2, true>;
using Conv3DTranspose = Convolution<3, true>;

}  // namespace gradus::nn
