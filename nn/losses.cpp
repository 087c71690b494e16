#include "nn/losses.h"

#include "autograd/ops.h"

namespace gradus::nn {
namespace {

constexpr double kEpsilon = 1e-7;  // Keras' config.epsilon()

/// The mean over the last axis of what is not a vector.
Tensor per_sample(const Tensor& x) { return x.ndim() <= 1 ? x : mean(x, -1); }

/// Predictions of half types are compared in float32, as in Keras.
Tensor wide(const Tensor& p) {
  return p.dtype() == DType::float16 || p.dtype() == DType::bfloat16 ? p.astype(DType::float32) : p;
}

Tensor probability(const Tensor& p) { return clip(p, kEpsilon, 1 - kEpsilon); }

}  // namespace

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

Tensor sparse_categorical_crossentropy(const Tensor& labels, const Tensor& predictions, bool from_logits) {
  constexpr std::string_view op = "sparse_categorical_crossentropy";
  const Tensor p = wide(predictions);
  const Tensor y = detail::match_labels(op, labels, p.shape());
  if (from_logits) return sparse_softmax_cross_entropy(y, p);
  detail::check_labels(op, y, p.shape().back());
  // Picks the one probability of each row first: what follows touches one number per sample.
  return -log(probability(squeeze(gather(p, expand_dims(y, -1), -1), -1)));
}

Tensor categorical_crossentropy(const Tensor& y, const Tensor& predictions, bool from_logits) {
  constexpr std::string_view op = "categorical_crossentropy";
  const Tensor p = wide(predictions);
  if (p.ndim() == 0 || y.shape() != p.shape())
    fail<ShapeError>(op, "targets do not fit the predictions; got ", y.shape(), " for predictions ", p.shape(),
                     ", expected equal shapes [..., classes]; class numbers take sparse_categorical_crossentropy");
  const Tensor targets = detail::match_targets(op, y, p.shape(), p.dtype());
  if (from_logits) return softmax_cross_entropy(targets, p);
  return -sum(targets * log(probability(p)), -1);
}

Tensor binary_crossentropy(const Tensor& y, const Tensor& predictions, bool from_logits) {
  const Tensor p = wide(predictions);
  const Tensor targets = detail::match_targets("binary_crossentropy", y, p.shape(), p.dtype());
  if (from_logits) return per_sample(sigmoid_cross_entropy(targets, p));
  const Tensor q = probability(p);
  return per_sample(-(targets * log(q) + (1 - targets) * log(1 - q)));
}

Tensor sigmoid_cross_entropy_with_logits(const Tensor& y, const Tensor& logits) {
  const Tensor z = wide(logits);
  return sigmoid_cross_entropy(detail::match_targets("sigmoid_cross_entropy_with_logits", y, z.shape(), z.dtype()), z);
}

Tensor mean_squared_error(const Tensor& y, const Tensor& predictions) {
  const Tensor p = wide(predictions);
  return per_sample(square(p - detail::match_targets("mean_squared_error", y, p.shape(), p.dtype())));
}

Tensor mean_absolute_error(const Tensor& y, const Tensor& predictions) {
  const Tensor p = wide(predictions);
  return per_sample(abs(p - detail::match_targets("mean_absolute_error", y, p.shape(), p.dtype())));
}

}  // namespace gradus::nn
