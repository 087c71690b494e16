// How far the pointwise functions are from the truth, in units in the last place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gradus::test {

struct Measured {
  std::string name;
  double worst32 = 0, at32[2] = {}, worst64 = 0;  // the largest errors in float32, where, and in float64
  bool binary = false;
};

/// Every function of pointwise_rows.h that rounds. Unary ones in float32 at every stride-th bit pattern from `first` on and at
/// special values, in float64 on `samples` patterns; binary ones on all pairs of a sample.
std::vector<Measured> measure(uint64_t stride, uint64_t first, int samples);

/// The same as a table in Markdown.
std::string markdown(const std::vector<Measured>& rows);

}  // namespace gradus::test
