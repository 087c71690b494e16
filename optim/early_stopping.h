// EarlyStopping: stops training when a watched value no longer improves, and remembers the best weights (Keras' semantics).
//
// The best weights are snapshots of the variables' values, which cost nothing until training writes new ones. One thread at a
// time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograd/variable.h"
#include "optim/monitor.h"

namespace gradus::optim {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";  // the value `fit` passes to update(); decides the automatic mode
  int64_t patience = 0;              // epochs without improvement that are tolerated
  double min_delta = 0;              // smaller changes are no improvement; its sign does not matter
  Mode mode = Mode::automatic;
  std::optional<double> baseline = std::nullopt;  // the waiting restarts only for values better than this, too
  bool restore_best_weights = false;
  int64_t start_from_epoch = 0;  // earlier epochs (from 0) are ignored
};

/// Per epoch: the first value improves, later ones when they beat the best by more than min_delta. An improvement restarts the
/// waiting (if it beats the baseline as well); otherwise, once patience epochs have been waited and never in epoch 0, stop. So
/// patience 0 stops at the first epoch that does not improve. A NaN never improves on anything; a first NaN stays the best.
class EarlyStopping {
 public:
  using Options = EarlyStoppingOptions;
  /// ValueError for negative patience or start_from_epoch, a NaN min_delta, or a monitor whose direction is unknown in automatic
  /// mode.
  explicit EarlyStopping(Options options = {});

  /// Call once per epoch, with the value and the variables whose best values are to be kept. True: stop now; with
  /// restore_best_weights the best values are back in the variables then.
  bool update(double value, const std::vector<Variable>& variables);

  /// Puts the best values back, as Keras does at the end of training whether it stopped early or not. False when none are kept.
  bool restore() const;
  /// Forgets everything, for another run.
  void reset();
  /// The number of the next update's epoch, for runs that begin later or leave epochs out.
  void set_epoch(int64_t epoch) { epoch_ = epoch; }

  /// The complete state by name, for saving: counters, the best value and the best weights.
  std::map<std::string, Tensor> state() const;
  /// Puts back what state() gave; `variables` are those of the updates. ValueError or ShapeError for what does not fit; nothing
  /// changes then.
  void load_state(const std::map<std::string, Tensor>& state, const std::vector<Variable>& variables);

  const Options& options() const { return options_; }
  int64_t epoch() const { return epoch_; }  // of the next update
  int64_t wait() const { return wait_; }
  std::optional<double> best() const { return best_; }
  int64_t best_epoch() const { return best_epoch_; }                       // from 0
  std::optional<int64_t> stopped_epoch() const { return stopped_epoch_; }  // from 0

 private:
  void keep(const std::vector<Variable>& variables);

  Options options_;
  Monitor monitor_;
  int64_t epoch_ = 0, wait_ = 0, best_epoch_ = 0;
  std::optional<double> best_;
  std::optional<int64_t> stopped_epoch_;
  std::vector<std::pair<Variable, Tensor>> best_weights_;
};

}  // namespace gradus::optim
