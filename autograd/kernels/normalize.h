// Normalisation of the rows of a matrix: xhat = (x - mean) / sqrt(variance + epsilon), each row read from memory once and
// finished while it is in cache. Floating dtypes; all tensors contiguous, of one dtype, [rows, n].
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

struct Normalization {
  double epsilon = 0;
  bool centered = true;  // false: the mean is taken for 0, and the variance is the mean of the squares
};

/// out = xhat * scale + offset. scale: [n], or 0-dim for none; offset: [n], or null, and null where there is no scale.
void normalize_rows(detail::TensorImpl& out, const detail::TensorImpl& x, const detail::TensorImpl& scale,
                    const detail::TensorImpl* offset, Normalization how);
/// out = (h - mean(h) - xhat * mean(h * xhat)) / sqrt(variance + epsilon) with h = g * scale: the derivative of xhat, which is
/// symmetric, applied to h. Without centering mean(h) is left out.
void normalize_rows_grad(detail::TensorImpl& out, const detail::TensorImpl& x, const detail::TensorImpl& g,
                         const detail::TensorImpl& scale, Normalization how);
/// out[i] = sum over the rows of g * xhat; out is [n].
void normalize_rows_scale_grad(detail::TensorImpl& out, const detail::TensorImpl& x, const detail::TensorImpl& g,
                               Normalization how);

}  // namespace gradus::kernels
