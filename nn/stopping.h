// Callbacks that end a run early for reasons other than its results: TerminateOnNaN and StopOnInterrupt.
#pragma once

#include <memory>

#include "nn/callback.h"

namespace gradus::nn {

struct TerminateOnNaNOptions {
  bool raise_error = false;  // ValueError instead of a message
};

/// Ends the run when the loss of a batch is NaN or infinite, where fit() would throw. The weights are those before that batch.
class TerminateOnNaN : public Callback {
 public:
  using Options = TerminateOnNaNOptions;
  explicit TerminateOnNaN(Options options = {}) : options_(options) {}

  bool on_invalid_loss(Run& run) override;

 private:
  Options options_;
};

/// While fit() runs, the first Ctrl-C ends it after the current batch, so that it returns and checkpoints are saved; a second one
/// kills the program as usual. The handler that was there before comes back when fit() returns or throws. For the whole process:
/// one run at a time.
class StopOnInterrupt : public Callback {
 public:
  StopOnInterrupt();

  void on_train_begin(Run& run) override;
  void on_batch_end(Run& run) override;
  void on_train_end(Run& run) override;
  void on_train_error(Run& run) noexcept override;

  /// True when Ctrl-C ended the latest run.
  static bool pressed();

 private:
  class Handler;
  std::shared_ptr<Handler> handler_;  // while fit() runs
};

}  // namespace gradus::nn
