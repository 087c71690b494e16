// Models of several outputs through everything that training offers, and all callbacks side by side, stopped and continued.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/data.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

struct Data {
  Tensor x, sign, size;
  explicit Data(int64_t n = 60) {
    random::Generator generator(8);
    x = random::normal({n, 3}, 0, 1, DType::float32, generator);
    sign = (sum(x, {1}) > 0).astype(DType::float32);
    size = sum(x * x, {1});
  }
};

/// A shared body; a probability and a number. Everything with a state is in it.
nn::Functional two_heads() {
  random::seed(4);
  const nn::Node x = nn::Input({3});
  const nn::Node h = x | nn::Dense(8, {.activation = nn::tanh, .kernel_regularizer = nn::l2(0.001)}) | nn::BatchNormalization() |
                     nn::Dropout(0.1, {.seed = 5});
  return nn::Functional(x, {h | nn::Dense(1, {.activation = nn::sigmoid, .name = "sign"}), h | nn::Dense(1, {.name = "size"})});
}

void compile(nn::Model& model) {
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.03}),
                 .loss = {"binary_crossentropy", "mse"},
                 .loss_weights = {1, 0.5},
                 .output_metrics = {{"accuracy", "auc"}, {"mae"}},
                 .weighted_metrics = {"mse"}});
}

std::vector<float> weights_of(const nn::Module& module) {
  std::vector<float> out;
  for (const Variable& variable : module.variables())
    for (const float v : variable.value().to_vector<float>()) out.push_back(v);
  return out;
}

}  // namespace

TEST_CASE("two outputs: evaluate agrees with predict, by hand") {
  const Data data;
  nn::Functional model = two_heads();
  compile(model);
  model.fit(data.x, {data.sign, data.size}, {.epochs = 3, .verbose = 0});
  random::Generator generator(2);
  const Tensor w = random::uniform({60}, 0, 2, DType::float32, generator);
  const nn::Logs logs = model.evaluate(data.x, {data.sign, data.size}, {.batch_size = 7, .sample_weight = w});

  const std::vector<Tensor> all = model.predict(std::vector<Tensor>{data.x}, {.batch_size = 9});
  REQUIRE(all.size() == 2);
  const std::vector<double> p = all[0].to_vector<double>(), q = all[1].to_vector<double>(), s = data.sign.to_vector<double>(),
                            t = data.size.to_vector<double>(), v = w.to_vector<double>();
  double cross = 0, squares = 0, absolute = 0, right = 0, weighted_sign = 0, weight = 0;
  for (size_t i = 0; i < 60; ++i) {
    cross -= v[i] * (s[i] * std::log(p[i]) + (1 - s[i]) * std::log(1 - p[i]));
    squares += v[i] * (q[i] - t[i]) * (q[i] - t[i]);
    weighted_sign += v[i] * (p[i] - s[i]) * (p[i] - s[i]);
    absolute += std::abs(q[i] - t[i]);
    right += (p[i] > 0.5) == (s[i] == 1);
    weight += v[i];
  }
  const std::map<std::string, double> expected{{"sign_loss", cross / 60},
                                               {"size_loss", squares / 60},
                                               {"sign_accuracy", right / 60},
                                               {"size_mae", absolute / 60},
                                               {"sign_mse", weighted_sign / weight},
                                               {"size_mse", squares / weight},
                                               {"loss", cross / 60 + 0.5 * squares / 60 + model.penalty().item<double>()}};
  for (const auto& [name, value] : expected) {
    CAPTURE(name);
    CHECK(logs[name] == doctest::Approx(value).epsilon(1e-4));
  }
  CHECK(logs.contains("sign_auc"));
  CHECK_FALSE(logs.contains("size_auc"));
  CHECK_THROWS_WITH_AS(model.predict(data.x), doctest::Contains("several outputs"), ValueError);
  CHECK_THROWS_WITH_AS(model.fit(data.x, data.sign, {.verbose = 0}), doctest::Contains("wrong number"), ValueError);
  CHECK_THROWS_WITH_AS(model.fit(data::DataLoader({data.x, data.sign}), {.verbose = 0}), doctest::Contains("wrong number"),
                       ValueError);
  CHECK_THROWS_WITH_AS(
      model.fit(data.x, {data.sign, data.size}, {.verbose = 0, .callbacks = {optim::EarlyStopping({.monitor = "auc"})}}),
      doctest::Contains("sign_auc"), ValueError);
  CHECK_THROWS_WITH_AS(model.compile({.loss = {"mse", "mse", "mse"}}), doctest::Contains("expected 2"), ValueError);
}

TEST_CASE("two outputs: weights saved and loaded in every naming, predictions the same") {
  const Data data;
  for (const nn::WeightNames names : {nn::WeightNames::gradus, nn::WeightNames::torch, nn::WeightNames::keras}) {
    const test::Folder folder;
    nn::Functional model = two_heads();
    compile(model);
    model.fit(data.x, {data.sign, data.size}, {.verbose = 0});
    nn::save_weights(model, folder / "weights.npz", {.convention = names});
    nn::Functional other = two_heads();
    nn::load_weights(other, folder / "weights.npz", {.convention = names});
    const std::vector<Tensor> a = model.predict(std::vector<Tensor>{data.x}), b = other.predict(std::vector<Tensor>{data.x});
    for (size_t i = 0; i < 2; ++i) CHECK(test::identical(a[i].contiguous(), b[i].contiguous()));
  }
}

TEST_CASE("all callbacks together: the run alone, and stopped after any batch and continued, are the same") {
  const Data data;
  struct StopAfter : nn::Callback {
    int64_t steps;
    explicit StopAfter(int64_t n) : steps(n) {}
    void on_batch_end(nn::Run& run) override {
      if (run.step + 1 == steps) run.stop = run.interrupted = true;
    }
  };
  struct Result {
    nn::History::Map history;
    std::vector<float> weights;
    std::string log, lines, best;
    double rate;
    bool operator==(const Result&) const = default;
  };
  const auto run = [&](const test::Folder& folder, int64_t stop) {
    nn::Functional model = two_heads();
    compile(model);
    std::vector<nn::CallbackOption> callbacks{
        optim::EarlyStopping({.monitor = "val_size_loss", .patience = 4, .restore_best_weights = true}),
        nn::ReduceLROnPlateau({.monitor = "val_sign_loss", .factor = 0.5, .patience = 1}),
        nn::ModelCheckpoint(
            folder / "best",
            {.monitor = "val_sign_auc", .save_best_only = true, .save_weights_only = true, .mode = optim::Mode::max}),
        nn::CSVLogger(folder / "log.csv"),
        nn::JsonLinesLogger(folder / "log.jsonl"),
        nn::TensorBoard({.log_dir = folder / "board", .update_freq = 2}),
        nn::StopOnInterrupt(),
        nn::TerminateOnNaN(),
        nn::Checkpoint(folder / "run")};
    if (stop > 0) callbacks.push_back(StopAfter(stop));
    const nn::History history = model.fit(
        data.x, {data.sign, data.size},
        {.epochs = 6, .batch_size = 10, .validation_split = 0.3, .validation_freq = 2, .verbose = 0, .callbacks = callbacks});
    return Result{history.history(),
                  weights_of(model),
                  test::read_file(folder / "log.csv"),
                  test::read_file(folder / "log.jsonl"),
                  test::read_file(folder / "best"),
                  model.optimizer().learning_rate()};
  };
  const test::Folder calm;
  const Result expected = run(calm, 0);
  REQUIRE(expected.best.size() > 100);
  CHECK(expected.history.at("sign_auc").size() == expected.history.at("loss").size());
  for (const int64_t stop : {1, 4, 5, 9, 10, 13, 24}) {
    CAPTURE(stop);
    const test::Folder folder;
    CHECK_FALSE(run(folder, stop) == expected);
    const Result result = run(folder, 0);
    CHECK(result.history == expected.history);
    CHECK(result.weights == expected.weights);
    CHECK(result.log == expected.log);
    CHECK(result.lines == expected.lines);
    CHECK(result.best == expected.best);
    CHECK(result.rate == expected.rate);
  }
}
