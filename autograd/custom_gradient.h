// Rules of one's own: functions with a gradient that the user states, and hooks that see gradients pass.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "autograd/tensor.h"

namespace gradus {

struct CustomGradientOptions {
  /// The rule may not be differentiated again: a second derivative is a TapeError instead of a wrong number. The rule then runs
  /// unrecorded, so that it may use whatever it likes.
  bool once_differentiable = false;
};

namespace detail {

/// x under a header of its own, so that watching it watches nothing else; outer tapes see through it.
Tensor fresh(const Tensor& x);

using CustomRule = std::function<std::vector<Tensor>(const Tensor&)>;
/// y as the result of one recorded operation on `inputs` whose gradients `rule` gives.
Tensor record_custom(const Tensor& y, std::span<const Tensor* const> inputs, CustomRule rule, CustomGradientOptions options = {});
/// The same under another name, for a result that is fresh.
void record_fused(Tensor& out, std::span<const Tensor* const> inputs, CustomRule rule);

inline std::vector<Tensor> gradient_list(Tensor g) { return {std::move(g)}; }
inline std::vector<Tensor> gradient_list(std::vector<Tensor> gs) { return gs; }
template <class Tuple>
requires requires { std::tuple_size<Tuple>::value; }
std::vector<Tensor> gradient_list(const Tuple& gs) {
  return std::apply([](const auto&... g) { return std::vector<Tensor>{g...}; }, gs);
}

/// A function object that says forward and backward, and keeps what it saves in its members.
template <class F>
concept ForwardBackward = requires(F f, const Tensor& g) {
  gradient_list(f.backward(g));
};

template <class F>
constexpr CustomGradientOptions options_of(CustomGradientOptions given) {
  if constexpr (requires { F::once_differentiable; }) return {.once_differentiable = F::once_differentiable};
  return given;
}

}  // namespace detail

/// A function with its own gradient rule, in one of two forms:
///
///   auto f = custom_gradient([](const Tensor& x) {                  // a function that returns {y, rule}
///     const Tensor e = exp(x);
///     return std::pair{log(1 + e), [e](const Tensor& dy) { return dy * (1 - 1 / (1 + e)); }};
///   });
///
///   struct Log1pExp {                                               // a struct; each call works on a copy of its own
///     Tensor e;
///     Tensor forward(const Tensor& x) { return e = exp(x), log(1 + e); }
///     Tensor backward(const Tensor& dy) const { return dy * (1 - 1 / (1 + e)); }
///     static constexpr bool once_differentiable = true;             // optional
///   };
///   auto g = custom_gradient(Log1pExp());
///
/// The rule returns dx, or one gradient per argument as a vector, pair, tuple or array, each shaped like its argument (TapeError
/// otherwise); an undefined one means that nothing flows. What it captures stays on the tape, so that a rule written with public
/// operations can be differentiated again.
template <class F>
auto custom_gradient(F f, CustomGradientOptions options = {}) {
  return [f = std::move(f), options = detail::options_of<F>(options)](const auto&... args) {
    const auto call = [&](const std::convertible_to<const Tensor&> auto&... xs) {
      const Tensor* inputs[] = {&xs...};
      if constexpr (detail::ForwardBackward<F>) {
        auto own = std::make_shared<F>(f);
        const Tensor y = own->forward(xs...);
        return detail::record_custom(
            y, inputs, [own](const Tensor& dy) { return detail::gradient_list(own->backward(dy)); }, options);
      } else {
        auto [y, rule] = f(xs...);
        return detail::record_custom(
            y, inputs, [rule = std::move(rule)](const Tensor& dy) { return detail::gradient_list(rule(dy)); }, options);
      }
    };
    return call(static_cast<const Tensor&>(args)...);
  };
}

/// x, with a function that is shown the gradient on its way back through here. What it returns takes the gradient's place
/// (TapeError unless shaped like it); a function that returns nothing only looks. For a variable: hook it where it is read.
template <std::invocable<const Tensor&> F>
Tensor gradient_hook(const Tensor& x, F hook) {
  const Tensor* inputs[] = {&x};
  return detail::record_custom(x, inputs, [hook = std::move(hook)](const Tensor& g) -> std::vector<Tensor> {
    if constexpr (std::is_void_v<std::invoke_result_t<F, const Tensor&>>) return hook(g), std::vector{g};
    else return {hook(g)};
  });
}

}  // namespace gradus
