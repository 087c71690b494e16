// check_layer: what holds for every layer, so that a new layer's test is one call and its values.
#pragma once

#include <doctest/doctest.h>

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "autograd/tensor.h"
#include "nn/layer.h"

namespace gradus::test {

struct LayerCase {
  Shape input = {};                     // of a batch
  Shape output = {};                    // what must come out
  int64_t parameters = 0;               // values in all variables
  std::vector<Shape> refused = {};      // inputs that must be a ShapeError once the layer is built
  bool random_in_training = false;      // calls with training = true differ
  int64_t frozen_parameters = 0;        // those of `parameters` that are never trained, such as running means
  bool differs_in_training = false;     // other values while training, though not random: batch normalisation
  std::vector<Shape> never = {};        // inputs that must be a ShapeError even for a new layer
  Tensor sample = {};                   // what the layer is called with; otherwise normal float64 numbers of shape `input`
  DType output_dtype = DType::float64;  // for float64 variables and input
  bool takes_integers = true;           // integer input gives finite values of the same shape
  bool by_sample = true;                // at inference, no sample sees another
  int gradient_order = 2;               // how far the derivatives in the input are checked; 0: the output has none
};

/// A layer's making, without its type.
struct LayerMaker {
  std::function<std::unique_ptr<nn::Layer>(DType)> make;             // of its variables
  std::function<std::unique_ptr<nn::Layer>(const nn::Layer&)> copy;  // a second handle
  bool any_dtype;                                                    // false: always float64
};
void check_layer(const LayerMaker& maker, const LayerCase& c);

/// `make()` gives a new layer of float64 variables, `make(dtype)` one of any; the second form is checked in mixed precision, too.
/// Shapes, counts, names, laziness, handles, gradients to second order, training and inference, freezing, saving and loading, no
/// samples, one sample, integers, refusals.
template <class Make>
void check_layer(const Make& make, const LayerCase& c) {
  constexpr bool kAnyDType = std::is_invocable_v<const Make&, DType>;
  const auto made = [&](DType dtype) {
    if constexpr (kAnyDType) return make(dtype);
    else return (void)dtype, make();
  };
  using L = decltype(made(DType::float64));
  check_layer(LayerMaker{.make = [&](DType dtype) -> std::unique_ptr<nn::Layer> { return std::make_unique<L>(made(dtype)); },
                         .copy = [](const nn::Layer& layer) -> std::unique_ptr<nn::Layer> {
                           return std::make_unique<L>(static_cast<const L&>(layer));
                         },
                         .any_dtype = kAnyDType},
              c);
}

}  // namespace gradus::test
