// Losses as options: names, kinds with options, reductions and weights, and the activations they absorb.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "nn/nn.h"
#include "tests/support/tensors.h"

using namespace gradus;
using nn::Reduction;
using test::approx;

namespace {

double reduced(const Tensor& values, const Tensor& weights, Reduction how) {
  return nn::reduce(values, weights, how).item<double>();
}

}  // namespace

TEST_CASE("reductions are Keras'") {
  const Tensor values({1.0, 2.0, 6.0}), weights({1.0, 0.0, 3.0}), none;
  CHECK(reduced(values, none, Reduction::sum_over_batch_size) == 3);
  CHECK(reduced(values, none, Reduction::mean) == 3);
  CHECK(reduced(values, none, Reduction::mean_with_sample_weight) == 3);
  CHECK(reduced(values, none, Reduction::sum) == 9);
  // The count divides, not the weights; except where asked for.
  CHECK(reduced(values, weights, Reduction::sum_over_batch_size) == 19.0 / 3);
  CHECK(reduced(values, weights, Reduction::mean) == 19.0 / 3);
  CHECK(reduced(values, weights, Reduction::sum) == 19);
  CHECK(reduced(values, weights, Reduction::mean_with_sample_weight) == 19.0 / 4);
  CHECK(approx(nn::reduce(values, weights, Reduction::none), {1, 0, 18}, 0));
  for (const Reduction how :
       {Reduction::sum_over_batch_size, Reduction::mean, Reduction::sum, Reduction::mean_with_sample_weight}) {
    CHECK(reduced(zeros({0}), none, how) == 0);
    CHECK(reduced(zeros({0}), zeros({0}), how) == 0);
    CHECK(reduced(values, zeros({3}), how) == 0);
  }
}

TEST_CASE("weights are one per sample") {
  const Tensor values({{1.0, 2.0}, {3.0, 5.0}, {0.0, 1.0}});
  const double expected = (2 * 3.0 + 0.5 * 8 + 1 * 1) / 6;
  const Tensor weights({2, 1, 4});  // halved below: integers are converted
  for (const Tensor& w : {weights, weights.reshape({3, 1}), weights.reshape({3, 1, 1}), weights.astype(DType::float32)}) {
    const double sum = 2 * 3.0 + 1 * 8 + 4 * 1;
    CHECK(reduced(values, w, Reduction::sum) == sum);
    CHECK(reduced(values, w, Reduction::mean_with_sample_weight) == doctest::Approx(sum / 14));
  }
  CHECK(reduced(values, Tensor({2.0, 0.5, 1.0}), Reduction::sum_over_batch_size) == doctest::Approx(expected));
  CHECK(reduced(values, values, Reduction::sum) == 1 + 4 + 9 + 25 + 0 + 1);
  CHECK(reduced(values, Tensor({true, false, true}), Reduction::sum) == 4);
  CHECK(reduced(values.reshape({6, 1}), ones({6}), Reduction::sum) == 12);
  for (const Shape& wrong : {Shape{2}, Shape{1}, Shape{}, Shape{3, 3}, Shape{1, 2}, Shape{3, 2, 2}})
    CHECK_THROWS_WITH_AS(nn::reduce(values, ones(wrong)), doctest::Contains("weights do not fit"), ShapeError);
  // The loss's gradient goes to the values, by weight.
  const Tensor v({1.0, 2.0});
  GradientTape tape;
  tape.watch(v);
  CHECK(approx(tape.gradient(nn::reduce(v, Tensor({3.0, 1.0}), Reduction::mean_with_sample_weight), v), {0.75, 0.25}, 1e-12));
}

TEST_CASE("a loss reduces as its option says") {
  const Tensor y({1.0, 2.0}), p({2.0, 4.0});
  const auto loss = [&](const nn::Loss& l, const Tensor& weights = {}) {
    return l.reduce(l(y, nn::Outputs(p, nullptr)), weights).item<double>();
  };
  CHECK(loss("mse") == 2.5);
  CHECK(loss(nn::MeanSquaredError) == 2.5);
  CHECK(loss(nn::MeanSquaredError({.reduction = Reduction::sum})) == 5);
  CHECK(loss(nn::MeanSquaredError({.reduction = Reduction::mean_with_sample_weight}), Tensor({3.0, 1.0})) == 7.0 / 4);
  CHECK(loss(nn::Loss([](const Tensor& a, const Tensor& b) { return abs(a - b); })) == 1.5);
  CHECK_THROWS_WITH_AS(loss(nn::MeanSquaredError({.reduction = Reduction::none})), doctest::Contains("Reduction::none"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::huber(y, p, {.reduction = Reduction::sum}),
                       "huber: an option that does not belong here; got reduction, expected delta", ValueError);
}

TEST_CASE("options that a loss does not take, or out of range") {
  CHECK_THROWS_WITH_AS(nn::Huber({.gamma = 2}),
                       "huber: an option that does not belong here; got gamma, expected delta, reduction", ValueError);
  CHECK_THROWS_WITH_AS(nn::MeanSquaredError({.from_logits = true}),
                       "mean_squared_error: an option that does not belong here; got from_logits, expected reduction",
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::CategoricalCrossentropy({.label_smoothing = 1.5}),
                       "categorical_crossentropy: label smoothing out of range; got 1.5, expected [0, 1]", ValueError);
  CHECK_THROWS_WITH_AS(nn::Huber({.delta = -1}), "huber: delta out of range; got -1, expected >= 0", ValueError);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(nn::CategoricalCrossentropy({.label_smoothing = kNan}), ValueError);
  CHECK_THROWS_AS(nn::BinaryFocalCrossentropy({.gamma = -1}), ValueError);
  CHECK_THROWS_AS(nn::BinaryFocalCrossentropy({.alpha = 2}), ValueError);
  CHECK_THROWS_AS(nn::CategoricalGeneralizedCrossEntropy({.q = 0}), ValueError);
  CHECK_THROWS_AS(nn::BinaryCrossentropy({.min_log = 1}), ValueError);
  CHECK_THROWS_WITH_AS(nn::BinaryCrossentropy({.from_logits = true, .min_log = -100}), doctest::Contains("min_log"), ValueError);
  CHECK_THROWS_WITH_AS(nn::SparseCategoricalCrossentropy({.ignore_class = 0, .reduction = Reduction::mean_with_sample_weight}),
                       doctest::Contains("ignore_class"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Loss("crossentropy"), doctest::Contains("huber"), ValueError);
  CHECK_THROWS_WITH_AS(nn::LossKind{"hubert"}(), doctest::Contains("tversky"), ValueError);
}

TEST_CASE("every loss has a name, and its kind is that name") {
  for (const nn::LossKind& kind : {nn::MeanSquaredError,
                                   nn::MeanAbsoluteError,
                                   nn::MeanAbsolutePercentageError,
                                   nn::MeanSquaredLogarithmicError,
                                   nn::Huber,
                                   nn::SmoothL1,
                                   nn::LogCosh,
                                   nn::Poisson,
                                   nn::CosineSimilarity,
                                   nn::Hinge,
                                   nn::SquaredHinge,
                                   nn::CategoricalHinge,
                                   nn::KLDivergence,
                                   nn::BinaryCrossentropy,
                                   nn::CategoricalCrossentropy,
                                   nn::SparseCategoricalCrossentropy,
                                   nn::BinaryFocalCrossentropy,
                                   nn::CategoricalFocalCrossentropy,
                                   nn::CategoricalGeneralizedCrossEntropy,
                                   nn::NLLLoss,
                                   nn::Dice,
                                   nn::Tversky}) {
    CHECK(nn::Loss(kind).name() == kind.name);
    CHECK(kind().name() == kind.name);
    CHECK(nn::Metric(kind()).name() == kind.name);
    CHECK(nn::Metric(kind.name).name() == kind.name);
  }
  for (const char* name : {"mse", "mae", "mape", "msle", "bce", "kld"}) CHECK(nn::Loss(name).name() == name);
}

TEST_CASE("losses absorb the activation whose inverse they contain") {
  const Tensor z({{0.5, -1.0, 2.0}, {1.5, 0.25, -0.5}}), labels({2, 0}), soft({{0.2, 0.3, 0.5}, {1.0, 0.0, 0.0}});
  struct Case {
    nn::Loss loss;
    Tensor y;
    const nn::Activation* activation;
  };
  for (const auto& [loss, y, activation] :
       std::vector<Case>{{nn::SparseCategoricalCrossentropy({.ignore_class = 0}), labels, &nn::softmax},
                         {nn::CategoricalCrossentropy({.label_smoothing = 0.1}), soft, &nn::softmax},
                         {nn::BinaryCrossentropy({.label_smoothing = 0.1}), soft, &nn::sigmoid},
                         {nn::CategoricalFocalCrossentropy({.label_smoothing = 0.1, .gamma = 3}), soft, &nn::softmax},
                         {nn::BinaryFocalCrossentropy({.apply_class_balancing = true}), soft, &nn::sigmoid},
                         {nn::CategoricalGeneralizedCrossEntropy({.q = 0.3}), labels, &nn::softmax}}) {
    CAPTURE(loss.name());
    CHECK(loss.absorbs(activation));
    CHECK_FALSE(loss.absorbs(&nn::relu));
    CHECK_FALSE(loss.absorbs(nullptr));
    CHECK(loss.missing_activation() == nullptr);
    CHECK(test::max_abs_difference(loss(y, nn::Outputs(z, activation)), loss(y, nn::Outputs((*activation)(z), nullptr))) < 1e-12);
  }
  const nn::Loss logits = nn::BinaryCrossentropy({.from_logits = true});
  CHECK_FALSE(logits.absorbs(&nn::sigmoid));
  CHECK(logits.missing_activation()->same_as(nn::sigmoid));
  // A loss that does not take logits gets predictions, whatever the outputs hold.
  CHECK_FALSE(nn::BinaryCrossentropy({.min_log = -100}).absorbs(&nn::sigmoid));
  CHECK(test::max_abs_difference(nn::Loss("mse")(soft, nn::Outputs(z, &nn::sigmoid)), nn::mean_squared_error(soft, sigmoid(z))) ==
        0);
}

TEST_CASE("what can be known of targets before training") {
  const Tensor two({0.0, 2.0}), rows({{0.0, 1.0}, {-0.5, 0.5}});
  for (const char* name : {"binary_crossentropy", "bce", "binary_focal_crossentropy"}) {
    CHECK_NOTHROW(nn::Loss(name).check(Tensor({0, 1}), {1, 1}));
    CHECK_NOTHROW(nn::Loss(name).check(Tensor({true, false}), {1}));
    CHECK_NOTHROW(nn::Loss(name).check(zeros({0}), {1}));
    CHECK_THROWS_WITH_AS(nn::Loss(name).check(two, {1, 1}), doctest::Contains("target out of range; got 2, expected [0, 1]"),
                         ValueError);
    CHECK_THROWS_AS(nn::Loss(name).check(Tensor({0.0, std::nan("")}), {1}), ValueError);
    CHECK_THROWS_AS(nn::Loss(name).check(two, {1, 3}), ShapeError);
  }
  for (const char* name : {"categorical_crossentropy", "categorical_focal_crossentropy"}) {
    CHECK_NOTHROW(nn::Loss(name).check(abs(rows), {1, 2}));
    CHECK_THROWS_WITH_AS(nn::Loss(name).check(rows, {1, 2}), doctest::Contains("got -0.5"), ValueError);
    CHECK_THROWS_AS(nn::Loss(name).check(two, {1, 2}), ShapeError);
  }
  for (const char* name : {"sparse_categorical_crossentropy", "nll_loss", "categorical_generalized_cross_entropy"}) {
    CHECK_NOTHROW(nn::Loss(name).check(Tensor({0, 1}), {1, 2}));
    CHECK_THROWS_WITH_AS(nn::Loss(name).check(Tensor({0, 2}), {1, 2}), doctest::Contains("label out of range; got 2"),
                         ValueError);
    CHECK_THROWS_AS(nn::Loss(name).check(two, {1, 2}), DTypeError);
  }
  CHECK_NOTHROW(nn::Loss("mse").check(two, {1, 1}));
  CHECK_THROWS_AS(nn::Loss("huber").check(two, {1, 3}), ShapeError);
}

TEST_CASE("compile() takes kinds with options") {
  const Tensor x({{0.0f}, {1.0f}, {2.0f}, {3.0f}}), y({0.0f, 0.0f, 1.0f, 1.0f});
  nn::Sequential model{nn::Dense(1, {.activation = nn::sigmoid})};
  model.compile({.optimizer = "sgd",
                 .loss = nn::BinaryCrossentropy({.label_smoothing = 0.1}),
                 .metrics = {"accuracy", nn::metrics::AUC({.curve = nn::Curve::pr}), nn::metrics::Precision,
                             nn::Huber({.delta = 2}), "mae"}});
  model.fit(x, y, {.epochs = 1, .batch_size = 2, .verbose = 0});
  const nn::Logs logs = model.evaluate(x, y);
  for (const char* name : {"loss", "accuracy", "auc", "precision", "huber", "mae"}) CHECK(logs.contains(name));
}
