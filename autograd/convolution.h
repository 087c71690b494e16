// Convolution and pooling over one, two or three spatial dimensions.
#pragma once

#include "autograd/tensor.h"

namespace gradus {}  // namespace gradus
