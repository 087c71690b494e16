// MultiInputLayer: a layer that maps several tensors to one, such as the sum of two branches, or attention of queries to values.
//
// Connect it to symbolic nodes with nn::connect(layer, {a, b}); call it with tensors as layer({a, b}).
#pragma once

#include <vector>

#include "nn/layer.h"

namespace gradus::nn {

class MultiInputLayer : public Layer {
 public:
  /// The output for these inputs. ValueError for a number of inputs that the layer does not take.
  virtual Tensor call_all(const std::vector<Tensor>& inputs, bool training) = 0;
  Tensor operator()(const std::vector<Tensor>& inputs, bool training = false) { return call_all(inputs, training); }
  using Layer::operator();

  /// As output_shape() and build() of a Layer, with one shape per input.
  virtual Shape output_shape_all(const std::vector<Shape>& inputs) const = 0;
  virtual void build_all(const std::vector<Shape>&) {}

  // As a layer of one input.
  Tensor call(const Tensor& x, bool training) override { return call_all({x}, training); }
  Shape output_shape(const Shape& input) const override { return output_shape_all({input}); }
  void build(const Shape& input) override { build_all({input}); }

 protected:
  MultiInputLayer() = default;
};

}  // namespace gradus::nn
