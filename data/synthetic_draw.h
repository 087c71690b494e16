// Random numbers for made-up data. Internal.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "autograd/random.h"

namespace gradus::data::synthetic {

inline void check_count(std::string_view op, int64_t n) {
  if (n < 0) fail<ValueError>(op, "negative number of examples; got ", n, ", expected 0 or more");
}

/// n numbers, uniform in [0, 1) or standard normal.
inline std::vector<float> draw(Tensor (*distribution)(const Shape&, double, double, DType, random::Generator&), int64_t n,
                               random::Generator& generator) {
  return distribution({std::max<int64_t>(n, 0)}, 0, 1, DType::float32, generator).to_vector<float>();
}

}  // namespace gradus::data::synthetic
