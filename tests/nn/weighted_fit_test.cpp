// Weights of samples and classes through fit and evaluate: losses, metrics and weighted metrics against naive loops.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include "autograd/autograd.h"
#include "data/loader.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

/// A fixed linear model of two features, so that every prediction is known.
struct Fixture {
  Tensor x, y, weights;
  std::vector<double> p, t, w;  // predictions, targets, weights

  explicit Fixture(int64_t n) {
    random::Generator generator(3);
    x = random::uniform({n, 2}, -1, 1, DType::float32, generator);
    y = random::randint({n}, 0, 2, DType::int64, generator);
    weights = random::uniform({n}, 0, 2, DType::float32, generator);
    const std::vector<double> v = x.to_vector<double>();
    for (size_t i = 0; i < v.size(); i += 2) p.push_back(1 / (1 + std::exp(-(v[i] - 2 * v[i + 1] + 0.3))));
    t = y.to_vector<double>();
    w = weights.to_vector<double>();
  }

  nn::Sequential model(nn::Loss loss = "binary_crossentropy") const {
    nn::Sequential out{nn::Dense(1, {.activation = nn::sigmoid})};
    out.build({-1, 2});
    out.variables()[0].assign(Tensor({1.0f, -2.0f}).reshape({2, 1}));
    out.variables()[1].assign(Tensor({0.3f}));
    out.compile({.optimizer = optim::SGD({.learning_rate = 0}),
                 .loss = std::move(loss),
                 .metrics = {"accuracy", "mae"},
                 .weighted_metrics = {"accuracy", "mae", "precision"}});
    return out;
  }

  double cross_entropy(size_t i) const { return -(t[i] * std::log(p[i]) + (1 - t[i]) * std::log(1 - p[i])); }
};

/// What Keras' rules give for batches of this size: the loss of a batch is the sum of weighted losses over the number of samples,
/// reported is the mean over the samples of all batches; metrics see no weights, weighted metrics divide by the weights' sum.
std::map<std::string, double> naive(const Fixture& f, const std::vector<double>& w, size_t begin, size_t end) {
  double loss = 0, right = 0, error = 0, weighted_right = 0, weighted_error = 0, sum = 0, hits = 0, called = 0;
  for (size_t i = begin; i < end; ++i) {
    const bool correct = (f.p[i] > 0.5) == (f.t[i] == 1);
    loss += w[i] * f.cross_entropy(i);
    right += correct;
    error += std::abs(f.p[i] - f.t[i]);
    weighted_right += w[i] * correct;
    weighted_error += w[i] * std::abs(f.p[i] - f.t[i]);
    sum += w[i];
    called += f.p[i] > 0.5 ? w[i] : 0;
    hits += f.p[i] > 0.5 && f.t[i] == 1 ? w[i] : 0;
  }
  const auto n = static_cast<double>(end - begin);
  return {{"loss", loss / n},
          {"accuracy", right / n},
          {"mae", error / n},
          {"weighted_accuracy", weighted_right / sum},
          {"weighted_mae", weighted_error / sum},
          {"precision", hits / called}};
}

void check_same(const std::map<std::string, double>& expected, const auto& value_of, std::string prefix = "") {
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(value_of(prefix + name) == doctest::Approx(value).epsilon(2e-6));
  }
}

}  // namespace

TEST_CASE("evaluate: sample_weight in the loss and the weighted metrics only, for batches that do not divide the samples") {
  const Fixture f(37);
  nn::Sequential model = f.model();
  for (const int64_t batch : {1, 8, 37, 100}) {
    const nn::Logs logs = model.evaluate(f.x, f.y, {.batch_size = batch, .sample_weight = f.weights});
    check_same(naive(f, f.w, 0, 37), [&](const std::string& name) { return logs[name]; });
  }
  const nn::Logs column = model.evaluate(f.x, f.y, {.sample_weight = f.weights.reshape({37, 1})});
  CHECK(column["loss"] == doctest::Approx(naive(f, f.w, 0, 37).at("loss")).epsilon(2e-6));
  const nn::Logs integers = model.evaluate(f.x, f.y, {.sample_weight = full({37}, 2, DType::int64)});
  CHECK(integers["loss"] == doctest::Approx(2 * naive(f, std::vector<double>(37, 1), 0, 37).at("loss")).epsilon(2e-6));
}

TEST_CASE("fit: sample_weight, its part held out for the validation, and weights of given validation data") {
  const Fixture f(40);
  const nn::History split =
      f.model().fit(f.x, f.y, {.batch_size = 8, .seed = 1, .validation_split = 0.25, .sample_weight = f.weights, .verbose = 0});
  check_same(naive(f, f.w, 0, 30), [&](const std::string& name) { return split[name][0]; });
  check_same(
      naive(f, f.w, 30, 40), [&](const std::string& name) { return split[name][0]; }, "val_");

  const nn::History given = f.model().fit(f.x, f.y, {.validation_data = {f.x, f.y, f.weights}, .verbose = 0});
  check_same(naive(f, std::vector<double>(40, 1), 0, 40), [&](const std::string& name) { return given[name][0]; });
  check_same(
      naive(f, f.w, 0, 40), [&](const std::string& name) { return given[name][0]; }, "val_");
}

TEST_CASE("class_weight: of the training alone, the same from tensors and from a loader") {
  const Fixture f(40);
  const nn::ClassWeight weight{{0, 0.25}, {1, 3}};
  std::vector<double> w;
  for (const double label : f.t) w.push_back(weight.at(static_cast<int64_t>(label)));
  const nn::History split =
      f.model().fit(f.x, f.y, {.batch_size = 8, .seed = 1, .validation_split = 0.25, .class_weight = weight, .verbose = 0});
  check_same(naive(f, w, 0, 30), [&](const std::string& name) { return split[name][0]; });
  check_same(
      naive(f, std::vector<double>(40, 1), 30, 40), [&](const std::string& name) { return split[name][0]; }, "val_");

  const nn::History loaded = f.model().fit(data::DataLoader({f.x, f.y}, {.batch_size = 7, .shuffle = true, .workers = 2}),
                                           {.class_weight = weight, .verbose = 0});
  check_same(naive(f, w, 0, 40), [&](const std::string& name) { return loaded[name][0]; });
}

TEST_CASE("reductions of the loss: a sum, and a mean over the weights") {
  const Fixture f(24);
  double weighted = 0, sum = 0;
  for (size_t i = 0; i < 24; ++i) weighted += f.w[i] * f.cross_entropy(i), sum += f.w[i];
  const nn::EvaluateOptions whole{.batch_size = 24, .sample_weight = f.weights};
  const auto loss_of = [&](nn::Reduction reduction) {
    return f.model(nn::BinaryCrossentropy({.reduction = reduction})).evaluate(f.x, f.y, whole)["loss"];
  };
  CHECK(loss_of(nn::Reduction::sum) == doctest::Approx(weighted).epsilon(2e-6));
  CHECK(loss_of(nn::Reduction::mean_with_sample_weight) == doctest::Approx(weighted / sum).epsilon(2e-6));
  // Nothing counts: 0, and no division by it.
  nn::Sequential model = f.model(nn::BinaryCrossentropy({.reduction = nn::Reduction::mean_with_sample_weight}));
  const nn::Logs none = model.evaluate(f.x, f.y, {.sample_weight = zeros({24})});
  CHECK(none["loss"] == 0);
  CHECK(none["weighted_mae"] == 0);
}

TEST_CASE("a sample of weight 0 is not there: the gradient is that of the others") {
  const Fixture f(20);
  const auto trained = [&](const Tensor& x, const Tensor& y, const Tensor& weights, double rate) {
    nn::Sequential model = f.model();
    model.compile({.optimizer = optim::SGD({.learning_rate = rate}), .loss = "binary_crossentropy"});
    model.fit(x, y, {.batch_size = 20, .shuffle = false, .sample_weight = weights, .verbose = 0});
    return model.variables()[0].value().to_vector<double>();
  };
  const Tensor half = concat({ones({10}), zeros({10})});
  const std::vector<double> left_out = trained(f.x, f.y, half, 0.4), cut = trained(f.x["0:10"], f.y["0:10"], {}, 0.2);
  for (size_t i = 0; i < 2; ++i) CHECK(left_out[i] == doctest::Approx(cut[i]).epsilon(1e-5));  // 20 samples share the step
}
