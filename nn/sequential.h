// Sequential: layers one after the other.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "nn/flatten.h"
#include "nn/model.h"

namespace gradus::nn {

template <class T>
concept LayerOrActivation = std::derived_from<T, Layer> || std::same_as<T, Activation>;

/// nn::Sequential model{nn::Dense(512), nn::relu, nn::Dropout(0.5), nn::Dense(10, {.activation = nn::softmax})};
///
/// Sequentials nest; one alone in the braces is a copy, which is the same model. Layers without a name get their type's, numbered
/// from the second of a kind: "dense", "dense_1". These are the first parts of the parameters' names.
class Sequential : public Model {
 public:
  Sequential();
  /// ValueError for two layers of one name.
  template <LayerOrActivation First, LayerOrActivation... More>
  requires(sizeof...(More) > 0 || !std::same_as<First, Sequential>) Sequential(First first, More... more) : Sequential() {
    add(std::move(first));
    (add(std::move(more)), ...);
  }

  template <std::derived_from<Layer> L>
  void add(L layer) {
    append(std::make_shared<L>(std::move(layer)));
  }
  void add(const Activation& activation) { append(std::make_shared<ActivationLayer>(activation)); }

  size_t size() const;
  /// Layer i; ValueError out of range.
  Layer& operator[](size_t i) const;
  using Layer::operator();

  /// ValueError for a model without layers.
  Tensor call(const Tensor& x, bool training) override;
  Tensor logits(const Tensor& x, bool training) override;
  const Activation* output_activation() const override;
  std::string_view type() const override { return "Sequential"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 protected:
  std::vector<SummaryRow> summary_rows() const override;

 private:
  struct State;
  void append(std::shared_ptr<Layer> layer);
  Tensor up_to_last(const Tensor& x, bool training);

  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
