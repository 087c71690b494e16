// Softmax family over the last axis, one pass over each row while it is in cache. Floating dtypes; all tensors contiguous.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out = softmax or log softmax of each row. Rows that are -inf throughout give NaN, like the formula.
void softmax(detail::TensorImpl& out, const detail::TensorImpl& in, bool logarithm);
/// out = y * (g - sum(g * y)), the transpose of softmax's derivative, y the output; for the logarithm: g - exp(y) * sum(g).
void softmax_grad(detail::TensorImpl& out, const detail::TensorImpl& y, const detail::TensorImpl& g, bool logarithm);
/// out[r] = logsumexp(logits[r]) - logits[r, labels[r]]; labels int64, checked. Unless null, `statistics` is [rows, 2], float64
/// for float64 and float32 otherwise, and gets what the gradient needs: the largest logit, and the sum of e^(logit - largest).
void sparse_cross_entropy(detail::TensorImpl& out, detail::TensorImpl* statistics, const detail::TensorImpl& logits,
                          const detail::TensorImpl& labels);
/// out[r, :] = (softmax(logits[r]) - onehot(labels[r])) * g[r].
void sparse_cross_entropy_grad(detail::TensorImpl& out, const detail::TensorImpl& statistics, const detail::TensorImpl& logits,
                               const detail::TensorImpl& labels, const detail::TensorImpl& g);

}  // namespace gradus::kernels
