// Shares of right answers.
#include "autograd/ops.h"
#include "nn/losses.h"
#include "nn/metric_rows.h"

namespace gradus::nn::detail {
namespace {

/// What the softmax and the sigmoid do not change: which class is first, second, ...
const Tensor& scores(const MetricBatch& batch) { return batch.outputs.raw(); }

Tensor one_hot_targets(const MetricBatch& batch) {
  return match_targets(batch.name, batch.y, scores(batch).shape(), batch.y.dtype());
}

Tensor labels(const MetricBatch& batch) {
  const Tensor found = match_labels(batch.name, batch.y, scores(batch).shape());
  check_labels(batch.name, found, scores(batch).shape().back());
  return found;
}

/// True where less than k classes have a higher score than that of the label.
Tensor in_top_k(const MetricBatch& batch, const Tensor& wanted) {
  const Tensor& all = scores(batch);
  const Tensor score = gather(all, expand_dims(wanted, -1), -1);
  // A label whose score is NaN is not found; a NaN elsewhere counts as higher.
  const Tensor higher = sum(logical_not(all <= score), -1);
  return logical_and(higher < batch.options.k.value_or(5), isfinite(squeeze(score, -1)));
}

}  // namespace

void sparse_categorical_accuracy(MetricState& state, const MetricBatch& batch) {
  add_mean(state, argmax(scores(batch), -1) == match_labels(batch.name, batch.y, scores(batch).shape()), batch);
}

void categorical_accuracy(MetricState& state, const MetricBatch& batch) {
  add_mean(state, argmax(scores(batch), -1) == argmax(one_hot_targets(batch), -1), batch);
}

void binary_accuracy(MetricState& state, const MetricBatch& batch) {
  const double threshold = batch.options.threshold.value_or(0.5);
  const bool at_zero = batch.outputs.are_logits() && threshold == 0.5;
  const Tensor& p = at_zero ? batch.outputs.raw() : batch.outputs.predictions();
  const Tensor targets = match_targets(batch.name, batch.y, p.shape(), p.dtype());
  add_mean(state, (p > (at_zero ? 0.0 : threshold)).astype(targets.dtype()) == targets, batch);
}

/// Keras' rule: a width of 1 is binary; targets without the class axis are class numbers; otherwise one-hot rows.
void accuracy(MetricState& state, const MetricBatch& batch) {
  const Shape &p = scores(batch).shape(), &y = batch.y.shape();
  if (p.ndim() <= 1 || p.back() == 1) return binary_accuracy(state, batch);
  if (y.ndim() < p.ndim() || y.back() == 1) return sparse_categorical_accuracy(state, batch);
  return categorical_accuracy(state, batch);
}

void top_k_accuracy(MetricState& state, const MetricBatch& batch) {
  add_mean(state, in_top_k(batch, argmax(one_hot_targets(batch), -1)), batch);
}

void sparse_top_k_accuracy(MetricState& state, const MetricBatch& batch) {
  add_mean(state, in_top_k(batch, labels(batch)), batch);
}

}  // namespace gradus::nn::detail
