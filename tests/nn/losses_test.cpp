// Losses and metrics against plain loops in double.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "nn/nn.h"
#include "tests/support/tensors.h"

using namespace gradus;
using test::approx;

namespace {

using Values = std::vector<double>;

const Values kLogits{1, -2, 0.5, 3, 0, -1, 1e4, -1e4, 2, -1e4, 1e4, 1e4};  // 4 rows of 3
const std::vector<int64_t> kLabels{2, 0, 1, 0};

double log_sum_exp(const double* row, size_t n) {
  const double top = *std::max_element(row, row + n);
  double total = 0;
  for (size_t i = 0; i < n; ++i) total += std::exp(row[i] - top);
  return top + std::log(total);
}

Values cross_entropy(const Values& logits, const std::vector<int64_t>& labels, size_t classes) {
  Values out;
  for (size_t r = 0; r < labels.size(); ++r)
    out.push_back(log_sum_exp(&logits[r * classes], classes) - logits[r * classes + static_cast<size_t>(labels[r])]);
  return out;
}

double clipped(double p) { return std::clamp(p, 1e-7, 1 - 1e-7); }

}  // namespace

TEST_CASE("categorical cross entropies from logits, up to +-1e4") {
  const Values expected = cross_entropy(kLogits, kLabels, 3);
  const Tensor z(kLogits, {4, 3}), y(kLabels);
  CHECK(approx(nn::sparse_categorical_crossentropy(y, z, true), expected, 1e-12));
  CHECK(approx(nn::sparse_categorical_crossentropy(y.astype(DType::uint8), z, true), expected, 1e-12));
  CHECK(approx(nn::sparse_categorical_crossentropy(y.reshape({4, 1}), z, true), expected, 1e-12));
  CHECK(approx(nn::categorical_crossentropy(one_hot(y, 3), z, true), expected, 1e-12));
  CHECK(approx(nn::sparse_categorical_crossentropy(y, z.astype(DType::float32), true), expected, 1e-6));
}

TEST_CASE("categorical cross entropies from probabilities clip at 1e-7, as Keras") {
  const Values p{0.2, 0.3, 0.5, 1, 0, 0, 0.25, 0.25, 0.5};
  const std::vector<int64_t> labels{2, 1, 0};
  Values expected;
  for (size_t r = 0; r < 3; ++r) expected.push_back(-std::log(clipped(p[3 * r + static_cast<size_t>(labels[r])])));
  const Tensor probabilities(p, {3, 3}), y(labels);
  CHECK(approx(nn::sparse_categorical_crossentropy(y, probabilities), expected, 1e-12));
  CHECK(approx(nn::categorical_crossentropy(one_hot(y, 3, DType::float64), probabilities), expected, 1e-12));
  CHECK(expected[1] == doctest::Approx(16.118).epsilon(1e-4));

  const Values soft{0.1, 0.2, 0.7};
  double mixed = 0;
  for (size_t i = 0; i < 3; ++i) mixed -= soft[i] * std::log(p[i]);
  CHECK(approx(nn::categorical_crossentropy(Tensor(soft, {1, 3}), probabilities["0:1"]), {mixed}, 1e-12));
}

TEST_CASE("sparse labels of more axes") {
  const Tensor p = softmax(Tensor(kLogits, {2, 2, 3})), y(kLabels, Shape{2, 2});
  const Tensor loss = nn::sparse_categorical_crossentropy(y, p);
  CHECK((loss.shape() == Shape{2, 2}));
  CHECK(loss.to_vector<double>()[0] == doctest::Approx(cross_entropy(kLogits, kLabels, 3)[0]).epsilon(1e-9));
}

TEST_CASE("binary cross entropies") {
  const Values z{0.3, -2, 1e4, -1e4, 1e4, -1e4}, y{1, 0, 1, 0, 0, 1};
  Values from_logits, from_probabilities, p{0.25, 0.5, 1, 0, 1, 0};
  for (size_t i = 0; i < z.size(); ++i) {
    from_logits.push_back(std::max(z[i], 0.0) - z[i] * y[i] + std::log1p(std::exp(-std::abs(z[i]))));
    const double q = clipped(p[i]);
    from_probabilities.push_back(-(y[i] * std::log(q) + (1 - y[i]) * std::log(1 - q)));
  }
  const Tensor targets(y);
  CHECK(approx(nn::sigmoid_cross_entropy_with_logits(targets, Tensor(z)), from_logits, 1e-12));
  CHECK(approx(nn::binary_crossentropy(targets, Tensor(z), true), from_logits, 1e-12));
  CHECK(approx(nn::binary_crossentropy(targets, Tensor(p)), from_probabilities, 1e-9));
  CHECK(from_logits[4] == 1e4);
  // Over the last axis of a matrix: one value per row.
  CHECK(approx(
      nn::binary_crossentropy(Tensor(y, {3, 2}), Tensor(z, {3, 2}), true),
      {(from_logits[0] + from_logits[1]) / 2, (from_logits[2] + from_logits[3]) / 2, (from_logits[4] + from_logits[5]) / 2},
      1e-12));
  // Integer targets, and [n] with [n, 1].
  const Tensor loss = nn::sigmoid_cross_entropy_with_logits(targets.astype(DType::int32), Tensor(z, {6, 1}));
  CHECK((loss.shape() == Shape{6, 1}));
  CHECK(approx(loss, from_logits, 1e-12));
}

TEST_CASE("squared and absolute errors") {
  const Values y{1, 2, 3, 4, 5, 6}, p{1.5, 2, 1, 4, 9, 6};
  CHECK(approx(nn::mean_squared_error(Tensor(y, {2, 3}), Tensor(p, {2, 3})), {(0.25 + 0 + 4) / 3, 16.0 / 3}, 1e-12));
  CHECK(approx(nn::mean_absolute_error(Tensor(y, {2, 3}), Tensor(p, {2, 3})), {2.5 / 3, 4.0 / 3}, 1e-12));
  CHECK(approx(nn::mean_squared_error(Tensor(y), Tensor(p)), {0.25, 0, 4, 0, 16, 0}, 1e-12));
  CHECK(approx(nn::mean_absolute_error(Tensor(y), Tensor(p, {6, 1})), {0.5, 0, 2, 0, 4, 0}, 1e-12));
  CHECK(nn::mean_squared_error(Tensor({1}), Tensor({2.0f})).dtype() == DType::float32);
}

TEST_CASE("losses differentiate to second order") {
  const Tensor z = Tensor({{0.5, -1.0, 2.0}, {1.5, 0.25, -0.5}}), labels({2, 0});
  const Tensor targets({{0.2, 0.3, 0.5}, {1.0, 0.0, 0.0}});
  const auto check = [&](const GradcheckFunction& f) {
    const GradcheckReport report = gradcheck(f, {z});
    CHECK_MESSAGE(report.ok(), report.text());
  };
  check([&](const auto& in) { return nn::sparse_categorical_crossentropy(labels, in[0], true); });
  check([&](const auto& in) { return nn::sparse_categorical_crossentropy(labels, softmax(in[0])); });
  check([&](const auto& in) { return nn::categorical_crossentropy(targets, in[0], true); });
  check([&](const auto& in) { return nn::categorical_crossentropy(targets, softmax(in[0])); });
  check([&](const auto& in) { return nn::binary_crossentropy(targets, in[0], true); });
  check([&](const auto& in) { return nn::binary_crossentropy(targets, sigmoid(in[0])); });
  check([&](const auto& in) { return nn::sigmoid_cross_entropy_with_logits(targets, in[0]); });
  check([&](const auto& in) { return nn::mean_squared_error(targets, in[0]); });
  check([&](const auto& in) { return nn::mean_absolute_error(targets, in[0]); });
}

TEST_CASE("targets that do not fit are refused, never broadcast") {
  const Tensor p = full({4, 3}, 1.0 / 3), labels({0, 1, 2, 0});
  CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(Tensor({0, 1, 2}), p), ShapeError);
  CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(one_hot(labels, 3), p), DTypeError);
  CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(labels.astype(DType::float32), p), DTypeError);
  CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(labels, Tensor(1.0)), ShapeError);
  for (const bool logits : {false, true}) {
    CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(Tensor({0, 1, 3, 0}), p, logits), ValueError);
    CHECK_THROWS_AS(nn::sparse_categorical_crossentropy(Tensor({0, -1, 2, 0}), p, logits), ValueError);
    CHECK_THROWS_AS(nn::categorical_crossentropy(labels, p, logits), ShapeError);
    CHECK_THROWS_AS(nn::binary_crossentropy(ones({4}), ones({4, 3}), logits), ShapeError);
  }
  CHECK_THROWS_AS(nn::mean_squared_error(ones({4}), ones({4, 4})), ShapeError);
  CHECK_THROWS_AS(nn::mean_squared_error(ones({1, 4}), ones({4, 1})), ShapeError);
  CHECK_THROWS_AS(nn::mean_absolute_error(ones({1}), ones({4})), ShapeError);
  CHECK_THROWS_AS(nn::sigmoid_cross_entropy_with_logits(ones({4}), ones({3})), ShapeError);
}

TEST_CASE("losses and metrics by name") {
  for (const char* name : {"sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy",
                           "mean_squared_error", "mean_absolute_error", "mse", "mae"})
    CHECK(nn::Loss(name).name() == name);
  CHECK_THROWS_WITH_AS(nn::Loss("crossentropy"), doctest::Contains("sparse_categorical_crossentropy"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Metric("acuracy"), doctest::Contains("accuracy"), ValueError);
  CHECK_THROWS_AS(nn::Loss::from_logits("mse"), ValueError);
  CHECK_THROWS_AS(nn::Metric("", nn::mean_squared_error), ValueError);

  CHECK(nn::Loss("categorical_crossentropy").absorbs(&nn::softmax));
  CHECK_FALSE(nn::Loss("categorical_crossentropy").absorbs(&nn::sigmoid));
  CHECK_FALSE(nn::Loss("mse").absorbs(&nn::softmax));
  CHECK_FALSE(nn::Loss("binary_crossentropy").absorbs(nullptr));
  CHECK_FALSE(nn::Loss::from_logits("categorical_crossentropy").absorbs(&nn::softmax));
}

TEST_CASE("a loss from logits is the loss of the probabilities") {
  const Tensor z({{0.5, -1.0, 2.0}, {1.5, 0.25, -0.5}}), labels({2, 0});
  const nn::Loss loss("sparse_categorical_crossentropy");
  const Tensor a = loss(labels, nn::Outputs(z, &nn::softmax)), b = loss(labels, nn::Outputs(softmax(z), nullptr));
  const Tensor c = nn::Loss::from_logits("sparse_categorical_crossentropy")(labels, nn::Outputs(z, nullptr));
  CHECK(test::max_abs_difference(a, b) < 1e-12);
  CHECK(test::max_abs_difference(a, c) < 1e-12);
}

TEST_CASE("accuracy goes by the shapes, from predictions and from logits") {
  const auto accuracy = [](const char* name, const Tensor& y, const Tensor& p, const nn::Activation* activation = nullptr) {
    nn::Accumulator accumulator{nn::Metric(name)};
    accumulator.update(y, nn::Outputs(p, activation));
    return accumulator.result();
  };
  const Tensor p({{0.1f, 0.7f, 0.2f}, {0.5f, 0.2f, 0.3f}, {0.2f, 0.2f, 0.6f}, {0.1f, 0.8f, 0.1f}});
  const Tensor labels({1, 0, 1, 1});
  CHECK(accuracy("accuracy", labels, p) == 0.75);
  CHECK(accuracy("accuracy", labels.reshape({4, 1}), p) == 0.75);
  CHECK(accuracy("accuracy", one_hot(labels, 3), p) == 0.75);
  CHECK(accuracy("sparse_categorical_accuracy", labels, p) == 0.75);
  CHECK(accuracy("categorical_accuracy", one_hot(labels, 3), p) == 0.75);
  CHECK(accuracy("accuracy", labels, log(p), &nn::softmax) == 0.75);

  const Tensor q({{0.9f}, {0.4f}, {0.6f}, {0.1f}}), truth({1, 1, 1, 0});
  CHECK(accuracy("accuracy", truth, q) == 0.75);
  CHECK(accuracy("binary_accuracy", truth.reshape({4, 1}), q) == 0.75);
  // As logits the same numbers are all positive answers: the threshold is 0, not 0.5.
  CHECK(accuracy("accuracy", truth, q, &nn::sigmoid) == 0.75);
  CHECK(accuracy("accuracy", Tensor({1, 1, 1, 1}), q, &nn::sigmoid) == 1);
  CHECK_THROWS_AS(accuracy("accuracy", Tensor({1, 0}), p), ShapeError);
}

TEST_CASE("metrics weigh samples, not batches") {
  const std::vector<nn::Metric> metrics{"mse", nn::Metric("largest", [](const Tensor&, const Tensor& p) { return max(p); })};
  nn::Meter meter(metrics);
  const auto add = [&](double loss, const Values& y, const Values& p) {
    meter.add(loss, static_cast<int64_t>(y.size()), Tensor(y), nn::Outputs(Tensor(p), nullptr));
  };
  add(1, {0, 0, 0}, {1, 1, 1});
  add(4, {0}, {3});
  nn::Logs logs;
  meter.write(logs, "val_");
  CHECK(logs["val_loss"] == doctest::Approx((3 * 1 + 4) / 4.0));
  CHECK(logs["val_mse"] == doctest::Approx((3 * 1 + 9) / 4.0));
  CHECK(logs["val_largest"] == doctest::Approx((1 + 3) / 2.0));
  CHECK_THROWS_WITH_AS(logs["loss"], doctest::Contains("val_largest, val_loss, val_mse"), ValueError);
}
