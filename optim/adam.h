// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015) and AdamW (Loshchilov and Hutter, "Decoupled weight
// decay regularization", 2019).
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct AdamOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9;      // in [0, 1)
  double beta_2 = 0.999;    // in [0, 1)
  double epsilon = 1e-7;    // 1e-8 in PyTorch
  bool amsgrad = false;     // v's largest value so far in place of v (Reddi et al. 2018)
  bool epsilon_hat = true;  // Keras' form; false for PyTorch's
};

/// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  at step t, counted from 1:
///   Keras ("epsilon hat" in the paper):  p -= lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
///   PyTorch:                             p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
/// AMSGrad: h = max(h, v) in place of v in the second line.
class Adam : public RecurrenceOptimizer {
 public:
  using Options = AdamOptions;
  /// ValueError for options out of range.
  explicit Adam(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "adam"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adam>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

struct AdamWOptions {
  LearningRate learning_rate = 1e-3;
  double weight_decay = 0.004;  // 0.01 in PyTorch
  double beta_1 = 0.9;          // in [0, 1)
  double beta_2 = 0.999;        // in [0, 1)
  double epsilon = 1e-7;        // 1e-8 in PyTorch
  bool amsgrad = false;
  bool epsilon_hat = true;  // as in Adam
};

/// Adam with decoupled weight decay, p -= p * weight_decay * lr before the update: CommonOptions::weight_decay by another
/// default.
class AdamW : public Adam {
 public:
  using Options = AdamWOptions;
  /// ValueError for options out of range, or a weight decay in both.
  explicit AdamW(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "adamw"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<AdamW>(*this); }
};

}  // namespace gradus::optim
