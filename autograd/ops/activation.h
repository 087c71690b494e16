// The activations that other operations apply to a result of theirs, in place. Each has its derivative from its output alone.
#pragma once

#include "autograd/tape/op.h"

namespace gradus::detail {

extern const Op kRelu, kSigmoid, kTanh;

}  // namespace gradus::detail
