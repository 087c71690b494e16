// The nodes of a graph: inputs, layers connected to them, and the merging layers as functions.
#include "nn/flatten.h"
#include "nn/functional.h"
#include "nn/step.h"

namespace gradus::nn {

using detail::Step;

const Shape& Node::shape() const { return step_->shape; }

Node Input(const Shape& sample, std::string_view name) {
  Shape shape{-1};
  for (const int64_t size : sample) {
    if (size < -1) fail<ValueError>("Input", "size out of range; got ", sample, ", expected sizes >= 0, or -1 for any");
    shape.push_back(size);
  }
  return Node(std::make_shared<Step>(nullptr, std::vector<Node>{}, shape, name));
}

Node connect(std::shared_ptr<Layer> layer, const std::vector<Node>& inputs) {
  if (!layer) fail<ValueError>("connect", "no layer; got null, expected a layer");
  if (inputs.empty() || (inputs.size() > 1 && !detail::joining(layer.get())))
    fail<ValueError>(layer->type(), "wrong number of inputs; got ", inputs.size(), ", expected ",
                     inputs.empty() ? "at least 1" : "1; layers of several are derived from MultiInputLayer");
  std::vector<Shape> shapes;
  for (const Node& input : inputs) shapes.push_back(input.shape());
  const Shape shape = detail::output_shape_of(*layer, shapes);
  const std::string name = layer->name();
  return Node(std::make_shared<Step>(std::move(layer), inputs, shape, name));
}

Node operator|(const Node& x, const Activation& activation) { return x | ActivationLayer(activation); }

Node add(const std::vector<Node>& nodes) { return connect(Add(), nodes); }
Node subtract(const std::vector<Node>& nodes) { return connect(Subtract(), nodes); }
Node multiply(const std::vector<Node>& nodes) { return connect(Multiply(), nodes); }
Node average(const std::vector<Node>& nodes) { return connect(Average(), nodes); }
Node maximum(const std::vector<Node>& nodes) { return connect(Maximum(), nodes); }
Node minimum(const std::vector<Node>& nodes) { return connect(Minimum(), nodes); }
Node concatenate(const std::vector<Node>& nodes, int64_t axis) { return connect(Concatenate({.axis = axis}), nodes); }
Node dot(const std::vector<Node>& nodes, int64_t axis) { return connect(Dot({.axis = axis}), nodes); }
Node operator+(const Node& a, const Node& b) { return add({a, b}); }
Node operator-(const Node& a, const Node& b) { return subtract({a, b}); }
Node operator*(const Node& a, const Node& b) { return multiply({a, b}); }

}  // namespace gradus::nn
