// ModelCheckpoint: saves the model while it is trained, always or when a watched value improves.
//
// For going on with a run after a crash see nn/checkpoint.h. Belongs to one run at a time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "nn/callback.h"
#include "optim/monitor.h"

namespace gradus::nn {

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  bool verbose = false;
  bool save_best_only = false;     // only when `monitor` improves on the best so far
  bool save_weights_only = false;  // save_weights(); otherwise save_checkpoint(), with the optimiser's state
  optim::Mode mode = optim::Mode::automatic;
  int64_t save_freq = 0;                                         // batches, counted across epochs; 0: at the end of each epoch
  std::optional<double> initial_value_threshold = std::nullopt;  // the best value before the first
};

/// Writes to `filepath`, in which {epoch}, {batch} (both from 1) and the names of logs stand for their values, formatted as in
/// Python: "weights.{epoch:02d}-{val_loss:.3f}.safetensors". Folders that do not exist are made. Keras' semantics, but that an
/// epoch without the monitored value (see validation_freq) saves nothing.
class ModelCheckpoint : public Callback {
 public:
  using Options = ModelCheckpointOptions;
  /// ValueError for a negative save_freq, a malformed placeholder or, with save_best_only, a monitor of unknown direction.
  explicit ModelCheckpoint(std::string filepath, Options options = {});

  /// ValueError for placeholders and monitors that are not logged.
  void on_train_begin(Run& run) override;
  void on_batch_end(Run& run) override;
  void on_epoch_end(Run& run) override;

  std::string_view type() const override { return "model_checkpoint"; }
  State state() const override;
  void load_state(const State& state, Run& run) override;

 private:
  void save(Run& run, const Logs& logs, bool batch);

  std::string filepath_;
  Options options_;
  std::optional<optim::Monitor> monitor_;  // with save_best_only
  std::optional<double> best_;
  int64_t batches_ = 0;  // since the last saving
};

namespace detail {
/// `pattern` with each {name} or {name:format} replaced; "{{" and "}}" are braces. A format is [0][width][.digits] and d, f, e or
/// g. ValueError naming `op` for a name that `values` lack, listing them, and for malformed placeholders.
std::string format_path(std::string_view op, std::string_view pattern, const std::map<std::string, double>& values);
}  // namespace detail

}  // namespace gradus::nn
