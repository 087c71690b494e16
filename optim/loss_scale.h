// LossScale: keeps gradients of float16 in range, by training on a multiple of the loss.
//
// float16 ends at 6e-8, and small gradients vanish below it. So the loss is multiplied by a large number and the gradients, once
// they are float32, divided by it:
//
//   optim::LossScale scale;
//   ...
//   const std::vector<Tensor> gradients = tape.gradient(scale.apply(loss), weights);
//   scale.step(optimizer, gradients, weights);
//
// The number finds itself, as in Keras' LossScaleOptimizer: it halves, and the step is left out, when a gradient is infinite or
// NaN, and doubles after 2000 steps without one (Micikevicius et al., "Mixed precision training", 2018). One thread at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "optim/optimizer.h"

namespace gradus::optim {

struct LossScaleOptions {
  double initial = 32768;       // a power of two divides gradients without rounding
  int64_t growth_steps = 2000;  // steps in a row that double the scale; 0: it never changes and no gradient is looked at
};

class LossScale {
 public:
  using Options = LossScaleOptions;
  /// ValueError unless initial is positive and finite and growth_steps >= 0.
  explicit LossScale(Options options = {});

  /// loss * scale, to be differentiated; under the tape.
  Tensor apply(const Tensor& loss) const;

  /// One step with the gradients of apply(loss), and true; or no step, false, and half the scale, when one is not finite: then
  /// neither the variables nor the optimiser's state change. Errors as Optimizer::apply_gradients; ValueError when gradients are
  /// not finite although the scale has shrunk to next to nothing: then it is not the scale.
  bool step(Optimizer& optimizer, const std::vector<Tensor>& gradients, const std::vector<Variable>& variables);

  /// The scale of the next step.
  double value() const { return value_; }
  /// Steps since the scale last changed, and steps left out so far.
  int64_t good_steps() const { return good_steps_; }
  int64_t skipped() const { return skipped_; }

  /// The complete state by name, for saving: "value" (float64), "good_steps" and "skipped" (int64).
  std::map<std::string, Tensor> state() const;
  /// Puts back what state() gave. ValueError for an absent entry or one out of range; nothing changes then.
  void load_state(const std::map<std::string, Tensor>& state);

 private:
  double value_;
  int64_t growth_steps_, good_steps_ = 0, skipped_ = 0;
};

}  // namespace gradus::optim
