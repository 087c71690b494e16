// A run whose logs are written by hand, to put callbacks through scenarios without training.
#pragma once

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "autograd/ops.h"
#include "nn/nn.h"
#include "optim/optim.h"

namespace gradus::test {

class ScriptedRun : public nn::Resumable {
 public:
  explicit ScriptedRun(std::vector<std::string> logged = {"loss", "val_loss"}, int64_t batches = 1) : names(std::move(logged)) {
    model.build({-1, 1});
    model.compile({.optimizer = optim::SGD({.learning_rate = 1}), .loss = "mse"});
    variables = model.variables();
    run.batches = batches;
  }

  nn::State state() const override { return {}; }
  void load_state(const nn::State&, std::string_view) override {}
  nn::Logs means() const override { return logs(values); }

  /// One epoch that logs `logged`.
  void epoch(nn::Callback& callback, std::map<std::string, double> logged) {
    values = std::move(logged);
    callback.on_epoch_begin(run);
    for (run.batch = 0; run.batch < run.batches; ++run.batch, ++run.step) callback.on_batch_end(run);
    run.logs = logs(values);
    callback.on_epoch_end(run);
    ++run.epoch;
  }
  /// Epochs that log these values of "val_loss", until one of them stops the run. Returns their number.
  int64_t epochs(nn::Callback& callback, const std::vector<double>& losses) {
    for (const double loss : losses) {
      epoch(callback, {{"loss", 1}, {"val_loss", loss}});
      if (run.stop) break;
    }
    return run.epoch;
  }
  double rate() const { return model.optimizer().learning_rate(); }
  std::string printed() {
    std::string text = out.str();
    out.str("");
    return text;
  }

  nn::Sequential model{nn::Dense(1, {.name = "only"})};
  std::vector<Variable> variables;
  std::vector<std::string> names;
  std::map<std::string, double> values;
  std::ostringstream out;
  nn::Run run{.model = model,
              .variables = variables,
              .names = names,
              .messages = &out,
              .epochs = 100,
              .batches = 1,
              .output = &out,
              .resumable = this};

 private:
  static nn::Logs logs(const std::map<std::string, double>& values) {
    nn::Logs out;
    for (const auto& [name, value] : values) out.set(name, value);
    return out;
  }
};

}  // namespace gradus::test
