// Areas under curves of a threshold, and points on them.
//
// Predictions fall into buckets between thresholds; which counts as positive at a threshold is a sum of buckets.
#include <algorithm>
#include <cmath>

#include "nn/metric_rows.h"

namespace gradus::nn::detail {
namespace {

constexpr double kBeyond = 1e-7;  // how far the first and last threshold are outside [0, 1], Keras' epsilon

/// Ascending; the first is under all predictions, the last above.
std::vector<double> thresholds(const MetricOptions& options) {
  std::vector<double> out{-kBeyond};
  if (options.thresholds.empty()) {
    const int64_t count = options.num_thresholds.value_or(200);
    for (int64_t i = 1; i + 1 < count; ++i) out.push_back(static_cast<double>(i) / static_cast<double>(count - 1));
  } else {
    out.insert(out.end(), options.thresholds.begin(), options.thresholds.end());
    std::sort(out.begin(), out.end());
  }
  out.push_back(1 + kBeyond);
  return out;
}

/// Confusions at each threshold, of one column.
struct Confusions {
  std::vector<double> tp, fp;
  double positives = 0, negatives = 0;

  size_t size() const { return tp.size(); }
  double sensitivity(size_t i) const { return ratio(tp[i], positives); }
  double specificity(size_t i) const { return ratio(negatives - fp[i], negatives); }
  double precision(size_t i) const { return ratio(tp[i], tp[i] + fp[i]); }
};

/// `buckets`: weights of positives and negatives by bucket, in pairs; bucket i is above i thresholds.
Confusions confusions(const double* buckets, size_t count) {
  Confusions out{.tp = std::vector<double>(count), .fp = std::vector<double>(count)};
  for (size_t i = count; i-- > 0;) {
    out.positives += buckets[2 * i + 2];
    out.negatives += buckets[2 * i + 3];
    out.tp[i] = out.positives;
    out.fp[i] = out.negatives;
  }
  out.positives += buckets[0];
  out.negatives += buckets[1];
  return out;
}

/// Between thresholds i and i + 1 of a precision-recall curve, where tp and tp + fp are taken as straight (Davis and Goadrich).
double interpolated_precision(const Confusions& c, size_t i) {
  const double dtp = c.tp[i] - c.tp[i + 1], p = c.tp[i] + c.fp[i], next = c.tp[i + 1] + c.fp[i + 1];
  const double slope = ratio(dtp, p - next), intercept = c.tp[i + 1] - slope * next;
  const double span = p > 0 && next > 0 ? p / next : 1;
  return ratio(slope * (dtp + intercept * std::log(span)), c.positives);
}

double area_of(const Confusions& c, const MetricOptions& options) {
  const Summation summation = options.summation.value_or(Summation::interpolation);
  const bool roc = options.curve.value_or(Curve::roc) == Curve::roc;
  double total = 0;
  for (size_t i = 0; i + 1 < c.size(); ++i) {
    if (!roc && summation == Summation::interpolation) {
      total += interpolated_precision(c, i);
      continue;
    }
    const auto x = [&](size_t k) { return roc ? 1 - c.specificity(k) : c.sensitivity(k); };
    const double a = roc ? c.sensitivity(i) : c.precision(i), b = roc ? c.sensitivity(i + 1) : c.precision(i + 1);
    const double height = summation == Summation::interpolation ? (a + b) / 2
                          : summation == Summation::minoring    ? std::min(a, b)
                                                                : std::max(a, b);
    total += (x(i) - x(i + 1)) * height;
  }
  return total;
}

using Coordinate = double (Confusions::*)(size_t) const;

/// The largest `wanted` where `given` is at least options.at; 0 where it never is.
double best_at(const MetricState& state, const MetricOptions& options, Coordinate given, Coordinate wanted) {
  if (state.empty()) return 0;
  const Confusions c = confusions(state.data(), state.size() / 2 - 1);
  double best = 0;
  for (size_t i = 0; i < c.size(); ++i)
    if ((c.*given)(i) >= options.at.value_or(0.5)) best = std::max(best, (c.*wanted)(i));
  return best;
}

}  // namespace

void fill_buckets(MetricState& state, const MetricBatch& batch) {
  const std::vector<double> limits = thresholds(batch.options);
  const Rows rows = read_binary(batch);
  const size_t columns = batch.options.multi_label ? rows.width : 1, buckets = limits.size() + 1;
  prepare(state, 2 * buckets * columns, batch);
  for (size_t i = 0; i < rows.p.size(); ++i) {
    const auto below = static_cast<size_t>(std::lower_bound(limits.begin(), limits.end(), rows.p[i]) - limits.begin());
    const size_t column = columns == 1 ? 0 : i % columns;
    state[2 * (column * buckets + below) + (rows.y[i] != 0 ? 0 : 1)] += rows.weight(i / rows.width);
  }
}

double area(const MetricState& state, const MetricOptions& options) {
  const size_t count = thresholds(options).size(), stride = 2 * (count + 1);
  double total = 0;
  for (size_t begin = 0; begin < state.size(); begin += stride) total += area_of(confusions(&state[begin], count), options);
  return ratio(total, static_cast<double>(state.size() / stride));
}

double sensitivity_at_specificity(const MetricState& state, const MetricOptions& options) {
  return best_at(state, options, &Confusions::specificity, &Confusions::sensitivity);
}
double specificity_at_sensitivity(const MetricState& state, const MetricOptions& options) {
  return best_at(state, options, &Confusions::sensitivity, &Confusions::specificity);
}
double precision_at_recall(const MetricState& state, const MetricOptions& options) {
  return best_at(state, options, &Confusions::sensitivity, &Confusions::precision);
}
double recall_at_precision(const MetricState& state, const MetricOptions& options) {
  return best_at(state, options, &Confusions::precision, &Confusions::sensitivity);
}

}  // namespace gradus::nn::detail
