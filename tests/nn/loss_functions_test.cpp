// Every loss against its definition in double, its derivatives, and what happens at the ends of its range.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/gradcheck.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "nn/nn.h"
#include "tests/support/tensors.h"

using namespace gradus;
using test::approx;

namespace {

using Values = std::vector<double>;
using Row = std::function<double(const double* y, const double* p, int n)>;

constexpr double kEps = 1e-7;

double held(double p) { return std::clamp(p, kEps, 1 - kEps); }

/// The mean of f(y, p) over a row.
Row each(double (*f)(double y, double p)) {
  return [f](const double* y, const double* p, int n) {
    double total = 0;
    for (int i = 0; i < n; ++i) total += f(y[i], p[i]);
    return total / n;
  };
}

double dot(const double* a, const double* b, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) total += a[i] * b[i];
  return total;
}

double cosine(const double* y, const double* p, int n) {
  return -dot(y, p, n) / (std::max(std::sqrt(dot(y, y, n)), kEps) * std::max(std::sqrt(dot(p, p, n)), kEps));
}

double hinge_of_categories(const double* y, const double* p, int n) {
  double right = 0, wrong = -1e300;
  for (int i = 0; i < n; ++i) {
    right += y[i] * p[i];
    wrong = std::max(wrong, (1 - y[i]) * p[i]);
  }
  return std::max(0.0, wrong - right + 1);
}

double divergence(const double* y, const double* p, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) {
    const double a = std::clamp(y[i], kEps, 1.0), b = std::clamp(p[i], kEps, 1.0);
    total += a * std::log(a / b);
  }
  return total;
}

double entropy(const double* y, const double* p, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) total -= y[i] * std::log(held(p[i]));
  return total;
}

double focal(const double* y, const double* p, int n) {
  double total = 0;
  for (int i = 0; i < n; ++i) total -= 0.25 * std::pow(1 - p[i], 2) * y[i] * std::log(held(p[i]));
  return total;
}

double binary(double y, double p) { return -(y * std::log(held(p)) + (1 - y) * std::log(1 - held(p))); }

double overlap(const double* y, const double* p, int n) {
  double both = 0, sum = 0;
  for (int i = 0; i < n; ++i) both += y[i] * p[i], sum += y[i] + p[i];
  return 1 - 2 * both / (sum + kEps);
}

double tversky_3_7(const double* y, const double* p, int n) {
  double both = 0, extra = 0, missed = 0;
  for (int i = 0; i < n; ++i) both += y[i] * p[i], extra += (1 - y[i]) * p[i], missed += y[i] * (1 - p[i]);
  return 1 - both / (both + 0.3 * extra + 0.7 * missed + kEps);
}

enum Domain { numbers, positive, signs, rows_of_probabilities, binary_probabilities };

struct Case {
  nn::Loss loss;
  Domain domain;
  Row row;
};

std::vector<Case> cases() {
  return {
      {"mean_squared_error", numbers, each([](double y, double p) { return (p - y) * (p - y); })},
      {"mean_absolute_error", numbers, each([](double y, double p) { return std::abs(p - y); })},
      {"mean_absolute_percentage_error", numbers,
       each([](double y, double p) { return 100 * std::abs(p - y) / std::max(std::abs(y), kEps); })},
      {"mean_squared_logarithmic_error", positive,
       each([](double y, double p) { return std::pow(std::log(std::max(p, kEps) + 1) - std::log(std::max(y, kEps) + 1), 2); })},
      {"huber", numbers,
       each([](double y, double p) { return std::abs(p - y) <= 1 ? 0.5 * (p - y) * (p - y) : std::abs(p - y) - 0.5; })},
      {nn::Huber({.delta = 0.7}), numbers, each([](double y, double p) {
         return std::abs(p - y) <= 0.7 ? 0.5 * (p - y) * (p - y) : 0.7 * std::abs(p - y) - 0.5 * 0.49;
       })},
      {nn::SmoothL1({.beta = 1.6}), numbers,
       each([](double y, double p) { return std::abs(p - y) < 1.6 ? (p - y) * (p - y) / 3.2 : std::abs(p - y) - 0.8; })},
      {nn::SmoothL1({.beta = 0}), numbers, each([](double y, double p) { return std::abs(p - y); })},
      {"log_cosh", numbers, each([](double y, double p) { return std::log(std::cosh(p - y)); })},
      {"poisson", positive, each([](double y, double p) { return p - y * std::log(p + kEps); })},
      {"cosine_similarity", numbers, cosine},
      {"hinge", signs, each([](double y, double p) { return std::max(1 - y * p, 0.0); })},
      {"squared_hinge", signs, each([](double y, double p) { return std::pow(std::max(1 - y * p, 0.0), 2); })},
      {"categorical_hinge", rows_of_probabilities, hinge_of_categories},
      {"kl_divergence", rows_of_probabilities, divergence},
      {"categorical_crossentropy", rows_of_probabilities, entropy},
      {"categorical_focal_crossentropy", rows_of_probabilities, focal},
      {"binary_crossentropy", binary_probabilities, each(binary)},
      {"binary_focal_crossentropy", binary_probabilities,
       each([](double y, double p) { return std::pow(1 - (y * p + (1 - y) * (1 - p)), 2) * binary(y, p); })},
      {nn::BinaryFocalCrossentropy({.alpha = 0.3, .gamma = 1.5, .apply_class_balancing = true}), binary_probabilities,
       each([](double y, double p) {
         return (y * 0.3 + (1 - y) * 0.7) * std::pow(1 - (y * p + (1 - y) * (1 - p)), 1.5) * binary(y, p);
       })},
      {nn::BinaryCrossentropy({.min_log = -100}), binary_probabilities, each([](double y, double p) {
         return -(y * std::max(std::log(p), -100.0) + (1 - y) * std::max(std::log(1 - p), -100.0));
       })},
      {nn::Dice({.per_sample = true}), binary_probabilities, overlap},
      {nn::Tversky({.alpha = 0.3, .beta = 0.7, .per_sample = true}), binary_probabilities, tversky_3_7},
  };
}

struct Sample {
  Values y, p;
};

/// 3 rows of 4, away from kinks.
Sample sample(Domain domain) {
  switch (domain) {
    case numbers: return {{0.5, -1, 2, 3, 1, 1, -2, 0.25, 4, 0, -1, 6}, {0.75, -3, 2.5, 3.1, -1, 1.3, -2.2, 5, 4.4, 0.3, 1, 2}};
    case positive: return {{0.5, 1, 2, 3, 1, 1, 2, 0.25, 4, 0, 1, 6}, {0.75, 3, 2.5, 3.1, 1, 1.3, 2.2, 5, 4.4, 0.3, 1.5, 2}};
    case signs: return {{1, -1, 1, 1, -1, -1, 1, -1, 1, -1, -1, 1}, {0.5, 0.25, -2, 3, -4, -0.5, 0.1, 0.7, 2, 0.3, -0.6, -0.8}};
    case rows_of_probabilities:
      return {{1, 0, 0, 0, 0, 0, 1, 0, 0.1, 0.2, 0.3, 0.4}, {0.7, 0.1, 0.15, 0.05, 0.35, 0.25, 0.1, 0.3, 0.25, 0.3, 0.2, 0.25}};
    default: return {{1, 0, 1, 0, 0, 0, 1, 1, 1, 1, 0, 0}, {0.7, 0.1, 0.25, 0.9, 0.3, 0.4, 0.1, 0.35, 0.95, 0.3, 0.2, 0.25}};
  }
}

Tensor value(const nn::Loss& loss, const Tensor& y, const Tensor& p) { return loss(y, nn::Outputs(p, nullptr)); }

bool all_finite(const Tensor& x) { return all(isfinite(x)).item<bool>(); }

/// The gradient of sum(f(x)).
template <class F>
Tensor gradient(F f, const Tensor& x) {
  GradientTape tape;
  tape.watch(x);
  return tape.gradient(sum(f(x)), x);
}

}  // namespace

TEST_CASE("losses are their definitions, row by row, in both precisions") {
  for (const auto& [loss, domain, row] : cases()) {
    CAPTURE(loss.name());
    const Sample s = sample(domain);
    Values expected;
    for (size_t r = 0; r < 3; ++r) expected.push_back(row(&s.y[4 * r], &s.p[4 * r], 4));
    const Tensor y(s.y, {3, 4}), p(s.p, {3, 4});
    CHECK(approx(value(loss, y, p), expected, 1e-12));
    CHECK(approx(value(loss, y, p.astype(DType::float32)), expected, 2e-6));
    CHECK(approx(value(loss, y.astype(DType::float32), p.astype(DType::float16)), expected, 2e-2));
    CHECK(value(loss, y, p.astype(DType::float32)).dtype() == DType::float32);
    CHECK(value(loss, y, p.astype(DType::bfloat16)).dtype() == DType::float32);
  }
}

TEST_CASE("losses differentiate to second order") {
  for (const auto& [loss, domain, row] : cases()) {
    CAPTURE(loss.name());
    const Sample s = sample(domain);
    const Tensor y(s.y, {3, 4}), p(s.p, {3, 4});
    const GradcheckReport report = gradcheck([&](const auto& in) { return value(loss, y, in[0]); }, {p});
    CHECK_MESSAGE(report.ok(), report.text());
    CHECK(report.checked > 0);
  }
}

TEST_CASE("losses from logits differentiate to second order") {
  const Tensor z({{0.5, -1.0, 2.0, 0.0}, {1.5, 0.25, -0.5, 3.0}}), labels({2, 0});
  const Tensor soft({{0.2, 0.3, 0.5, 0.0}, {1.0, 0.0, 0.0, 0.0}});
  const std::vector<std::pair<nn::Loss, Tensor>> losses{
      {nn::CategoricalCrossentropy({.from_logits = true, .label_smoothing = 0.1}), soft},
      {nn::BinaryCrossentropy({.from_logits = true, .label_smoothing = 0.1}), soft},
      {nn::CategoricalFocalCrossentropy({.from_logits = true, .label_smoothing = 0.1}), soft},
      {nn::CategoricalFocalCrossentropy({.from_logits = true, .alpha = 1, .gamma = 0.5}), soft},
      {nn::BinaryFocalCrossentropy({.from_logits = true}), soft},
      {nn::BinaryFocalCrossentropy({.from_logits = true, .gamma = 0.5, .apply_class_balancing = true}), soft},
      {nn::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = 0}), labels},
      {nn::CategoricalGeneralizedCrossEntropy({.from_logits = true, .q = 0.7}), labels}};
  for (const auto& [loss, y] : losses) {
    CAPTURE(loss.name());
    const GradcheckReport report = gradcheck([&](const auto& in) { return value(loss, y, in[0]); }, {z});
    CHECK_MESSAGE(report.ok(), report.text());
  }
  const GradcheckReport nll = gradcheck([&](const auto& in) { return nn::nll_loss(labels, log_softmax(in[0])); }, {z});
  CHECK_MESSAGE(nll.ok(), nll.text());
  const GradcheckReport general =
      gradcheck([&](const auto& in) { return nn::categorical_generalized_cross_entropy(labels, softmax(in[0])); }, {z});
  CHECK_MESSAGE(general.ok(), general.text());
}

TEST_CASE("parabolas are smooth at 0") {
  for (const nn::Loss& loss : {nn::Loss("huber"), nn::Loss("log_cosh"), nn::Loss("mse"), nn::Loss(nn::SmoothL1)}) {
    const GradcheckReport report = gradcheck(
        [&](const auto& in) {
          return value(loss, Tensor({1.0, 2.0}), in[0]);
        },
        {Tensor({1.0, 2.0})});
    CHECK_MESSAGE(report.ok(), report.text());
  }
}

TEST_CASE("logits of +-1e4 give finite losses and gradients in float32") {
  const Tensor z({{1e4f, -1e4f, 0.0f}, {-1e4f, 1e4f, 1e4f}, {1e4f, 1e4f, 1e4f}, {-1e4f, -1e4f, 0.0f}}), labels({0, 0, 1, 2});
  const Tensor hard = one_hot(labels, 3), uniform = full({4, 3}, 1.0f / 3);
  for (const double gamma : {0.5, 1.0, 1.5, 2.0, 5.0}) {
    CAPTURE(gamma);
    for (const Tensor& y : {hard, uniform}) {
      const auto check = [&](auto loss) {
        CHECK(all_finite(loss(z)));
        CHECK(all_finite(gradient(loss, z)));
        GradientTape outer;
        outer.watch(z);
        CHECK(all_finite(outer.gradient(sum(square(gradient(loss, z))), z)));
      };
      check([&](const Tensor& x) { return nn::categorical_focal_crossentropy(y, x, {.from_logits = true, .gamma = gamma}); });
      check([&](const Tensor& x) { return nn::binary_focal_crossentropy(y, x, {.from_logits = true, .gamma = gamma}); });
      check([&](const Tensor& x) { return nn::categorical_crossentropy(y, x, {.from_logits = true, .label_smoothing = 0.1}); });
      check([&](const Tensor& x) { return nn::binary_crossentropy(y, x, {.from_logits = true, .label_smoothing = 0.1}); });
      check(
          [&](const Tensor& x) { return nn::categorical_generalized_cross_entropy(labels, x, {.from_logits = true, .q = 0.1}); });
    }
  }
  // Sure and right: nothing; sure and wrong: the distance of the logits, of which the focal loss takes a quarter.
  const Values focal = nn::categorical_focal_crossentropy(hard, z, {.from_logits = true}).to_vector<double>();
  CHECK(focal[0] == 0);
  CHECK(focal[1] == doctest::Approx(0.25 * (2e4 + std::log(2))));
  const Values one{nn::binary_focal_crossentropy(Tensor({1.0f, 0.0f, 0.0f}), Tensor({-1e4f, 1e4f, -1e4f}), {.from_logits = true})
                       .to_vector<double>()};
  CHECK(one == Values{1e4, 1e4, 0});
  CHECK(approx(nn::categorical_generalized_cross_entropy(labels, z, {.from_logits = true}),
               {0, 2, 2 * (1 - std::sqrt(1.0 / 3)), 0}, 1e-6));
}

TEST_CASE("errors of 1e4 and probabilities of exactly 0 and 1 give finite losses and gradients in float32") {
  const Tensor far({{1e4f, -1e4f}, {0.0f, 1e4f}}), zero = zeros({2, 2});
  const Tensor sure({{0.0f, 1.0f}, {1.0f, 0.0f}}), truth({{1.0f, 0.0f}, {1.0f, 0.0f}});
  for (const auto& [loss, domain, row] : cases()) {
    CAPTURE(loss.name());
    const bool probabilities = domain == rows_of_probabilities || domain == binary_probabilities;
    const Tensor p = probabilities ? sure : domain == positive ? abs(far) : far, y = probabilities ? truth : zero;
    const auto f = [&](const Tensor& x) { return value(loss, y, x); };
    CHECK(all_finite(f(p)));
    CHECK(all_finite(gradient(f, p)));
  }
  CHECK(approx(nn::log_cosh(zeros({4}), Tensor({1e4f, -1e4f, 0.0f, 1.0f})),
               {1e4 - std::log(2), 1e4 - std::log(2), 0, std::log(std::cosh(1.0))}, 1e-6));
  // What is certain and wrong costs -log(1e-7) in Keras and 100 in PyTorch.
  const Tensor p({0.0, 1.0, 0.3, 1.0}), y({1.0, 0.0, 1.0, 1.0});
  CHECK(approx(nn::binary_crossentropy(y, p, {.min_log = -100}), {100, 100, 1.2039728043259361, 0}, 1e-12));
  CHECK(approx(nn::binary_crossentropy(y, p), {16.11809565, 16.11809565, 1.2039728043259361, 0}, 1e-6));
}

TEST_CASE("an empty batch has no values, no loss and no gradient") {
  for (const auto& [loss, domain, row] : cases()) {
    CAPTURE(loss.name());
    const Tensor nothing = zeros({0, 4});
    const Tensor values = value(loss, nothing, nothing);
    CHECK((values.shape() == Shape{0}));
    CHECK(loss.reduce(values).item<float>() == 0);
    CHECK((gradient([&](const Tensor& x) { return loss.reduce(value(loss, nothing, x)); }, nothing).shape() == Shape{0, 4}));
  }
  CHECK(nn::dice(zeros({0, 2}), zeros({0, 2})).item<float>() == 1);
}

TEST_CASE("PyTorch's numbers") {
  const Tensor z({{0.5, -1.0, 2.0}, {1.5, 0.25, -0.5}, {-3.0, 0.0, 1.0}, {0.1, 0.2, 0.3}}), labels({2, 0, 1, 1});
  const Tensor a({0.2, -3.0, 1.5, 0.5}), b({0.0, 1.0, 1.0, 0.5});
  CHECK(approx(nn::smooth_l1(b, a, {.beta = 2}), {0.01, 3, 0.0625, 0}, 1e-12));
  CHECK(approx(nn::huber(b, a, {.delta = 2}), {0.02, 6, 0.125, 0}, 1e-12));
  CHECK(approx(nn::nll_loss(labels, log_softmax(z)),
               {0.24131129665715703, 0.3519518638028018, 1.3265626412674705, 1.101942848229244}, 1e-12));
  CHECK(approx(nn::kl_divergence(Tensor({0.1, 0.6, 0.3}), Tensor({0.2, 0.3, 0.5})), {0.1933259516954422}, 1e-6));
  CHECK(approx(nn::cosine_similarity(z[0], z[1]), {0.1363196353181994}, 1e-12));
  // Class weights: divided by their sum, not by the number of samples.
  const nn::Loss weighted =
      nn::SparseCategoricalCrossentropy({.from_logits = true, .reduction = nn::Reduction::mean_with_sample_weight});
  const Tensor weights = take(Tensor({1.0, 2.0, 0.5}), labels);
  CHECK(weighted.reduce(value(weighted, labels, z), weights).item<double>() ==
        doctest::Approx(0.9690215438408744).epsilon(1e-12));
  const nn::Loss smoothed = nn::CategoricalCrossentropy({.from_logits = true, .label_smoothing = 0.1});
  CHECK(smoothed.reduce(value(smoothed, one_hot(labels, 3), z)).item<double>() ==
        doctest::Approx(0.8366921624891683).epsilon(1e-12));
  // ignore_index
  const Tensor some({2, -100, 1, -100});
  const nn::Loss ignoring = nn::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = -100});
  CHECK(ignoring.reduce(value(ignoring, some, z)).item<double>() == doctest::Approx(0.7839369689623138).epsilon(1e-12));
  const nn::Loss summing =
      nn::SparseCategoricalCrossentropy({.from_logits = true, .ignore_class = -100, .reduction = nn::Reduction::sum});
  CHECK(summing.reduce(value(summing, some, z)).item<double>() == doctest::Approx(1.5678739379246276).epsilon(1e-12));
}

TEST_CASE("ignored samples give 0 and take any label") {
  const Tensor p = full({3, 2}, 0.5), labels({1, 255, 0});
  const double entropy = std::log(2);
  CHECK(approx(nn::sparse_categorical_crossentropy(labels, p, {.ignore_class = 255}), {entropy, 0, entropy}, 1e-7));
  CHECK(approx(nn::sparse_categorical_crossentropy(labels.astype(DType::uint8), p, {.ignore_class = 255}), {entropy, 0, entropy},
               1e-7));
  CHECK(approx(nn::nll_loss(labels, log(p), {.ignore_class = 255}), {entropy, 0, entropy}, 1e-7));
  CHECK_THROWS_WITH_AS(nn::sparse_categorical_crossentropy(labels, p, {.ignore_class = 0}), doctest::Contains("255"), ValueError);
  const nn::Loss loss = nn::SparseCategoricalCrossentropy({.ignore_class = 255});
  CHECK_NOTHROW(loss.check(labels, {1, 2}));
  CHECK_THROWS_AS(nn::Loss(nn::SparseCategoricalCrossentropy).check(labels, {1, 2}), ValueError);
  const Tensor none({255, 255, 255});
  CHECK(loss.reduce(value(loss, none, p)).item<double>() == 0);
}

TEST_CASE("hinges take 0 and 1 for -1 and 1") {
  const Values p{0.5, -0.25, -2, 3};
  for (const auto& y : {Tensor({1.0, -1.0, 1.0, -1.0}), Tensor({1.0, 0.0, 1.0, 0.0})}) {
    CHECK(approx(nn::hinge(y, Tensor(p)), {0.5, 0.75, 3, 4}, 1e-12));
    CHECK(approx(nn::squared_hinge(y, Tensor(p)), {0.25, 0.5625, 9, 16}, 1e-12));
  }
  CHECK(approx(nn::hinge(Tensor({true, false}), Tensor({0.5, -0.25})), {0.5, 0.75}, 1e-12));
}

TEST_CASE("dice and tversky of a whole batch") {
  const Tensor y({{1.0, 0.0}, {1.0, 1.0}}), p({{0.5, 0.25}, {1.0, 0.0}});
  CHECK(nn::dice(y, p).item<double>() == doctest::Approx(1 - 2 * 1.5 / (3 + 1.75 + kEps)).epsilon(1e-12));
  CHECK(nn::tversky(y, p).item<double>() == doctest::Approx(1 - 1.5 / (1.5 + 0.5 * 0.25 + 0.5 * 1.5 + kEps)).epsilon(1e-12));
  CHECK((nn::dice(y, p, {.per_sample = true}).shape() == Shape{2}));
  CHECK_THROWS_WITH_AS(nn::Loss("dice").reduce(nn::dice(y, p), Tensor({1.0, 2.0})), doctest::Contains("per_sample"), ShapeError);
}
