// The training loop: it learns, it repeats itself bit by bit, it refuses what cannot be trained.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

/// Points in the plane, class 1 where x0 * x1 > 0: no line separates them.
struct Quadrants {
  Tensor x, y;
  explicit Quadrants(int64_t n, uint64_t seed = 1) {
    random::Generator generator(seed);
    x = random::uniform({n, 2}, -1, 1, DType::float32, generator);
    const std::vector<float> v = x.to_vector<float>();
    std::vector<uint8_t> labels;
    for (size_t i = 0; i < v.size(); i += 2) labels.push_back(v[i] * v[i + 1] > 0);
    y = Tensor(labels);
  }
};

nn::Sequential classifier() { return {nn::Dense(16, {.activation = nn::tanh}), nn::Dense(2, {.activation = nn::softmax})}; }

nn::Sequential compiled(nn::Sequential model, const optim::Spec& optimizer = optim::Adam({.learning_rate = 0.02})) {
  model.compile({.optimizer = optimizer, .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  return model;
}

std::vector<float> all_weights(const nn::Module& module) {
  std::vector<float> out;
  for (const Variable& variable : module.variables())
    for (const float v : variable.value().to_vector<float>()) out.push_back(v);
  return out;
}

}  // namespace

TEST_CASE("fit learns, evaluate and predict agree with it") {
  random::seed(7);
  const Quadrants train(400), test(200, 2);
  nn::Sequential model = compiled(classifier());
  const nn::History history = model.fit(train.x, train.y, {.epochs = 40, .seed = 3, .verbose = 0});
  CHECK(history.epochs().size() == 40);
  CHECK(history["loss"].size() == 40);
  CHECK(history["loss"].back() < 0.15);
  CHECK(history["loss"].front() > 0.5);
  CHECK(history["accuracy"].back() > 0.93);
  CHECK_FALSE(history.contains("val_loss"));
  CHECK_THROWS_WITH_AS(history["los"], doctest::Contains("accuracy, loss"), ValueError);

  const nn::Logs result = model.evaluate(test.x, test.y);
  CHECK(result["accuracy"] > 0.9);
  CHECK_THROWS_WITH_AS(result["acc"], doctest::Contains("accuracy, loss"), ValueError);

  // Counted and summed by hand from the predictions.
  const Tensor predictions = model.predict(test.x);
  CHECK((predictions.shape() == Shape{200, 2}));
  const std::vector<double> p = predictions.to_vector<double>();
  const std::vector<int64_t> labels = test.y.to_vector<int64_t>();
  double correct = 0, loss = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    correct += (p[2 * i + 1] > p[2 * i]) == (labels[i] == 1);
    loss -= std::log(p[2 * i + static_cast<size_t>(labels[i])]);
  }
  CHECK(result["accuracy"] == doctest::Approx(correct / 200).epsilon(1e-12));
  CHECK(result["loss"] == doctest::Approx(loss / 200).epsilon(1e-5));
}

TEST_CASE("one epoch of full-batch gradient descent is the step worked out by hand") {
  const std::vector<double> x{1, 2, 3, 4}, y{2, 4, 7, 9};
  nn::Sequential model{nn::Dense(1, {.kernel_initializer = nn::Initializer::constant(0.5), .dtype = DType::float64})};
  model.compile({.optimizer = optim::SGD({.learning_rate = 0.1}), .loss = "mse"});
  const nn::History history =
      model.fit(Tensor(x, {4, 1}), Tensor(y), {.epochs = 2, .batch_size = 4, .shuffle = false, .verbose = 0});
  double w = 0.5, b = 0;
  for (int epoch = 0; epoch < 2; ++epoch) {
    double loss = 0, dw = 0, db = 0;
    for (size_t i = 0; i < 4; ++i) {
      const double error = w * x[i] + b - y[i];
      loss += error * error / 4;
      dw += 2 * error * x[i] / 4;
      db += 2 * error / 4;
    }
    CHECK(history["loss"][static_cast<size_t>(epoch)] == doctest::Approx(loss).epsilon(1e-12));
    w -= 0.1 * dw;
    b -= 0.1 * db;
  }
  CHECK(model.variables()[0].item<double>() == doctest::Approx(w).epsilon(1e-12));
  CHECK(model.variables()[1].item<double>() == doctest::Approx(b).epsilon(1e-12));
}

TEST_CASE("the same seeds give the same bits, other seeds others") {
  const Quadrants data(100);
  const auto run = [&](uint64_t weights, uint64_t order) {
    random::seed(weights);
    nn::Sequential model =
        compiled({nn::Dense(8, {.activation = nn::relu}), nn::Dropout(0.2), nn::Dense(2, {.activation = nn::softmax})});
    model.fit(data.x, data.y, {.epochs = 3, .batch_size = 16, .seed = order, .verbose = 0});
    return all_weights(model);
  };
  const std::vector<float> first = run(1, 1);
  CHECK(run(1, 1) == first);
  CHECK(run(1, 2) != first);
  CHECK(run(2, 1) != first);
}

TEST_CASE("a softmax output and its logits train alike") {
  const Quadrants data(64);
  const auto run = [&](const nn::Activation& activation, const nn::Loss& loss) {
    random::seed(4);
    nn::Sequential model{nn::Dense(8, {.activation = nn::tanh}), nn::Dense(2, {.activation = activation})};
    model.compile({.optimizer = optim::SGD({.learning_rate = 0.1}), .loss = loss, .metrics = {"accuracy"}});
    return model.fit(data.x, data.y, {.epochs = 3, .seed = 1, .verbose = 0});
  };
  const nn::History fused = run(nn::softmax, "sparse_categorical_crossentropy");
  const nn::History logits = run(nn::linear, nn::Loss::from_logits("sparse_categorical_crossentropy"));
  const nn::History separate =
      run(nn::softmax, [](const Tensor& y, const Tensor& p) { return nn::sparse_categorical_crossentropy(y, p); });
  CHECK(fused["loss"] == logits["loss"]);
  CHECK(fused["accuracy"] == logits["accuracy"]);
  CHECK(fused["accuracy"] == separate["accuracy"]);
  for (size_t i = 0; i < 3; ++i) CHECK(fused["loss"][i] == doctest::Approx(separate["loss"][i]).epsilon(1e-5));
}

TEST_CASE("a certain wrong answer still has a gradient, because fit goes through the logits") {
  nn::Sequential model{nn::Dense(2, {.activation = nn::softmax, .kernel_initializer = nn::Initializer::constant(0)})};
  model.build({-1, 1});
  model.variables()[1].assign(Tensor({200.0f, -200.0f}));
  model.compile({.optimizer = optim::SGD({.learning_rate = 1}), .loss = "sparse_categorical_crossentropy"});
  const nn::History history = model.fit(ones({1, 1}), Tensor({1}), {.verbose = 0});
  CHECK(history["loss"][0] == doctest::Approx(400));
  CHECK(model.variables()[1].value().to_vector<float>()[1] == doctest::Approx(-199));
}

TEST_CASE("binary classification by name") {
  random::seed(2);
  const Quadrants data(300);
  nn::Sequential model{nn::Dense(16, {.activation = nn::tanh}), nn::Dense(1, {.activation = nn::sigmoid})};
  model.compile(
      {.optimizer = optim::Adam({.learning_rate = 0.02}), .loss = "binary_crossentropy", .metrics = {"accuracy", "mae"}});
  const nn::History history = model.fit(data.x, data.y, {.epochs = 40, .seed = 1, .verbose = 0});
  CHECK(history["accuracy"].back() > 0.93);
  CHECK(history["mae"].back() < 0.2);
  const nn::Logs result = model.evaluate(data.x, data.y);
  const std::vector<double> p = model.predict(data.x).to_vector<double>();
  const std::vector<int64_t> labels = data.y.to_vector<int64_t>();
  double correct = 0;
  for (size_t i = 0; i < labels.size(); ++i) correct += (p[i] > 0.5) == (labels[i] == 1);
  CHECK(result["accuracy"] == doctest::Approx(correct / 300).epsilon(1e-12));
}

TEST_CASE("validation: the last part of the samples, or data of its own") {
  const Quadrants data(50), other(20, 5);
  nn::Sequential model = compiled(classifier());
  const nn::History split = model.fit(data.x, data.y, {.validation_split = 0.3, .verbose = 0});
  const nn::Logs by_hand = model.evaluate(data.x["35:"], data.y["35:"]);
  CHECK(split["val_loss"][0] == by_hand["loss"]);
  CHECK(split["val_accuracy"][0] == by_hand["accuracy"]);

  const nn::History given = model.fit(data.x, data.y, {.validation_data = {other.x, other.y}, .verbose = 0});
  CHECK(given["val_loss"][0] == model.evaluate(other.x, other.y)["loss"]);
}

TEST_CASE("without shuffling the held-out part does not change what is trained") {
  const Quadrants data(40);
  const auto run = [&](const Tensor& x, const Tensor& y, double held_out) {
    random::seed(1);
    nn::Sequential model = compiled(classifier());
    model.fit(x, y, {.epochs = 2, .batch_size = 8, .shuffle = false, .validation_split = held_out, .verbose = 0});
    return all_weights(model);
  };
  CHECK(run(data.x, data.y, 0.25) == run(data.x["0:30"], data.y["0:30"], 0));
}

TEST_CASE("callbacks see the run and can end it") {
  struct Counter : nn::Callback {
    std::string log;
    void on_train_begin(nn::Run& run) override { log += text("train ", run.epochs, "x", run.batches, ";"); }
    void on_epoch_begin(nn::Run& run) override { log += text("epoch ", run.epoch, ";"); }
    void on_batch_end(nn::Run& run) override {
      log += text("b", run.batch);
      if (run.epoch == 1 && run.batch == 1) run.stop = true;
    }
    void on_epoch_end(nn::Run& run) override { log += text(";end ", run.logs.contains("loss"), ";"); }
    void on_train_end(nn::Run&) override { log += ";done"; }
  };
  const Quadrants data(48);
  nn::Sequential model = compiled(classifier());
  const auto counter = std::make_shared<Counter>();
  const nn::History history = model.fit(data.x, data.y, {.epochs = 5, .batch_size = 16, .verbose = 0, .callbacks = {counter}});
  CHECK(counter->log == "train 5x3;epoch 0;b0b1b2;end true;epoch 1;b0b1;done");
  CHECK(history.epochs() == std::vector<int64_t>{0});

  int epochs = 0;
  const nn::LambdaCallback lambda({.on_epoch_end = [&](nn::Run& run) { run.stop = ++epochs == 2; }});
  CHECK(model.fit(data.x, data.y, {.epochs = 5, .verbose = 0, .callbacks = {lambda}}).epochs().size() == 2);
}

TEST_CASE("early stopping inside fit restores the best weights") {
  const Quadrants data(60), other(30, 9);
  random::seed(5);
  nn::Sequential model = compiled(classifier(), optim::SGD({.learning_rate = 3}));  // too large: it gets worse soon
  std::ostringstream out;
  const nn::History history = model.fit(data.x, data.y,
                                        {.epochs = 200,
                                         .seed = 1,
                                         .validation_data = {other.x, other.y},
                                         .output = &out,
                                         .callbacks = {optim::EarlyStopping({.patience = 3, .restore_best_weights = true})}});
  const std::vector<double>& losses = history["val_loss"];
  const auto best = static_cast<size_t>(std::min_element(losses.begin(), losses.end()) - losses.begin());
  REQUIRE(losses.size() < 200);
  CHECK(losses.size() == best + 4);
  CHECK(model.evaluate(other.x, other.y)["loss"] == losses[best]);
  CHECK(out.str().find(text("Epoch ", losses.size(), ": early stopping\n")) != std::string::npos);
  CHECK(out.str().find(text("Restoring model weights from the end of the best epoch: ", best + 1, ".\n")) != std::string::npos);

  CHECK_THROWS_WITH_AS(model.fit(data.x, data.y, {.verbose = 0, .callbacks = {optim::EarlyStopping()}}),
                       doctest::Contains("expected one of accuracy, loss"), ValueError);
}

TEST_CASE("what fit prints where there is no terminal") {
  const Quadrants data(40);
  nn::Sequential model = compiled(classifier());
  std::ostringstream out;
  model.fit(data.x, data.y, {.epochs = 2, .output = &out});
  std::istringstream lines(out.str());
  std::string line;
  for (const char* start : {"Epoch 1/2 - 2/2 - ", "Epoch 2/2 - 2/2 - "}) {
    REQUIRE(std::getline(lines, line));
    CHECK(line.starts_with(start));
    CHECK(line.find("/step - accuracy: 0.") != std::string::npos);
    CHECK(line.find(" - loss: ") != std::string::npos);
  }
  CHECK_FALSE(std::getline(lines, line));
}

TEST_CASE("what cannot be trained is refused before training") {
  const Quadrants data(20);
  nn::Sequential plain = classifier();
  CHECK_THROWS_WITH_AS(plain.fit(data.x, data.y), doctest::Contains("compile"), ValueError);
  CHECK_THROWS_AS(plain.evaluate(data.x, data.y), ValueError);
  CHECK_THROWS_AS(plain.optimizer(), ValueError);
  CHECK_THROWS_AS(plain.compile({.optimizer = "sgd"}), ValueError);
  CHECK_THROWS_AS(plain.compile({.loss = "mse", .metrics = {"mae", "mae"}}), ValueError);

  nn::Sequential model = compiled(classifier());
  model(data.x);
  const std::vector<float> before = all_weights(model);
  const auto refuses = [&](const Tensor& x, const Tensor& y, nn::FitOptions options, auto kind) {
    options.verbose = 0;
    CHECK_THROWS_AS(model.fit(x, y, options), decltype(kind));
    CHECK(all_weights(model) == before);
    CHECK(model.optimizer().iterations() == 0);
  };
  std::vector<uint8_t> bad = data.y.to_vector<uint8_t>();
  bad.back() = 2;
  refuses(data.x, data.y["0:19"], {}, ShapeError(""));
  refuses(data.x["0:0"], data.y["0:0"], {}, ShapeError(""));
  refuses(Tensor(1.0f), Tensor(1), {}, ShapeError(""));
  refuses(data.x, Tensor(bad), {}, ValueError(""));
  refuses(data.x, data.y.astype(DType::float32), {}, DTypeError(""));
  refuses(data.x, one_hot(data.y, 2, DType::int64), {}, ShapeError(""));
  refuses(ones({20, 3}), data.y, {}, ShapeError(""));
  refuses(data.x, data.y, {.epochs = 0}, ValueError(""));
  refuses(data.x, data.y, {.batch_size = 0}, ValueError(""));
  refuses(data.x, data.y, {.validation_split = 1}, ValueError(""));
  refuses(data.x, data.y, {.validation_split = 0.01, .validation_data = {data.x, data.y}}, ValueError(""));
  refuses(data.x, data.y, {.validation_split = 0.99}, ValueError(""));
  refuses(data.x, data.y, {.validation_data = {data.x, {}}}, ValueError(""));
  refuses(data.x, data.y, {.validation_data = {data.x, Tensor(bad)}}, ValueError(""));
  nn::FitOptions loud;
  loud.verbose = 7;
  CHECK_THROWS_AS(model.fit(data.x, data.y, loud), ValueError);
  CHECK_THROWS_AS(model.evaluate(data.x, data.y, {.batch_size = 0}), ValueError);
  CHECK_THROWS_AS(model.predict(data.x, {.batch_size = -1}), ValueError);
  CHECK_THROWS_AS(model.predict(Tensor(1.0f)), ShapeError);

  nn::Sequential nothing{nn::relu, nn::softmax};
  nothing.compile({.loss = "sparse_categorical_crossentropy"});
  CHECK_THROWS_WITH_AS(nothing.fit(data.x, data.y, {.verbose = 0}), doctest::Contains("nothing to train"), ValueError);
}

TEST_CASE("a loss that is not finite is reported, with the weights from before it") {
  std::vector<float> values(40, 0.5f);
  values[2 * 17] = std::numeric_limits<float>::infinity();  // sample 17: in the third batch of 8
  nn::Sequential model = compiled({nn::Dense(2, {.activation = nn::softmax})});
  std::ostringstream out;
  CHECK_THROWS_WITH_AS(
      model.fit(Tensor(values, {20, 2}), zeros({20}, DType::int32), {.batch_size = 8, .shuffle = false, .output = &out}),
      doctest::Contains("epoch 1, batch 3"), ValueError);
  CHECK(model.optimizer().iterations() == 2);
  for (const float w : all_weights(model)) CHECK(std::isfinite(w));
}

TEST_CASE("predict gives the same in any batch size") {
  const Quadrants data(33);
  nn::Sequential model = classifier();
  const Tensor whole = model.predict(data.x, {.batch_size = 100});
  CHECK((model.predict(data.x, {.batch_size = 1}).shape() == Shape{33, 2}));
  const std::vector<double> a = whole.to_vector<double>(), b = model.predict(data.x, {.batch_size = 7}).to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i) CHECK(a[i] == doctest::Approx(b[i]).epsilon(1e-6));
  CHECK((model.predict(data.x["0:0"]).shape() == Shape{0, 2}));
}

TEST_CASE("a model of one's own trains, too") {
  struct Residual : nn::Model {
    nn::Dense inner{2, {.activation = nn::tanh}}, head{2};
    Tensor call(const Tensor& x, bool) override { return head(x + inner(x)); }
    void visit(nn::Visitor& v) override { v("inner", inner), v("head", head); }
  };
  random::seed(3);
  const Quadrants data(200);
  Residual model;
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.05}),
                 .loss = nn::Loss::from_logits("sparse_categorical_crossentropy"),
                 .metrics = {"accuracy"}});
  const nn::History history = model.fit(data.x, data.y, {.epochs = 30, .seed = 1, .verbose = 0});
  CHECK(history["loss"].back() < history["loss"].front());
  std::ostringstream out;
  model.summary(out);
  CHECK(out.str().find("inner (Dense)") != std::string::npos);
  CHECK(out.str().find(" Trainable params: 12 (48.00 B)") != std::string::npos);
  CHECK_THROWS_AS(model.output_shape({1, 2}), ValueError);
}
