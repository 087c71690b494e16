// Checkpoints: everything from which a training run goes on, bit for bit, as if it had never stopped; in one safetensors file.
//
//   model.fit(x, y, {.epochs = 50, .callbacks = {nn::Checkpoint("run.safetensors")}});   // the same program again goes on
//
// The file holds parameters and buffers, the optimiser's state, the positions of the default generator and of the layers' own,
// the position in the data, the means of the epoch so far, the history, the callbacks' states and the loss scale. It is replaced
// at once or not at all, and carries a checksum of its contents. The same number of threads gives the same bits.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "nn/callback.h"
#include "nn/module.h"
#include "optim/optimizer.h"

namespace gradus::nn {

struct CheckpointOptions {
  int64_t every_epochs = 1;  // 0: not at the end of epochs
  int64_t every_steps = 0;   // batches; 0: not between them
  bool resume = true;        // go on from the file if there is one; otherwise start anew and replace it
};

/// Saves the run as the options say, at its end and when it is stopped by Ctrl-C (see StopOnInterrupt). With the file of a run
/// that has ended, fit() trains nothing (or what more epochs there are now) and returns the whole history.
///
/// Before training: IoError for a file that cannot be written, or is cut short, changed or no checkpoint; ValueError for one of
/// another model, optimiser, or data. Nothing changes then.
class Checkpoint : public Callback {
 public:
  using Options = CheckpointOptions;
  /// ValueError for negative numbers.
  explicit Checkpoint(std::string path, Options options = {});

  void on_train_begin(Run& run) override;
  void on_resume(Run& run) override;
  void on_checkpoint(Run& run, bool last) override;

 private:
  std::string path_;
  Options options_;
  int64_t saved_step_ = 0, saved_epoch_ = 0;
};

/// For training loops of one's own: numbers to go on from ("epoch", "step").
using Counters = std::map<std::string, int64_t>;

/// Writes the model's variables, the optimiser's state, the random numbers' positions and the counters. Errors as save_weights().
void save_checkpoint(const std::string& path, const Module& model, const optim::Optimizer& optimizer,
                     const Counters& counters = {});
/// Puts back what save_checkpoint() wrote and returns the counters. ValueError listing what does not fit, IoError for a file that
/// is missing, damaged or no checkpoint; nothing changes then.
Counters load_checkpoint(const std::string& path, const Module& model, optim::Optimizer& optimizer);

namespace detail {

/// Writes entries with a checksum; reads and verifies them.
void write_checkpoint(const std::string& path, const State& state);
State read_checkpoint(const std::string& path);

/// Adds the entries of `part` under "<prefix>.<name>"; and those of `all` under it, without it.
void add_state(State& all, const std::string& prefix, const State& part);
State sub_state(const State& all, const std::string& prefix);

/// The entries of a model and its optimiser.
void add_model(State& all, const Module& model, const optim::Optimizer& optimizer);

/// Two steps of putting them back: the first checks everything, the second cannot fail.
class ModelState {
 public:
  /// ValueError naming `origin` and everything that does not fit.
  ModelState(std::string_view origin, const State& all, const Module& model, optim::Optimizer& optimizer);
  void apply() const;

 private:
  std::map<std::string, Variable> variables_;
  std::map<std::string, random::Generator*> generators_;
  std::vector<Variable> trainable_;
  optim::Optimizer* optimizer_;
  State weights_, random_, optimizer_state_;
};

}  // namespace detail
}  // namespace gradus::nn
