// Optimiser updates: one pass over memory per parameter, in place.
//
// A rule is a recurrence of an element p, its states and the gradient g; its coefficients c are the same for all elements. Where
// one recurrence covers several published forms, coefficients choose among them: adding 0 or multiplying by 1 changes no bit.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

using Coefficients = std::array<double, 8>;

enum class Rule : uint8_t {
  /// p -= c0 g
  sgd,
  /// v = c0 v + c1 g;  p += c2 v + c3 g
  momentum,
  /// v = c1 v + c2 g^2;  p -= c0 g / (sqrt(v + c3) + c4)
  rmsprop,
  /// v as above;  m = c5 m + c0 g / (sqrt(v + c3) + c4);  p -= c6 m
  rmsprop_momentum,
  /// The last state is a mean a = c1 a + c2 g, and v - a^2 (at least 0) stands below the root in place of v.
  rmsprop_centered,
  rmsprop_centered_momentum,
  /// m = c2 m + c3 g;  v = c4 v + c5 g^2;  p -= (c0 m + c1 g) / (c6 sqrt(v) + c7)
  adam,
  /// m, v as above;  h = max(h, v) stands below the root in place of v.
  amsgrad,
  /// m = c1 m + c2 g;  u = max(c3 u, |g| + c4);  p -= c0 m / (u + c5)
  adamax,
  /// v = c1 v + c2 g^2;  d = sqrt(w + c3) / sqrt(v + c3) g;  w = c1 w + c2 d^2;  p -= c0 d
  adadelta,
  /// n = a + g^2;  z += g + c4 p - (n^c1 - a^c1) / c0 p;  a = n;  p = (clip(z, -c2, c2) - z) / (n^c1 / c0 + c3)
  ftrl,
  /// p -= c0 sign(c1 m + c2 g);  m = c3 m + c4 g
  lion,
  /// s = clip(s (c1 if g d > 0, c0 if g d < 0, 1 otherwise), c2, c3);  d = 0 if g d < 0, g otherwise;  p -= s sign(d)
  rprop,
  count
};

/// Arrays that a rule reads and writes, the parameter among them: at most so many.
inline constexpr size_t kMostStates = 4;

/// arrays: the parameter, the states in the order of the formula (rmsprop: v, m, a; rprop: d, s), the gradient. All
/// contiguous, of one floating dtype and size; ValueError otherwise. The gradient may be the parameter itself.
void update(Rule rule, const Coefficients& c, std::span<const detail::TensorImpl* const> arrays);

}  // namespace gradus::kernels
