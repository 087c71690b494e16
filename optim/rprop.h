// Rprop: step sizes per element that follow the signs of gradients of the whole data (Riedmiller and Braun 1993).
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct RpropOptions {
  LearningRate learning_rate = 0.01;  // the initial step size; what a schedule says later has no effect
  double eta_minus = 0.5;             // in (0, 1)
  double eta_plus = 1.2;              // >= 1
  double smallest_step = 1e-6, largest_step = 50;
};

/// With d the gradient of the step before:  s *= eta_plus where g d > 0, eta_minus where g d < 0, kept within the two limits;
/// g = 0 where g d < 0;  p -= s sign(g)  (PyTorch's form).
class Rprop : public RecurrenceOptimizer {
 public:
  using Options = RpropOptions;
  /// ValueError for options out of range.
  explicit Rprop(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "rprop"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Rprop>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
