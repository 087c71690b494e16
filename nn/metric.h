// Metric: what compile({.metrics = {...}}) takes; Accumulator: a metric at work; Meter: those of one epoch.
//
//   nn::Accumulator auc(nn::metrics::AUC({.curve = nn::Curve::pr}));
//   for (...) auc.update(y, predictions);
//   auc.result();
//
// A metric is a recipe, without values of its own; copies are cheap and may be used from any thread. An accumulator belongs to
// one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/tensor.h"
#include "nn/logs.h"
#include "nn/loss.h"
#include "nn/metric_options.h"

namespace gradus::nn {

class Metric;

/// A sum, and how much was summed; their quotient is a mean.
struct Tally {
  double sum = 0, count = 0;

  void add(double value, double weight) { sum += value * weight, count += weight; }
  /// 0 of nothing.
  double mean() const { return count == 0 ? 0 : sum / count; }
};

/// What a metric remembers between batches: as many numbers as it needs, all 0 or none in the beginning.
using MetricState = std::vector<double>;

/// A metric of one's own that is not a mean.
struct MetricRecipe {
  /// Adds a batch. `weights`: one per sample, or undefined.
  std::function<void(MetricState& state, const Tensor& y, const Tensor& predictions, const Tensor& weights)> update;
  std::function<double(const MetricState& state)> result;
  size_t numbers = 0;  // in the state, in the beginning
};

/// A metric of the table to be given options: nn::metrics::Precision({.threshold = 0.7}).
struct MetricKind {
  std::string_view name;
  /// ValueError for options that the metric does not take, or out of range.
  Metric operator()(const MetricOptions& options = {}) const;
};

class Metric {
 public:
  using Function = std::function<Tensor(const Tensor& y, const Tensor& predictions)>;

  /// A metric of nn::metrics in Keras' writing ("accuracy", "auc", "top_k_categorical_accuracy", "root_mean_squared_error", ...)
  /// or a loss ("mse", "binary_crossentropy", ...), whose mean is taken. As a metric, "cosine_similarity" is 1 at best.
  /// ValueError listing the names for any other.
  Metric(std::string_view name);
  Metric(const char* name) : Metric(std::string_view(name)) {}
  Metric(const std::string& name) : Metric(std::string_view(name)) {}
  Metric(const MetricKind& kind) : Metric(kind.name) {}
  /// The mean of a loss per sample, under the name of the loss or one of one's own.
  Metric(const Loss& loss, std::string name = {});
  /// A function of targets and predictions whose elements are averaged. ValueError for an empty name.
  Metric(std::string name, Function function);
  /// ValueError for an empty name or a missing function.
  Metric(std::string name, MetricRecipe recipe);

  const std::string& name() const;

 private:
  friend class Accumulator;
  friend struct MetricKind;
  struct Data;
  explicit Metric(Data&& data);
  Metric(std::string_view name, const MetricOptions& options);

  std::shared_ptr<const Data> data_;
};

/// The running value of a metric. Targets and predictions that do not fit each other are a ShapeError or DTypeError; metrics of
/// probabilities take predictions in [0, 1] and targets 0 or 1, else ValueError. Nothing, or only weights of 0, gives 0.
class Accumulator {
 public:
  explicit Accumulator(Metric metric);

  const Metric& metric() const { return metric_; }
  /// Adds a batch. Weights: one per sample ([n], [n, 1] or more leading axes of the predictions); undefined: 1 each.
  void update(const Tensor& y, const Outputs& outputs, const Tensor& weights = {});
  void update(const Tensor& y, const Tensor& predictions, const Tensor& weights = {}) {
    update(y, Outputs(predictions, nullptr), weights);
  }
  double result() const;
  void reset();
  /// What result() is made of, for checkpoints; and back. A state of other metrics is refused by the next update(), before which
  /// result() is 0: only a batch tells how many numbers there must be.
  const MetricState& state() const { return state_; }
  void load_state(MetricState state);

 private:
  Metric metric_;
  MetricState state_;
  bool restored_ = false;  // and not yet held against a batch
};

/// Running means of the loss, weighted by the number of samples, and metrics.
class Meter {
 public:
  /// `metrics` get no weights, `weighted` ones do. A weighted metric whose name is taken is called "weighted_" + its name.
  explicit Meter(const std::vector<Metric>& metrics, const std::vector<Metric>& weighted = {});

  /// Adds one batch of `samples` samples with loss `loss`, and weights per sample unless they are undefined.
  void add(double loss, int64_t samples, const Tensor& y, const Outputs& outputs, const Tensor& weights = {});
  /// Sets `prefix` + "loss" and `prefix` + the name of each metric.
  void write(Logs& logs, std::string_view prefix = "") const;
  void reset();
  /// All that write() needs (float64, one axis), for checkpoints; and back. ValueError for what other metrics gave.
  Tensor state() const;
  void load_state(const Tensor& state);

 private:
  struct Part {
    Accumulator accumulator;
    bool weighted, renamed;
  };
  std::vector<Part> parts_;
  Tally loss_;
};

/// Metrics by kind. Any loss can be given as a metric, too: {nn::Huber({.delta = 2}), nn::metrics::AUC()}.
namespace metrics {

// Shares of right answers. accuracy is binary for predictions of width 1, sparse for targets without the axis of the classes (or
// of width 1 there), else categorical. top_k: less than k classes have a higher prediction than the label.
inline constexpr MetricKind Accuracy{"accuracy"};
inline constexpr MetricKind BinaryAccuracy{"binary_accuracy"};  // threshold
inline constexpr MetricKind CategoricalAccuracy{"categorical_accuracy"};
inline constexpr MetricKind SparseCategoricalAccuracy{"sparse_categorical_accuracy"};
inline constexpr MetricKind TopKCategoricalAccuracy{"top_k_categorical_accuracy"};               // k
inline constexpr MetricKind SparseTopKCategoricalAccuracy{"sparse_top_k_categorical_accuracy"};  // k

// Of probabilities and targets 0 or 1 of one shape, or class numbers for predictions [..., classes].
inline constexpr MetricKind TruePositives{"true_positives"};  // threshold, top_k, class_id, as the next five
inline constexpr MetricKind FalsePositives{"false_positives"};
inline constexpr MetricKind TrueNegatives{"true_negatives"};
inline constexpr MetricKind FalseNegatives{"false_negatives"};
inline constexpr MetricKind Precision{"precision"};     // tp / (tp + fp)
inline constexpr MetricKind Recall{"recall"};           // tp / (tp + fn)
inline constexpr MetricKind F1Score{"f1_score"};        // threshold (unset: the largest of a row), average
inline constexpr MetricKind FBetaScore{"fbeta_score"};  // and beta: (1 + beta^2) P R / (beta^2 P + R)
inline constexpr MetricKind AUC{"auc"};                 // num_thresholds or thresholds, curve, summation, multi_label
inline constexpr MetricKind SensitivityAtSpecificity{"sensitivity_at_specificity"};  // at, num_thresholds or thresholds
inline constexpr MetricKind SpecificityAtSensitivity{"specificity_at_sensitivity"};
inline constexpr MetricKind PrecisionAtRecall{"precision_at_recall"};
inline constexpr MetricKind RecallAtPrecision{"recall_at_precision"};
inline constexpr MetricKind BinaryIoU{"binary_io_u"};  // threshold: the mean of both classes' intersection over union

/// The mean over the classes that occur of intersection over union; of class numbers or the largest prediction. num_classes.
inline constexpr MetricKind MeanIoU{"mean_io_u"};

// Regression.
inline constexpr MetricKind RootMeanSquaredError{"root_mean_squared_error"};
inline constexpr MetricKind R2Score{"r2_score"};  // the mean over the columns of 1 - residuals^2 / deviations^2
inline constexpr MetricKind CosineSimilarity{"cosine_similarity"};
inline constexpr MetricKind PearsonCorrelation{"pearson_correlation"};          // axis
inline constexpr MetricKind ConcordanceCorrelation{"concordance_correlation"};  // axis; Lin 1989

// Of the predictions alone; targets may be undefined.
inline constexpr MetricKind Mean{"mean"};
inline constexpr MetricKind Sum{"sum"};

}  // namespace metrics
}  // namespace gradus::nn
