// RMSprop: gradients divided by a running root mean square (Hinton, lecture 6e, 2012).
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct RMSpropOptions {
  LearningRate learning_rate = 1e-3;  // 1e-2 in PyTorch
  double rho = 0.9;                   // decay of the mean square, in [0, 1); PyTorch's alpha (0.99 there)
  double momentum = 0;                // in [0, 1)
  double epsilon = 1e-7;              // 1e-8 in PyTorch
  bool centered = false;              // divide by the standard deviation instead
  bool epsilon_inside = true;         // of the root, as in Keras; false for PyTorch's form
  bool rate_outside = false;          // of the momentum, as in PyTorch: differs from Keras' form when the rate changes
};

/// v = rho v + (1 - rho) g^2;  u = g / sqrt(v + epsilon)  (PyTorch: g / (sqrt(v) + epsilon));  p -= lr u
/// With momentum:  m = momentum m + lr u;  p -= m  (rate outside: m = momentum m + u;  p -= lr m).
/// Centered:       a = rho a + (1 - rho) g, and v - a^2 in place of v below the root, where rounding must not bring it below 0.
class RMSprop : public RecurrenceOptimizer {
 public:
  using Options = RMSpropOptions;
  /// ValueError for options out of range.
  explicit RMSprop(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "rmsprop"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<RMSprop>(*this); }

 private:
  static std::vector<Slot> slots_of(const Options& options);
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
