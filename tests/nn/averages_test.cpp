// Averages of the weights (use_ema) in fit: what is trained, validated, reported and kept, against the recurrence by hand.
#include <doctest/doctest.h>

#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

constexpr double kMomentum = 0.8, kRate = 0.1;

/// y = k x without bias, mean squared error on x = 1, y = 1: k' = k - 2 rate (k - 1); everything known.
struct Line {
  nn::Sequential model{nn::Dense(1, {.use_bias = false, .kernel_initializer = "zeros"})};
  Tensor x = ones({4, 1}), y = ones({4, 1});

  explicit Line(bool use_ema = true) {
    model.build({-1, 1});
    model.compile(
        {.optimizer = optim::SGD({.learning_rate = kRate}, {.use_ema = use_ema, .ema_momentum = kMomentum}), .loss = "mse"});
  }
  double kernel() const { return model.variables()[0].value().item<double>(); }
  nn::History fit(int64_t epochs, std::vector<nn::CallbackOption> callbacks = {}, bool validate = true) {
    nn::FitOptions options{.epochs = epochs, .verbose = 0, .callbacks = std::move(callbacks)};
    if (validate) options.validation_data = {x, y};
    return model.fit(x, y, options);
  }
};

struct Path {
  std::vector<double> kernel, average;  // after each step

  explicit Path(int steps) {
    double k = 0, a = 0;
    for (int i = 0; i < steps; ++i) {
      k -= 2 * kRate * (k - 1);
      a = i == 0 ? k : kMomentum * a + (1 - kMomentum) * k;
      kernel.push_back(k);
      average.push_back(a);
    }
  }
};

doctest::Approx close(double value) { return doctest::Approx(value).epsilon(1e-5); }
double squared(double v) { return v * v; }

}  // namespace

TEST_CASE("at the end of fit the weights are their averages; validation sees the weights") {
  const Path path(5);
  Line line;
  const nn::History history = line.fit(5);
  CHECK(line.kernel() == close(path.average[4]));
  for (size_t i = 0; i < 5; ++i) CHECK(history["val_loss"][i] == close(squared(path.kernel[i] - 1)));
}

TEST_CASE("SwapEMAWeights: validation sees the averages, training and other callbacks the weights") {
  const Path path(5);
  Line line;
  std::vector<double> seen;
  const nn::LambdaCallback watch({.on_epoch_end = [&](nn::Run&) { seen.push_back(line.kernel()); }});
  const nn::History history = line.fit(5, {nn::SwapEMAWeights(), watch});
  for (size_t i = 0; i < 5; ++i) {
    CHECK(history["val_loss"][i] == close(squared(path.average[i] - 1)));
    CHECK(seen[i] == close(path.kernel[i]));
  }
  CHECK(line.kernel() == close(path.average[4]));
}

TEST_CASE("SwapEMAWeights without averages is refused before training") {
  Line line(false);
  CHECK_THROWS_WITH_AS(line.fit(1, {nn::SwapEMAWeights()}),
                       "SwapEMAWeights: optimizer without averages; got sgd, expected one with use_ema = true", ValueError);
  CHECK(line.kernel() == 0);
}

TEST_CASE("an error inside the validation leaves the weights, not the averages, and training goes on") {
  const Path path(2);
  Line line;
  struct Failing : nn::Callback {
    bool armed = true;
    void on_test_end(nn::Run&) override {
      if (armed) throw std::runtime_error("disk full");
    }
  };
  const auto failing = std::make_shared<Failing>();
  for (const bool before : {true, false}) {  // the other callback is told first, or last
    Line fresh;
    std::vector<nn::CallbackOption> callbacks{nn::SwapEMAWeights(), failing};
    if (before) std::swap(callbacks[0], callbacks[1]);
    CHECK_THROWS_WITH_AS(fresh.fit(3, callbacks), "disk full", std::runtime_error);
    CHECK_FALSE(fresh.model.optimizer().averages_swapped());
    CHECK(fresh.kernel() == close(path.kernel[0]));
    failing->armed = false;
    fresh.fit(1, callbacks);
    failing->armed = true;
    CHECK(fresh.kernel() == close(path.average[1]));
  }
}

TEST_CASE("a stopped run with averages goes on to the same bits") {
  const test::Folder folder;
  struct StopAfter : nn::Callback {
    void on_batch_end(nn::Run& run) override { run.stop = run.interrupted = run.step == 2; }
  };
  Line whole;
  const nn::History expected = whole.fit(6, {nn::SwapEMAWeights()});
  Line first, second;
  first.fit(6, {nn::SwapEMAWeights(), nn::Checkpoint(folder / "run"), std::make_shared<StopAfter>()});
  CHECK(first.kernel() != whole.kernel());
  const nn::History history = second.fit(6, {nn::SwapEMAWeights(), nn::Checkpoint(folder / "run")});
  CHECK(second.kernel() == whole.kernel());
  CHECK(history.history() == expected.history());
}
