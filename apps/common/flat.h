// Flat: MNIST as rows of numbers.
#pragma once

#include <algorithm>
#include <cstdint>

#include "autograd/autograd.h"
#include "data/mnist.h"

namespace gradus::apps {

/// Images as rows of 784 numbers in [0, 1], and their labels.
struct Flat {
  Tensor x, y;
};
inline Flat flat(const data::mnist::Part& part, int64_t limit) {
  const int64_t count = limit > 0 ? std::min(limit, part.images.shape()[0]) : part.images.shape()[0];
  const Slice first(0, count);
  return {part.images.slice({first}).reshape({count, 28 * 28}).astype(DType::float32) / 255, part.labels.slice({first})};
}

}  // namespace gradus::apps
