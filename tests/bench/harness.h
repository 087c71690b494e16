// What our workloads share.
#pragma once

#include "autograd/autograd.h"
#include "tests/bench/measure.h"

namespace gradus::bench {

Tensor filled(const Shape& shape, double seed, double scale = 1);
Tensor labels(int64_t n, int64_t classes);
double abs_sum(const std::vector<Tensor>& tensors);

}  // namespace gradus::bench
