// Metrics against plain loops: in one batch and in many, with weights, from logits, and with input that makes no sense.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "autograd/tape.h"
#include "nn/nn.h"
#include "tests/support/tensors.h"

using namespace gradus;
namespace metrics = nn::metrics;

namespace {

using Values = std::vector<double>;

double measure(const nn::Metric& metric, const Tensor& y, const Tensor& p, const Tensor& weights = {}) {
  nn::Accumulator accumulator(metric);
  accumulator.update(y, p, weights);
  return accumulator.result();
}

/// The same in batches of 1, 4, 9, ... samples.
double measure_in_batches(const nn::Metric& metric, const Tensor& y, const Tensor& p, const Tensor& weights = {}) {
  nn::Accumulator accumulator(metric);
  accumulator.update(y, p, weights);
  accumulator.reset();
  const int64_t count = p.shape()[0];
  int64_t step = 1;
  for (int64_t begin = 0; begin < count; ++step) {
    const Slice range(begin, std::min(count, begin + step * step));
    accumulator.update(y.slice({range}), p.slice({range}), weights.defined() ? weights.slice({range}) : Tensor());
    begin += step * step;
  }
  return accumulator.result();
}

struct Sample {
  Values y, p, w;  // 60 rows of 4
  std::vector<int64_t> labels;
};

constexpr int kRows = 60, kWidth = 4;

/// Probabilities that sum to 1, one-hot targets that agree with them half of the time, weights.
Sample sample() {
  Sample s;
  uint64_t state = 12345;
  const auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return static_cast<double>(state >> 33) / static_cast<double>(uint64_t{1} << 31);
  };
  for (int r = 0; r < kRows; ++r) {
    Values row(kWidth);
    double total = 0;
    for (double& v : row) total += v = next();
    for (double& v : row) s.p.push_back(v / total);
    const auto best = std::max_element(row.begin(), row.end()) - row.begin();
    s.labels.push_back(next() < 0.5 ? best : static_cast<int64_t>(next() * kWidth));
    for (int i = 0; i < kWidth; ++i) s.y.push_back(i == s.labels.back() ? 1 : 0);
    s.w.push_back(r % 5 == 0 ? 0 : next() * 2);
  }
  return s;
}

struct Counts {
  double tp = 0, fp = 0, tn = 0, fn = 0;
};

Counts count(const Sample& s, double threshold, bool weighted, int column = -1) {
  Counts c;
  for (int r = 0; r < kRows; ++r)
    for (int i = 0; i < kWidth; ++i) {
      if (column >= 0 && i != column) continue;
      const size_t k = static_cast<size_t>(r * kWidth + i);
      const bool positive = s.p[k] > threshold, truth = s.y[k] == 1;
      (positive ? truth ? c.tp : c.fp : truth ? c.fn : c.tn) += weighted ? s.w[static_cast<size_t>(r)] : 1;
    }
  return c;
}

}  // namespace

TEST_CASE("counts, precision and recall") {
  const Sample s = sample();
  const Tensor y(s.y, {kRows, kWidth}), p(s.p, {kRows, kWidth}), w(s.w), labels(s.labels);
  for (const bool weighted : {false, true})
    for (const double threshold : {0.0, 0.2, 0.5, 1.0})
      for (const int column : {-1, 0, 3}) {
        const Counts c = count(s, threshold, weighted, column);
        nn::MetricOptions options{.threshold = threshold};
        if (column >= 0) options.class_id = column;
        const auto check = [&](const nn::MetricKind& kind, double expected) {
          CAPTURE(kind.name);
          CHECK(measure(kind(options), y, p, weighted ? w : Tensor()) == doctest::Approx(expected).epsilon(1e-12));
          CHECK(measure_in_batches(kind(options), labels, p, weighted ? w : Tensor()) ==
                doctest::Approx(expected).epsilon(1e-12));
        };
        check(metrics::TruePositives, c.tp);
        check(metrics::FalsePositives, c.fp);
        check(metrics::TrueNegatives, c.tn);
        check(metrics::FalseNegatives, c.fn);
        check(metrics::Precision, c.tp + c.fp == 0 ? 0 : c.tp / (c.tp + c.fp));
        check(metrics::Recall, c.tp / (c.tp + c.fn));
      }
}

TEST_CASE("precision and recall of the k best classes") {
  const Tensor p({{0.5, 0.3, 0.2}, {0.1, 0.2, 0.7}, {0.4, 0.4, 0.2}}), labels({1, 0, 1});
  CHECK(measure(metrics::Recall({.top_k = 1}), labels, p) == 0);
  CHECK(measure(metrics::Recall({.top_k = 2}), labels, p) == doctest::Approx(2.0 / 3));
  CHECK(measure(metrics::Precision({.top_k = 2}), labels, p) == doctest::Approx(2.0 / 6));
  CHECK(measure(metrics::Precision({.top_k = 2, .class_id = 1}), labels, p) == doctest::Approx(2.0 / 3));
  CHECK(measure(metrics::Recall({.top_k = 99}), labels, p) == 1);
  CHECK(measure(metrics::Recall({.threshold = 0.35, .top_k = 2}), labels, p) == doctest::Approx(1.0 / 3));
}

TEST_CASE("F scores, averaged over the classes in three ways") {
  const Sample s = sample();
  const Tensor y(s.y, {kRows, kWidth}), p(s.p, {kRows, kWidth}), labels(s.labels);
  for (const double beta : {1.0, 0.5, 2.0})
    for (const bool largest : {true, false}) {
      CAPTURE(beta);
      double macro = 0, weighted = 0, all = 0;
      Counts sum;
      for (int column = 0; column < kWidth; ++column) {
        Counts c = count(s, 0.4, false, column);
        if (largest) {
          c = {};
          for (int r = 0; r < kRows; ++r) {
            const double* const row = &s.p[static_cast<size_t>(r * kWidth)];
            const bool positive = std::max_element(row, row + kWidth) - row == column;
            const bool truth = s.labels[static_cast<size_t>(r)] == column;
            (positive ? truth ? c.tp : c.fp : truth ? c.fn : c.tn) += 1;
          }
        }
        const double precision = c.tp + c.fp == 0 ? 0 : c.tp / (c.tp + c.fp), recall = c.tp / (c.tp + c.fn);
        const double f =
            precision + recall == 0 ? 0 : (1 + beta * beta) * precision * recall / (beta * beta * precision + recall);
        macro += f / kWidth;
        weighted += f * (c.tp + c.fn);
        all += c.tp + c.fn;
        sum.tp += c.tp, sum.fp += c.fp, sum.fn += c.fn;
      }
      const double precision = sum.tp / (sum.tp + sum.fp), recall = sum.tp / (sum.tp + sum.fn);
      nn::MetricOptions options{.beta = beta};
      if (!largest) options.threshold = 0.4;
      const auto check = [&](std::optional<nn::ClassAverage> average, double expected) {
        options.average = average;
        CHECK(measure_in_batches(metrics::FBetaScore(options), labels, p) == doctest::Approx(expected).epsilon(1e-12));
        CHECK(measure(metrics::FBetaScore(options), y, p) == doctest::Approx(expected).epsilon(1e-12));
      };
      check(std::nullopt, macro);
      check(nn::ClassAverage::macro, macro);
      check(nn::ClassAverage::weighted, weighted / all);
      check(nn::ClassAverage::micro, (1 + beta * beta) * precision * recall / (beta * beta * precision + recall));
    }
  // A single column is a matter of a threshold.
  CHECK(measure("f1_score", Tensor({1, 1, 0, 0}), Tensor({{0.9}, {0.2}, {0.8}, {0.1}})) == doctest::Approx(0.5));
  CHECK(measure("f1_score", Tensor({1, 1}), Tensor({0.1, 0.2})) == 0);
}

TEST_CASE("accuracies with weights, thresholds and k") {
  const Tensor p({{0.5f, 0.3f, 0.2f}, {0.1f, 0.2f, 0.7f}, {0.4f, 0.25f, 0.35f}}), labels({1, 2, 2}), w({1.0f, 2.0f, 5.0f});
  const Tensor rows = one_hot(labels, 3);
  for (const char* name : {"accuracy", "acc", "sparse_categorical_accuracy"}) {
    CHECK(measure(name, labels, p) == doctest::Approx(1.0 / 3));
    CHECK(measure(name, labels, p, w) == doctest::Approx(2.0 / 8));
    CHECK(measure(name, labels, p, zeros({3})) == 0);
  }
  CHECK(measure("categorical_accuracy", rows, p, w.reshape({3, 1})) == doctest::Approx(2.0 / 8));
  const auto top = [&](int64_t k) {
    const double sparse = measure(metrics::SparseTopKCategoricalAccuracy({.k = k}), labels, p);
    CHECK(measure(metrics::TopKCategoricalAccuracy({.k = k}), rows, p) == sparse);
    return sparse;
  };
  CHECK(top(1) == doctest::Approx(1.0 / 3));
  CHECK(top(2) == 1);
  CHECK(measure("sparse_top_k_categorical_accuracy", labels, p) == 1);
  // Equals share a place; what is not a number has none.
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  CHECK(measure(metrics::SparseTopKCategoricalAccuracy({.k = 1}), Tensor({1}), Tensor({{0.4f, 0.4f, 0.2f}})) == 1);
  CHECK(measure(metrics::SparseTopKCategoricalAccuracy({.k = 3}), Tensor({1}), Tensor({{0.4f, kNan, 0.2f}})) == 0);
  CHECK(measure(metrics::SparseTopKCategoricalAccuracy({.k = 1}), Tensor({0}), Tensor({{0.4f, kNan, 0.2f}})) == 0);

  const Tensor truth({1, 0, 1}), q({0.9f, 0.4f, 0.3f});
  CHECK(measure("binary_accuracy", truth, q) == doctest::Approx(2.0 / 3));
  CHECK(measure(metrics::BinaryAccuracy({.threshold = 0.2}), truth, q) == doctest::Approx(2.0 / 3));
  CHECK(measure(metrics::BinaryAccuracy({.threshold = 0.35}), truth, q, w) == doctest::Approx(1.0 / 8));
  nn::Accumulator logits{nn::Metric(metrics::BinaryAccuracy({.threshold = 0.7}))};
  logits.update(truth, nn::Outputs(log(q / (1 - q)), &nn::sigmoid));
  CHECK(logits.result() == doctest::Approx(2.0 / 3));
  CHECK_THROWS_AS(measure("sparse_top_k_categorical_accuracy", Tensor({3, 0, 0}), p), ValueError);
}

TEST_CASE("means of losses are metrics") {
  const Sample s = sample();
  const Tensor y(s.y, {kRows, kWidth}), p(s.p, {kRows, kWidth}), w(s.w);
  for (const char* name : {"mse", "mae", "mape", "msle", "mean_squared_error", "log_cosh", "huber", "poisson", "kl_divergence",
                           "hinge", "squared_hinge", "categorical_hinge", "binary_crossentropy", "categorical_crossentropy"}) {
    CAPTURE(name);
    const Values each = nn::Loss(name)(y, nn::Outputs(p, nullptr)).to_vector<double>();
    double total = 0, weighted = 0, weights = 0;
    for (size_t i = 0; i < each.size(); ++i) total += each[i], weighted += each[i] * s.w[i], weights += s.w[i];
    CHECK(measure_in_batches(name, y, p) == doctest::Approx(total / kRows).epsilon(1e-12));
    CHECK(measure_in_batches(name, y, p, w) == doctest::Approx(weighted / weights).epsilon(1e-12));
  }
  CHECK(measure(nn::Huber({.delta = 0.5}), Tensor({0.0}), Tensor({2.0})) == 0.875);
  CHECK(measure(nn::Metric(nn::Huber({.delta = 0.5}), "mine"), Tensor({0.0}), Tensor({2.0})) == 0.875);
  CHECK(nn::Metric(nn::Huber({.delta = 0.5}), "mine").name() == "mine");
  CHECK(measure("sparse_categorical_crossentropy", Tensor({1}), Tensor({{0.75, 0.25}})) == doctest::Approx(std::log(4)));
  // From logits, too.
  nn::Accumulator entropy{nn::Metric("categorical_crossentropy")};
  entropy.update(Tensor({{1.0, 0.0}}), nn::Outputs(Tensor({{-1e4, 1e4}}), &nn::softmax));
  CHECK(entropy.result() == 2e4);
  // A loss of the whole batch counts each batch once.
  nn::Accumulator dice{nn::Metric("dice")};
  dice.update(Tensor({{1.0, 0.0}}), Tensor({{1.0, 0.0}}));
  dice.update(Tensor({{1.0}, {1.0}}), Tensor({{0.0}, {0.0}}));
  CHECK(dice.result() == doctest::Approx(0.5));
}

TEST_CASE("regression metrics") {
  const Tensor y({{1.0, 10.0}, {2.0, 12.0}, {4.0, 11.0}, {3.0, 15.0}}), p({{1.5, 10.0}, {2.0, 13.0}, {3.0, 10.0}, {3.5, 16.0}});
  double squares[2] = {0.25 + 0 + 1 + 0.25, 0 + 1 + 1 + 1};
  CHECK(measure_in_batches("rmse", y, p) == doctest::Approx(std::sqrt((squares[0] + squares[1]) / 8)).epsilon(1e-12));
  CHECK(measure("root_mean_squared_error", y, p, Tensor({0, 1, 0, 0})) == doctest::Approx(std::sqrt(0.5)).epsilon(1e-12));
  // Deviations: 1, 2, 4, 3 around 2.5 and 10, 12, 11, 15 around 12.
  const double r2 = ((1 - squares[0] / 5) + (1 - squares[1] / 14)) / 2;
  CHECK(measure_in_batches("r2_score", y, p) == doctest::Approx(r2).epsilon(1e-12));
  CHECK(measure_in_batches("r2", y + 1e9, p + 1e9) == doctest::Approx(r2).epsilon(1e-6));
  CHECK(measure_in_batches("r2", concat({y, y * 7}), concat({p, p}), Tensor({1, 1, 1, 1, 0, 0, 0, 0})) ==
        doctest::Approx(r2).epsilon(1e-12));
  CHECK(measure("r2_score", Tensor({1.0, 2.0}), Tensor({1.0, 2.0})) == 1);
  CHECK(measure("r2_score", Tensor({2.0, 2.0}), Tensor({2.0, 2.0})) == 0);
  CHECK(measure("r2_score", Tensor({2.0, 2.0}), Tensor({1.0, 3.0})) == -std::numeric_limits<double>::infinity());
  CHECK(measure("cosine_similarity", Tensor({{1.0, 0.0}, {1.0, 1.0}}), Tensor({{2.0, 0.0}, {-1.0, 0.0}})) ==
        doctest::Approx((1 - std::sqrt(0.5)) / 2));
  CHECK(measure(nn::CosineSimilarity(), Tensor({{1.0, 0.0}}), Tensor({{2.0, 0.0}})) == doctest::Approx(-1));
  CHECK(measure("mean", Tensor(), Tensor({1.0, 2.0, 6.0})) == 3);
  CHECK(measure("mean", Tensor(), Tensor({1.0, 2.0, 6.0}), Tensor({1, 0, 1})) == 3.5);
  CHECK(measure_in_batches("sum", y, p, Tensor({1, 0, 0, 2})) == 1.5 + 10 + 2 * (3.5 + 16));
}

TEST_CASE("correlations") {
  // numpy.corrcoef of 1, 2, 4, 3 with 1.5, 2, 3, 3.5 and of 10, 12, 11, 15 with 10, 13, 10, 16
  const Tensor y({{1.0, 10.0}, {2.0, 12.0}, {4.0, 11.0}, {3.0, 15.0}}), p({{1.5, 10.0}, {2.0, 13.0}, {3.0, 10.0}, {3.5, 16.0}});
  const auto expected = [](const Values& a, const Values& b, bool concordance) {
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    const auto n = static_cast<double>(a.size());
    for (size_t i = 0; i < a.size(); ++i) ma += a[i] / n, mb += b[i] / n;
    for (size_t i = 0; i < a.size(); ++i)
      aa += std::pow(a[i] - ma, 2), bb += std::pow(b[i] - mb, 2), ab += (a[i] - ma) * (b[i] - mb);
    return concordance ? 2 * ab / (aa + bb + n * (ma - mb) * (ma - mb)) : ab / std::sqrt(aa * bb);
  };
  const auto column = [](const Tensor& x, int64_t i) { return x.slice({Slice(), i}).to_vector<double>(); };
  for (const bool concordance : {false, true}) {
    const nn::MetricKind kind = concordance ? metrics::ConcordanceCorrelation : metrics::PearsonCorrelation;
    const double first = expected(column(y, 0), column(p, 0), concordance),
                 second = expected(column(y, 1), column(p, 1), concordance);
    CHECK(measure_in_batches(kind({.axis = 0}), y, p) == doctest::Approx((first + second) / 2).epsilon(1e-12));
    CHECK(measure_in_batches(kind(), y.slice({Slice(), 0}), p.slice({Slice(), 0})) == doctest::Approx(first).epsilon(1e-12));
    // Rows: the columns of the transposed tensors.
    CHECK(measure_in_batches(kind(), y.transpose(), p.transpose()) == doctest::Approx((first + second) / 2).epsilon(1e-12));
    CHECK(measure(kind(), y.transpose(), p.transpose(), Tensor({0, 3})) == doctest::Approx(second).epsilon(1e-12));
  }
  CHECK(measure("pearson_correlation", y[":, 0"], p[":, 0"]) == doctest::Approx(0.8485281374238569).epsilon(1e-12));
  CHECK(measure("pearson_correlation", Tensor({1.0, 1.0}), Tensor({0.0, 1.0})) == 0);
}

TEST_CASE("intersection over union") {
  const Tensor labels({0, 0, 1, 1, 2}), guess({0, 1, 1, 1, 0});
  // Class 0: 1 of 3; 1: 2 of 3; 2: 0 of 1; class 3 does not occur.
  const double expected = (1.0 / 3 + 2.0 / 3 + 0) / 3;
  CHECK(measure_in_batches(metrics::MeanIoU({.num_classes = 4}), labels, guess) == doctest::Approx(expected));
  CHECK(measure("mean_io_u", labels, one_hot(guess, 3)) == doctest::Approx(expected));
  CHECK(measure("mean_iou", one_hot(labels, 3), one_hot(guess, 3)) == doctest::Approx(expected));
  CHECK(measure(metrics::MeanIoU({.num_classes = 3}), labels, guess, Tensor({1, 0, 1, 1, 0})) == 1);
  CHECK(measure("mean_io_u", labels, one_hot(guess, 3), Tensor({1, 0, 1, 1, 0})) == 1);
  CHECK(measure("binary_io_u", Tensor({1, 0, 1, 0}), Tensor({0.9, 0.8, 0.2, 0.1})) == doctest::Approx(1.0 / 3));
  CHECK_THROWS_WITH_AS(measure("mean_io_u", labels, guess), doctest::Contains("num_classes"), ValueError);
  CHECK_THROWS_AS(measure(metrics::MeanIoU({.num_classes = 2}), labels, guess), ValueError);
}

TEST_CASE("a metric of nothing is 0") {
  for (const char* name : {"accuracy", "precision", "recall", "true_positives", "f1_score", "auc", "sensitivity_at_specificity",
                           "precision_at_recall", "mean_io_u", "binary_io_u", "rmse", "r2_score", "pearson_correlation",
                           "concordance_correlation", "cosine_similarity", "mean", "sum", "mse", "dice"}) {
    CAPTURE(name);
    CHECK(nn::Accumulator(nn::Metric(name)).result() == 0);
    const bool pairs = std::string_view(name) != "dice";  // which is of a batch, 1 for an empty one
    if (pairs) CHECK(measure(name, zeros({0}), zeros({0})) == 0);
    if (pairs) CHECK(measure(name, zeros({0, 3}), zeros({0, 3})) == 0);
  }
}

TEST_CASE("metrics refuse what makes no sense") {
  const Tensor y({1, 0}), p({0.5, 0.25});
  for (const char* name : {"precision", "recall", "auc", "f1_score", "false_negatives", "binary_io_u", "recall_at_precision"}) {
    CAPTURE(name);
    CHECK_THROWS_WITH_AS(measure(name, y, p * 3), doctest::Contains("prediction out of range; got 1.5, expected [0, 1]; a model"),
                         ValueError);
    CHECK_THROWS_AS(measure(name, y, p * std::numeric_limits<double>::quiet_NaN()), ValueError);
    CHECK_THROWS_WITH_AS(measure(name, y * 2 - 1, p), doctest::Contains("target out of range; got -1, expected 0 or 1"),
                         ValueError);
    CHECK_THROWS_AS(measure(name, Tensor({1, 0, 1}), p), ShapeError);
    CHECK_THROWS_AS(measure(name, y, p, ones({3})), ShapeError);
    CHECK_THROWS_AS(measure(name, Tensor({2, 0}), full({2, 2}, 0.5)), ValueError);
  }
  for (const char* name : {"mse", "accuracy", "r2_score", "pearson_correlation"}) {
    CHECK_THROWS_AS(measure(name, Tensor({1, 0, 1}), p), ShapeError);
    CHECK_THROWS_AS(measure(name, y, p, ones({3})), ShapeError);
  }
  CHECK_THROWS_WITH_AS(nn::Metric("acuracy"), doctest::Contains("r2_score"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Metric("acuracy"), doctest::Contains("huber"), ValueError);
  CHECK_THROWS_WITH_AS(metrics::AUC({.threshold = 0.5}),
                       "auc: an option that does not belong here; got threshold, expected num_thresholds, thresholds, curve, "
                       "summation, multi_label",
                       ValueError);
  CHECK_THROWS_WITH_AS(metrics::Accuracy({.k = 5}), doctest::Contains("got k, expected none"), ValueError);
  CHECK_THROWS_WITH_AS(metrics::Precision({.threshold = 1.5}), "precision: threshold out of range; got 1.5, expected [0, 1]",
                       ValueError);
  CHECK_THROWS_AS(metrics::AUC({.thresholds = {0.5, 2}}), ValueError);
  CHECK_THROWS_AS(metrics::AUC({.num_thresholds = 1}), ValueError);
  CHECK_THROWS_AS(metrics::AUC({.num_thresholds = 20, .thresholds = {0.5}}), ValueError);
  CHECK_THROWS_AS(metrics::TopKCategoricalAccuracy({.k = 0}), ValueError);
  CHECK_THROWS_AS(metrics::Recall({.class_id = -1}), ValueError);
  CHECK_THROWS_WITH_AS(measure(metrics::Recall({.class_id = 2}), y, full({2, 2}, 0.5)),
                       doctest::Contains("class_id out of range"), ValueError);
  CHECK_THROWS_AS(metrics::FBetaScore({.beta = 0}), ValueError);
  CHECK_THROWS_AS(metrics::PearsonCorrelation({.axis = 1}), ValueError);
  CHECK_THROWS_AS(metrics::RecallAtPrecision({.at = -0.1}), ValueError);
  CHECK_THROWS_AS(nn::Metric("mine", nn::MetricRecipe{}), ValueError);
  CHECK_THROWS_AS(nn::Metric("mine", nn::Metric::Function()), ValueError);
  // Another number of classes half-way.
  nn::Accumulator f1{nn::Metric("f1_score")};
  f1.update(y, full({2, 2}, 0.5));
  CHECK_THROWS_WITH_AS(f1.update(y, full({2, 3}, 0.5)), doctest::Contains("a batch of another kind"), ShapeError);
  f1.reset();
  CHECK_NOTHROW(f1.update(y, full({2, 3}, 0.5)));
}

TEST_CASE("metrics of one's own keep what they need") {
  const nn::Metric spread("spread", {.update =
                                         [](nn::MetricState& state, const Tensor&, const Tensor& p, const Tensor&) {
                                           state[0] = std::max(state[0], max(p).item<double>());
                                           state[1] = std::min(state[1], min(p).item<double>());
                                         },
                                     .result = [](const nn::MetricState& state) { return state[0] - state[1]; },
                                     .numbers = 2});
  CHECK(measure_in_batches(spread, zeros({5}), Tensor({1, -4, 2, 3, 0})) == 7);
  nn::Accumulator accumulator(spread);
  accumulator.update(Tensor(), Tensor({5.0}));
  accumulator.reset();
  CHECK(accumulator.result() == 0);
}

TEST_CASE("metrics record nothing on a tape") {
  const Tensor y({1, 0}), p({0.5, 0.25});
  GradientTape tape;
  tape.watch(p);
  const Tensor q = square(p);
  nn::Accumulator mse{nn::Metric("mse")};
  mse.update(y, nn::Outputs(q, &nn::sigmoid));
  CHECK(test::approx(tape.gradient(sum(q), p), {1, 0.5}, 1e-12));
}

TEST_CASE("a meter tells weighted metrics from others") {
  const std::vector<nn::Metric> plain{"mae", metrics::Recall({.name = "found"})}, weighted{"mae", "mse"};
  nn::Meter meter(plain, weighted);
  const Tensor y({0.0, 1.0}), p({0.5, 0.75}), w({3.0, 1.0});
  meter.add(2, 2, y, nn::Outputs(p, nullptr), w);
  meter.add(5, 1, Tensor({1.0}), nn::Outputs(Tensor({0.0}), nullptr), Tensor({1.0}));
  nn::Logs logs;
  meter.write(logs);
  CHECK(logs["loss"] == 3);
  CHECK(logs["mae"] == doctest::Approx((0.5 + 0.25 + 1) / 3));
  CHECK(logs["found"] == 0.5);
  CHECK(logs["weighted_mae"] == doctest::Approx((1.5 + 0.25 + 1) / 5));
  CHECK(logs["mse"] == doctest::Approx((0.75 + 0.0625 + 1) / 5));
  CHECK(logs.size() == 5);
  meter.reset();
  meter.write(logs);
  for (const auto& [name, value] : logs) CHECK(value == 0);
}
