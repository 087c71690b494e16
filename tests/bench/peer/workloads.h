// What the libtorch workloads share.
#pragma once

#include <torch/torch.h>

#include "tests/bench/measure.h"

namespace gradus::bench::peer {

using torch::Tensor;
using Shape = std::vector<int64_t>;

inline const std::string kPeer = "libtorch-" TORCH_VERSION;

inline Tensor filled(const Shape& shape, double seed, double scale = 1.0) {
  Tensor t = torch::empty(shape);
  const std::vector<float> values = filled_values(t.numel(), seed, scale);
  std::copy(values.begin(), values.end(), t.data_ptr<float>());
  return t;
}
inline Tensor param(const Shape& shape, double seed, double scale = 1.0) {
  return filled(shape, seed, scale).requires_grad_(true);
}
inline Tensor labels(int64_t n, int64_t classes) {
  Tensor t = torch::empty({n}, torch::kInt64);
  const std::vector<int64_t> values = label_values(n, classes);
  std::copy(values.begin(), values.end(), t.data_ptr<int64_t>());
  return t;
}
inline double abs_sum(const std::vector<Tensor>& tensors) {
  double total = 0;
  for (const Tensor& t : tensors) total += t.abs().sum(torch::kFloat64).item<double>();
  return total;
}

std::vector<NamedWorkload> gradient_workloads();  // tensors and autograd alone
std::vector<NamedWorkload> training_workloads();  // modules and optimisers
std::vector<NamedWorkload> floor_workloads();     // the matrix products alone, through BLAS

}  // namespace gradus::bench::peer
