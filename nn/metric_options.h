// MetricOptions: every option of the metrics.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::nn {

enum class Curve : uint8_t { roc, pr };
/// Between thresholds of a curve: Keras' interpolation (Davis and Goadrich 2006 for pr), the smaller or the larger height.
enum class Summation : uint8_t { interpolation, minoring, majoring };
/// How values per class become one: their mean, their mean weighted by the number of true samples, or of all classes together.
enum class ClassAverage : uint8_t { macro, weighted, micro };

/// Each metric takes some of these and refuses the others by a ValueError that lists its own. Defaults are Keras'.
struct MetricOptions {
  std::string name = {};                              // in the logs; empty: the name of the metric
  std::optional<double> threshold = std::nullopt;     // predictions above it count as 1; 0.5
  std::optional<int64_t> k = std::nullopt;            // top_k: how many classes may contain the label; 5
  std::optional<int64_t> top_k = std::nullopt;        // precision, recall: only the k best classes of a row can count as 1
  std::optional<int64_t> class_id = std::nullopt;     // precision, recall: of this class only
  std::optional<int64_t> num_classes = std::nullopt;  // mean_io_u: where predictions are class numbers
  std::optional<double> beta = std::nullopt;          // fbeta_score: recall counts beta times as much as precision; 1
  std::optional<ClassAverage> average =
      std::nullopt;                         // f1_score, fbeta_score: macro (one number; Keras' default is one per class)
  std::optional<double> at = std::nullopt;  // of a metric at another one: the value of that other one, in [0, 1]; 0.5
  std::optional<int64_t> num_thresholds = std::nullopt;  // auc and metrics at another one, evenly spaced; 200
  std::vector<double> thresholds = {};                   // instead of num_thresholds: these, 0 and 1
  std::optional<Curve> curve = std::nullopt;             // auc: roc
  std::optional<Summation> summation = std::nullopt;     // auc: interpolation
  bool multi_label = false;                              // auc: the mean over the columns, instead of all values together
  std::optional<int64_t> axis = std::nullopt;            // correlations: -1, the mean of those of the rows; 0, of the columns
};

namespace detail {

/// Bits of the options above, for tables of what a metric takes. Each takes a name.
enum MetricOption : unsigned {
  kThreshold = 1 << 0,
  kK = 1 << 1,
  kTopK = 1 << 2,
  kClassId = 1 << 3,
  kNumClasses = 1 << 4,
  kFBeta = 1 << 5,
  kAverage = 1 << 6,
  kAt = 1 << 7,
  kThresholds = 1 << 8,
  kCurve = 1 << 9,
  kMultiLabel = 1 << 10,
  kAxis = 1 << 11,
};

/// ValueError for an option that is not among the bits `taken`, or out of its range.
void check_options(std::string_view op, const MetricOptions& options, unsigned taken);

}  // namespace detail
}  // namespace gradus::nn
