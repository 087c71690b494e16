#include "nn/reshape.h"

#include <array>
#include <limits>
#include <vector>

#include "autograd/ops.h"
#include "autograd/ops/window.h"

namespace gradus::nn {

Reshape::Reshape(const Shape& target, const Options& options) : target_(target) {
  if (!options.name.empty()) set_name(options.name);
  int unknown = 0;
  for (const int64_t size : target) {
    unknown += size == -1;
    if (size < -1 || unknown > 1)
      fail<ValueError>("Reshape", "bad target; got ", target, ", expected sizes of at least 0 and at most one -1");
  }
}

Shape Reshape::output_shape(const Shape& input) const {
  const auto refuse = [&] {
    fail<ShapeError>("Reshape", "samples of another size; got ", input, ", expected [samples, ...] to be shaped as ", target_,
                     detail::in_layer(name()));
  };
  if (input.ndim() == 0) refuse();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  int64_t size = 1, wanted = 1;  // of one sample; -1: unknown
  int free = -1;
  for (int i = 1; i < input.ndim(); ++i) size = size < 0 || input[i] < 0 ? -1 : size * input[i];
  Shape out{input[0]};
  for (int i = 0; i < target_.ndim(); ++i) {
    out.push_back(target_[i]);
    if (target_[i] < 0) free = i + 1;
    else if (target_[i] > 0 && wanted > kMost / target_[i]) wanted = kMost;  // more than there can be
    else wanted *= target_[i];
  }
  if (size < 0) return out;
  if (free < 0 ? size != wanted : wanted == 0 || size % wanted != 0) refuse();
  if (free >= 0) out[free] = size / wanted;
  return out;
}

Permute::Permute(const Shape& order, const Options& options) : axes_{0} {
  if (!options.name.empty()) set_name(options.name);
  uint32_t seen = 0;
  for (const int64_t axis : order) {
    if (axis < 1 || axis > order.ndim() || (seen >> axis & 1))
      fail<ValueError>("Permute", "bad order; got ", order, ", expected each of 1 to ", order.ndim(), " once");
    seen |= 1u << axis;
    axes_.push_back(axis);
  }
}

Tensor Permute::call(const Tensor& x, bool) {
  output_shape(x.shape());  // for its refusals
  return permute(x, axes_);
}

Shape Permute::output_shape(const Shape& input) const {
  if (input.ndim() != axes_.ndim())
    fail<ShapeError>("Permute", "input of the wrong rank; got ", input, ", expected rank ", axes_.ndim(),
                     detail::in_layer(name()));
  Shape out;
  for (const int64_t axis : axes_) out.push_back(input[static_cast<int>(axis)]);
  return out;
}

RepeatVector::RepeatVector(int64_t count, const Options& options) : count_(count) {
  if (!options.name.empty()) set_name(options.name);
  if (count < 0) fail<ValueError>("RepeatVector", "count out of range; got ", count, ", expected >= 0");
}

Tensor RepeatVector::call(const Tensor& x, bool) {
  const Shape out = output_shape(x.shape());
  return broadcast_to(expand_dims(x, 1), out);
}

Shape RepeatVector::output_shape(const Shape& input) const {
  if (input.ndim() != 2)
    fail<ShapeError>("RepeatVector", "input of the wrong rank; got ", input, ", expected [samples, features]",
                     detail::in_layer(name()));
  return {input[0], count_, input[1]};
}

namespace detail {

constexpr std::array<std::string_view, 3> kPaddingTypes{"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"};
constexpr std::array<std::string_view, 3> kUpSamplingTypes{"UpSampling1D", "UpSampling2D", "UpSampling3D"};

namespace {

/// ValueError for numbers with which sizes of images would be none.
void check_sizes(std::string_view layer, std::string_view what, const Shape& values) {
  for (const int64_t value : values)
    if (value > int64_t{1} << 31) fail<ValueError>(layer, what, " out of range; got ", value, ", expected at most 2^31");
}

}  // namespace

ZeroPaddingLayer::ZeroPaddingLayer(int axes, const Padding& padding, const Options& options)
    : axes_(axes), layout_(options.data_format) {
  if (padding.mode() != Padding::Mode::given) fail<ValueError>(type(), "padding by name; got valid or same, expected numbers");
  before_ = gradus::detail::per_axis(type(), "padding", PerAxis(padding.before()), axes, 0);
  after_ = gradus::detail::per_axis(type(), "padding", PerAxis(padding.after()), axes, 0);
  for (const Shape& side : {before_, after_}) check_sizes(type(), "padding", side);
  if (!options.name.empty()) set_name(options.name);
}

std::string_view ZeroPaddingLayer::type() const { return kPaddingTypes[static_cast<size_t>(axes_ - 1)]; }

int ZeroPaddingLayer::first_axis(const Shape& input) const {
  check_image_rank(type(), axes_, input, layout_, name());
  return layout_ == Layout::channels_first ? 2 : 1;
}

Shape ZeroPaddingLayer::output_shape(const Shape& input) const {
  Shape out = input;
  for (int i = 0, first = first_axis(input); i < axes_; ++i)
    if (out[first + i] >= 0) out[first + i] += before_[i] + after_[i];
  return out;
}

Tensor ZeroPaddingLayer::call(const Tensor& x, bool) {
  std::vector<PadWidth> widths(static_cast<size_t>(x.ndim()));
  for (int i = 0, first = first_axis(x.shape()); i < axes_; ++i) widths[static_cast<size_t>(first + i)] = {before_[i], after_[i]};
  return pad(x, widths);
}

UpSamplingLayer::UpSamplingLayer(int axes, const PerAxis& size, const Options& options)
    : axes_(axes), layout_(options.data_format) {
  size_ = gradus::detail::per_axis(type(), "size", size, axes, 1);
  check_sizes(type(), "size", size_);
  if (!options.name.empty()) set_name(options.name);
}

std::string_view UpSamplingLayer::type() const { return kUpSamplingTypes[static_cast<size_t>(axes_ - 1)]; }

int UpSamplingLayer::first_axis(const Shape& input) const {
  check_image_rank(type(), axes_, input, layout_, name());
  return layout_ == Layout::channels_first ? 2 : 1;
}

Shape UpSamplingLayer::output_shape(const Shape& input) const {
  Shape out = input;
  for (int i = 0, first = first_axis(input); i < axes_; ++i)
    if (out[first + i] >= 0) out[first + i] *= size_[i];
  return out;
}

Tensor UpSamplingLayer::call(const Tensor& x, bool) {
  Tensor y = x;
  for (int i = 0, first = first_axis(x.shape()); i < axes_; ++i)
    if (size_[i] > 1) y = repeat(y, size_[i], first + i);
  return y;
}

}  // namespace detail

}  // namespace gradus::nn
