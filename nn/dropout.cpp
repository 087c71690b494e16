#include "nn/dropout.h"

#include <array>
#include <cmath>
#include <limits>

#include "autograd/ops.h"

namespace gradus::nn {

using detail::check_range;

Dropout::Dropout(double rate, const Options& options) : RandomLayer("Dropout", options), rate_(rate) {
  check_range(type(), "rate", rate, 0, 1);
}

Tensor Dropout::call(const Tensor& x, bool training) { return training && rate_ > 0 ? dropout(x, rate_, generator()) : x; }

namespace detail {

constexpr std::array<std::string_view, 3> kSpatialTypes{"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"};

SpatialDropoutLayer::SpatialDropoutLayer(int axes, double rate, const Options& options)
    : RandomLayer(kSpatialTypes[static_cast<size_t>(axes - 1)], {options.seed, options.name}),
      axes_(axes),
      rate_(rate),
      layout_(options.data_format) {
  check_range(type(), "rate", rate, 0, 1);
}

Shape SpatialDropoutLayer::output_shape(const Shape& input) const {
  check_image_rank(type(), axes_, input, layout_, name());
  return input;
}

Tensor SpatialDropoutLayer::call(const Tensor& x, bool training) {
  check_image_rank(type(), axes_, x.shape(), layout_, name());
  if (!training || rate_ == 0) return x;
  check_floating(x);
  const int at = channel_axis(x.ndim(), layout_);
  Shape maps = Shape::filled(x.ndim(), 1);
  maps[0] = x.shape()[0], maps[at] = x.shape()[at];
  return x * dropout(ones(maps, x.dtype()), rate_, generator());
}

}  // namespace detail

AlphaDropout::AlphaDropout(double rate, const Options& options) : RandomLayer("AlphaDropout", options), rate_(rate) {
  check_range(type(), "rate", rate, 0, 1, true);
}

Tensor AlphaDropout::call(const Tensor& x, bool training) {
  if (!training || rate_ == 0) return x;
  check_floating(x);
  constexpr double kDropped = -1.7580993408473766;  // -scale * alpha of selu
  const double a = 1 / std::sqrt((1 - rate_) * (1 + rate_ * kDropped * kDropped));
  const Tensor kept = random::bernoulli(x.shape(), 1 - rate_, x.dtype(), generator());
  return a * where(kept != 0, x, kDropped) - a * rate_ * kDropped;
}

GaussianDropout::GaussianDropout(double rate, const Options& options) : RandomLayer("GaussianDropout", options), rate_(rate) {
  check_range(type(), "rate", rate, 0, 1, true);
}

Tensor GaussianDropout::call(const Tensor& x, bool training) {
  if (!training || rate_ == 0) return x;
  check_floating(x);
  return x * random::normal(x.shape(), 1, std::sqrt(rate_ / (1 - rate_)), x.dtype(), generator());
}

GaussianNoise::GaussianNoise(double stddev, const Options& options) : RandomLayer("GaussianNoise", options), stddev_(stddev) {
  check_range(type(), "stddev", stddev, 0, std::numeric_limits<double>::infinity(), true);
}

Tensor GaussianNoise::call(const Tensor& x, bool training) {
  if (!training || stddev_ == 0) return x;
  check_floating(x);
  return x + random::normal(x.shape(), 0, stddev_, x.dtype(), generator());
}

}  // namespace gradus::nn
