// Callbacks that change the learning rate from epoch to epoch. Both note it in the logs as "learning_rate".
//
// Each belongs to one run at a time. ValueError before training for an optimizer whose learning rate is a schedule.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "nn/callback.h"
#include "optim/monitor.h"

namespace gradus::nn {

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;    // of the learning rate, in [0, 1)
  int64_t patience = 10;  // epochs without improvement before it is reduced
  optim::Mode mode = optim::Mode::automatic;
  double min_delta = 1e-4;  // smaller changes are no improvement
  int64_t cooldown = 0;     // epochs after a reduction in which nothing is waited for
  double min_lr = 0;
  bool verbose = false;
};

/// Multiplies the learning rate when a watched value no longer improves (Keras' semantics: the cooldown counts down before the
/// epoch is judged).
class ReduceLROnPlateau : public Callback {
 public:
  using Options = ReduceLROnPlateauOptions;
  /// ValueError for options out of range or a monitor of unknown direction.
  explicit ReduceLROnPlateau(Options options = {});

  void on_train_begin(Run& run) override;
  void on_epoch_end(Run& run) override;

  std::string_view type() const override { return "reduce_lr_on_plateau"; }
  State state() const override;
  void load_state(const State& state, Run& run) override;

 private:
  Options options_;
  optim::Monitor monitor_;
  std::optional<double> best_;
  int64_t wait_ = 0, cooldown_left_ = 0;
};

struct LearningRateSchedulerOptions {
  bool verbose = false;
};

/// Sets the learning rate at the begin of each epoch: schedule(epoch, learning_rate), with the epoch from 0 and the rate so far,
/// or schedule(epoch).
class LearningRateScheduler : public Callback {
 public:
  using Options = LearningRateSchedulerOptions;
  using Schedule = std::function<double(int64_t epoch, double learning_rate)>;

  template <class F>
  requires std::is_invocable_r_v<double, F&, int64_t, double>
  explicit LearningRateScheduler(F schedule, Options options = {}) : schedule_(std::move(schedule)), options_(options) {}
  template <class F>
  requires(std::is_invocable_r_v<double, F&, int64_t> &&
           !std::is_invocable_r_v<double, F&, int64_t, double>) explicit LearningRateScheduler(F schedule, Options options = {})
      : schedule_([schedule = std::move(schedule)](int64_t epoch, double) mutable { return schedule(epoch); }),
        options_(options) {}

  void on_train_begin(Run& run) override;
  /// ValueError for a learning rate that is negative or not finite.
  void on_epoch_begin(Run& run) override;
  void on_epoch_end(Run& run) override;

 private:
  Schedule schedule_;
  Options options_;
};

}  // namespace gradus::nn
