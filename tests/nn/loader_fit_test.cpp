// A loader with workers inside fit: the same numbers as without, errors that arrive, threads that end.
#include <doctest/doctest.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "autograd/autograd.h"
#include "data/data.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

struct Data {
  Tensor x, y;
  Data() {
    random::Generator generator(4);
    x = random::normal({50, 3}, 0, 1, DType::float32, generator);
    y = sum(x * x, {1});
  }
};

nn::Sequential model() {
  random::seed(6);
  nn::Sequential out{nn::Dense(8, {.activation = nn::tanh}), nn::BatchNormalization(), nn::Dropout(0.2), nn::Dense(1)};
  out.compile({.optimizer = optim::Adam({.learning_rate = 0.02}), .loss = "mse", .metrics = {"mae"}});
  return out;
}

/// Examples with noise of their own, in a new order each epoch.
data::DataLoader noisy(int workers, const Data& data = {}) {
  return data::DataLoader(data::TensorDataset(data.x, data.y).map([](data::Example example, random::Generator& generator) {
    example.x = example.x + random::normal(example.x.shape(), 0, 0.1, DType::float32, generator);
    return example;
  }),
                          {.batch_size = 8, .shuffle = true, .seed = 2, .workers = workers});
}

std::vector<float> weights_of(const nn::Module& module) {
  std::vector<float> out;
  for (const Variable& variable : module.variables())
    for (const float v : variable.value().to_vector<float>()) out.push_back(v);
  return out;
}

/// Threads of this process.
long threads() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
}

/// True once there are no more than `n`: a joined thread may be listed for a moment longer.
bool threads_end(long n) {
  for (int i = 0; i < 200; ++i) {
    if (threads() <= n) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace

TEST_CASE("the same history and weights for any number of workers, as training and as validation data") {
  const auto run = [](int workers) {
    nn::Sequential trained = model();
    const nn::History history = trained.fit(noisy(workers), {.epochs = 3, .validation_data = {noisy(workers)}, .verbose = 0});
    return std::pair{history.history(), weights_of(trained)};
  };
  const auto expected = run(0);
  REQUIRE(expected.first.at("val_mae").size() == 3);
  for (const int workers : {1, 2, 5}) CHECK(run(workers) == expected);
}

TEST_CASE("epochs of a number of steps that is no divisor, with workers as without") {
  const auto run = [](int workers) {
    nn::Sequential trained = model();
    return trained.fit(noisy(workers), {.epochs = 4, .steps_per_epoch = 3, .verbose = 0}).history();
  };
  CHECK(run(3) == run(0));
}

TEST_CASE("what a function of the pipeline throws reaches the caller of fit, evaluate and predict; the workers end") {
  const Data data;
  const long before = threads();
  for (const int workers : {0, 2})
    for (const int64_t bad : {0, 20, 49}) {
      CAPTURE(workers);
      CAPTURE(bad);
      auto calls = std::make_shared<std::atomic<int64_t>>(0);
      const auto numbered = data::TensorDataset(arange<int64_t>(50), data.y).map([=, x = data.x](data::Example example) {
        const int64_t i = example.x.item<int64_t>();
        if (i == bad) throw std::domain_error("no such picture");
        example.x = x[i];
        return example;
      });
      const data::DataLoader loader(numbered, {.batch_size = 8, .workers = workers});
      nn::Sequential trained = model();
      trained.build({-1, 3});
      CHECK_THROWS_WITH_AS(trained.fit(data::DataLoader(loader), {.verbose = 0}), "no such picture", std::domain_error);
      CHECK_THROWS_WITH_AS(trained.fit(data.x, data.y, {.validation_data = {loader}, .verbose = 0}), "no such picture",
                           std::domain_error);
      CHECK_THROWS_WITH_AS(trained.evaluate(loader), "no such picture", std::domain_error);
      CHECK_THROWS_WITH_AS(trained.predict(loader), "no such picture", std::domain_error);
      CHECK(trained.fit(data.x, data.y, {.verbose = 0})["loss"].size() == 1);  // the model is fit for use
    }
  CHECK(threads_end(before));
}

TEST_CASE("a run stopped by a callback or Ctrl-C ends its workers, and goes on from its checkpoint") {
  const long before = threads();
  nn::Sequential whole = model();
  const nn::History expected = whole.fit(noisy(2), {.epochs = 3, .verbose = 0});
  for (const int64_t stop : {1, 6, 7, 8, 15}) {
    CAPTURE(stop);
    const test::Folder folder;
    const nn::LambdaCallback interrupt({.on_batch_begin = [=](nn::Run& run) {
      if (run.step == stop) raise(SIGINT);
    }});
    nn::Sequential first = model();
    first.fit(noisy(2),
              {.epochs = 3, .verbose = 0, .callbacks = {interrupt, nn::StopOnInterrupt(), nn::Checkpoint(folder / "run")}});
    CHECK(nn::StopOnInterrupt::pressed());
    CHECK(threads_end(before));
    nn::Sequential second = model();
    const nn::History history = second.fit(noisy(3), {.epochs = 3, .verbose = 0, .callbacks = {nn::Checkpoint(folder / "run")}});
    CHECK(history.history() == expected.history());
    CHECK(weights_of(second) == weights_of(whole));
  }
}

TEST_CASE("going on inside an epoch makes nothing of the batches before") {
  const Data data;
  const test::Folder folder;
  auto made = std::make_shared<std::atomic<int>>(0);
  const auto counted = [&] {
    return data::DataLoader(data::TensorDataset(data.x, data.y).map([made](data::Example example) {
      ++*made;
      return example;
    }),
                            {.batch_size = 10});
  };
  const nn::LambdaCallback stop({.on_batch_end = [](nn::Run& run) { run.stop = run.interrupted = run.batch == 3; }});
  model().fit(counted(), {.verbose = 0, .callbacks = {stop, nn::Checkpoint(folder / "run")}});
  *made = 0;
  model().fit(counted(), {.verbose = 0, .callbacks = {nn::Checkpoint(folder / "run")}});
  CHECK(*made == 10 + 10);  // the sample that is looked at beforehand comes with its batch; then the last one
}

TEST_CASE("fit gives the handler of Ctrl-C back when it throws, too") {
  const Data data;
  struct sigaction mine {
  }, now{};
  mine.sa_handler = SIG_IGN;
  struct sigaction old {};
  sigaction(SIGINT, &mine, &old);
  const nn::LambdaCallback failing({.on_batch_end = [](nn::Run&) { throw std::runtime_error("enough"); }});
  const nn::FitOptions options{.verbose = 0, .callbacks = {nn::StopOnInterrupt(), failing}};  // outlives fit()
  CHECK_THROWS_WITH_AS(model().fit(data.x, data.y, options), "enough", std::runtime_error);
  sigaction(SIGINT, nullptr, &now);
  CHECK((now.sa_handler == SIG_IGN));
  sigaction(SIGINT, &old, nullptr);
}

TEST_CASE("a loader's labels out of range and batches that do not fit are errors, whatever batch they are in") {
  const Data data;
  nn::Sequential trained{nn::Dense(3, {.activation = nn::softmax})};
  trained.compile({.loss = "sparse_categorical_crossentropy"});
  for (const int64_t at : {0, 30, 49})
    for (const int64_t label : {int64_t{3}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
      std::vector<int64_t> labels(50, 1);
      labels[static_cast<size_t>(at)] = label;
      const data::DataLoader loader({data.x, Tensor(labels)}, {.batch_size = 10, .workers = 1});
      CHECK_THROWS_WITH_AS(trained.fit(data::DataLoader(loader), {.verbose = 0}), doctest::Contains(text("got ", label).c_str()),
                           ValueError);
      CHECK_THROWS_WITH_AS(trained.evaluate(loader), doctest::Contains(text("got ", label).c_str()), ValueError);
    }
  const auto shorter = [](const std::vector<data::Example>& chosen) {
    return data::Example{zeros({static_cast<int64_t>(chosen.size()), 3}), zeros({1}, DType::int64)};
  };
  CHECK_THROWS_AS(trained.fit(data::DataLoader({data.x, zeros({50}, DType::int64)}, {.collate = shorter}), {.verbose = 0}),
                  Error);
}
