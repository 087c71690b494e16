// R2 and correlations, from running moments: the same for any division into batches, and exact for values far from 0.
#include <cmath>
#include <limits>

#include "autograd/base/error.h"
#include "nn/metric_rows.h"

namespace gradus::nn::detail {
namespace {

/// Weight, means of targets and predictions, and sums of squared and mixed deviations from them (Welford 1962), in a state.
struct Moments {
  static constexpr size_t kNumbers = 6;

  double weight = 0, mean_y = 0, mean_p = 0, yy = 0, pp = 0, yp = 0;

  void add(double y, double p, double w) {
    if (w == 0) return;
    weight += w;
    const double dy = y - mean_y, dp = p - mean_p;
    mean_y += dy * w / weight;
    mean_p += dp * w / weight;
    yy += w * dy * (y - mean_y);
    pp += w * dp * (p - mean_p);
    yp += w * dy * (p - mean_p);
  }
  double pearson() const { return yy == 0 || pp == 0 ? 0 : yp / (std::sqrt(yy) * std::sqrt(pp)); }
  double shift() const { return weight * (mean_y - mean_p) * (mean_y - mean_p); }
  double concordance() const { return ratio(2 * yp, yy + pp + shift()); }
  double r2() const {
    const double residuals = yy + pp - 2 * yp + shift();
    if (yy == 0) return residuals == 0 ? 0 : -std::numeric_limits<double>::infinity();
    return 1 - residuals / yy;
  }

  static Moments read(const double* from) { return {from[0], from[1], from[2], from[3], from[4], from[5]}; }
  void write(double* to) const { to[0] = weight, to[1] = mean_y, to[2] = mean_p, to[3] = yy, to[4] = pp, to[5] = yp; }
};

void add_columns(MetricState& state, const Rows& rows, const MetricBatch& batch) {
  prepare(state, rows.width * Moments::kNumbers, batch);
  for (size_t i = 0; i < rows.width; ++i) {
    double* const numbers = &state[i * Moments::kNumbers];
    Moments moments = Moments::read(numbers);
    for (size_t r = 0; r < rows.count; ++r) moments.add(rows.y[r * rows.width + i], rows.p[r * rows.width + i], rows.weight(r));
    moments.write(numbers);
  }
}

using Coefficient = double (Moments::*)() const;

/// The mean over the rows; columns where asked for, and where a row is a single value, which correlates with nothing.
void add_rows(MetricState& state, const MetricBatch& batch, Coefficient coefficient) {
  const Rows rows = read_rows(batch);
  if (batch.options.axis.value_or(-1) == 0 || rows.width == 1) return add_columns(state, rows, batch);
  prepare(state, 2, batch);
  for (size_t r = 0; r < rows.count; ++r) {
    Moments moments;
    for (size_t i = 0; i < rows.width; ++i) moments.add(rows.y[r * rows.width + i], rows.p[r * rows.width + i], 1);
    state[0] += rows.weight(r) * (moments.*coefficient)();
    state[1] += rows.weight(r);
  }
}

double mean_of_columns(const MetricState& state, Coefficient coefficient) {
  if (state.size() == 2) return ratio(state[0], state[1]);
  double total = 0;
  for (size_t i = 0; i < state.size(); i += Moments::kNumbers) {
    const Moments moments = Moments::read(&state[i]);
    if (moments.weight != 0) total += (moments.*coefficient)();
  }
  return ratio(total * Moments::kNumbers, static_cast<double>(state.size()));
}

}  // namespace

void add_moments(MetricState& state, const MetricBatch& batch) { add_columns(state, read_rows(batch), batch); }
void add_correlations(MetricState& state, const MetricBatch& batch) { add_rows(state, batch, &Moments::pearson); }
void add_concordances(MetricState& state, const MetricBatch& batch) { add_rows(state, batch, &Moments::concordance); }

double r2(const MetricState& state, const MetricOptions&) { return mean_of_columns(state, &Moments::r2); }
double pearson(const MetricState& state, const MetricOptions&) { return mean_of_columns(state, &Moments::pearson); }
double concordance(const MetricState& state, const MetricOptions&) { return mean_of_columns(state, &Moments::concordance); }

}  // namespace gradus::nn::detail
