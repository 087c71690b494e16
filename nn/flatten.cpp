#include "nn/flatten.h"

#include <utility>

namespace gradus::nn {

Flatten::Flatten(const Options& options) {
  if (!options.name.empty()) set_name(options.name);
}

Shape Flatten::output_shape(const Shape& input) const {
  if (input.ndim() == 0) fail<ShapeError>("Flatten", "input without a sample dimension; got [], expected [samples, ...]");
  int64_t width = 1;
  for (int i = 1; i < input.ndim(); ++i) width = width < 0 || input[i] < 0 ? -1 : width * input[i];
  return {input[0], width};
}

ActivationLayer::ActivationLayer(Activation activation, const Options& options) : activation_(std::move(activation)) {
  if (!options.name.empty()) set_name(options.name);
}

Tensor ActivationLayer::call(const Tensor& x, bool) { return activation_(x); }

}  // namespace gradus::nn
