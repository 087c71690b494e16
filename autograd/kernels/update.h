// Optimiser updates: one pass over memory per parameter, in place. All arrays contiguous, of one floating dtype, n elements.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// p -= rate * g
void sgd_update(detail::TensorImpl& p, const detail::TensorImpl& g, double rate);
/// Keras: v = momentum * v - rate * g; p += v, or with Nesterov p += momentum * v - rate * g.
void momentum_update(detail::TensorImpl& p, detail::TensorImpl& v, const detail::TensorImpl& g, double rate, double momentum,
                     bool nesterov);

struct RmspropStep {
  double rate, rho, epsilon;
  bool epsilon_inside;  // Keras: g / sqrt(v + epsilon); otherwise PyTorch: g / (sqrt(v) + epsilon)
};
/// v = rho v + (1 - rho) g^2; p -= rate * g / root
void rmsprop_update(detail::TensorImpl& p, detail::TensorImpl& v, const detail::TensorImpl& g, const RmspropStep& step);

struct AdamStep {
  double rate, beta1, beta2,
      epsilon;  // rate and epsilon already bias-corrected by the caller: p -= rate * m / (sqrt(v) + epsilon)
};
/// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate * m / (sqrt(v) + epsilon)
void adam_update(detail::TensorImpl& p, detail::TensorImpl& m, detail::TensorImpl& v, const detail::TensorImpl& g,
                 const AdamStep& step);

}  // namespace gradus::kernels
