// Regression, margin and distribution losses of nn/losses.h, and how targets meet predictions.
#include "nn/losses.h"

#include <numbers>

#include "nn/loss_parts.h"

namespace gradus::nn {
namespace detail {

Tensor match_labels(std::string_view op, const Tensor& labels, const Shape& predictions) {
  if (is_floating(labels.dtype()) || labels.dtype() == DType::boolean)
    fail<DTypeError>(op, "labels are not integers; got ", labels.dtype(), ", expected class numbers of an integer dtype");
  Shape expected;
  for (int i = 0; i + 1 < predictions.ndim(); ++i) expected.push_back(predictions[i]);
  if (predictions.ndim() > 0 && labels.shape() == expected) return labels;
  Shape with_one = expected;
  if (with_one.ndim() < kMaxRank) with_one.push_back(1);
  if (predictions.ndim() > 0 && labels.shape() == with_one) return labels.reshape(expected);
  fail<ShapeError>(op, "labels do not fit the predictions; got ", labels.shape(), " for predictions ", predictions, ", expected ",
                   expected, "; one class number per row of predictions");
}

Tensor match_targets(std::string_view op, const Tensor& y, const Shape& predictions, DType dtype) {
  const Tensor values = y.dtype() == dtype ? y : y.astype(dtype);
  if (y.shape() == predictions) return values;
  const int difference = y.ndim() - predictions.ndim();
  Shape longer = difference > 0 ? y.shape() : predictions, shorter = difference > 0 ? predictions : y.shape();
  if ((difference == 1 || difference == -1) && longer.back() == 1) {
    shorter.push_back(1);
    if (shorter == longer) return values.reshape(predictions);
  }
  fail<ShapeError>(op, "targets do not fit the predictions; got ", y.shape(), ", expected ", predictions);
}

void check_labels(std::string_view op, const Tensor& labels, int64_t classes) {
  if (labels.size() == 0) return;
  const int64_t low = min(labels).item<int64_t>(), high = max(labels).item<int64_t>();
  if (low < 0 || high >= classes)
    fail<ValueError>(op, "label out of range; got ", low < 0 ? low : high, ", expected [0, ", classes, ")");
}

}  // namespace detail

namespace {

using detail::kEpsilon;
using detail::matched;
using detail::per_sample;

Tensor error(std::string_view op, const Tensor& y, const Tensor& predictions) {
  const auto [targets, p] = matched(op, y, predictions);
  return p - targets;
}

/// e^2 / 2 up to delta, straight beyond.
Tensor half_square(const Tensor& e, double delta) {
  const Tensor size = abs(e);
  return where(size <= delta, 0.5 * square(e), delta * size - 0.5 * delta * delta);
}

/// 1 - y p, where labels that are all 0 or 1 count as -1 and 1.
Tensor margin(std::string_view op, const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched(op, targets, predictions);
  return 1 - where(all(logical_or(y == 0, y == 1)), 2 * y - 1, y) * p;
}

/// Sums over the batch, or over each sample.
Tensor total(const Tensor& x, const LossOptions& options) {
  return options.per_sample && x.ndim() > 0 ? sum(x.ndim() == 1 ? expand_dims(x, -1) : flatten(x, 1), -1) : sum(x);
}

/// matched(), with an axis to sum over.
detail::Pair matched_rows(std::string_view op, const Tensor& y, const Tensor& p) {
  if (p.ndim() == 0) fail<ShapeError>(op, "predictions without an axis; got ", p.shape(), ", expected [..., values]");
  return matched(op, y, p);
}

/// x / max(|x|, epsilon) along the last axis.
Tensor direction(const Tensor& x) { return x * rsqrt(maximum(sum(square(x), -1, true), kEpsilon * kEpsilon)); }

}  // namespace

Tensor mean_squared_error(const Tensor& y, const Tensor& p) { return per_sample(square(error("mean_squared_error", y, p))); }

Tensor mean_absolute_error(const Tensor& y, const Tensor& p) { return per_sample(abs(error("mean_absolute_error", y, p))); }

Tensor mean_absolute_percentage_error(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched("mean_absolute_percentage_error", targets, predictions);
  return 100 * per_sample(abs(p - y) / maximum(abs(y), kEpsilon));
}

Tensor mean_squared_logarithmic_error(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched("mean_squared_logarithmic_error", targets, predictions);
  return per_sample(square(log1p(maximum(p, kEpsilon)) - log1p(maximum(y, kEpsilon))));
}

Tensor huber(const Tensor& y, const Tensor& p, const LossOptions& options) {
  detail::check_options("huber", options, detail::kDelta);
  return per_sample(half_square(error("huber", y, p), options.delta.value_or(1)));
}

Tensor smooth_l1(const Tensor& y, const Tensor& p, const LossOptions& options) {
  detail::check_options("smooth_l1", options, detail::kBeta);
  const double beta = options.beta.value_or(1);
  const Tensor e = error("smooth_l1", y, p);
  return per_sample(beta == 0 ? abs(e) : half_square(e, beta) / beta);
}

Tensor log_cosh(const Tensor& y, const Tensor& p) {
  const Tensor e = error("log_cosh", y, p);
  return per_sample(e + softplus(-2 * e) - std::numbers::ln2);
}

Tensor poisson(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched("poisson", targets, predictions);
  return per_sample(p - y * log(p + kEpsilon));
}

Tensor cosine_similarity(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched_rows("cosine_similarity", targets, predictions);
  return -sum(direction(y) * direction(p), -1);
}

Tensor hinge(const Tensor& y, const Tensor& p) { return per_sample(relu(margin("hinge", y, p))); }

Tensor squared_hinge(const Tensor& y, const Tensor& p) { return per_sample(square(relu(margin("squared_hinge", y, p)))); }

Tensor categorical_hinge(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched_rows("categorical_hinge", targets, predictions);
  return relu(1 + max((1 - y) * p, -1) - sum(y * p, -1));
}

Tensor kl_divergence(const Tensor& targets, const Tensor& predictions) {
  const auto [y, p] = matched_rows("kl_divergence", targets, predictions);
  const Tensor truth = clip(y, kEpsilon, 1);
  return sum(truth * log(truth / clip(p, kEpsilon, 1)), -1);
}

Tensor dice(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  detail::check_options("dice", options, detail::kPerSample);
  const auto [y, p] = matched("dice", targets, predictions);
  return 1 - 2 * total(y * p, options) / (total(y, options) + total(p, options) + kEpsilon);
}

Tensor tversky(const Tensor& targets, const Tensor& predictions, const LossOptions& options) {
  detail::check_options("tversky", options, detail::kPerSample | detail::kAlpha | detail::kBeta);
  const auto [y, p] = matched("tversky", targets, predictions);
  const Tensor both = total(y * p, options);
  return 1 - both / (both + options.alpha.value_or(0.5) * total((1 - y) * p, options) +
                     options.beta.value_or(0.5) * total(y * (1 - p), options) + kEpsilon);
}

}  // namespace gradus::nn
