// Callback: what fit() tells to whoever wants to watch or stop a training run.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "nn/logs.h"
#include "optim/early_stopping.h"

namespace gradus::nn {

class Model;

/// Where a run stands. Lives as long as the run; callbacks may set `stop`.
struct Run {
  Model& model;
  const std::vector<Variable>& variables;  // all of the model's
  const std::vector<std::string>& names;   // of the values that each epoch's logs will hold
  std::ostream* messages;                  // for remarks to the user; null when silent
  int64_t epochs, batches;
  int64_t epoch = 0, batch = 0;  // current, from 0
  double batch_loss = 0;         // of the batch that has just ended
  Logs logs = {};                // of the epoch that has just ended
  bool stop = false;             // ends the run after the current batch
};

class Callback {
 public:
  virtual ~Callback() = default;

  virtual void on_train_begin(Run&) {}
  virtual void on_epoch_begin(Run&) {}
  virtual void on_batch_end(Run&) {}
  /// Not called for an epoch that was cut short by `stop`.
  virtual void on_epoch_end(Run&) {}
  virtual void on_train_end(Run&) {}

 protected:
  Callback() = default;
  Callback(const Callback&) = default;
  Callback& operator=(const Callback&) = default;
};

/// A callback as an option of fit(): an object (kept as a copy), a shared pointer to one, or an EarlyStopping.
class CallbackOption {
 public:
  template <std::derived_from<Callback> C>
  CallbackOption(C callback) : callback_(std::make_shared<C>(std::move(callback))) {}
  template <std::derived_from<Callback> C>
  CallbackOption(std::shared_ptr<C> callback) : callback_(std::move(callback)) {}
  /// Watches options().monitor, a name of the logs (ValueError before training for another), and keeps Keras' rule that with
  /// restore_best_weights they are restored at the end of training, whether it stopped early or not.
  CallbackOption(const optim::EarlyStopping& early_stopping);

  Callback& operator*() const { return *callback_; }
  Callback* operator->() const { return callback_.get(); }

 private:
  std::shared_ptr<Callback> callback_;
};

/// Functions as a callback: nn::LambdaCallback({.on_epoch_end = [](nn::Run& run) { ... }}).
struct LambdaCallbackOptions {
  std::function<void(Run&)> on_epoch_begin = {}, on_batch_end = {}, on_epoch_end = {};
};
class LambdaCallback : public Callback {
 public:
  using Options = LambdaCallbackOptions;
  explicit LambdaCallback(Options options) : options_(std::move(options)) {}

  void on_epoch_begin(Run& run) override { call(options_.on_epoch_begin, run); }
  void on_batch_end(Run& run) override { call(options_.on_batch_end, run); }
  void on_epoch_end(Run& run) override { call(options_.on_epoch_end, run); }

 private:
  static void call(const std::function<void(Run&)>& function, Run& run) {
    if (function) function(run);
  }
  Options options_;
};

}  // namespace gradus::nn
