// Stochastic gradient descent, with momentum and Nesterov's variant.
#pragma once

#include <memory>

#include "optim/optimizer.h"

namespace gradus::optim {

struct SGDOptions {
  double learning_rate = 0.01;
  double momentum = 0;    // in [0, 1)
  bool nesterov = false;  // needs momentum > 0
};

/// Keras' form (the learning rate is inside the velocity; PyTorch keeps it outside, which differs when the rate changes):
///   momentum 0:  p -= lr g
///   otherwise:   v = momentum v - lr g;  p += v,  or with Nesterov (Sutskever et al. 2013)  p += momentum v - lr g
class SGD : public Optimizer {
 public:
  using Options = SGDOptions;
  /// ValueError for options out of range.
  explicit SGD(Options options = {});

  std::string_view name() const override { return "sgd"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<SGD>(*this); }

 private:
  void begin_step(int64_t t) override;
  void update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) override;

  double momentum_;
  bool nesterov_;
};

}  // namespace gradus::optim
