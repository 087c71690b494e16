// What the tests of the tape share.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "autograd/functional.h"
#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/storage/memory.h"
#include "autograd/tape.h"
#include "tests/support/tensors.h"

namespace gradus::test {

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// True for an undefined gradient whose reason has `part` in it.
inline bool missing_because(const Tensor& gradient, std::string_view part) {
  if (gradient.defined()) return false;
  INFO("reason: ", gradient.missing_reason());
  const bool found = contains(gradient.missing_reason(), part);
  CHECK(found);
  return found;
}

/// What is in use; two of them compare equal exactly when nothing was leaked or freed in between.
struct InUse {
  int64_t bytes = memory::stats().live_bytes, blocks = memory::stats().live_blocks;
  friend bool operator==(const InUse&, const InUse&) = default;
};

inline double item(const Tensor& x) { return x.item<double>(); }

}  // namespace gradus::test
