// The cross entropies of nn/losses.h.
#include <cmath>

#include "nn/loss_parts.h"

namespace gradus::nn {
namespace {

using detail::kEpsilon;
using detail::wide;

Tensor probability(const Tensor& p) { return clip(p, kEpsilon, 1 - kEpsilon); }

/// y (1 - a) + a / classes.
Tensor smooth(const Tensor& y, double amount, double classes) { return amount == 0 ? y : y * (1 - amount) + amount / classes; }

/// The value of each row at its label.
Tensor at_labels(const Tensor& rows, const Tensor& labels) { return squeeze(gather(rows, expand_dims(labels, -1), -1), -1); }

/// f(labels), where the ignored labels are replaced by 0, and 0 for those.
template <class F>
Tensor unless_ignored(const Tensor& labels, const std::optional<int64_t>& ignored, F f) {
  if (!ignored) return f(labels);
  const Tensor wanted = labels != *ignored;
  return where(wanted, f(where(wanted, labels, 0)), 0.0);
}

/// Targets and predictions [..., classes].
detail::Pair matched_rows(std::string_view op, const Tensor& y, const Tensor& predictions) {
  if (predictions.ndim() == 0 || y.shape() != predictions.shape())
    fail<ShapeError>(op, "targets do not fit the predictions; got ", y.shape(), " for predictions ", predictions.shape(),
                     ", expected equal shapes [..., classes]; class numbers take sparse_categorical_crossentropy");
  return detail::matched(op, y, predictions);
}

/// log(p), or `low` where it would be less.
Tensor log_above(const Tensor& p, double low) {
  const Tensor inside = p > std::exp(low);
  return where(inside, log(where(inside, p, 1.0)), low);
}

}  // namespace

Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "sparse_categorical_crossentropy";
  detail::check_options(op, options, detail::kFromLogits | detail::kIgnoreClass);
  const Tensor p = wide(predictions);
  return unless_ignored(detail::match_labels(op, labels, p.shape()), options.ignore_class, [&](const Tensor& y) {
    if (options.from_logits) return sparse_softmax_cross_entropy(y, p);
    detail::check_labels(op, y, p.shape().back());
    // Picks the one probability of each row first: what follows touches one number per sample.
    return -log(probability(at_labels(p, y)));
  });
}

Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& p, bool from_logits) {
  return sparse_categorical_crossentropy(labels, p, LossOptions{.from_logits = from_logits});
}

Tensor categorical_crossentropy(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "categorical_crossentropy";
  detail::check_options(op, options, detail::kFromLogits | detail::kLabelSmoothing);
  const auto [given, p] = matched_rows(op, targets, predictions);
  const Tensor y = smooth(given, options.label_smoothing, static_cast<double>(p.shape().back()));
  if (options.from_logits) return softmax_cross_entropy(y, p);
  return -sum(y * log(probability(p)), -1);
}

Tensor categorical_crossentropy(const Tensor& y, const Tensor& p, bool from_logits) {
  return categorical_crossentropy(y, p, LossOptions{.from_logits = from_logits});
}

Tensor binary_crossentropy(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "binary_crossentropy";
  detail::check_options(op, options, detail::kFromLogits | detail::kLabelSmoothing | detail::kMinLog);
  const auto [given, p] = detail::matched(op, targets, predictions);
  const Tensor y = smooth(given, options.label_smoothing, 2);
  if (options.from_logits) return detail::per_sample(sigmoid_cross_entropy(y, p));
  if (options.min_log)
    return detail::per_sample(-(y * log_above(p, *options.min_log) + (1 - y) * log_above(1 - p, *options.min_log)));
  const Tensor q = probability(p);
  return detail::per_sample(-(y * log(q) + (1 - y) * log(1 - q)));
}

Tensor binary_crossentropy(const Tensor& y, const Tensor& p, bool from_logits) {
  return binary_crossentropy(y, p, LossOptions{.from_logits = from_logits});
}

Tensor sigmoid_cross_entropy_with_logits(const Tensor& y, const Tensor& logits) {
  const Tensor z = wide(logits);
  return sigmoid_cross_entropy(detail::match_targets("sigmoid_cross_entropy_with_logits", y, z.shape(), z.dtype()), z);
}

// The focal factors are powers of 1 - p held above 1e-7: below, the losses vanish, but a power under 1 or 2 has no first or
// second derivative at 0.

Tensor categorical_focal_crossentropy(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "categorical_focal_crossentropy";
  detail::check_options(op, options, detail::kFromLogits | detail::kLabelSmoothing | detail::kAlpha | detail::kGamma);
  const auto [given, p] = matched_rows(op, targets, predictions);
  const Tensor y = smooth(given, options.label_smoothing, static_cast<double>(p.shape().back()));
  const Tensor log_p = options.from_logits ? log_softmax(p) : log(probability(p));
  const Tensor focus = pow(clip(-expm1(log_p), kEpsilon, 1), options.gamma.value_or(2));
  return -sum(y * log_p * focus, -1) * options.alpha.value_or(0.25);
}

Tensor binary_focal_crossentropy(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "binary_focal_crossentropy";
  detail::check_options(
      op, options, detail::kFromLogits | detail::kLabelSmoothing | detail::kAlpha | detail::kGamma | detail::kClassBalancing);
  const auto [given, p] = detail::matched(op, targets, predictions);
  const Tensor y = smooth(given, options.label_smoothing, 2);
  const Tensor one = options.from_logits ? sigmoid(p) : probability(p), zero = options.from_logits ? sigmoid(-p) : 1 - one;
  const Tensor entropy = options.from_logits ? sigmoid_cross_entropy(y, p) : -(y * log(one) + (1 - y) * log(zero));
  const Tensor focus = pow(clip(y * zero + (1 - y) * one, kEpsilon, 1), options.gamma.value_or(2));
  if (!options.apply_class_balancing) return detail::per_sample(focus * entropy);
  const double alpha = options.alpha.value_or(0.25);
  return detail::per_sample((y * alpha + (1 - y) * (1 - alpha)) * focus * entropy);
}

Tensor categorical_generalized_cross_entropy(const Tensor& labels, const Tensor& predictions, const LossOptions& options) {
  constexpr std::string_view op = "categorical_generalized_cross_entropy";
  detail::check_options(op, options, detail::kFromLogits | detail::kQ);
  const Tensor p = wide(predictions), y = detail::match_labels(op, labels, p.shape());
  const double q = options.q.value_or(0.5);
  if (options.from_logits) return expm1(sparse_softmax_cross_entropy(y, p) * -q) / -q;
  detail::check_labels(op, y, p.shape().back());
  return (1 - pow(at_labels(p, y), q)) / q;
}

Tensor nll_loss(const Tensor& labels, const Tensor& log_probabilities, const LossOptions& options) {
  constexpr std::string_view op = "nll_loss";
  detail::check_options(op, options, detail::kIgnoreClass);
  const Tensor log_p = wide(log_probabilities);
  return unless_ignored(detail::match_labels(op, labels, log_p.shape()), options.ignore_class, [&](const Tensor& y) {
    detail::check_labels(op, y, log_p.shape().back());
    return -at_labels(log_p, y);
  });
}

}  // namespace gradus::nn
