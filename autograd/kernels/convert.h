// The value of an element in another dtype.
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include "autograd/base/dtype.h"

namespace gradus::kernels {

template <class T>
concept Half = std::same_as<T, float16> || std::same_as<T, bfloat16>;

/// Float to integer truncates and saturates, NaN gives 0; integers wrap; anything not 0 is true; half types go through float32.
template <class To, class From>
constexpr To convert(From value) {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (Half<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (Half<To>) {
    return To(convert<float>(value));
  } else if constexpr (std::same_as<To, bool>) {
    return value != From(0);
  } else if constexpr (std::floating_point<From> && std::integral<To>) {
    using Limits = std::numeric_limits<To>;
    // 2^bits, exact in any float; the largest integer itself may not be
    constexpr From kAbove = static_cast<From>(Limits::max() / 2 + 1) * From(2);
    if (value >= kAbove) return Limits::max();
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    return value == value ? static_cast<To>(value) : To(0);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace gradus::kernels
