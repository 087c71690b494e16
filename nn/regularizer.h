// Regularizer: what a variable adds to the loss while training.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "autograd/tensor.h"

namespace gradus::nn {

class Regularizer {
 public:
  using Function = std::function<Tensor(const Tensor&)>;

  /// None.
  Regularizer() = default;
  /// "l1", "l2" or "l1_l2", with factors of 0.01 (Keras' L1L2() has 0). ValueError listing these for any other name.
  Regularizer(std::string_view name);
  Regularizer(const char* name) : Regularizer(std::string_view(name)) {}
  Regularizer(const std::string& name) : Regularizer(std::string_view(name)) {}
  /// A function from a variable's value to a scalar.
  template <class F>
  requires std::is_invocable_r_v<Tensor, const F&, const Tensor&> Regularizer(F function) : function_(std::move(function)) {}

  explicit operator bool() const { return function_ != nullptr; }
  Tensor operator()(const Tensor& value) const { return function_(value); }

 private:
  Function function_;
};

/// factor * sum(|w|). ValueError for a negative factor.
Regularizer l1(double factor = 0.01);
/// factor * sum(w^2), without a half, as in Keras.
Regularizer l2(double factor = 0.01);
/// l1 * sum(|w|) + l2 * sum(w^2).
Regularizer l1_l2(double l1 = 0.01, double l2 = 0.01);

}  // namespace gradus::nn
