// Adagrad (Duchi et al. 2011) and Adadelta (Zeiler 2012): learning rates per element from all, or recent, gradients.
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct AdagradOptions {
  LearningRate learning_rate = 1e-3;       // 1e-2 in PyTorch
  double initial_accumulator_value = 0.1;  // >= 0; 0 in PyTorch
  double epsilon = 1e-7;                   // 1e-10 in PyTorch
  bool epsilon_inside = true;              // of the root, as in Keras; false for PyTorch's form
  double lr_decay = 0;                     // >= 0; PyTorch's: step t has the rate lr / (1 + (t - 1) lr_decay)
};

/// a += g^2;  p -= lr g / sqrt(a + epsilon)  (PyTorch: lr g / (sqrt(a) + epsilon))
class Adagrad : public RecurrenceOptimizer {
 public:
  using Options = AdagradOptions;
  /// ValueError for options out of range.
  explicit Adagrad(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "adagrad"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adagrad>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

struct AdadeltaOptions {
  LearningRate learning_rate = 1e-3;  // 1 in the paper and in PyTorch
  double rho = 0.95;                  // in [0, 1); 0.9 in PyTorch
  double epsilon = 1e-7;              // 1e-6 in PyTorch
};

/// v = rho v + (1 - rho) g^2;  d = sqrt(w + epsilon) / sqrt(v + epsilon) g;  w = rho w + (1 - rho) d^2;  p -= lr d
class Adadelta : public RecurrenceOptimizer {
 public:
  using Options = AdadeltaOptions;
  /// ValueError for options out of range.
  explicit Adadelta(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "adadelta"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adadelta>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
