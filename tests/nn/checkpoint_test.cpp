// Checkpoints: a run that goes on is the run that never stopped; damaged and foreign files change nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "data/loader.h"
#include "data/safetensors.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

nn::Sequential small(int64_t width = 4) {
  nn::Sequential model{nn::Dense(width, {.activation = nn::tanh, .name = "hidden"}), nn::Dropout(0.3, {.seed = 2}),
                       nn::Dense(1, {.name = "head"})};
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}});
  return model;
}

struct Data {
  Tensor x, y;
  Data() {
    random::Generator generator(1);
    x = random::normal({22, 3}, 0, 1, DType::float32, generator);
    y = sum(x, {1});
  }
};

std::vector<double> weights_of(const nn::Module& module) {
  std::vector<double> out;
  for (const Variable& variable : module.variables())
    for (const double v : variable.value().to_vector<double>()) out.push_back(v);
  return out;
}

/// Stops as Ctrl-C does, after a number of batches.
struct StopAfter : nn::Callback {
  int64_t batches;
  explicit StopAfter(int64_t n) : batches(n) {}
  void on_batch_end(nn::Run& run) override {
    if (run.step + 1 >= batches) run.stop = run.interrupted = true;
  }
};

struct Result {
  std::vector<double> weights;
  nn::History history;
};

/// A fresh program's run: 3 epochs of 6 batches.
Result run(const std::string& path, int64_t stop_after, bool with_loader, const std::string& precision = "float32") {
  const Data data;
  random::seed(9);
  nn::Sequential model = small();
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}, .precision = precision});
  std::vector<nn::CallbackOption> callbacks{nn::ReduceLROnPlateau({.monitor = "loss", .patience = 1})};
  if (!path.empty()) callbacks.push_back(nn::Checkpoint(path));
  if (stop_after > 0) callbacks.push_back(StopAfter(stop_after));
  nn::FitOptions options{.epochs = 3, .batch_size = 4, .seed = 4, .verbose = 0, .callbacks = callbacks};
  const auto history =
      with_loader
          ? model.fit(data::DataLoader(data::TensorDataset(data.x, data.y), {.batch_size = 4, .shuffle = true, .seed = 4}),
                      options)
          : model.fit(data.x, data.y, options);
  return {weights_of(model), history};
}

}  // namespace

TEST_CASE("a run stopped after any batch goes on to the same bits") {
  for (const char* precision : {"float32", "mixed_float16"}) {
    for (const bool with_loader : {false, true}) {
      const Result whole = run("", 0, with_loader, precision);
      for (const int64_t stop : {1, 6, 8, 17}) {  // 6: the end of an epoch
        CAPTURE(precision);
        CAPTURE(with_loader);
        CAPTURE(stop);
        const test::Folder folder;
        const std::string path = folder / "sub/run.safetensors";
        run(path, stop, with_loader, precision);
        const Result resumed = run(path, 0, with_loader, precision);
        CHECK(resumed.weights == whole.weights);
        CHECK(resumed.history.history() == whole.history.history());
        CHECK(resumed.history.epochs() == whole.history.epochs());
        const Result again = run(path, 0, with_loader, precision);  // trains nothing
        CHECK(again.weights == whole.weights);
        CHECK(again.history.history() == whole.history.history());
      }
    }
  }
}

TEST_CASE("a rule that has ended the run ends it for good; more epochs go on; resume = false begins anew") {
  const test::Folder folder;
  const std::string path = folder / "run";
  const Data data;
  const auto trained = [&](int64_t epochs, nn::Checkpoint::Options options, std::vector<nn::CallbackOption> more = {}) {
    random::seed(1);
    nn::Sequential model = small();
    more.push_back(nn::Checkpoint(path, options));
    return model.fit(data.x, data.y, {.epochs = epochs, .seed = 1, .verbose = 0, .callbacks = more}).epochs().size();
  };
  CHECK(trained(2, {}) == 2);
  CHECK(trained(5, {}) == 5);
  CHECK(trained(3, {}) == 5);  // nothing to do: the history so far
  CHECK(trained(3, {.resume = false}) == 3);
  std::filesystem::remove(path);
  const auto stopping = [] { return optim::EarlyStopping({.monitor = "loss", .patience = 1, .min_delta = 1e9}); };
  CHECK(trained(9, {}, {stopping()}) == 2);
  CHECK(trained(9, {}, {stopping()}) == 2);

  nn::Sequential model = small();
  std::ostringstream out;
  model.fit(data.x, data.y, {.epochs = 9, .output = &out, .callbacks = {stopping(), nn::Checkpoint(path)}});
  CHECK(out.str().find(text("Going on from ", path, ": epoch 3, batch 1\n")) != std::string::npos);
  CHECK_THROWS_AS(nn::Checkpoint("x", {.every_epochs = -1}), ValueError);
  CHECK_THROWS_AS(nn::Checkpoint("x", {.every_steps = -1}), ValueError);
}

TEST_CASE("what does not fit the run is refused with the file and the name, and nothing changes") {
  const test::Folder folder;
  const std::string path = folder / "run";
  const Data data;
  run(path, 8, false);  // inside the second epoch
  const auto refusal = [&](nn::Sequential model, nn::FitOptions options, const std::string& file) {
    model.build({-1, 3});
    const std::vector<double> before = weights_of(model);
    options.verbose = 0;
    options.batch_size = options.batch_size == 32 ? 4 : options.batch_size;
    options.callbacks.push_back(nn::Checkpoint(file));
    std::string message = "nothing thrown";
    try {
      model.fit(data.x, data.y, options);
    } catch (const Error& error) {
      message = error.what();
    }
    CHECK(weights_of(model) == before);
    CHECK(model.optimizer().iterations() == 0);
    CHECK_MESSAGE(message.find(file) != std::string::npos, message);
    return message;
  };
  const nn::FitOptions plateau{.callbacks = {nn::ReduceLROnPlateau({.monitor = "loss"})}};
  CHECK(test::contains(refusal(small(5), plateau, path), "hidden.kernel: got float32 [3, 4], expected float32 [3, 5]"));
  nn::Sequential other = small();
  other.compile({.optimizer = "sgd", .loss = "mse", .metrics = {"mae"}});
  CHECK(test::contains(refusal(other, plateau, path), "got adam, expected sgd"));
  other.compile({.optimizer = "adam", .loss = "mse"});
  CHECK(test::contains(refusal(small(), {}, path), "got reduce_lr_on_plateau, expected the same callbacks"));
  nn::FitOptions larger = plateau;
  larger.batch_size = 11;
  CHECK(test::contains(refusal(small(), larger, path), "got 2 batches, expected 6"));
  nn::Sequential without{nn::Dense(4, {.activation = nn::tanh, .name = "hidden"}), nn::Dense(1, {.name = "head"})};
  without.compile({.optimizer = "adam", .loss = "mse", .metrics = {"mae"}});
  CHECK(test::contains(refusal(without, plateau, path), "random numbers"));
  nn::save_weights(without, folder / "weights");
  CHECK(test::contains(refusal(small(), {}, folder / "weights"), "not a checkpoint"));
  test::write_file(folder / "text", "hello, this is no file of ours");
  refusal(small(), {}, folder / "text");
  std::filesystem::create_directory(folder / "folder");
  refusal(small(), {}, folder / "folder");
}

TEST_CASE("a checkpoint cut short or changed in any byte is refused or the same") {
  const test::Folder folder;
  const std::string path = folder / "run", bad = folder / "bad";
  nn::Sequential model{nn::Dense(1, {.name = "d"})};
  model.build({-1, 1});
  optim::SGD sgd({.learning_rate = 0.5, .momentum = 0.9});
  sgd.apply_gradients({ones({1, 1}), ones({1})}, model.trainable_variables());
  nn::save_checkpoint(path, model, sgd, {{"epoch", 3}});
  const std::string good = test::read_file(path);
  const std::vector<double> before = weights_of(model);
  const auto untouched = [&](const std::string& bytes) {
    test::write_file(bad, bytes);
    nn::Counters counters{{"epoch", 3}};
    std::string message = bad;
    try {
      counters = nn::load_checkpoint(bad, model, sgd);
    } catch (const IoError& error) {
      message = error.what();
    }
    CHECK(test::contains(message, bad));
    CHECK(counters == nn::Counters{{"epoch", 3}});
    CHECK(weights_of(model) == before);
    CHECK(sgd.iterations() == 1);
  };
  for (size_t n = 0; n < good.size(); n += 3) {
    CAPTURE(n);
    test::write_file(bad, good.substr(0, n));
    CHECK_THROWS_AS(nn::load_checkpoint(bad, model, sgd), IoError);
    std::string changed = good;
    changed[n] = static_cast<char>(changed[n] ^ 0x01);
    untouched(changed);
  }
  untouched(good + "x");
  CHECK_THROWS_AS(nn::load_checkpoint(folder / "missing", model, sgd), IoError);
}

TEST_CASE("checkpoints in a loop of one's own") {
  const test::Folder folder;
  const std::string path = folder / "loop";
  const Data data;
  const auto loop = [&](int64_t from, int64_t to, nn::Sequential& model, optim::Optimizer& optimizer) {
    for (int64_t step = from; step < to; ++step) {
      GradientTape tape;
      const Tensor loss = mean(square(model(data.x, true) - data.y.reshape({22, 1}) + random::normal({22, 1})));
      optimizer.minimize(loss, model.trainable_variables(), tape);
    }
  };
  const auto fresh = [&] {
    random::seed(6);
    nn::Sequential model = small();
    model.build({-1, 3});
    return model;
  };
  nn::Sequential whole = fresh();
  optim::Adam adam;
  loop(0, 10, whole, adam);

  nn::Sequential first = fresh();
  optim::Adam first_adam;
  loop(0, 4, first, first_adam);
  nn::save_checkpoint(path, first, first_adam, {{"step", 4}});
  random::normal({3});  // the positions in the file count, not these
  nn::Sequential second = fresh();
  optim::Adam second_adam;
  const nn::Counters counters = nn::load_checkpoint(path, second, second_adam);
  CHECK(counters == nn::Counters{{"step", 4}});
  loop(counters.at("step"), 10, second, second_adam);
  CHECK(weights_of(second) == weights_of(whole));
  CHECK(second_adam.iterations() == 10);
  // Another program may read it.
  CHECK(data::load_safetensors(path).tensors.contains("model.hidden.kernel"));
}

TEST_CASE("what a crash has left is removed, other files are not") {
  const test::Folder folder;
  const Data data;
  for (const char* name : {"run.tmp0", "run.tmp12", "run.tmpx", "other.tmp0"}) test::write_file(folder / name, "");
  nn::Sequential model = small();
  model.fit(data.x, data.y, {.verbose = 0, .callbacks = {nn::Checkpoint(folder / "run")}});
  CHECK(folder.entries() == 3);
  CHECK(std::filesystem::exists(folder / "run.tmpx"));
  CHECK(std::filesystem::exists(folder / "other.tmp0"));
}
