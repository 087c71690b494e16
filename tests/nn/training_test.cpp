// What fit() and its relatives take: several inputs and outputs, loaders, weights, odd lengths of epochs; and how a run ends.
#include <doctest/doctest.h>
#include <signal.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/loader.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

/// x -> x @ w, w = 0.5 everywhere, in float64; trained by plain gradient descent.
nn::Sequential linear_model(const nn::Loss& loss = "mse", const nn::Regularizer& regularizer = {}) {
  nn::Sequential model{nn::Dense(1, {.use_bias = false,
                                     .kernel_initializer = nn::Initializer::constant(0.5),
                                     .kernel_regularizer = regularizer,
                                     .dtype = DType::float64})};
  model.compile({.optimizer = optim::SGD({.learning_rate = 0.1}), .loss = loss});
  return model;
}

double weight_of(const nn::Sequential& model) { return model.variables()[0].item<double>(); }

/// One step of gradient descent on mean(weight * (w x - y)^2), by hand; returns the loss.
double descend(double& w, const std::vector<double>& x, const std::vector<double>& y, const std::vector<double>& weights) {
  double loss = 0, slope = 0;
  const double n = static_cast<double>(x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = w * x[i] - y[i];
    loss += weights[i] * error * error / n;
    slope += weights[i] * 2 * error * x[i] / n;
  }
  w -= 0.1 * slope;
  return loss;
}

/// Two inputs, two outputs: left = a(x0), right = sigmoid(b(x0 + x1)).
struct TwoByTwo : nn::Model {
  nn::Dense a{1}, b{1, {.activation = nn::sigmoid}};

  size_t num_inputs() const override { return 2; }
  size_t num_outputs() const override { return 2; }
  std::string output_name(size_t i) const override { return i == 0 ? "left" : "right"; }
  const nn::Activation* output_activation_of(size_t i) const override {
    return i == 0 ? a.output_activation() : b.output_activation();
  }
  std::vector<Tensor> call_all(const std::vector<Tensor>& x, bool training, const std::vector<bool>& as_logits) override {
    const Tensor sum = x[0] + x[1];
    return {a(x[0], training), !as_logits.empty() && as_logits[1] ? b.logits(sum, training) : b(sum, training)};
  }
  Tensor call(const Tensor& x, bool training) override { return a(x, training); }
  void visit(nn::Visitor& v) override { v("a", a), v("b", b); }
};

const std::vector<double> kX{1, 2, 3, 4, 5, 6}, kY{1, 3, 2, 5, 4, 6};
Tensor column(const std::vector<double>& values) { return Tensor(values, {static_cast<int64_t>(values.size()), 1}); }

}  // namespace

TEST_CASE("several inputs and outputs: weighted sum of losses, values under the outputs' names") {
  random::seed(1);
  const Tensor x0 = random::normal({20, 3}), x1 = random::normal({20, 3}), y0 = random::normal({20, 1}),
               y1 = random::bernoulli({20, 1});
  TwoByTwo model;
  model.compile({.optimizer = optim::SGD({.learning_rate = 0.1}),
                 .loss = {"mse", "binary_crossentropy"},
                 .loss_weights = {2, 0.5},
                 .metrics = {"mae"},
                 .output_metrics = {{}, {"accuracy"}}});
  const nn::Logs before = model.evaluate({x0, x1}, {y0, y1});
  const std::vector<Tensor> p = model.predict(std::vector<Tensor>{x0, x1}, {.batch_size = 7});
  REQUIRE(p.size() == 2);
  const double left = mean(square(p[0] - y0)).item<double>();
  const double right = -mean(y1 * log(p[1]) + (1.0f - y1) * log(1.0f - p[1])).item<double>();
  CHECK(before["left_loss"] == doctest::Approx(left).epsilon(1e-5));
  CHECK(before["right_loss"] == doctest::Approx(right).epsilon(1e-5));
  CHECK(before["loss"] == doctest::Approx(2 * left + 0.5 * right).epsilon(1e-5));
  CHECK(before["left_mae"] == doctest::Approx(mean(abs(p[0] - y0)).item<double>()).epsilon(1e-5));
  CHECK(before["right_accuracy"] == doctest::Approx(mean(((p[1] > 0.5) == (y1 > 0.5)).astype(DType::float64)).item<double>()));
  CHECK(before.size() == 6);

  const nn::History history =
      model.fit({x0, x1}, {y0, y1}, {.epochs = 30, .batch_size = 20, .validation_data = {{x0, x1}, {y0, y1}}, .verbose = 0});
  CHECK(history["loss"][0] == doctest::Approx(before["loss"]).epsilon(1e-6));
  CHECK(history["val_right_loss"].back() < before["right_loss"]);
  CHECK(history["val_loss"].back() < 0.8 * before["loss"]);
  CHECK(history.contains("val_left_mae"));

  CHECK_THROWS_WITH_AS(model.fit(x0, {y0, y1}, {.verbose = 0}), doctest::Contains("expected 2 and 2"), ValueError);
  CHECK_THROWS_AS(model.fit({x0, x1}, y0, {.verbose = 0}), ValueError);
  CHECK_THROWS_AS(model.fit({x0, x1["0:5"]}, {y0, y1}, {.verbose = 0}), ShapeError);
  CHECK_THROWS_AS(model.fit({x0, x1}, {y0, y1}, {.class_weight = {{1, 2.0}}, .verbose = 0}), ValueError);
  CHECK_THROWS_WITH_AS(model.predict(x0), doctest::Contains("std::vector<Tensor>"), ValueError);
  CHECK_THROWS_AS(model.compile({.loss = {"mse", "mse", "mse"}}), ValueError);
  CHECK_THROWS_AS(model.compile({.loss = "mse", .loss_weights = {1}}), ValueError);
  CHECK_THROWS_AS(model.compile({.loss = "mse", .output_metrics = {{"mae"}}}), ValueError);
  CHECK_THROWS_AS(model.compile({.loss = "mse", .loss_weights = {1, std::numeric_limits<double>::infinity()}}), ValueError);
}

TEST_CASE("sample weights: the step and the loss worked out by hand") {
  const std::vector<double> weights{1, 0, 2, 0.5, 1, 3};
  nn::Sequential model = linear_model();
  const nn::History history = model.fit(
      column(kX), Tensor(kY), {.epochs = 3, .batch_size = 6, .shuffle = false, .sample_weight = Tensor(weights), .verbose = 0});
  double w = 0.5;
  for (size_t epoch = 0; epoch < 3; ++epoch)
    CHECK(history["loss"][epoch] == doctest::Approx(descend(w, kX, kY, weights)).epsilon(1e-12));
  CHECK(weight_of(model) == doctest::Approx(w).epsilon(1e-12));

  double at = w;
  const double loss = descend(at, kX, kY, weights);
  CHECK(model.evaluate(column(kX), Tensor(kY), {.sample_weight = Tensor(weights)})["loss"] ==
        doctest::Approx(loss).epsilon(1e-12));
  const nn::History validated = linear_model().fit(
      column(kX), Tensor(kY), {.batch_size = 6, .validation_data = {column(kX), Tensor(kY), Tensor(weights)}, .verbose = 0});
  double fresh = 0.5;
  descend(fresh, kX, kY, std::vector<double>(6, 1.0));
  CHECK(validated["val_loss"][0] == doctest::Approx(descend(fresh, kX, kY, weights)).epsilon(1e-12));
}

TEST_CASE("class weights are sample weights by class: numbers, columns of numbers, one-hot rows") {
  const Tensor labels({0, 1, 2, 1, 0, 2}), x = Tensor(kX, {6, 1}).astype(DType::float32);
  const auto trained = [&](const std::string& loss, const Tensor& y, const nn::FitOptions& options) {
    random::seed(3);
    nn::Sequential model{nn::Dense(3, {.activation = nn::softmax})};
    model.compile({.optimizer = optim::SGD({.learning_rate = 0.1}), .loss = loss});
    nn::FitOptions own = options;
    own.verbose = 0;
    own.seed = 1;
    own.batch_size = 4;
    own.epochs = 2;
    model.fit(x, y, own);
    return model.variables()[0].value().to_vector<float>();
  };
  const auto by_sample =
      trained("sparse_categorical_crossentropy", labels, {.sample_weight = Tensor({0.5f, 1.f, 4.f, 1.f, 0.5f, 4.f})});
  const nn::FitOptions by_class{.class_weight = {{0, 0.5}, {2, 4}}};
  CHECK(trained("sparse_categorical_crossentropy", labels, by_class) == by_sample);
  CHECK(trained("sparse_categorical_crossentropy", labels.reshape({6, 1}), by_class) == by_sample);
  CHECK(trained("categorical_crossentropy", one_hot(labels, 3), by_class) ==
        trained("categorical_crossentropy", one_hot(labels, 3), {.sample_weight = Tensor({0.5f, 1.f, 4.f, 1.f, 0.5f, 4.f})}));
  CHECK(trained("sparse_categorical_crossentropy", labels, {}) != by_sample);

  nn::Sequential model = linear_model();
  model.build({-1, 1});
  const auto refuses = [&](const nn::FitOptions& options, auto kind) {
    nn::FitOptions quiet = options;
    quiet.verbose = 0;
    CHECK_THROWS_AS(model.fit(column(kX), Tensor(kY), quiet), decltype(kind));
    CHECK(weight_of(model) == 0.5);
  };
  refuses({.class_weight = {{1, 2}}, .sample_weight = ones({6})}, ValueError(""));
  refuses({.sample_weight = ones({5})}, ShapeError(""));
  refuses({.sample_weight = ones({6, 2})}, ShapeError(""));
  refuses({.sample_weight = ones({})}, ShapeError(""));
}

TEST_CASE("loaders and datasets train like the tensors they are made of") {
  random::seed(2);
  const Tensor x = random::normal({50, 4}), y = random::normal({50, 1});
  const data::TensorDataset dataset(x, y);
  const auto trained = [&](auto fit) {
    random::seed(1);
    nn::Sequential model{nn::Dense(3, {.activation = nn::tanh}), nn::Dense(1)};
    model.compile({.optimizer = "adam", .loss = "mse"});
    const nn::History history = fit(model);
    std::vector<float> out = model.variables()[0].value().to_vector<float>();
    out.push_back(static_cast<float>(history["loss"].back()));
    return out;
  };
  const auto tensors =
      trained([&](nn::Sequential& m) { return m.fit(x, y, {.epochs = 3, .batch_size = 8, .seed = 5, .verbose = 0}); });
  CHECK(trained([&](nn::Sequential& m) {
          return m.fit(data::DataLoader(dataset, {.batch_size = 8, .shuffle = true, .seed = 5}), {.epochs = 3, .verbose = 0});
        }) == tensors);
  CHECK(trained([&](nn::Sequential& m) { return m.fit(dataset, {.epochs = 3, .batch_size = 8, .seed = 5, .verbose = 0}); }) ==
        tensors);
  // A loader goes on counting its passes.
  data::DataLoader loader(dataset, {.batch_size = 8, .shuffle = true, .seed = 5});
  CHECK(trained([&](nn::Sequential& m) {
          m.fit(loader, {.epochs = 2, .verbose = 0});
          return m.fit(loader, {.epochs = 1, .verbose = 0});
        }) == tensors);
  CHECK(loader.epoch() == 3);

  nn::Sequential model{nn::Dense(1)};
  model.compile({.loss = "mse", .metrics = {"mae"}});
  const data::DataLoader in_order(dataset, {.batch_size = 7});
  const nn::Logs whole = model.evaluate(x, y), parts = model.evaluate(in_order);
  CHECK(parts["loss"] == doctest::Approx(whole["loss"]).epsilon(1e-6));
  CHECK(model.evaluate(dataset, {.batch_size = 9})["mae"] == doctest::Approx(whole["mae"]).epsilon(1e-6));
  CHECK((model.predict(in_order).shape() == Shape{50, 1}));
  const nn::History history = model.fit(dataset, {.validation_data = in_order, .verbose = 0});
  CHECK(history["val_loss"][0] == doctest::Approx(model.evaluate(x, y)["loss"]).epsilon(1e-6));
  CHECK_THROWS_AS(model.fit(dataset, {.validation_split = 0.5, .verbose = 0}), ValueError);
  CHECK_THROWS_AS(model.fit(dataset, {.sample_weight = ones({50}), .verbose = 0}), ValueError);
  CHECK_THROWS_AS(model.evaluate(in_order, {.sample_weight = ones({50})}), ValueError);
  CHECK_THROWS_AS(model.fit(data::DataLoader(data::TensorDataset(x["0:0"], y["0:0"])), {.verbose = 0}), ShapeError);
  CHECK_THROWS_AS(model.fit(data::TensorDataset(x, random::normal({50, 3})), {.verbose = 0}), ShapeError);
}

TEST_CASE("epochs of a given number of steps go on where the last one stopped") {
  nn::Sequential model = linear_model();
  model.fit(column(kX), Tensor(kY), {.epochs = 4, .batch_size = 2, .shuffle = false, .steps_per_epoch = 2, .verbose = 0});
  double w = 0.5;
  for (int step = 0; step < 8; ++step) {
    const size_t at = static_cast<size_t>(step % 3) * 2;
    descend(w, {kX[at], kX[at + 1]}, {kY[at], kY[at + 1]}, {1, 1});
  }
  CHECK(weight_of(model) == doctest::Approx(w).epsilon(1e-12));
  CHECK(model.optimizer().iterations() == 8);
}

TEST_CASE("initial_epoch, validation_freq, validation_steps") {
  nn::Sequential model = linear_model();
  const nn::History history = model.fit(
      column(kX), Tensor(kY),
      {.epochs = 7, .validation_data = {column(kX), Tensor(kY)}, .validation_freq = 2, .initial_epoch = 2, .verbose = 0});
  CHECK(history.epochs() == std::vector<int64_t>{2, 3, 4, 5, 6});
  CHECK(history["loss"].size() == 5);
  CHECK(history["val_loss"].size() == 2);  // of the epochs numbered 4 and 6 from 1
  const nn::History part =
      model.fit(column(kX), Tensor(kY),
                {.batch_size = 2, .validation_data = {column(kX), Tensor(kY)}, .validation_steps = 1, .verbose = 0});
  CHECK(part["val_loss"][0] == model.evaluate(column(kX)["0:2"], Tensor(kY)["0:2"])["loss"]);
  CHECK(model.evaluate(column(kX), Tensor(kY), {.batch_size = 2, .steps = 1})["loss"] == part["val_loss"][0]);
  for (const nn::FitOptions& bad :
       {nn::FitOptions{.validation_freq = 0}, nn::FitOptions{.initial_epoch = 1}, nn::FitOptions{.initial_epoch = -1},
        nn::FitOptions{.steps_per_epoch = -1}, nn::FitOptions{.validation_steps = -1}})
    CHECK_THROWS_AS(model.fit(column(kX), Tensor(kY), bad), ValueError);
  CHECK_THROWS_AS(model.evaluate(column(kX), Tensor(kY), {.steps = -1}), ValueError);
}

TEST_CASE("regularizers count in the loss, in training and in evaluation") {
  nn::Sequential model = linear_model("mse", nn::l2(0.25));
  double w = 0.5;
  const double penalty = 0.25 * w * w, loss = descend(w, kX, kY, std::vector<double>(6, 1.0)) + penalty;
  w -= 0.1 * 2 * 0.25 * 0.5;
  CHECK(model.evaluate(column(kX), Tensor(kY))["loss"] == doctest::Approx(loss).epsilon(1e-12));
  const nn::History history = model.fit(column(kX), Tensor(kY), {.batch_size = 6, .verbose = 0});
  CHECK(history["loss"][0] == doctest::Approx(loss).epsilon(1e-12));
  CHECK(weight_of(model) == doctest::Approx(w).epsilon(1e-12));
}

TEST_CASE("a batch at a time") {
  nn::Sequential model = linear_model();
  double w = 0.5;
  for (int i = 0; i < 3; ++i)
    CHECK(model.train_on_batch(column(kX), Tensor(kY))["loss"] ==
          doctest::Approx(descend(w, kX, kY, std::vector<double>(6, 1.0))).epsilon(1e-12));
  const std::vector<double> weights{1, 0, 2, 0.5, 1, 3};
  CHECK(model.train_on_batch(column(kX), Tensor(kY), {.sample_weight = Tensor(weights)})["loss"] ==
        doctest::Approx(descend(w, kX, kY, weights)).epsilon(1e-12));
  CHECK(weight_of(model) == doctest::Approx(w).epsilon(1e-12));
  double at = w;
  CHECK(model.test_on_batch(column(kX), Tensor(kY))["loss"] ==
        doctest::Approx(descend(at, kX, kY, std::vector<double>(6, 1.0))).epsilon(1e-12));
  CHECK(model.predict_on_batch(column({2})).item<double>() == doctest::Approx(2 * w).epsilon(1e-12));
  CHECK_THROWS_AS(model.train_on_batch(column({std::numeric_limits<double>::infinity()}), Tensor({1.0})), ValueError);
  CHECK(weight_of(model) == doctest::Approx(w).epsilon(1e-12));
}

TEST_CASE("TerminateOnNaN ends the run instead of an error, with the weights from before") {
  const Tensor x = column({1, 2, std::numeric_limits<double>::quiet_NaN(), 4});
  const Tensor y({1.0, 2.0, 3.0, 4.0});
  nn::Sequential model = linear_model();
  std::ostringstream out;
  const nn::History history = model.fit(
      x, y, {.epochs = 3, .batch_size = 1, .shuffle = false, .verbose = 0, .output = &out, .callbacks = {nn::TerminateOnNaN()}});
  CHECK(out.str() == "Batch 2: Invalid loss, terminating training\n");
  CHECK(history.epochs().empty());
  CHECK(model.optimizer().iterations() == 2);
  CHECK(std::isfinite(weight_of(model)));
  // The last batch of an epoch: no epoch that looks as if it had been trained.
  CHECK(model.fit(x["0:3"], y["0:3"], {.batch_size = 1, .shuffle = false, .output = &out, .callbacks = {nn::TerminateOnNaN()}})
            .epochs()
            .empty());
  CHECK_THROWS_WITH_AS(
      model.fit(x, y,
                {.batch_size = 1, .shuffle = false, .verbose = 0, .callbacks = {nn::TerminateOnNaN({.raise_error = true})}}),
      doctest::Contains("TerminateOnNaN"), ValueError);
}

TEST_CASE("Ctrl-C ends a run after the batch; the handler from before comes back") {
  static int caught = 0;
  const auto before = signal(SIGINT, [](int) { ++caught; });
  nn::Sequential model = linear_model();
  const auto press = [](nn::Run& run) {
    if (run.epoch == 1 && run.batch == 1) raise(SIGINT);
  };
  bool interrupted = false;
  const nn::History history = model.fit(
      column(kX), Tensor(kY),
      {.epochs = 5,
       .batch_size = 2,
       .verbose = 0,
       .callbacks = {nn::StopOnInterrupt(), nn::LambdaCallback({.on_batch_begin = press, .on_train_end = [&](nn::Run& run) {
                                                                  interrupted = run.interrupted;
                                                                }})}});
  CHECK(history.epochs() == std::vector<int64_t>{0});
  CHECK(model.optimizer().iterations() == 5);
  CHECK(interrupted);
  CHECK(nn::StopOnInterrupt::pressed());
  CHECK(caught == 0);
  raise(SIGINT);
  CHECK(caught == 1);
  model.fit(column(kX), Tensor(kY), {.verbose = 0, .callbacks = {nn::StopOnInterrupt()}});
  CHECK_FALSE(nn::StopOnInterrupt::pressed());
  signal(SIGINT, before);
}

TEST_CASE("callbacks are told in Keras' order") {
  struct Teller : nn::Callback {
    std::string* log;
    explicit Teller(std::string& text) : log(&text) {}
    void on_train_begin(nn::Run&) override { *log += "T"; }
    void on_resume(nn::Run&) override { *log += "r"; }
    void on_epoch_begin(nn::Run&) override { *log += "E"; }
    void on_batch_begin(nn::Run&) override { *log += "B"; }
    void on_batch_end(nn::Run&) override { *log += "b"; }
    void on_test_begin(nn::Run&) override { *log += "V"; }
    void on_test_end(nn::Run& run) override { *log += run.logs.contains("val_loss") ? "v" : "?"; }
    void on_epoch_end(nn::Run& run) override {
      *log += "e";
      run.logs.set("mine", 7);
    }
    void on_checkpoint(nn::Run& run, bool last) override { *log += text("(", run.epoch, run.batch, last ? "!" : "", ")"); }
    void on_train_end(nn::Run&) override { *log += "t"; }
  };
  std::string log;
  const nn::History history = linear_model().fit(
      column(kX), Tensor(kY),
      {.epochs = 2, .batch_size = 3, .validation_data = {column(kX), Tensor(kY)}, .verbose = 0, .callbacks = {Teller(log)}});
  CHECK(log == "TrEBb(01)BbVve(10)EBb(11)BbVve(20!)t");
  CHECK(history["mine"] == std::vector<double>{7, 7});  // History comes after the callbacks
}
