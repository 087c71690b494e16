// Watch: what fit() tells of each epoch, to people or as JSON lines, and how Ctrl-C ends it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/common/interrupt.h"
#include "apps/common/json_line.h"
#include "nn/callback.h"

namespace gradus::apps {

/// Tells of an epoch (counted from 1) of `epochs`: a JSON line, or, for about ten epochs of a run, a line of text. `model` names
/// the lines of programs that train several; `remark` ends those of text.
inline void tell_epoch(bool json, std::string_view model, int64_t epoch, int64_t epochs, const nn::Logs& logs,
                       std::string_view remark = {}) {
  if (json) {
    JsonLine line;
    if (!model.empty()) line.add("model", model);
    line.add("epoch", epoch);
    for (const auto& [name, value] : logs) line.add(name, value);
    line.print();
  } else if (epoch == 1 || epoch == epochs || epoch % std::max<int64_t>(1, epochs / 10) == 0) {
    std::cout << model << (model.empty() ? "epoch " : ", epoch ") << epoch;
    for (const auto& [name, value] : logs) std::cout << ", " << name << " " << number(value);
    std::cout << (remark.empty() ? "" : ", ") << remark << std::endl;
  }
}

/// Ends the run on Ctrl-C, notes the seconds of each epoch and prints the epochs as JSON lines when asked to. With the name of a
/// model, for programs that train several, it also tells of them in text; let fit() be silent then.
class Watch : public nn::Callback {
 public:
  Watch(const Interrupt& interrupt, bool json, std::string model = {})
      : interrupt_(interrupt), json_(json), model_(std::move(model)) {}

  void on_epoch_begin(nn::Run&) override { clock_ = {}; }
  void on_batch_end(nn::Run& run) override {
    if (interrupt_.pressed()) run.stop = run.interrupted = true;
  }
  void on_epoch_end(nn::Run& run) override {
    seconds_->push_back(clock_.seconds());
    nn::Logs logs = run.logs;
    if (json_) logs.set("seconds", seconds_->back());
    if (json_ || !model_.empty()) tell_epoch(json_, model_, run.epoch + 1, run.epochs, logs);
  }

  /// One value per epoch; shared by copies.
  const std::vector<double>& seconds() const { return *seconds_; }

 private:
  const Interrupt& interrupt_;
  bool json_;
  std::string model_;
  Stopwatch clock_;
  std::shared_ptr<std::vector<double>> seconds_ = std::make_shared<std::vector<double>>();
};

}  // namespace gradus::apps
