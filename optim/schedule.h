// Schedules of the learning rate: functions of the number of steps done, with Keras' names and defaults. Where Keras asks for an
// argument, the default is one that its documentation uses.
//
//   optim::Adam adam({.learning_rate = optim::ExponentialDecay({.initial_learning_rate = 0.01, .decay_steps = 500})});
//   optim::ExponentialDecay({.decay_steps = 100})(50);
//
// Values without state: the same step always has the same rate. Any other function of the step is a schedule, too; see
// learning_rate.h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "optim/learning_rate.h"

namespace gradus::optim {

struct ExponentialDecayOptions {
  double initial_learning_rate = 0.1;
  int64_t decay_steps = 1000;
  double decay_rate = 0.96;
  bool staircase = false;  // whole multiples of decay_steps only
};

/// initial * decay_rate^(step / decay_steps)
class ExponentialDecay {
 public:
  using Options = ExponentialDecayOptions;
  /// ValueError for options out of range.
  explicit ExponentialDecay(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct InverseTimeDecayOptions {
  double initial_learning_rate = 0.1;
  int64_t decay_steps = 1000;
  double decay_rate = 0.5;
  bool staircase = false;  // whole multiples of decay_steps only
};

/// initial / (1 + decay_rate * step / decay_steps)
class InverseTimeDecay {
 public:
  using Options = InverseTimeDecayOptions;
  /// ValueError for options out of range.
  explicit InverseTimeDecay(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct PiecewiseConstantDecayOptions {
  std::vector<int64_t> boundaries = {};  // rising steps
  std::vector<double> values = {};       // one more than boundaries
};

/// values[0] up to and including step boundaries[0], then values[1] up to and including boundaries[1], and so on.
class PiecewiseConstantDecay {
 public:
  using Options = PiecewiseConstantDecayOptions;
  /// ValueError for options out of range.
  explicit PiecewiseConstantDecay(Options options);
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct PolynomialDecayOptions {
  double initial_learning_rate = 0.1;
  int64_t decay_steps = 1000;
  double end_learning_rate = 1e-4;
  double power = 1;
  bool cycle = false;  // beyond decay_steps: decay over the next multiple of it instead of staying at the end
};

/// (initial - end) (1 - step / decay_steps)^power + end, and end from decay_steps on
class PolynomialDecay {
 public:
  using Options = PolynomialDecayOptions;
  /// ValueError for options out of range.
  explicit PolynomialDecay(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct CosineDecayOptions {
  double initial_learning_rate = 0.1;
  int64_t decay_steps = 1000;                          // after the warm-up
  double alpha = 0;                                    // the part of the rate that stays
  std::optional<double> warmup_target = std::nullopt;  // the rate that a linear warm-up ends and the decay begins with
  int64_t warmup_steps = 0;                            // without effect unless warmup_target is given
};

/// initial ((1 - alpha) (1 + cos(pi step / decay_steps)) / 2 + alpha), constant from decay_steps on (Loshchilov and Hutter,
/// "SGDR", 2017). With a warm-up: from initial to warmup_target in warmup_steps, then the same from warmup_target.
class CosineDecay {
 public:
  using Options = CosineDecayOptions;
  /// ValueError for options out of range.
  explicit CosineDecay(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct CosineDecayRestartsOptions {
  double initial_learning_rate = 0.1;
  int64_t first_decay_steps = 1000;
  double t_mul = 2;  // each period is so many times as long as the one before; >= 1
  double m_mul = 1;  // and starts at so many times its rate
  double alpha = 0;  // the part of the initial rate that stays
};

/// CosineDecay over first_decay_steps, again and again.
class CosineDecayRestarts {
 public:
  using Options = CosineDecayRestartsOptions;
  /// ValueError for options out of range.
  explicit CosineDecayRestarts(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct OneCycleOptions {
  double max_learning_rate = 0.1;
  int64_t total_steps = 1000;
  double pct_start = 0.3;         // part of the steps that rise, in [0, 1]
  double div_factor = 25;         // initial = max / div_factor
  double final_div_factor = 1e4;  // last = initial / final_div_factor
  bool linear = false;            // instead of along a cosine
  bool three_phase = false;       // up to max, down to initial as fast, and down to last in what remains
};

/// Up to max_learning_rate and down below the initial rate (Smith and Topin, "Super-convergence", 2018), as PyTorch's OneCycleLR;
/// steps beyond the last have its rate.
class OneCycle {
 public:
  using Options = OneCycleOptions;
  /// ValueError for options out of range.
  explicit OneCycle(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

struct WarmUpOptions {
  int64_t steps = 1000;
  double start = 0;
  LearningRate then = 0.1;
};

/// Linearly from `start` to the first rate of `then` in `steps` steps; then `then`, which counts its steps from there.
class WarmUp {
 public:
  using Options = WarmUpOptions;
  /// ValueError for options out of range.
  explicit WarmUp(Options options = {});
  double operator()(int64_t step) const;

 private:
  Options options_;
};

}  // namespace gradus::optim
