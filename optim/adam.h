// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015).
#pragma once

#include <memory>

#include "optim/optimizer.h"

namespace gradus::optim {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta_1 = 0.9;      // in [0, 1)
  double beta_2 = 0.999;    // in [0, 1)
  double epsilon = 1e-7;    // 1e-8 in PyTorch
  bool epsilon_hat = true;  // Keras' form; false for PyTorch's
};

/// m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  at step t, counted from 1:
///   Keras ("epsilon hat" in the paper):  p -= lr sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)
///   PyTorch:                             p -= lr / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + epsilon)
class Adam : public Optimizer {
 public:
  using Options = AdamOptions;
  /// ValueError for options out of range.
  explicit Adam(Options options = {});

  std::string_view name() const override { return "adam"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<Adam>(*this); }

 private:
  void begin_step(int64_t t) override;
  void update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) override;

  Options options_;
  double rate_ = 0, epsilon_ = 0;  // of the current step, bias corrections included
};

}  // namespace gradus::optim
