// Linear algebra: products, norms, solving, factorisations. Leading dimensions are batches.
#pragma once

#include "autograd/tensor.h"

namespace gradus {}  // namespace gradus
