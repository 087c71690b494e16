// The loops of all pointwise functions for the processor at hand: made by pointwise_kernels.cpp, called by pointwise.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "autograd/base/dtype.h"
#include "autograd/kernels/pointwise.h"

namespace gradus::kernels {

/// One run: a contiguous `out`, inputs with steps of 1 or 0 elements.
using Kernel = void (*)(void* out, const void* const* in, const int64_t* steps, int64_t n);

struct FunctionRow {
  std::array<Kernel, kDTypes.size()> kernels;  // null where the function does not take the dtype
  size_t arity;
  int64_t grain;  // elements below which a second thread does not pay
};

inline constexpr size_t kFunctions = static_cast<size_t>(Fn::count);

struct KernelTable {
  std::array<FunctionRow, kFunctions> functions;
  void (*widen[2])(const void* in, float* out, int64_t n);  // float16, bfloat16
  void (*narrow[2])(const float* in, void* out, int64_t n);
};

const KernelTable& pointwise_table();

}  // namespace gradus::kernels
