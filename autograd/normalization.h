// Normalisation over axes, attention, dropout.
#pragma once

#include "autograd/tensor.h"

namespace gradus {}  // namespace gradus
