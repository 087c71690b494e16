// Lambda: any function as a layer.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "nn/layer.h"

namespace gradus::nn {

struct LambdaOptions {
  std::function<Shape(const Shape&)> output_shape = {};  // from the input's; left out: the function is tried
  std::string name = {};
};

/// nn::Lambda([](const Tensor& x) { return log1p(x); }), or a function of (x, training). It has no variables: what it captures is
/// not trained.
///
/// Without an output_shape the function is called with zeros to find out, in float32, twice where sizes are unknown: once with 1
/// for each and once with 2; sizes of the result that differ are unknown, too.
class Lambda : public Layer {
 public:
  using Options = LambdaOptions;
  using Function = std::function<Tensor(const Tensor&, bool)>;

  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&, bool>
  explicit Lambda(F function, Options options = {}) : Lambda(std::move(options), Function(std::move(function))) {}
  template <class F>
  requires std::is_invocable_r_v<Tensor, F&, const Tensor&>
  explicit Lambda(F function, Options options = {})
      : Lambda(std::move(options),
               Function([f = std::move(function)](const Tensor& x, bool) mutable -> Tensor { return f(x); })) {}

  Tensor call(const Tensor& x, bool training) override { return function_(x, training); }
  std::string_view type() const override { return "Lambda"; }
  /// Errors are the function's.
  Shape output_shape(const Shape& input) const override;

 private:
  Lambda(Options options, Function function);

  Function function_;
  std::function<Shape(const Shape&)> output_shape_;
};

}  // namespace gradus::nn
