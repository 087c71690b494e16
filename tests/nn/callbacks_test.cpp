// Callbacks that steer a run: scenarios worked out by hand from Keras' rules.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "nn/nn.h"
#include "tests/data/files.h"
#include "tests/nn/scripted_run.h"

using namespace gradus;
using test::ScriptedRun;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Plateau {
  std::string name;
  nn::ReduceLROnPlateau::Options options;
  std::vector<double> losses;
  std::vector<double> rates;  // after each epoch
};

const std::vector<Plateau>& plateaus() {
  static const std::vector<Plateau> all{
      {"better every time", {.patience = 1}, {5, 4, 3}, {1, 1, 1}},
      {"patience 2", {.factor = 0.5, .patience = 2}, {5, 5, 5, 5, 5}, {1, 1, 0.5, 0.5, 0.25}},
      {"patience 0 reduces at the first that is not better", {.factor = 0.5, .patience = 0}, {5, 5}, {1, 0.5}},
      {"a change below min_delta is none", {.factor = 0.5, .patience = 1, .min_delta = 0.1}, {5, 4.95, 4.8}, {1, 0.5, 0.5}},
      // The epoch after the reduction is one of cooldown: counted down to 1, then to 0, and only then waited.
      {"cooldown", {.factor = 0.5, .patience = 1, .cooldown = 2}, {5, 5, 5, 5, 5}, {1, 0.5, 0.5, 0.25, 0.25}},
      {"min_lr", {.factor = 0.1, .patience = 1, .min_lr = 0.05}, {5, 5, 5, 5}, {1, 0.1, 0.05, 0.05}},
      {"NaN is no improvement", {.factor = 0.5, .patience = 1}, {5, kNaN, 4}, {1, 0.5, 0.5}},
  };
  return all;
}

}  // namespace

TEST_CASE("ReduceLROnPlateau") {
  for (const Plateau& p : plateaus()) {
    CAPTURE(p.name);
    ScriptedRun script;
    nn::ReduceLROnPlateau callback(p.options);
    callback.on_train_begin(script.run);
    for (size_t i = 0; i < p.losses.size(); ++i) {
      CAPTURE(i);
      const double before = script.rate();
      script.epoch(callback, {{"val_loss", p.losses[i]}});
      CHECK(script.rate() == doctest::Approx(p.rates[i]).epsilon(1e-12));
      CHECK(script.run.logs["learning_rate"] == before);  // of the epoch that has ended
    }
  }
}

TEST_CASE("ReduceLROnPlateau: rising values, messages, a second run, epochs without the value") {
  ScriptedRun script({"accuracy", "loss"});
  nn::ReduceLROnPlateau callback({.monitor = "accuracy", .factor = 0.5, .patience = 1, .verbose = true});
  callback.on_train_begin(script.run);
  script.epoch(callback, {{"accuracy", 0.5}});
  script.epoch(callback, {{"loss", 1}});  // nothing to judge
  script.epoch(callback, {{"accuracy", 0.6}});
  CHECK(script.rate() == 1);
  script.epoch(callback, {{"accuracy", 0.6}});
  CHECK(script.rate() == 0.5);
  CHECK(script.printed() == "Epoch 4: ReduceLROnPlateau reducing learning rate to 0.5.\n");
  callback.on_train_begin(script.run);
  script.epoch(callback, {{"accuracy", 0.1}});  // the first of a new run
  CHECK(script.rate() == 0.5);

  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.factor = 1}), ValueError);
  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.factor = kNaN}), ValueError);
  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.patience = -1}), ValueError);
  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.cooldown = -1}), ValueError);
  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.min_lr = -1}), ValueError);
  CHECK_THROWS_AS(nn::ReduceLROnPlateau({.monitor = "score"}), ValueError);
  nn::ReduceLROnPlateau unknown;
  CHECK_THROWS_WITH_AS(unknown.on_train_begin(script.run), doctest::Contains("expected one of accuracy, loss"), ValueError);
}

TEST_CASE("LearningRateScheduler: of the epoch, and of the rate before") {
  ScriptedRun script;
  nn::LearningRateScheduler halves([](int64_t, double rate) { return rate / 2; }, {.verbose = true});
  script.epochs(halves, {1, 1});
  CHECK(script.rate() == 0.25);
  CHECK(script.run.logs["learning_rate"] == 0.25);
  CHECK(script.printed() ==
        "Epoch 1: LearningRateScheduler setting learning rate to 0.5.\n"
        "Epoch 2: LearningRateScheduler setting learning rate to 0.25.\n");
  nn::LearningRateScheduler table([](int64_t epoch) { return epoch < 3 ? 0.1 : 0.01; });
  script.epoch(table, {});
  CHECK(script.rate() == 0.1);
  script.epoch(table, {});
  CHECK(script.rate() == 0.01);
  nn::LearningRateScheduler bad([](int64_t) { return kNaN; });
  CHECK_THROWS_AS(bad.on_epoch_begin(script.run), ValueError);
}

TEST_CASE("early stopping skips epochs without its value, and knows the number of the first") {
  ScriptedRun script;
  const nn::CallbackOption option(optim::EarlyStopping({.patience = 1, .start_from_epoch = 11}));
  option->on_train_begin(script.run);
  script.run.epoch = 10;
  for (const double loss : {1.0, 5.0}) script.epoch(*option, {{"val_loss", loss}});  // epoch 10 does not count, 11 is the first
  CHECK_FALSE(script.run.stop);
  script.epoch(*option, {{"loss", 1}});
  CHECK_FALSE(script.run.stop);
  script.epoch(*option, {{"val_loss", 5.0}});
  CHECK(script.run.stop);
  CHECK(script.printed() == "Epoch 14: early stopping\n");
}

TEST_CASE("ModelCheckpoint: names of the files") {
  const auto format = [](const std::string& pattern) {
    return nn::detail::format_path("op", pattern, {{"epoch", 7}, {"batch", 12}, {"val_loss", 0.12345}, {"big", 1e300}});
  };
  CHECK(format("plain") == "plain");
  CHECK(format("w.{epoch:02d}-{val_loss:.3f}.x") == "w.07-0.123.x");
  CHECK(format("{epoch}/{batch:4d}|{batch:04d}") == "7/  12|0012");
  CHECK(format("{val_loss}") == "0.12345");
  CHECK(format("{val_loss:8.2f}|{val_loss:.1e}|{val_loss:g}") == "    0.12|1.2e-01|0.12345");
  CHECK(format("{{epoch}} {{") == "{epoch} {");
  CHECK(format("{big:999.999f}").size() >= 999);
  CHECK_THROWS_WITH_AS(format("{val_los}"), doctest::Contains("expected one of batch, big, epoch, val_loss"), ValueError);
  for (const char* bad : {"{epoch", "epoch}", "{val_loss:d}", "{epoch:.2d}", "{epoch:x}", "{epoch:02dd}", "{epoch:%n}", "{}"})
    CHECK_THROWS_AS(format(bad), ValueError);
}

TEST_CASE("ModelCheckpoint: every epoch, and only the best") {
  const test::Folder folder;
  ScriptedRun script;
  nn::ModelCheckpoint every(folder / "deep/er/{epoch:02d}.safetensors", {.verbose = true, .save_weights_only = true});
  every.on_train_begin(script.run);
  script.epochs(every, {3, 2});
  CHECK(std::filesystem::exists(folder / "deep/er/01.safetensors"));
  CHECK(std::filesystem::exists(folder / "deep/er/02.safetensors"));
  CHECK(script.printed() == text("Epoch 1: saving model to ", folder / "deep/er/01.safetensors", "\nEpoch 2: saving model to ",
                                 folder / "deep/er/02.safetensors", "\n"));

  const auto saved = [&](nn::ModelCheckpoint::Options options, const std::vector<double>& losses) {
    const test::Folder own;
    options.save_best_only = true;
    nn::ModelCheckpoint best(own / "{epoch}", options);
    ScriptedRun fresh;
    best.on_train_begin(fresh.run);
    fresh.epochs(best, losses);
    std::string out;
    for (size_t i = 1; i <= losses.size(); ++i)
      if (std::filesystem::exists(own / std::to_string(i))) out += std::to_string(i);
    return out;
  };
  CHECK(saved({}, {3, 4, 2, 2, 1}) == "135");
  CHECK(saved({.mode = optim::Mode::max}, {3, 4, 2, 5}) == "124");
  CHECK(saved({.initial_value_threshold = 2.5}, {3, 2, 2.2}) == "2");

  const std::string one = folder / "best";
  ScriptedRun loud;
  nn::ModelCheckpoint best(one, {.verbose = true, .save_best_only = true});
  best.on_train_begin(loud.run);
  loud.epochs(best, {3, 4, 2});
  loud.epoch(best, {{"loss", 0}});  // no value: nothing is saved
  CHECK(loud.printed() == text("Epoch 1: val_loss improved from None to 3.00000, saving model to ", one,
                               "\nEpoch 2: val_loss did not improve from 3.00000\n"
                               "Epoch 3: val_loss improved from 3.00000 to 2.00000, saving model to ",
                               one, "\n"));
  // A whole model: the optimiser comes with it.
  CHECK(nn::load_checkpoint(one, loud.model, loud.model.optimizer()).at("epoch") == 3);
}

TEST_CASE("ModelCheckpoint: by batches, counted across epochs") {
  const test::Folder folder;
  ScriptedRun script({"loss"}, 5);
  nn::ModelCheckpoint callback(folder / "{epoch}-{batch}-{loss:.1f}", {.save_weights_only = true, .save_freq = 3});
  callback.on_train_begin(script.run);
  script.epoch(callback, {{"loss", 0.5}});
  script.epoch(callback, {{"loss", 0.25}});
  for (const char* name : {"1-3-0.5", "2-1-0.2", "2-4-0.2"}) CHECK(std::filesystem::exists(folder / name));
  CHECK(folder.entries() == 3);

  CHECK_THROWS_AS(nn::ModelCheckpoint("x", {.save_freq = -1}), ValueError);
  CHECK_THROWS_AS(nn::ModelCheckpoint("x", {.monitor = "score", .save_best_only = true}), ValueError);
  nn::ModelCheckpoint unknown("{val_loss}");
  CHECK_THROWS_WITH_AS(unknown.on_train_begin(script.run), doctest::Contains("learning_rate, loss"), ValueError);
  nn::ModelCheckpoint missing("x", {.save_best_only = true});
  CHECK_THROWS_WITH_AS(missing.on_train_begin(script.run), doctest::Contains("val_loss"), ValueError);
}

TEST_CASE("states of callbacks: saved in the middle, they go on alike") {
  const std::vector<double> losses{5, 4, 4.5, 4.2, 3, 3.5, 3.4, 3.3, 3.2, 2};
  const auto rates = [&](int64_t resumed) {
    ScriptedRun script;
    nn::ReduceLROnPlateau::Options options{.factor = 0.5, .patience = 2, .cooldown = 1};
    nn::ReduceLROnPlateau first(options), second(options);
    nn::ReduceLROnPlateau* callback = &first;
    first.on_train_begin(script.run);
    std::vector<double> out;
    for (size_t i = 0; i < losses.size(); ++i) {
      if (static_cast<int64_t>(i) == resumed) {
        second.on_train_begin(script.run);
        second.load_state(first.state(), script.run);
        callback = &second;
      }
      script.epoch(*callback, {{"val_loss", losses[i]}});
      out.push_back(script.rate());
    }
    return out;
  };
  const std::vector<double> whole = rates(-1);
  CHECK(whole.back() < 1);
  for (int64_t i = 0; i < 10; ++i) CHECK(rates(i) == whole);

  for (size_t at = 1; at < 7; ++at) {
    ScriptedRun script;
    optim::EarlyStopping whole_rule({.patience = 3, .restore_best_weights = true}), first(whole_rule), second(whole_rule);
    const auto value = [&](size_t i) { script.variables[0].assign(full({1, 1}, static_cast<double>(i), DType::float32)); };
    for (size_t i = 0; i < losses.size(); ++i) {
      value(i);
      whole_rule.update(losses[i], script.variables);
      if (i == at) second.load_state(first.state(), script.variables);
      (i < at ? first : second).update(losses[i], script.variables);
    }
    CHECK(second.best() == whole_rule.best());
    CHECK(second.wait() == whole_rule.wait());
    CHECK(second.best_epoch() == whole_rule.best_epoch());
    CHECK(second.stopped_epoch() == whole_rule.stopped_epoch());
    script.variables[0].assign(full({1, 1}, -1, DType::float32));
    CHECK(second.restore());
    CHECK(script.variables[0].item<float>() == 9);
    auto state = whole_rule.state();
    state.erase("wait");
    CHECK_THROWS_AS(second.load_state(state, script.variables), ValueError);
    state = whole_rule.state();
    state.at("weights.0") = zeros({2});
    CHECK_THROWS_AS(second.load_state(state, script.variables), ShapeError);
    CHECK(second.best() == whole_rule.best());
  }
}
