// Flatten and the layer form of an activation: layers without variables.
#pragma once

#include <string>

#include "nn/layer.h"

namespace gradus::nn {

/// Of layers that have nothing else to choose.
struct NameOptions {
  std::string name = {};
};

/// [n, a, b, ...] -> [n, a * b * ...]; [n] -> [n, 1]. A view where strides allow it.
class Flatten : public Layer {
 public:
  using Options = NameOptions;
  explicit Flatten(const Options& options = {});

  Tensor call(const Tensor& x, bool) override { return x.reshape(output_shape(x.shape())); }
  std::string_view type() const override { return "Flatten"; }
  /// ShapeError for a 0-dim input.
  Shape output_shape(const Shape& input) const override;
};

/// An activation standing alone. nn::Sequential{nn::Dense(512), nn::relu} makes it by itself.
class ActivationLayer : public Layer {
 public:
  using Options = NameOptions;
  explicit ActivationLayer(Activation activation, const Options& options = {});

  Tensor call(const Tensor& x, bool training) override;
  Tensor logits(const Tensor& x, bool) override { return x; }
  const Activation* output_activation() const override { return &activation_; }
  std::string_view type() const override { return "Activation"; }
  Shape output_shape(const Shape& input) const override { return input; }

 private:
  Activation activation_;
};

}  // namespace gradus::nn
