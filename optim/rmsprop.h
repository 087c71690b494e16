// RMSprop: gradients divided by a running root mean square (Hinton, lecture 6e, 2012).
#pragma once

#include <memory>

#include "optim/optimizer.h"

namespace gradus::optim {

struct RMSpropOptions {
  double learning_rate = 1e-3;
  double rho = 0.9;            // decay of the mean square, in [0, 1); PyTorch's alpha (0.99 there)
  double momentum = 0;         // in [0, 1)
  double epsilon = 1e-7;       // 1e-8 in PyTorch
  bool epsilon_inside = true;  // of the root, as in Keras; false for PyTorch's form
};

/// v = rho v + (1 - rho) g^2;  u = lr g / sqrt(v + epsilon)  (PyTorch: lr g / (sqrt(v) + epsilon));  p -= u
/// With momentum (Keras): m = momentum m + u;  p -= m.
class RMSprop : public Optimizer {
 public:
  using Options = RMSpropOptions;
  /// ValueError for options out of range.
  explicit RMSprop(Options options = {});

  std::string_view name() const override { return "rmsprop"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<RMSprop>(*this); }

 private:
  void begin_step(int64_t t) override;
  void update(detail::TensorImpl& value, std::span<const Variable> slots, const detail::TensorImpl& gradient) override;

  Options options_;
};

}  // namespace gradus::optim
