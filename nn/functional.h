// Functional: models as graphs of layers, with several inputs and outputs and with layers used more than once.
//
//   const nn::Node image = nn::Input({28, 28}), label = nn::Input({10});
//   const nn::Node hidden = image | nn::Flatten() | nn::Dense(64, {.activation = nn::relu});
//   const nn::Node both = nn::concatenate({hidden, label});
//   nn::Functional model({image, label}, {both | nn::Dense(1)});
//
// A Node stands for the tensor that will be there: it knows its shape, nothing is computed. `node | layer` connects a copy of
// the layer, which is the same layer, so that one object connected twice shares its variables:
//
//   const nn::Dense encoder(64);
//   nn::Functional twins({a, b}, {nn::subtract({a | encoder, b | encoder})});
//
// Nodes are immutable handles on the graph before them. One thread at a time.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/merge.h"
#include "nn/model.h"

namespace gradus::nn {

namespace detail {
struct Step;
}  // namespace detail

/// A symbolic tensor: an input, or what a layer will make of other nodes.
class Node {
 public:
  /// -1 for sizes that are not known, among them the number of samples.
  const Shape& shape() const;

 private:
  friend Node Input(const Shape& sample, std::string_view name);
  friend Node connect(std::shared_ptr<Layer> layer, const std::vector<Node>& inputs);
  friend class Functional;
  friend struct detail::Step;
  explicit Node(std::shared_ptr<detail::Step> step) : step_(std::move(step)) {}

  std::shared_ptr<detail::Step> step_;
};

/// An input of a model: `sample` is the shape of one sample, -1 for any size. ValueError for other negative sizes.
Node Input(const Shape& sample, std::string_view name = {});

/// The layer's output for these nodes. ShapeError for shapes it does not take; ValueError for another number of inputs.
Node connect(std::shared_ptr<Layer> layer, const std::vector<Node>& inputs);
template <std::derived_from<Layer> L>
Node connect(L layer, const std::vector<Node>& inputs) {
  return connect(std::shared_ptr<Layer>(std::make_shared<L>(std::move(layer))), inputs);
}
template <std::derived_from<Layer> L>
Node operator|(const Node& x, L layer) {
  return connect(std::move(layer), {x});
}
Node operator|(const Node& x, const Activation& activation);

// The merging layers (merge.h) as functions.
Node add(const std::vector<Node>& nodes);
Node subtract(const std::vector<Node>& nodes);  // of two
Node multiply(const std::vector<Node>& nodes);
Node average(const std::vector<Node>& nodes);
Node maximum(const std::vector<Node>& nodes);
Node minimum(const std::vector<Node>& nodes);
Node concatenate(const std::vector<Node>& nodes, int64_t axis = -1);
Node dot(const std::vector<Node>& nodes, int64_t axis = -1);  // of two
Node operator+(const Node& a, const Node& b);
Node operator-(const Node& a, const Node& b);
Node operator*(const Node& a, const Node& b);

/// One node or several in braces.
struct Nodes : std::vector<Node> {
  Nodes(Node node) : std::vector<Node>{std::move(node)} {}
  Nodes(std::initializer_list<Node> nodes) : std::vector<Node>(nodes) {}
  Nodes(std::vector<Node> nodes) : std::vector<Node>(std::move(nodes)) {}
};

/// The model that computes `outputs` from `inputs` (Keras' Model(inputs, outputs)). Its variables exist at once. Inputs may also
/// be nodes inside a graph, for a model of its later part. Layers without a name get their type's, numbered in the order in which
/// they were connected: "dense", "dense_1".
///
/// With one input and one output it is a layer like any other, for Sequential or another graph.
class Functional : public Model {
 public:
  /// ValueError for no inputs or no outputs, an input given twice or without a way to an output, an output that depends on an
  /// input not given, and two layers of one name.
  Functional(const Nodes& inputs, const Nodes& outputs, std::string_view name = {});

  /// ValueError listing the names for any other.
  Layer& layer(std::string_view name) const;
  /// The same graph on other nodes, sharing all layers: a part of a larger model with several inputs or outputs.
  std::vector<Node> operator()(const std::vector<Node>& inputs) const;
  using Layer::operator();

  size_t num_inputs() const override;
  size_t num_outputs() const override;
  /// ShapeError for inputs of other shapes than the model's.
  std::vector<Tensor> call_all(const std::vector<Tensor>& inputs, bool training,
                               const std::vector<bool>& as_logits = {}) override;
  /// ValueError for an output out of range.
  const Activation* output_activation_of(size_t output) const override;
  /// The name of the layer that gives it, numbered where one gives several: "dense", "dense_1". ValueError out of range.
  std::string output_name(size_t output) const override;
  /// With -1 for the number of samples. ValueError for an output out of range.
  const Shape& output_shape_of(size_t output) const;
  const Shape& input_shape_of(size_t input) const;

  // As a layer: ValueError with several inputs or outputs.
  Tensor call(const Tensor& x, bool training) override;
  Tensor logits(const Tensor& x, bool training) override;
  /// Null with several outputs.
  const Activation* output_activation() const override;
  std::string_view type() const override { return "Functional"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 protected:
  std::vector<SummaryRow> summary_rows() const override;

 private:
  struct State;
  void check_single(std::string_view what) const;
  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
