// Small helpers for tests: comparing a Tensor with plain numbers, and views made without any op.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::test {

/// The largest |a - b|; infinite when the shapes differ, or where only one side is NaN or the two are different infinities.
inline double max_abs_difference(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return std::numeric_limits<double>::infinity();
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i] == y[i] || (std::isnan(x[i]) && std::isnan(y[i]))) continue;
    const double difference = std::abs(x[i] - y[i]);
    worst = std::max(worst, std::isnan(difference) ? std::numeric_limits<double>::infinity() : difference);
  }
  return worst;
}

/// True when x has these elements in row-major order, each within `tolerance` * max(1, |expected|). NaN equals NaN.
inline bool approx(const Tensor& x, const std::vector<double>& expected, double tolerance = 1e-6) {
  const std::vector<double> got = x.to_vector<double>();
  if (got.size() != expected.size()) return false;
  for (size_t i = 0; i < got.size(); ++i) {
    if (got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i]))) continue;
    if (!(std::abs(got[i] - expected[i]) <= tolerance * std::max(1.0, std::abs(expected[i])))) return false;
  }
  return true;
}

/// A view of the memory of `base`: any shape, strides and offset, counted in elements. The caller keeps inside the memory.
inline Tensor strided(const Tensor& base, const Shape& shape, const Strides& strides, int64_t offset = 0) {
  return Tensor(detail::TensorImpl::view(base.impl(), shape, strides, offset));
}

}  // namespace gradus::test
