#include "nn/convolution.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "autograd/ops.h"
#include "autograd/ops/window.h"
#include "nn/mixed_precision.h"

namespace gradus::nn::detail {
namespace {

struct Kind {
  std::string_view type, transposed_type;
  Tensor (*convolve)(const Tensor& x, const Tensor& filter, const ConvOptions& options);
  Tensor (*transposed)(const Tensor& x, const Tensor& filter, const ConvTransposeOptions& options);
};
constexpr std::array<Kind, 3> kKinds{{{"Conv1D", "Conv1DTranspose", conv1d, conv1d_transpose},
                                      {"Conv2D", "Conv2DTranspose", conv2d, conv2d_transpose},
                                      {"Conv3D", "Conv3DTranspose", conv3d, conv3d_transpose}}};

const Kind& kind_of(int axes) { return kKinds[static_cast<size_t>(axes - 1)]; }

/// The kernel as operations read it beside images with their channels first: [last, last but one, size...]. A view.
Tensor channels_first_filter(const Tensor& kernel) {
  const int last = kernel.ndim() - 1;
  Shape axes{last, last - 1};
  for (int i = 0; i + 1 < last; ++i) axes.push_back(i);
  return permute(kernel, axes);
}

}  // namespace

struct ConvolutionLayer::State {
  bool transposed;
  int64_t filters;
  Window window;
  Shape more;  // output_padding, one number per axis
  Options options;
  int64_t input_channels = 0;  // once built
  std::optional<Variable> kernel = {}, bias = {};

  std::string_view type() const { return window.layer; }
  bool channels_first() const { return window.layout == Layout::channels_first; }
  int64_t channels(const Shape& input) const { return input[channel_axis(input.ndim(), window.layout)]; }

  void check(const Shape& input, const std::string& name) const {
    window.check_rank(input, name);
    const int64_t got = channels(input);
    if (kernel && got != input_channels)
      fail<ShapeError>(type(), "input with another number of channels than the kernel's; got ", input, ", expected ",
                       input_channels, " channels", in_layer(name));
    if (got >= 0 && got % options.groups != 0)
      fail<ShapeError>(type(), "groups do not divide the channels; got ", input, ", expected a multiple of ", options.groups,
                       " channels", in_layer(name));
  }

  Shape output(const Shape& input) const {
    return transposed ? window.transposed_output(input, filters, more) : window.output(input, filters);
  }
  Tensor apply(const Tensor& x, const Tensor& filter) const {
    const PerAxis stride(window.stride), dilation(window.dilation);
    const Kind& kind = kind_of(window.axes);
    return transposed ? kind.transposed(x, filter,
                                        {.stride = stride,
                                         .padding = window.padding,
                                         .output_padding = PerAxis(more),
                                         .dilation = dilation,
                                         .groups = options.groups,
                                         .layout = window.layout})
                      : kind.convolve(x, filter,
                                      {.stride = stride,
                                       .padding = window.padding,
                                       .dilation = dilation,
                                       .groups = options.groups,
                                       .layout = window.layout});
  }
};

ConvolutionLayer::ConvolutionLayer(bool transposed, int axes, int64_t filters, const PerAxis& kernel_size, Options options) {
  const std::string_view type = transposed ? kind_of(axes).transposed_type : kind_of(axes).type;
  if (filters <= 0) fail<ValueError>(type, "number of filters out of range; got ", filters, ", expected > 0");
  if (options.groups <= 0 || filters % options.groups != 0)
    fail<ValueError>(type, "groups do not divide the filters; got ", options.groups, " groups for ", filters,
                     " filters, expected a divisor");
  if (options.strides.values().ndim() == 0) options.strides = 1;  // as left out: {} has no meaning of its own here
  if (!is_floating(options.dtype))
    fail<DTypeError>(type, "dtype is not floating; got ", options.dtype, ", expected float32 or another");
  if (!options.name.empty()) set_name(options.name);
  const Window window(type, axes, kernel_size, options.strides, options.dilation_rate, options.padding, options.data_format);
  const Shape more = gradus::detail::per_axis(type, "output padding", options.output_padding, axes, 0);
  if (!transposed && std::ranges::any_of(more, [](int64_t n) { return n > 0; }))
    fail<ValueError>(type, "output padding of a convolution that is not transposed; got ", more, ", expected 0");
  if (transposed && options.padding.causal())
    fail<ValueError>(type, "padding causal has no meaning here; got causal, expected valid, same or numbers");
  state_ = std::make_shared<State>(State{transposed, filters, window, more, std::move(options)});
}

Tensor ConvolutionLayer::logits(const Tensor& input, bool) {
  State& s = *state_;
  if (s.kernel) s.check(input.shape(), name());
  else build(input.shape());
  const DType dtype = compute_dtype(s.options.dtype);
  const Tensor kernel = s.kernel->value().astype(dtype);
  const Tensor y = s.apply(input.astype(dtype), s.channels_first() ? channels_first_filter(kernel) : kernel);
  if (!s.bias) return y;
  const Tensor bias = s.bias->value().astype(dtype);
  if (!s.channels_first()) return y + bias;
  Shape along = Shape::filled(y.ndim(), 1);
  along[1] = s.filters;
  return y + reshape(bias, along);
}

Tensor ConvolutionLayer::call(const Tensor& x, bool training) {
  const Tensor y = logits(x, training);
  return output_activation() ? state_->options.activation(y) : y;
}

const Activation* ConvolutionLayer::output_activation() const {
  return state_->options.activation.same_as(linear) ? nullptr : &state_->options.activation;
}

std::string_view ConvolutionLayer::type() const { return state_ ? state_->type() : "Convolution"; }

Shape ConvolutionLayer::output_shape(const Shape& input) const {
  state_->check(input, name());
  return state_->output(input);
}

void ConvolutionLayer::build(const Shape& input) {
  State& s = *state_;
  s.check(input, name());
  if (s.kernel) return;
  const int64_t channels = s.channels(input);
  if (channels < 0)
    fail<ShapeError>(s.type(), "unknown number of channels; got ", input, ", expected a known one", in_layer(name()));
  s.output(input);  // refuses what the kernel is too large for, before there are variables
  Shape shape = s.window.size;
  shape.push_back((s.transposed ? s.filters : channels) / s.options.groups);
  shape.push_back(s.transposed ? channels : s.filters);
  Variable kernel = make_variable("kernel", s.options.kernel_initializer, shape, s.options.dtype);
  if (s.options.use_bias) s.bias = make_variable("bias", s.options.bias_initializer, {s.filters}, s.options.dtype);
  s.input_channels = channels;
  s.kernel = std::move(kernel);
}

void ConvolutionLayer::visit(Visitor& v) {
  if (state_->kernel) v("kernel", *state_->kernel, state_->options.kernel_regularizer);
  if (state_->bias) v("bias", *state_->bias, state_->options.bias_regularizer);
}

int64_t ConvolutionLayer::filters() const { return state_->filters; }

const Variable& ConvolutionLayer::kernel() const {
  if (!state_->kernel)
    fail<ValueError>(type(), "no kernel yet; got a layer that is not built, expected one that was called or built");
  return *state_->kernel;
}

const Variable& ConvolutionLayer::bias() const {
  if (!state_->bias) fail<ValueError>(type(), "no bias; got a layer that is not built or has use_bias = false, expected a bias");
  return *state_->bias;
}

}  // namespace gradus::nn::detail
