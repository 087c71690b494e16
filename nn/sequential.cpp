#include "nn/sequential.h"

#include <algorithm>
#include <optional>

namespace gradus::nn {

struct Sequential::State {
  std::vector<std::shared_ptr<Layer>> layers;
  std::optional<Shape> input;  // of the first call or build; for the summary
};

Sequential::Sequential() : state_(std::make_shared<State>()) {}

void Sequential::append(std::shared_ptr<Layer> layer) {
  const auto taken = [&](const std::string& name) {
    return std::ranges::any_of(state_->layers, [&](const auto& other) { return other->name() == name; });
  };
  if (layer->name().empty()) {
    const std::string base = detail::default_name(layer->type());
    std::string name = base;
    for (int i = 1; taken(name); ++i) name = text(base, "_", i);
    layer->set_name(name);
  } else if (taken(layer->name())) {
    fail<ValueError>("Sequential", "two layers of one name; got \"", layer->name(), "\" again, expected different names");
  }
  state_->layers.push_back(std::move(layer));
}

size_t Sequential::size() const { return state_->layers.size(); }

Layer& Sequential::operator[](size_t i) const {
  if (i >= size()) fail<ValueError>("Sequential", "layer out of range; got ", i, ", expected [0, ", size(), ")");
  return *state_->layers[i];
}

Tensor Sequential::up_to_last(const Tensor& x, bool training) {
  if (state_->layers.empty()) fail<ValueError>("Sequential", "no layers; got an empty model, expected at least one layer");
  if (!state_->input) state_->input = x.shape();
  Tensor y = x;
  for (size_t i = 0; i + 1 < state_->layers.size(); ++i) y = state_->layers[i]->call(y, training);
  return y;
}

Tensor Sequential::call(const Tensor& x, bool training) {
  return state_->layers.empty() ? up_to_last(x, training) : state_->layers.back()->call(up_to_last(x, training), training);
}

Tensor Sequential::logits(const Tensor& x, bool training) {
  return state_->layers.empty() ? up_to_last(x, training) : state_->layers.back()->logits(up_to_last(x, training), training);
}

const Activation* Sequential::output_activation() const {
  return state_->layers.empty() ? nullptr : state_->layers.back()->output_activation();
}

Shape Sequential::output_shape(const Shape& input) const {
  Shape shape = input;
  for (const auto& layer : state_->layers) shape = layer->output_shape(shape);
  return shape;
}

void Sequential::build(const Shape& input) {
  Shape shape = input;
  for (const auto& layer : state_->layers) {
    layer->build(shape);
    shape = layer->output_shape(shape);
  }
  state_->input = input;
}

void Sequential::visit(Visitor& v) {
  for (const auto& layer : state_->layers) v(layer->name(), *layer);
}

std::vector<Model::SummaryRow> Sequential::summary_rows() const {
  std::vector<SummaryRow> rows;
  std::optional<Shape> shape = state_->input;
  for (const auto& layer : state_->layers) {
    if (shape) shape = layer->output_shape(*shape);
    rows.push_back({layer->name(), std::string(layer->type()), shape, layer->num_parameters(), layer.get()});
  }
  return rows;
}

}  // namespace gradus::nn
