// MetricRow: a metric as two functions of its state. What the rows of the table in metric.cpp are made of. Private to nn/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nn/metric.h"

namespace gradus::nn {

namespace detail {

/// What a metric gets of one batch.
struct MetricBatch {
  std::string_view name;  // for errors
  const MetricOptions& options;
  const Tensor& y;
  const Outputs& outputs;
  const Tensor& weights;
};

using MetricUpdate = void(MetricState& state, const MetricBatch& batch);
using MetricResult = double(const MetricState& state, const MetricOptions& options);

struct MetricRow {
  std::string_view name;
  MetricUpdate* update;
  MetricResult* result;
  unsigned takes;  // bits of the options
};

}  // namespace detail

struct Metric::Data {
  std::string name = {};
  const detail::MetricRow* row = nullptr;  // null: the mean of `loss` or `function`, or `recipe`
  MetricOptions options = {};
  std::optional<Loss> loss = std::nullopt;
  Function function = nullptr;
  MetricRecipe recipe = {};
};

namespace detail {

inline double ratio(double a, double b) { return b == 0 ? 0 : a / b; }

/// Grows an empty state to `numbers`. ShapeError if it has another size: the batches differ in what they are about.
void prepare(MetricState& state, size_t numbers, const MetricBatch& batch);
/// State of a mean: sum and weight. Adds the elements of `values`, weighted per sample.
void add_mean(MetricState& state, const Tensor& values, const MetricBatch& batch);
MetricResult mean_of, root_of_mean, sum_of;

MetricUpdate accuracy, binary_accuracy, categorical_accuracy, sparse_categorical_accuracy, top_k_accuracy, sparse_top_k_accuracy;

/// Targets and predictions as rows of numbers: the last axis, or single values of a vector.
struct Rows {
  std::vector<double> y, p, weights;  // weights: one per row, or none
  size_t count = 0, width = 0;

  double weight(size_t row) const { return weights.empty() ? 1 : weights[row]; }
};
/// ShapeError for targets of another shape.
Rows read_rows(const MetricBatch& batch);
/// Targets 0 or 1 (also made from class numbers) and probabilities, else ValueError.
Rows read_binary(const MetricBatch& batch);

/// State: true positives, false positives, true negatives, false negatives.
MetricUpdate count_confusions;
MetricResult true_positives, false_positives, true_negatives, false_negatives, precision, recall;
/// State per class: true positives, positive predictions, positive targets.
MetricUpdate count_classes;
MetricResult fbeta;
/// State: a confusion matrix.
MetricUpdate count_pairs, count_binary_pairs;
MetricResult mean_iou;

/// State per column: weights of positive and of negative targets between thresholds.
MetricUpdate fill_buckets;
MetricResult area, sensitivity_at_specificity, specificity_at_sensitivity, precision_at_recall, recall_at_precision;

/// State per column: moments of targets and predictions.
MetricUpdate add_moments;
/// The same, or with axis -1 that of a mean of rows.
MetricUpdate add_correlations, add_concordances;
MetricResult r2, pearson, concordance;

}  // namespace detail
}  // namespace gradus::nn
