// Derivatives as functions of functions, and rules of one's own. Everything here is GradientTape underneath: results can be
// differentiated again, inside or outside a tape.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "autograd/tape.h"

namespace gradus {

using TensorFunction = std::function<Tensor(const Tensor&)>;

/// x -> df/dx. ShapeError unless f returns one element; zeros where f does not depend on x.
TensorFunction grad(TensorFunction f);
/// x -> (f(x), df/dx).
std::function<std::pair<Tensor, Tensor>(const Tensor&)> value_and_grad(TensorFunction f);
/// (f(x), v^T J): v shaped like f(x).
std::pair<Tensor, Tensor> vjp(const TensorFunction& f, const Tensor& x, const Tensor& v);
/// (f(x), J v): v shaped like x. Forward mode, as the transpose of the transpose.
std::pair<Tensor, Tensor> jvp(const TensorFunction& f, const Tensor& x, const Tensor& v);
/// df/dx shaped f(x).shape + x.shape.
Tensor jacobian(const TensorFunction& f, const Tensor& x);
/// Second derivatives of a scalar f, shaped x.shape + x.shape.
Tensor hessian(const TensorFunction& f, const Tensor& x);
/// H v without forming H: one gradient of a gradient.
Tensor hvp(const TensorFunction& f, const Tensor& x, const Tensor& v);

namespace detail {

/// x under a header of its own, so that watching it watches nothing else; outer tapes see through it.
Tensor fresh(const Tensor& x);

using CustomRule = std::function<std::vector<Tensor>(const Tensor&)>;
/// y as the result of one recorded operation on `inputs` whose gradients `rule` gives.
Tensor record_custom(const Tensor& y, std::span<const Tensor* const> inputs, CustomRule rule);
/// The same under another name, for a result that is fresh.
void record_fused(Tensor& out, std::span<const Tensor* const> inputs, CustomRule rule);

inline std::vector<Tensor> gradient_list(Tensor g) { return {std::move(g)}; }
inline std::vector<Tensor> gradient_list(std::vector<Tensor> gs) { return gs; }
template <class Tuple>
requires requires { std::tuple_size<Tuple>::value; }
std::vector<Tensor> gradient_list(const Tuple& gs) {
  return std::apply([](const auto&... g) { return std::vector<Tensor>{g...}; }, gs);
}

}  // namespace detail

/// A function with its own gradient rule. f(x...) returns {y, rule}; rule(dy) returns dx, or one gradient per argument as a
/// vector, pair, tuple or array, each shaped like its argument. What the rule captures from f stays on the tape, so that a rule
/// written with public operations can be differentiated again.
template <class F>
auto custom_gradient(F f) {
  return [f = std::move(f)](const auto&... args) {
    const auto call = [&f](const std::convertible_to<const Tensor&> auto&... xs) {
      auto [y, rule] = f(xs...);
      const Tensor* inputs[] = {&xs...};
      return detail::record_custom(y, inputs,
                                   [rule = std::move(rule)](const Tensor& dy) { return detail::gradient_list(rule(dy)); });
    };
    return call(static_cast<const Tensor&>(args)...);
  };
}

}  // namespace gradus
