// Counts of right and wrong answers, and what follows from them.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/ops.h"
#include "nn/confusion.h"
#include "nn/losses.h"
#include "nn/metric_rows.h"

namespace gradus::nn::detail {
namespace {

void check_between_0_and_1(std::string_view name, std::string_view what, const std::vector<double>& values,
                           std::string_view hint) {
  for (const double value : values)
    if (!(value >= 0 && value <= 1)) fail<ValueError>(name, what, " out of range; got ", value, ", expected [0, 1]", hint);
}

/// Which columns of a row are among its k best; of equals, the first.
void mark_best(const double* row, size_t width, size_t k, std::vector<size_t>& order, std::vector<char>& best) {
  order.resize(width);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return row[a] > row[b]; });
  best.assign(width, 0);
  for (size_t i = 0; i < std::min(k, width); ++i) best[order[i]] = 1;
}

}  // namespace

Rows read_rows(const MetricBatch& batch) {
  const Tensor& p = batch.outputs.predictions();
  const Tensor y = match_targets(batch.name, batch.y, p.shape(), DType::float64);
  Rows rows{.y = y.to_vector<double>(), .p = p.to_vector<double>(), .weights = {}};
  rows.width = p.ndim() >= 2 ? static_cast<size_t>(p.shape().back()) : 1;
  rows.count = rows.width == 0 ? 0 : rows.p.size() / rows.width;
  if (!batch.weights.defined()) return rows;
  Shape shape;
  for (int i = 0; i < std::max(p.ndim() - 1, std::min(p.ndim(), 1)); ++i) shape.push_back(p.shape()[i]);
  const Tensor weights = match_weights(batch.name, batch.weights, shape, DType::float64);
  rows.weights = broadcast_to(weights, shape).to_vector<double>();
  return rows;
}

Rows read_binary(const MetricBatch& batch) {
  const Shape& shape = batch.outputs.raw().shape();
  const bool numbers = shape.ndim() >= 2 && shape.back() > 1 && batch.y.shape() != shape && !is_floating(batch.y.dtype()) &&
                       batch.y.dtype() != DType::boolean;
  Tensor y = batch.y;
  if (numbers) {
    const Tensor labels = match_labels(batch.name, y, shape);
    check_labels(batch.name, labels, shape.back());
    y = one_hot(labels, shape.back());
  }
  Rows rows = read_rows({batch.name, batch.options, y, batch.outputs, batch.weights});
  check_between_0_and_1(batch.name, "prediction", rows.p, "; a model that gives logits needs a sigmoid or softmax");
  for (const double value : rows.y)
    if (value != 0 && value != 1) fail<ValueError>(batch.name, "target out of range; got ", value, ", expected 0 or 1");
  return rows;
}

void count_confusions(MetricState& state, const MetricBatch& batch) {
  const MetricOptions& o = batch.options;
  const Rows rows = read_binary(batch);
  if (o.class_id && *o.class_id >= static_cast<int64_t>(rows.width))
    fail<ValueError>(batch.name, "class_id out of range; got ", *o.class_id, ", expected [0, ", rows.width, ")");
  prepare(state, 4, batch);
  const double threshold = o.threshold.value_or(o.top_k ? -1 : 0.5);
  const size_t first = static_cast<size_t>(o.class_id.value_or(0)), last = o.class_id ? first + 1 : rows.width;
  std::vector<size_t> order;
  std::vector<char> best;
  for (size_t r = 0; r < rows.count; ++r) {
    const double* const row = &rows.p[r * rows.width];
    if (o.top_k) mark_best(row, rows.width, static_cast<size_t>(*o.top_k), order, best);
    for (size_t i = first; i < last; ++i) {
      const bool positive = row[i] > threshold && (!o.top_k || best[i]), truth = rows.y[r * rows.width + i] != 0;
      state[positive ? (truth ? 0 : 1) : (truth ? 3 : 2)] += rows.weight(r);
    }
  }
}

namespace {

double at(const MetricState& state, size_t i) { return state.empty() ? 0 : state[i]; }

}  // namespace

double true_positives(const MetricState& state, const MetricOptions&) { return at(state, 0); }
double false_positives(const MetricState& state, const MetricOptions&) { return at(state, 1); }
double true_negatives(const MetricState& state, const MetricOptions&) { return at(state, 2); }
double false_negatives(const MetricState& state, const MetricOptions&) { return at(state, 3); }
double precision(const MetricState& state, const MetricOptions&) { return ratio(at(state, 0), at(state, 0) + at(state, 1)); }
double recall(const MetricState& state, const MetricOptions&) { return ratio(at(state, 0), at(state, 0) + at(state, 3)); }

void count_classes(MetricState& state, const MetricBatch& batch) {
  const Rows rows = read_binary(batch);
  prepare(state, 3 * rows.width, batch);
  const bool largest = !batch.options.threshold && rows.width > 1;
  const double threshold = batch.options.threshold.value_or(0.5);
  for (size_t r = 0; r < rows.count; ++r) {
    const double* const row = &rows.p[r * rows.width];
    const size_t top = static_cast<size_t>(std::max_element(row, row + rows.width) - row);
    for (size_t i = 0; i < rows.width; ++i) {
      const bool positive = largest ? i == top : row[i] > threshold, truth = rows.y[r * rows.width + i] != 0;
      const double weight = rows.weight(r);
      if (positive && truth) state[3 * i] += weight;
      if (positive) state[3 * i + 1] += weight;
      if (truth) state[3 * i + 2] += weight;
    }
  }
}

double fbeta(const MetricState& state, const MetricOptions& options) {
  const double square = std::pow(options.beta.value_or(1), 2);
  // (1 + b^2) P R / (b^2 P + R), multiplied out.
  const auto score = [&](double hits, double predicted, double real) {
    return ratio((1 + square) * hits, square * real + predicted);
  };
  const ClassAverage average = options.average.value_or(ClassAverage::macro);
  double hits = 0, predicted = 0, real = 0, plain = 0, weighted = 0;
  for (size_t i = 0; i < state.size(); i += 3) {
    const double value = score(state[i], state[i + 1], state[i + 2]);
    plain += value;
    weighted += value * state[i + 2];
    hits += state[i], predicted += state[i + 1], real += state[i + 2];
  }
  if (average == ClassAverage::micro) return score(hits, predicted, real);
  return average == ClassAverage::macro ? ratio(plain * 3, static_cast<double>(state.size())) : ratio(weighted, real);
}

void count_pairs(MetricState& state, const MetricBatch& batch) {
  const Tensor& p = batch.outputs.predictions();
  const int64_t given = batch.options.num_classes.value_or(0);
  if (!is_floating(p.dtype()) && given == 0)
    fail<ValueError>(batch.name, "number of classes not known; got predictions of ", p.dtype(),
                     ", expected the option num_classes beside class numbers");
  const ClassPairs pairs = class_pairs(batch.name, batch.y, p, given);
  const size_t classes = static_cast<size_t>(pairs.classes), count = pairs.truth.size();
  std::vector<double> weights;
  if (batch.weights.defined()) {
    Shape shape;  // of the pairs
    for (int i = 0; i < p.ndim(); ++i) shape.push_back(p.shape()[i]);
    if (static_cast<int64_t>(count) != p.size()) shape[p.ndim() - 1] = 1;
    weights = broadcast_to(match_weights(batch.name, batch.weights, shape, DType::float64), shape).to_vector<double>();
  }
  prepare(state, classes * classes, batch);
  for (size_t i = 0; i < count; ++i)
    state[static_cast<size_t>(pairs.truth[i]) * classes + static_cast<size_t>(pairs.prediction[i])] +=
        weights.empty() ? 1 : weights[i];
}

void count_binary_pairs(MetricState& state, const MetricBatch& batch) {
  const Rows rows = read_binary(batch);
  prepare(state, 4, batch);
  const double threshold = batch.options.threshold.value_or(0.5);
  for (size_t i = 0; i < rows.p.size(); ++i)
    state[(rows.y[i] != 0 ? 2 : 0) + (rows.p[i] > threshold ? 1 : 0)] += rows.weight(i / rows.width);
}

double mean_iou(const MetricState& state, const MetricOptions&) {
  const auto classes = static_cast<size_t>(std::lround(std::sqrt(static_cast<double>(state.size()))));
  double total = 0, valid = 0;
  for (size_t i = 0; i < classes; ++i) {
    const double both = state[i * classes + i];
    double either = -both;
    for (size_t j = 0; j < classes; ++j) either += state[i * classes + j] + state[j * classes + i];
    if (either == 0) continue;
    total += both / either;
    ++valid;
  }
  return ratio(total, valid);
}

}  // namespace gradus::nn::detail
