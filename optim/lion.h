// Lion: the sign of an interpolated momentum (Chen et al., "Symbolic discovery of optimization algorithms", 2023).
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct LionOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9;   // in [0, 1)
  double beta_2 = 0.99;  // in [0, 1)
};

/// p -= lr sign(b1 m + (1 - b1) g);  m = b2 m + (1 - b2) g
class Lion : public RecurrenceOptimizer {
 public:
  using Options = LionOptions;
  /// ValueError for options out of range.
  explicit Lion(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "lion"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Lion>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
