// RecurrenceOptimizer: an optimiser whose update is a recurrence of single elements that a kernel knows
// (autograd/kernels/update.h).
//
// Such an optimiser states its options, its slots and the coefficients of its rule; one pass over memory does the rest.
#pragma once

#include "autograd/kernels/update.h"
#include "optim/optimizer.h"

namespace gradus::optim {

class RecurrenceOptimizer : public Optimizer {
 protected:
  using Optimizer::Optimizer;

  struct Recurrence {
    kernels::Rule rule{};
    kernels::Coefficients coefficients{};
  };
  /// A function of the step alone, asked once per step and learning rate.
  virtual Recurrence recurrence(const Step& step) const = 0;

 private:
  void update(const Step& step, const Variable& variable, std::span<const Variable> slots, const Tensor& gradient) final;

  Step step_{};  // whose recurrence this is
  Recurrence recurrence_;
};

}  // namespace gradus::optim
