// Loss functions, as functions of tensors. Each gives one value per sample; take their mean for a loss to minimise.
//
// y are the targets, p predictions (probabilities for the cross entropies) and z logits, predictions before the softmax or
// sigmoid. Losses from logits are exact for any size of logit; those of probabilities hold p to [1e-7, 1 - 1e-7], as Keras does.
// Predictions of half types are converted to float32, targets to the dtype of the predictions. Targets of shape [n] and
// predictions of shape [n, 1] (or the reverse) belong together; other differences of shape are a ShapeError, never broadcast.
// Safe from any thread.
#pragma once

#include "autograd/tensor.h"

namespace gradus::nn {

/// -log p[label]: labels integer [...] or [..., 1], p [..., classes]; gives [...]. Rows of p are taken to sum to 1.
/// DTypeError for labels that are not integers, ValueError for a label out of [0, classes).
Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& p, bool from_logits = false);
/// -sum(y log p) over the last axis: y and p [..., classes]; gives [...].
Tensor categorical_crossentropy(const Tensor& y, const Tensor& p, bool from_logits = false);
/// Mean over the last axis of -(y log p + (1 - y) log(1 - p)); a vector is n samples of one value.
Tensor binary_crossentropy(const Tensor& y, const Tensor& p, bool from_logits = false);
/// Per element: -(y log sigmoid(z) + (1 - y) log(1 - sigmoid(z))); gives the shape of z.
Tensor sigmoid_cross_entropy_with_logits(const Tensor& y, const Tensor& z);
/// Mean over the last axis of (y - p)^2; a vector is n samples of one value.
Tensor mean_squared_error(const Tensor& y, const Tensor& p);
/// Mean over the last axis of |y - p|; a vector is n samples of one value.
Tensor mean_absolute_error(const Tensor& y, const Tensor& p);

namespace detail {
/// Integer labels [...] for predictions [..., classes]; drops a last axis of 1. ShapeError or DTypeError otherwise.
Tensor match_labels(std::string_view op, const Tensor& labels, const Shape& predictions);
/// y in the shape of the predictions and in `dtype`, adding or dropping a last axis of 1. ShapeError for other differences.
Tensor match_targets(std::string_view op, const Tensor& y, const Shape& predictions, DType dtype);
/// ValueError for a label out of [0, classes).
void check_labels(std::string_view op, const Tensor& labels, int64_t classes);
}  // namespace detail

}  // namespace gradus::nn
