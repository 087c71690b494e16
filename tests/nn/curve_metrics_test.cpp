// AUC and the metrics at another one, against counting at every threshold as Keras does, and against counting pairs.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "nn/nn.h"

using namespace gradus;
namespace metrics = nn::metrics;

namespace {

using Values = std::vector<double>;

struct Sample {
  Values y, p, w;
};

/// Scores of positives lie higher on average; some are 0, 1 or equal.
Sample sample(int count, double shift = 0.3) {
  Sample s;
  uint64_t state = 99;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 33) / static_cast<double>(uint64_t{1} << 31);
  };
  for (int i = 0; i < count; ++i) {
    const bool positive = next() < 0.4;
    const double score = std::clamp(next() * 0.9 - 0.1 + (positive ? shift : 0), 0.0, 1.0);
    s.y.push_back(positive ? 1 : 0);
    s.p.push_back(i % 7 == 0 ? std::round(score * 10) / 10 : score);
    s.w.push_back(static_cast<double>(i % 4));
  }
  return s;
}

double divide(double a, double b) { return b == 0 ? 0 : a / b; }

struct Counted {
  Values tp, fp, tn, fn;
};

/// Everything counted once more for each threshold.
Counted count(const Sample& s, const Values& thresholds, bool weighted) {
  Counted c;
  for (const double threshold : thresholds) {
    double tp = 0, fp = 0, tn = 0, fn = 0;
    for (size_t i = 0; i < s.y.size(); ++i)
      (s.p[i] > threshold ? s.y[i] == 1 ? tp : fp : s.y[i] == 1 ? fn : tn) += weighted ? s.w[i] : 1;
    c.tp.push_back(tp), c.fp.push_back(fp), c.tn.push_back(tn), c.fn.push_back(fn);
  }
  return c;
}

Values even_thresholds(int count) {
  Values out{-1e-7};
  for (int i = 0; i < count - 2; ++i) out.push_back((i + 1) / static_cast<double>(count - 1));
  out.push_back(1 + 1e-7);
  return out;
}

double keras_auc(const Counted& c, nn::Curve curve, nn::Summation summation) {
  const size_t n = c.tp.size();
  double total = 0;
  if (curve == nn::Curve::pr && summation == nn::Summation::interpolation) {
    for (size_t i = 0; i + 1 < n; ++i) {
      const double dtp = c.tp[i] - c.tp[i + 1], p = c.tp[i] + c.fp[i], next = c.tp[i + 1] + c.fp[i + 1];
      const double slope = divide(dtp, std::max(p - next, 0.0)), intercept = c.tp[i + 1] - slope * next;
      const double relative = p > 0 && next > 0 ? p / next : 1;
      total += divide(slope * (dtp + intercept * std::log(relative)), std::max(c.tp[i + 1] + c.fn[i + 1], 0.0));
    }
    return total;
  }
  Values x(n), y(n);
  for (size_t i = 0; i < n; ++i) {
    const double recall = divide(c.tp[i], c.tp[i] + c.fn[i]);
    x[i] = curve == nn::Curve::roc ? divide(c.fp[i], c.fp[i] + c.tn[i]) : recall;
    y[i] = curve == nn::Curve::roc ? recall : divide(c.tp[i], c.tp[i] + c.fp[i]);
  }
  for (size_t i = 0; i + 1 < n; ++i) {
    const double heights = summation == nn::Summation::interpolation ? (y[i] + y[i + 1]) / 2
                           : summation == nn::Summation::minoring    ? std::min(y[i], y[i + 1])
                                                                     : std::max(y[i], y[i + 1]);
    total += (x[i] - x[i + 1]) * heights;
  }
  return total;
}

/// In batches of 1, 2, 3, ...
double measure(const nn::Metric& metric, const Sample& s, bool weighted = false, int64_t width = 1) {
  nn::Accumulator accumulator(metric);
  const auto count = static_cast<int64_t>(s.y.size()) / width;
  const Tensor y = Tensor(s.y).reshape({count, width}), p = Tensor(s.p).reshape({count, width});
  const Tensor w = Tensor(s.w);
  for (int64_t begin = 0, step = 1; begin < count; begin += step++) {
    const Slice range(begin, std::min(count, begin + step));
    accumulator.update(y.slice({range}), p.slice({range}), weighted ? w.slice({range}) : Tensor());
  }
  return accumulator.result();
}

}  // namespace

TEST_CASE("AUC is Keras' for both curves, all summations, any thresholds, with weights") {
  const Sample s = sample(500);
  for (const nn::Curve curve : {nn::Curve::roc, nn::Curve::pr})
    for (const nn::Summation summation : {nn::Summation::interpolation, nn::Summation::minoring, nn::Summation::majoring})
      for (const bool weighted : {false, true}) {
        const auto check = [&](nn::MetricOptions options, const Values& thresholds) {
          options.curve = curve;
          options.summation = summation;
          const double expected = keras_auc(count(s, thresholds, weighted), curve, summation);
          CHECK(measure(metrics::AUC(options), s, weighted) == doctest::Approx(expected).epsilon(1e-12));
        };
        check({}, even_thresholds(200));
        check({.num_thresholds = 7}, even_thresholds(7));
        check({.num_thresholds = 2}, even_thresholds(2));
        check({.thresholds = {0.7, 0.2, 0.5}}, {-1e-7, 0.2, 0.5, 0.7, 1 + 1e-7});
      }
}

TEST_CASE("AUC is the share of pairs in the right order") {
  for (const double shift : {-0.2, 0.0, 0.3, 0.9}) {
    const Sample s = sample(400, shift);
    double right = 0, pairs = 0;
    for (size_t i = 0; i < s.y.size(); ++i)
      for (size_t j = 0; j < s.y.size(); ++j) {
        if (s.y[i] != 1 || s.y[j] != 0) continue;
        ++pairs;
        right += s.p[i] > s.p[j] ? 1 : s.p[i] == s.p[j] ? 0.5 : 0;
      }
    CHECK(std::abs(measure("auc", s) - right / pairs) < 5e-3);
    CHECK(std::abs(measure(metrics::AUC({.num_thresholds = 20000}), s) - right / pairs) < 1e-4);
  }
}

TEST_CASE("AUC at its ends") {
  CHECK(measure("auc", {{0, 0, 1, 1}, {0.1, 0.2, 0.8, 0.9}, {}}) == 1);
  CHECK(measure("auc", {{1, 1, 0, 0}, {0.1, 0.2, 0.8, 0.9}, {}}) == 0);
  CHECK(measure("auc", {{0, 1, 0, 1}, {0.5, 0.5, 0.5, 0.5}, {}}) == 0.5);
  CHECK(measure("auc", {{0, 0, 1, 1}, {0, 0.5, 0.3, 0.9}, {}}) == doctest::Approx(0.75));  // Keras' example
  CHECK(measure("auc", {{1, 1}, {0.5, 1}, {}}) == 0);
  CHECK(measure("auc", {{0, 0}, {0.5, 1}, {}}) == 0);
  CHECK(measure("auc", {{0, 1}, {0, 1}, {}}) == 1);
}

TEST_CASE("AUC of several labels: the mean of the columns, or of all values together") {
  const Sample s = sample(300);
  Sample columns[3];
  for (size_t i = 0; i < s.y.size(); ++i) {
    columns[i % 3].y.push_back(s.y[i]);
    columns[i % 3].p.push_back(s.p[i]);
  }
  double mean = 0;
  for (const Sample& column : columns)
    mean += keras_auc(count(column, even_thresholds(200), false), nn::Curve::roc, nn::Summation::interpolation) / 3;
  CHECK(measure(metrics::AUC({.multi_label = true}), s, false, 3) == doctest::Approx(mean).epsilon(1e-12));
  CHECK(measure("auc", s, false, 3) ==
        doctest::Approx(keras_auc(count(s, even_thresholds(200), false), nn::Curve::roc, nn::Summation::interpolation))
            .epsilon(1e-12));
}

TEST_CASE("metrics at another one") {
  const Sample s = sample(300);
  const Values thresholds = even_thresholds(200);
  for (const bool weighted : {false, true})
    for (const double at : {0.0, 0.3, 0.8, 0.95, 1.0}) {
      CAPTURE(at);
      const Counted c = count(s, thresholds, weighted);
      double best[4] = {0, 0, 0, 0};
      for (size_t i = 0; i < thresholds.size(); ++i) {
        const double sensitivity = divide(c.tp[i], c.tp[i] + c.fn[i]), specificity = divide(c.tn[i], c.tn[i] + c.fp[i]);
        const double precision = divide(c.tp[i], c.tp[i] + c.fp[i]);
        if (specificity >= at) best[0] = std::max(best[0], sensitivity);
        if (sensitivity >= at) best[1] = std::max(best[1], specificity);
        if (sensitivity >= at) best[2] = std::max(best[2], precision);
        if (precision >= at) best[3] = std::max(best[3], sensitivity);
      }
      const auto check = [&](const nn::MetricKind& kind, double expected) {
        CAPTURE(kind.name);
        CHECK(measure(kind({.at = at}), s, weighted) == doctest::Approx(expected).epsilon(1e-12));
      };
      check(metrics::SensitivityAtSpecificity, best[0]);
      check(metrics::SpecificityAtSensitivity, best[1]);
      check(metrics::PrecisionAtRecall, best[2]);
      check(metrics::RecallAtPrecision, best[3]);
    }
}

TEST_CASE("AUC of logits is that of their probabilities") {
  const Tensor z({-2.0, 0.5, 3.0, -0.25}), y({0, 1, 1, 1});
  nn::Accumulator a{nn::Metric("auc")}, b{nn::Metric("auc")};
  a.update(y, nn::Outputs(z, &nn::sigmoid));
  b.update(y, sigmoid(z));
  CHECK(a.result() == b.result());
  CHECK(a.result() > 0.5);
  CHECK_THROWS_AS(b.update(y, z), ValueError);
}
