// Clipping of gradients by their size. For use on one's own; optimisers do it by options (see common_options.h).
//
// Undefined gradients are skipped. Nothing is recorded on a tape.
#pragma once

#include <vector>

#include "autograd/tensor.h"

namespace gradus::optim {

/// The 2-norm of all gradients taken together: the root of the sum of all squares. Infinite or NaN if an element is.
double global_norm(const std::vector<Tensor>& gradients);

struct ClipGradNormOptions {
  bool error_if_nonfinite = false;  // ValueError for an infinite or NaN norm; otherwise such gradients become 0 or NaN
};

/// Scales the gradients by max_norm / (norm + 1e-6) if that is below 1 (PyTorch's form), and returns the norm they had.
/// ValueError unless max_norm > 0.
double clip_grad_norm(std::vector<Tensor>& gradients, double max_norm, ClipGradNormOptions options = {});

/// `gradient` scaled down to the 2-norm `max_norm` where it is longer: g * max_norm / max(norm, max_norm), as Keras' clipnorm.
Tensor clip_by_norm(const Tensor& gradient, double max_norm);

/// All gradients scaled by max_norm / max(norm, max_norm) of their global norm; by NaN if that is not finite, as Keras does, so
/// that training does not go on as if nothing had happened.
std::vector<Tensor> clip_by_global_norm(std::vector<Tensor> gradients, double max_norm);

}  // namespace gradus::optim
