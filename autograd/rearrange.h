// Moving elements about: padding, rolling, tiling, triangles and diagonals, scattering, segments, masks.
#pragma once

#include "autograd/tensor.h"

namespace gradus {}  // namespace gradus
