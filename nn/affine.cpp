#include "nn/affine.h"

#include <cmath>

#include "nn/window.h"

namespace gradus::nn::detail {

void AffineLayer::check_options(std::string_view layer, double epsilon, DType dtype) {
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    fail<ValueError>(layer, "bad epsilon; got ", epsilon, ", expected a finite number of at least 0");
  if (!is_floating(dtype)) fail<DTypeError>(layer, "dtype is not floating; got ", dtype, ", expected float32 or another");
}

int AffineLayer::feature_axis(const Shape& input, int64_t axis) const {
  const int64_t at = axis < 0 ? axis + input.ndim() : axis;
  if (input.ndim() < 2 || at < 1 || at >= input.ndim())
    fail<ShapeError>(type(), "input without axis ", axis, " behind the samples; got ", input,
                     ", expected [samples, ..., features]", in_layer(name()));
  return static_cast<int>(at);
}

int64_t AffineLayer::known_size(const Shape& input, int axis) const {
  if (input[axis] < 0)
    fail<ShapeError>(type(), "unknown size; got ", input, ", expected a known one along axis ", axis, in_layer(name()));
  return input[axis];
}

void AffineLayer::check_features(const Shape& input, int axis, int64_t expected) const {
  if (input[axis] != expected)
    fail<ShapeError>(type(), "input with another number of features than the variables; got ", input, ", expected ", expected,
                     " along axis ", axis, in_layer(name()));
}

}  // namespace gradus::nn::detail
