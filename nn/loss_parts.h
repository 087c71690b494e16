// What the loss functions have in common. Private to nn/.
#pragma once

#include <string_view>

#include "autograd/ops.h"
#include "nn/losses.h"

namespace gradus::nn::detail {

inline constexpr double kEpsilon = 1e-7;  // Keras' config.epsilon()

/// The mean over the last axis of what is not a vector.
inline Tensor per_sample(const Tensor& x) { return x.ndim() <= 1 ? x : mean(x, -1); }

/// Predictions of half types are compared in float32, as in Keras.
inline Tensor wide(const Tensor& p) {
  return p.dtype() == DType::float16 || p.dtype() == DType::bfloat16 ? p.astype(DType::float32) : p;
}

/// Targets and predictions of one shape and dtype.
struct Pair {
  Tensor y, p;
};

inline Pair matched(std::string_view op, const Tensor& y, const Tensor& predictions) {
  const Tensor p = is_floating(predictions.dtype()) ? wide(predictions) : predictions.astype(DType::float32);
  return {match_targets(op, y, p.shape(), p.dtype()), p};
}

}  // namespace gradus::nn::detail
