// What goes to oneDNN while a test runs.
#pragma once

#include "autograd/kernels/onednn.h"

namespace gradus::test {

/// Sets it until it ends.
struct Using {
  explicit Using(kernels::onednn::Use when) { kernels::onednn::use(when); }
  ~Using() { kernels::onednn::use(kernels::onednn::Use::when_faster); }
  Using(const Using&) = delete;
  Using& operator=(const Using&) = delete;
};

}  // namespace gradus::test
