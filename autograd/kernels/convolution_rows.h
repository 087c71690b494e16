// One row of a direct convolution, summed in registers: several pixels, or several weights, by one or two vectors of channels.
// Bounded by multiplications.
#pragma once

#include <cstdint>
#include <span>

namespace gradus::kernels {

/// Neighbouring outputs y[pixel][out], of inputs x[pixel * step + taps[t]] weighted by w[t][out]; where channels are by
/// themselves
/// (`lone`), of x[pixel * step + taps[t] + out]. `out` is a multiple of 8.
struct DirectRow {
  const float* x;
  int64_t step;
  std::span<const int64_t> taps;
  float *w, *y;
  int64_t pixels, out;
  bool lone;
};

/// y = the sums.
void output_row(const DirectRow& row);
/// w += what y contributes.
void filter_row(const DirectRow& row);

}  // namespace gradus::kernels
