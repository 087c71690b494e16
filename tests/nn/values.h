// Tensors of float64 that layers are tried on.
#pragma once

#include <cstdint>
#include <vector>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace gradus::test {

/// Element i, row by row, is f(i).
template <class F>
Tensor filled(const Shape& shape, F f) {
  std::vector<double> values(static_cast<size_t>(numel("filled", shape)));
  for (size_t i = 0; i < values.size(); ++i) values[i] = f(static_cast<double>(i));
  return Tensor(values, shape);
}

inline Tensor noise(const Shape& shape, uint64_t seed) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, DType::float64, generator);
}

}  // namespace gradus::test
