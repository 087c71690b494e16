// FlushDenormals: a scope in which subnormal numbers are zero.
//
//   const FlushDenormals fast;  // until the end of the block
//
// Numbers nearer to zero than the smallest normal one (1.2e-38 in float32, 2.2e-308 in float64) are slow on many processors. They
// turn up where a value fades away: in the moments that an optimiser keeps for a weight whose gradient has died out, in gradients
// of saturated units. No training needs them. Inside the scope the processor takes them for zero, read or computed. Subnormal
// numbers of float16, which are normal in float32, stay.
//
// nn::Model's fit(), evaluate() and predict() and the training programs do this by themselves. Plain tensor code does not: it
// keeps subnormal numbers as IEEE 754 has them.
#pragma once

#include "autograd/base/denormals.h"

namespace gradus {

/// Holds for the thread that makes it and for the pool while it works for this thread. Scopes nest, the innermost holds; destroy
/// one on the thread that made it. No effect on processors without such a mode (x86-64 and AArch64 have it).
class FlushDenormals {
 public:
  /// false: the reverse, for code inside a scope that needs subnormal numbers.
  explicit FlushDenormals(bool flush = true) : before_(detail::flushes_denormals()) { change(flush); }
  ~FlushDenormals() { change(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static void change(bool flush) {
    if (flush != detail::flushes_denormals()) detail::flush_pool_denormals(flush);
  }
  bool before_;
};

}  // namespace gradus
