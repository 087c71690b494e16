// What the tests of bad input share: extreme numbers, how a refusal reads, and tensors that are large without taking memory.
#pragma once

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

#include "autograd/ops.h"

namespace gradus::test {

inline constexpr int64_t kLeast = std::numeric_limits<int64_t>::min(), kMost = std::numeric_limits<int64_t>::max();

/// The message of the E that f throws, or what happened instead.
template <class E, class F>
std::string refusal(const F& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another error: ") + e.what();
  }
  return "nothing was thrown";
}
template <class E, class F>
void refuses(std::string_view op, const F& f) {
  const std::string message = refusal<E>(f);
  CHECK_MESSAGE(message.starts_with(std::string(op) + ": "), op, " answered: ", message);
  CHECK_MESSAGE(message.find("got ") != std::string::npos, message);
  CHECK_MESSAGE(message.find("expected ") != std::string::npos, message);
}

/// A tensor of this shape that takes the memory of one element.
inline Tensor wide(const Shape& shape, DType dtype = DType::float32) { return broadcast_to(zeros({}, dtype), shape); }

}  // namespace gradus::test
