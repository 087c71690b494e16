#include "nn/normalization.h"

#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"
#include "nn/window.h"

namespace gradus::nn {

// LayerNormalization and RMSNormalization

struct LayerNormalization::State {
  Options options;
  bool centered;  // false: RMSNormalization
  bool built = false;
  Shape sizes = {};  // along the axes, once built
  Affine affine = {};
};

LayerNormalization::LayerNormalization(Options options, std::string_view type) : type_(type) {
  check_options(type, options.epsilon, options.dtype);
  if (options.axis.all() || options.axis.list().ndim() == 0)
    fail<ValueError>(type, "no axes; got {}, expected at least one, such as -1");
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{std::move(options), type == "LayerNormalization"});
}

RMSNormalization::RMSNormalization(Options o)
    : LayerNormalization({.axis = o.axis,
                          .epsilon = o.epsilon,
                          .center = false,
                          .gamma_initializer = std::move(o.gamma_initializer),
                          .gamma_regularizer = std::move(o.gamma_regularizer),
                          .dtype = o.dtype,
                          .name = std::move(o.name)},
                         "RMSNormalization") {}

/// The axes from the front, in ascending order.
Shape LayerNormalization::check(const Shape& input) const {
  const State& s = *state_;
  for (const int64_t axis : s.options.axis.list()) feature_axis(input, axis);
  const uint32_t mask = s.options.axis.mask(type(), input.ndim());
  Shape axes;
  for (int axis = 0; axis < input.ndim(); ++axis)
    if (mask >> axis & 1) axes.push_back(axis);
  if (s.built)
    for (int i = 0; i < axes.ndim(); ++i) check_features(input, static_cast<int>(axes[i]), s.sizes[i]);
  return axes;
}

Tensor LayerNormalization::call(const Tensor& input, bool) {
  State& s = *state_;
  if (!s.built) build(input.shape());
  const Shape axes = check(input.shape());
  const int count = axes.ndim(), first = input.ndim() - count;
  const bool moved = axes[0] != first;
  Shape last;
  for (int i = 0; i < count; ++i) last.push_back(first + i);
  Tensor x = input.astype(s.options.dtype);
  if (moved) x = moveaxis(x, axes, last);
  const LayerNormOptions how{.axes = count, .epsilon = s.options.epsilon};
  Tensor y = s.centered ? layer_norm(x, s.affine.scale(), s.affine.offset(), how) : rms_norm(x, s.affine.scale(), how);
  if (moved) y = moveaxis(y, last, axes);
  return y.astype(compute_dtype(s.options.dtype));
}

Shape LayerNormalization::output_shape(const Shape& input) const {
  check(input);
  return input;
}

void LayerNormalization::build(const Shape& input) {
  State& s = *state_;
  const Shape axes = check(input);
  if (s.built) return;
  Shape sizes;
  for (const int64_t axis : axes) sizes.push_back(known_size(input, static_cast<int>(axis)));
  s.affine = make_affine(s.options, sizes);
  s.sizes = sizes;
  s.built = true;
}

void LayerNormalization::visit(Visitor& v) { show(v, state_->affine, state_->options); }

// GroupNormalization

struct GroupNormalization::State {
  int64_t groups;
  Options options;
  int64_t channels = 0;  // once built
  Affine affine = {};
};

GroupNormalization::GroupNormalization(int64_t groups, Options options) {
  check_options("GroupNormalization", options.epsilon, options.dtype);
  if (groups < 1 && groups != -1)
    fail<ValueError>("GroupNormalization", "number of groups out of range; got ", groups,
                     ", expected > 0, or -1 for one per channel");
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{groups, std::move(options)});
}

int GroupNormalization::check(const Shape& input) const {
  const State& s = *state_;
  const int axis = feature_axis(input, s.options.axis);
  const int64_t channels = input[axis];
  if (s.channels > 0) check_features(input, axis, s.channels);
  if (s.groups > 0 && channels >= 0 && (channels == 0 || channels % s.groups != 0))
    fail<ShapeError>(type(), "groups do not divide the channels; got ", s.groups, " groups for ", input,
                     ", expected a divisor of ", channels, detail::in_layer(name()));
  return axis;
}

Tensor GroupNormalization::call(const Tensor& input, bool) {
  State& s = *state_;
  if (s.channels == 0) build(input.shape());
  const int axis = check(input.shape());
  const Tensor x = input.astype(s.options.dtype);
  return group_norm(x, s.groups == -1 ? s.channels : s.groups, s.affine.scale(), s.affine.offset(),
                    {.axis = axis, .epsilon = s.options.epsilon})
      .astype(compute_dtype(s.options.dtype));
}

Shape GroupNormalization::output_shape(const Shape& input) const {
  check(input);
  return input;
}

void GroupNormalization::build(const Shape& input) {
  State& s = *state_;
  const int axis = check(input);
  if (s.channels > 0) return;
  const int64_t channels = known_size(input, axis);
  if (channels == 0) fail<ShapeError>(type(), "input without channels; got ", input, ", expected at least 1");
  s.affine = make_affine(s.options, {channels});
  s.channels = channels;
}

void GroupNormalization::visit(Visitor& v) { show(v, state_->affine, state_->options); }

}  // namespace gradus::nn
