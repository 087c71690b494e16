// Stochastic gradient descent, with momentum and Nesterov's variant.
#pragma once

#include <memory>

#include "optim/recurrence.h"

namespace gradus::optim {

struct SGDOptions {
  LearningRate learning_rate = 0.01;  // 1e-3 in PyTorch
  double momentum = 0;                // in [0, 1)
  bool nesterov = false;              // needs momentum > 0
  bool rate_outside = false;          // of the velocity, as in PyTorch: differs from Keras' form when the rate changes
  double dampening = 0;               // in [0, 1); of PyTorch's form, without Nesterov
};

/// momentum 0:          p -= lr g
/// Keras:               v = momentum v - lr g;  p += v,  or with Nesterov (Sutskever et al. 2013)  p += momentum v - lr g
/// PyTorch (outside):   v = momentum v + (1 - dampening) g, in the first step v = g;  p -= lr v,  or  p -= lr (g + momentum v)
class SGD : public RecurrenceOptimizer {
 public:
  using Options = SGDOptions;
  /// ValueError for options out of range.
  explicit SGD(Options options = {}, const CommonOptions& common = {});

  std::string_view name() const override { return "sgd"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<SGD>(*this); }

 private:
  Recurrence recurrence(const Step& step) const override;

  Options options_;
};

}  // namespace gradus::optim
