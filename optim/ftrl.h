// Ftrl: follow the regularised leader (McMahan et al., "Ad click prediction", 2013); l1 gives exact zeros.
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct FtrlOptions {
  LearningRate learning_rate = 1e-3;  // > 0 at every step
  double learning_rate_power = -0.5;  // <= 0
  double initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0;
  double l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0;
  double beta = 0;
};

/// With q = -learning_rate_power:
///   n = a + g^2;  z += g + 2 shrinkage p - (n^q - a^q) / lr * p;  a = n
///   p = (clip(z, -l1, l1) - z) / (n^q / lr + 2 l2 + beta / lr)
class Ftrl : public RecurrenceOptimizer {
 public:
  using Options = FtrlOptions;
  /// ValueError for options out of range.
  explicit Ftrl(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "ftrl"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Ftrl>(*this); }

 private:
  void check_step(const Step& step) const override;
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
