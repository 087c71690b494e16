// Orders and running results: scans, sorting, searching.
#pragma once

#include "autograd/tensor.h"

namespace gradus {}  // namespace gradus
