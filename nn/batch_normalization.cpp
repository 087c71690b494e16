#include "nn/batch_normalization.h"

#include <algorithm>
#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"

namespace gradus::nn {

struct BatchNormalization::State {
  Options options;
  Affine affine;
  std::optional<Variable> mean, variance;

  /// The moving statistics, a step towards those of a batch.
  void follow(const BatchNormResult& batch, int64_t values_per_feature) const {
    const double step = 1 - options.momentum, n = static_cast<double>(values_per_feature);
    const double correction = options.unbiased && n > 1 ? n / (n - 1) : 1;
    mean->assign(options.momentum * mean->value() + step * stop_gradient(batch.mean));
    variance->assign(options.momentum * variance->value() + step * correction * stop_gradient(batch.variance));
  }
};

BatchNormalizationOptions BatchNormalizationOptions::torch() {
  BatchNormalizationOptions options;
  options.axis = 1;
  options.momentum = 0.9;
  options.epsilon = 1e-5;
  options.unbiased = true;
  return options;
}

BatchNormalization::BatchNormalization(Options options) {
  check_options("BatchNormalization", options.epsilon, options.dtype);
  if (!(options.momentum >= 0 && options.momentum <= 1))
    fail<ValueError>("BatchNormalization", "momentum out of range; got ", options.momentum, ", expected [0, 1]");
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{std::move(options), {}, {}, {}});
}

int BatchNormalization::check(const Shape& input) const {
  const int axis = feature_axis(input, state_->options.axis);
  if (state_->mean) check_features(input, axis, state_->mean->size());
  return axis;
}

Tensor BatchNormalization::call(const Tensor& input, bool training) {
  State& s = *state_;
  if (!s.mean) build(input.shape());
  const int axis = check(input.shape());
  const ChannelNormOptions how{.axis = axis, .epsilon = s.options.epsilon};
  const Tensor x = input.astype(s.options.dtype), scale = s.affine.scale(), offset = s.affine.offset();
  const DType dtype = compute_dtype(s.options.dtype);
  if (!training || !trainable() || x.size() == 0)
    return batch_norm_inference(x, *s.mean, *s.variance, scale, offset, how).astype(dtype);
  const BatchNormResult batch = batch_norm(x, scale, offset, how);
  s.follow(batch, x.size() / x.shape()[axis]);
  return batch.y.astype(dtype);
}

Shape BatchNormalization::output_shape(const Shape& input) const {
  check(input);
  return input;
}

void BatchNormalization::build(const Shape& input) {
  State& s = *state_;
  const int axis = check(input);
  if (s.mean) return;
  const Shape shape{known_size(input, axis)};
  const auto buffer = [&](std::string_view part, const Initializer& initializer) {
    const Tensor start = initializer(shape, s.options.dtype);
    if (start.shape() != shape)
      fail<ShapeError>(type(), "initializer made the wrong shape for the ", part, "; got ", start.shape(), ", expected ", shape);
    return make_buffer(part, start);
  };
  s.affine = make_affine(s.options, shape);
  s.variance = buffer("moving_variance", s.options.moving_variance_initializer);
  s.mean = buffer("moving_mean", s.options.moving_mean_initializer);
}

void BatchNormalization::visit(Visitor& v) {
  show(v, state_->affine, state_->options);
  if (state_->mean) v.buffer("moving_mean", *state_->mean), v.buffer("moving_variance", *state_->variance);
}

const BatchNormalization::State& BatchNormalization::built() const {
  if (!state_->mean)
    fail<ValueError>("BatchNormalization",
                     "no moving statistics yet; got a layer that is not built, expected one that was called or built");
  return *state_;
}

const Variable& BatchNormalization::moving_mean() const { return *built().mean; }
const Variable& BatchNormalization::moving_variance() const { return *built().variance; }

}  // namespace gradus::nn
