// checkpoint: memory for time. The backward pass runs a function again instead of keeping what it computed.
#pragma once

#include <functional>
#include <type_traits>
#include <utility>

#include "autograd/tensor.h"

namespace gradus {
namespace detail {
Tensor checkpoint(std::function<Tensor()> f);
}

/// f(x...), recorded as one operation that keeps x and what f holds, and nothing of what f computes on the way: the walk calls f
/// again, with the same random numbers, and differentiates that. Gradients flow to x and to every variable and watched tensor
/// that f reads; derivatives of any order. f must compute the same again: variables it reads must not be assigned in between
/// (TapeError where the result's shape or dtype shows that it did not). Calls nest.
///
///   for (const auto& block : blocks) h = checkpoint(block, h);
template <class F, class... X>
requires std::is_invocable_r_v<Tensor, F, const X&...> Tensor checkpoint(F f, const X&... x) {
  return detail::checkpoint([f = std::move(f), x...] { return f(x...); });
}

}  // namespace gradus
