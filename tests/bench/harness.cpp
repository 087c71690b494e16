#include "tests/bench/harness.h"

namespace gradus::bench {

Tensor filled(const Shape& shape, double seed, double scale) {
  return Tensor(filled_values(numel("filled", shape), seed, scale), shape);
}

Tensor labels(int64_t n, int64_t classes) { return Tensor(label_values(n, classes)); }

double abs_sum(const std::vector<Tensor>& tensors) {
  double total = 0;
  for (const Tensor& t : tensors) total += sum(abs(t.astype(DType::float64))).item<double>();
  return total;
}

}  // namespace gradus::bench
