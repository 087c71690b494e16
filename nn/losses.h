// Loss functions, as functions of tensors. Each gives one value per sample; take their mean for a loss to minimise.
//
// y are the targets, p predictions (probabilities for the cross entropies) and z logits, predictions before the softmax or
// sigmoid. Losses from logits are exact for any size of logit; those of probabilities hold p to [1e-7, 1 - 1e-7], as Keras does.
// Predictions of half types are converted to float32, targets to the dtype of the predictions. Targets of shape [n] and
// predictions of shape [n, 1] (or the reverse) belong together; other differences of shape are a ShapeError, never broadcast.
// "Per element" below means: its mean over the last axis is taken, and a vector is n samples of one value. Options are those of
// LossOptions that are named; any other is a ValueError. Safe from any thread.
#pragma once

#include "autograd/tensor.h"
#include "nn/loss_options.h"

namespace gradus::nn {

// Classification. Labels are integers [...] or [..., 1] for predictions [..., classes]: DTypeError for labels that are not
// integers, ValueError for a label out of [0, classes). Rows of p are taken to sum to 1.

/// -log p[label]; gives [...]. Options from_logits and ignore_class, whose samples give 0.
Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& p, const LossOptions& options);
Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& p, bool from_logits = false);
/// -sum(y log p) over the last axis: y and p [..., classes]; gives [...]. Options from_logits and label_smoothing a, which makes
/// y (1 - a) + a / classes of y (PyTorch's, too).
Tensor categorical_crossentropy(const Tensor& y, const Tensor& p, const LossOptions& options);
Tensor categorical_crossentropy(const Tensor& y, const Tensor& p, bool from_logits = false);
/// -(y log p + (1 - y) log(1 - p)) per element. Options from_logits, label_smoothing a, which makes y (1 - a) + a / 2 of y, and
/// min_log, under which the gradient is 0.
Tensor binary_crossentropy(const Tensor& y, const Tensor& p, const LossOptions& options);
Tensor binary_crossentropy(const Tensor& y, const Tensor& p, bool from_logits = false);
/// Per element without the mean: -(y log sigmoid(z) + (1 - y) log(1 - sigmoid(z))); gives the shape of z.
Tensor sigmoid_cross_entropy_with_logits(const Tensor& y, const Tensor& z);
/// The cross entropies times (1 - p_t)^gamma, where p_t is the probability of the truth (Lin et al. 2017). Options from_logits,
/// label_smoothing, gamma, alpha: a factor of the categorical one; of the binary one only with apply_class_balancing, alpha for
/// y = 1 and 1 - alpha for y = 0.
Tensor categorical_focal_crossentropy(const Tensor& y, const Tensor& p, const LossOptions& options = {});
Tensor binary_focal_crossentropy(const Tensor& y, const Tensor& p, const LossOptions& options = {});
/// (1 - p[label]^q) / q; gives [...] (Zhang and Sabuncu 2018). Options from_logits and q.
Tensor categorical_generalized_cross_entropy(const Tensor& labels, const Tensor& p, const LossOptions& options = {});
/// -log_p[label] of log probabilities [..., classes]; gives [...]. PyTorch's; option ignore_class.
Tensor nll_loss(const Tensor& labels, const Tensor& log_p, const LossOptions& options = {});

// Regression, e = p - y

/// e^2 per element.
Tensor mean_squared_error(const Tensor& y, const Tensor& p);
/// |e| per element.
Tensor mean_absolute_error(const Tensor& y, const Tensor& p);
/// 100 |e| / max(|y|, 1e-7) per element.
Tensor mean_absolute_percentage_error(const Tensor& y, const Tensor& p);
/// (log(1 + max(p, 1e-7)) - log(1 + max(y, 1e-7)))^2 per element.
Tensor mean_squared_logarithmic_error(const Tensor& y, const Tensor& p);
/// e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, per element. Option delta.
Tensor huber(const Tensor& y, const Tensor& p, const LossOptions& options = {});
/// huber with delta = beta, over beta: PyTorch's. Option beta; 0 is the absolute error.
Tensor smooth_l1(const Tensor& y, const Tensor& p, const LossOptions& options = {});
/// log(cosh(e)) per element.
Tensor log_cosh(const Tensor& y, const Tensor& p);
/// p - y log(p + 1e-7) per element.
Tensor poisson(const Tensor& y, const Tensor& p);
/// -sum(y p) / (|y| |p|) over the last axis, lengths at least 1e-7; gives [...]. -1 is the best.
Tensor cosine_similarity(const Tensor& y, const Tensor& p);

// Margins: y is -1 or 1; where all of it is 0 or 1, 0 counts as -1

/// max(1 - y p, 0) per element.
Tensor hinge(const Tensor& y, const Tensor& p);
/// max(1 - y p, 0)^2 per element.
Tensor squared_hinge(const Tensor& y, const Tensor& p);
/// max(1 + max((1 - y) p) - sum(y p), 0) over the last axis, y one-hot; gives [...].
Tensor categorical_hinge(const Tensor& y, const Tensor& p);

// Distributions and masks

/// sum(y log(y / p)) over the last axis, y and p held to [1e-7, 1]; gives [...].
Tensor kl_divergence(const Tensor& y, const Tensor& p);
/// 1 - 2 sum(y p) / (sum(y) + sum(p) + 1e-7), a scalar for the whole batch; with option per_sample for each, gives [n].
Tensor dice(const Tensor& y, const Tensor& p, const LossOptions& options = {});
/// 1 - t / (t + alpha sum((1 - y) p) + beta sum(y (1 - p)) + 1e-7) with t = sum(y p). Options alpha, beta, per_sample as of dice.
Tensor tversky(const Tensor& y, const Tensor& p, const LossOptions& options = {});

namespace detail {
/// Integer labels [...] for predictions [..., classes]; drops a last axis of 1. ShapeError or DTypeError otherwise.
Tensor match_labels(std::string_view op, const Tensor& labels, const Shape& predictions);
/// y in the shape of the predictions and in `dtype`, adding or dropping a last axis of 1. ShapeError for other differences.
Tensor match_targets(std::string_view op, const Tensor& y, const Shape& predictions, DType dtype);
/// ValueError for a label out of [0, classes).
void check_labels(std::string_view op, const Tensor& labels, int64_t classes);
}  // namespace detail

}  // namespace gradus::nn
