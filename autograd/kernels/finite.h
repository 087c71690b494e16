// The worst value of a tensor: one pass that reads and writes nothing.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

enum class Worst : uint8_t { finite, infinite, nan };

/// NaN if an element is NaN, else infinite if one is, else finite; integers are finite. Any strides; nothing is copied.
Worst worst(const detail::TensorImpl& x);

}  // namespace gradus::kernels
