// EpochLog: what programs with a training loop of their own tell of each epoch, as Watch does for those that call fit().
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "apps/common/results.h"

namespace gradus::apps {

/// Keeps the values of each epoch, prints them (as JSON lines, or about ten times in a run as text) and heeds Ctrl-C.
class EpochLog {
 public:
  /// `model` as for tell_epoch(). The options must outlive the log.
  EpochLog(const Options& options, int64_t epochs, std::string model = {})
      : options_(options), epochs_(epochs), model_(std::move(model)) {}

  /// The next epoch: named values, and what text should say besides. ValueError for a value that is not finite, Interrupted
  /// after Ctrl-C.
  void add(std::initializer_list<std::pair<std::string_view, double>> values, std::string_view remark = {}) {
    nn::Logs logs;
    ++epoch_;
    for (const auto& [name, value] : values) {
      if (!std::isfinite(value))
        fail<ValueError>("training", name, " is no longer finite; got ", value, " in epoch ", epoch_,
                         ", expected a number; a smaller --learning-rate may help");
      logs.set(name, value);
    }
    history_.add(epoch_ - 1, logs);
    tell_epoch(options_.json, model_, epoch_, epochs_, logs, remark);
    interrupt_.check();
  }

  const nn::History& history() const { return history_; }

 private:
  const Options& options_;
  int64_t epochs_, epoch_ = 0;
  std::string model_;
  nn::History history_;
  Interrupt interrupt_;
};

}  // namespace gradus::apps
