// Callback: what fit() tells to whoever wants to watch, steer or stop a training run.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "nn/logs.h"
#include "optim/early_stopping.h"

namespace gradus::nn {

class Model;

/// Tensors by name: what objects save of themselves.
using State = std::map<std::string, Tensor>;

/// A run that can be continued as if it had never stopped. fit() makes one per run.
class Resumable {
 public:
  /// Everything that decides how the run goes on, and its history so far.
  virtual State state() const = 0;
  /// Goes on from there. Everything is checked first: ValueError naming `origin` (a file) and the entry that does not fit.
  virtual void load_state(const State& state, std::string_view origin) = 0;
  /// The values so far of the epoch that is being trained.
  virtual Logs means() const = 0;

 protected:
  ~Resumable() = default;
};

/// Where a run stands. Lives as long as the run; callbacks may set `stop`, `interrupted` and `logs`.
struct Run {
  Model& model;
  const std::vector<Variable>& variables;  // all of the model's
  const std::vector<std::string>& names;   // of the values that each epoch's logs will hold
  std::ostream* messages;                  // for remarks to the user; null when silent
  int64_t epochs, batches;
  int64_t epoch = 0, batch = 0;    // current, from 0
  int64_t step = 0;                // batches trained so far, over all epochs
  double batch_loss = 0;           // of the batch that has just ended
  Logs logs = {};                  // of the epoch that has just ended; History keeps what callbacks add
  bool stop = false;               // ends the run after the current batch
  bool interrupted = false;        // stopped from outside: a checkpoint goes on from here
  std::ostream* output = nullptr;  // where fit() prints, silent or not
  Resumable* resumable = nullptr;  // never null in a callback
};

class Callback {
 public:
  virtual ~Callback() = default;

  /// Everything of an earlier run is forgotten here.
  virtual void on_train_begin(Run&) {}
  /// After on_train_begin() of all callbacks: an earlier run may be continued here.
  virtual void on_resume(Run&) {}
  virtual void on_epoch_begin(Run&) {}
  virtual void on_batch_begin(Run&) {}
  virtual void on_batch_end(Run&) {}
  /// Around the validation of an epoch.
  virtual void on_test_begin(Run&) {}
  virtual void on_test_end(Run&) {}
  /// Not called for an epoch that was cut short by `stop`.
  virtual void on_epoch_end(Run&) {}
  /// After a batch, an epoch (`run.batch` is 0 then, `run.epoch` the next) and, with `last`, the run: all callbacks are done with
  /// it, so that the state is one from which the run can go on.
  virtual void on_checkpoint(Run&, bool last) { static_cast<void>(last); }
  virtual void on_train_end(Run&) {}
  /// Instead of on_train_end(), when an error ends the run, after whichever event: what was borrowed goes back.
  virtual void on_train_error(Run&) noexcept {}

  /// The loss of a batch (run.batch_loss) is not finite; its step has not been taken. True: dealt with; false, from all: fit()
  /// throws.
  virtual bool on_invalid_loss(Run&) { return false; }

  /// Under which name a checkpoint keeps state(); empty: it keeps nothing.
  virtual std::string_view type() const { return {}; }
  /// What decides how the callback goes on.
  virtual State state() const { return {}; }
  /// Goes on from there; called after on_train_begin(). An Error for what does not fit; nothing changes then.
  virtual void load_state(const State&, Run&) {}

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
  using Function = std::function<void(Run&)>;
  Function on_train_begin = {}, on_epoch_begin = {}, on_batch_begin = {}, on_batch_end = {}, on_epoch_end = {}, on_train_end = {};
};
class LambdaCallback : public Callback {
 public:
  using Options = LambdaCallbackOptions;
  explicit LambdaCallback(Options options) : options_(std::move(options)) {}

  void on_train_begin(Run& run) override { call(options_.on_train_begin, run); }
  void on_epoch_begin(Run& run) override { call(options_.on_epoch_begin, run); }
  void on_batch_begin(Run& run) override { call(options_.on_batch_begin, run); }
  void on_batch_end(Run& run) override { call(options_.on_batch_end, run); }
  void on_epoch_end(Run& run) override { call(options_.on_epoch_end, run); }
  void on_train_end(Run& run) override { call(options_.on_train_end, run); }

 private:
  static void call(const Options::Function& function, Run& run) {
    if (function) function(run);
  }
  Options options_;
};

namespace detail {
/// ValueError naming `op` and listing what is logged, unless `monitor` is.
void check_monitor(std::string_view op, const std::string& monitor, const Run& run);
/// The entry `name`. ValueError naming `op` when there is none.
const Tensor& entry(std::string_view op, const State& state, const std::string& name);
}  // namespace detail

}  // namespace gradus::nn
