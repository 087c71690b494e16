// Step: one use of a layer in a graph of nodes. Internal.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/functional.h"

namespace gradus::nn {

struct detail::Step {
  std::shared_ptr<Layer> layer;  // null: an input
  std::vector<Node> inputs = {};
  Shape shape = {};
  std::string name = {};  // what the user called it; empty: numbered by each model
  uint64_t order = 0;     // of connecting, in which no step comes before its inputs

  Step(std::shared_ptr<Layer> l, std::vector<Node> in, const Shape& s, std::string_view n)
      : layer(std::move(l)), inputs(std::move(in)), shape(s), name(n) {
    static std::atomic<uint64_t> count = 0;
    order = count++;
  }
  // One step at a time: a long chain of layers would overflow the stack if each step's end were that of the one before.
  ~Step() {
    std::vector<Node> rest = std::move(inputs);
    while (!rest.empty()) {
      const std::shared_ptr<Step> step = std::move(rest.back().step_);
      rest.pop_back();
      if (step.use_count() > 1) continue;
      for (Node& input : step->inputs) rest.push_back(std::move(input));
      step->inputs.clear();
    }
  }
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
};

namespace detail {

/// `layer` as one of several inputs; null if it takes one.
inline MultiInputLayer* joining(Layer* layer) { return dynamic_cast<MultiInputLayer*>(layer); }
inline const MultiInputLayer* joining(const Layer* layer) { return dynamic_cast<const MultiInputLayer*>(layer); }

inline Shape output_shape_of(const Layer& layer, const std::vector<Shape>& inputs) {
  const MultiInputLayer* many = joining(&layer);
  return many ? many->output_shape_all(inputs) : layer.output_shape(inputs[0]);
}

}  // namespace detail

}  // namespace gradus::nn
