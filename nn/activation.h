// Activation: a function of one tensor with a name.
//
// The constants below can be passed wherever an activation is an option, called like functions, and stored in a
// std::function<Tensor(const Tensor&)>. Immutable; safe from any thread.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "autograd/tensor.h"

namespace gradus::nn {

class Activation {
 public:
  using Function = Tensor (*)(const Tensor&);

  /// `name` has static storage.
  constexpr Activation(std::string_view name, Function function) : name_(name), function_(function) {}
  /// "relu", "softmax", ...; ValueError listing the known names for any other.
  Activation(std::string_view name);
  Activation(const std::string& name) : Activation(std::string_view(name)) {}
  Activation(const char* name) : Activation(std::string_view(name)) {}
  /// Any other function, such as [](const Tensor& x) { return leaky_relu(x, 0.01); }.
  template <class F>
  requires(std::is_invocable_r_v<Tensor, const F&, const Tensor&> && !std::derived_from<F, Activation>) Activation(F function)
      : name_("custom"), custom_(std::make_shared<std::function<Tensor(const Tensor&)>>(std::move(function))) {}

  Tensor operator()(const Tensor& x) const { return function_ ? function_(x) : (*custom_)(x); }

  std::string_view name() const { return name_; }
  /// True for two uses of one of the constants (custom functions are the same only as copies).
  bool same_as(const Activation& other) const { return function_ == other.function_ && custom_ == other.custom_; }

 private:
  std::string_view name_;
  Function function_ = nullptr;
  std::shared_ptr<const std::function<Tensor(const Tensor&)>> custom_;
};

// Formulas at the functions of the same names in autograd/ops.h.
extern const Activation linear;  // x
extern const Activation relu;
extern const Activation leaky_relu;  // slope 0.2
extern const Activation elu;
extern const Activation selu;
extern const Activation gelu;
extern const Activation silu;
extern const Activation softplus;
extern const Activation sigmoid;
extern const Activation tanh;
extern const Activation gaussian;
extern const Activation exponential;  // e^x
extern const Activation softmax;      // over the last axis
extern const Activation log_softmax;  // over the last axis

}  // namespace gradus::nn
