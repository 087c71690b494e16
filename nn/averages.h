// SwapEMAWeights: validates with the averages that the optimiser keeps of the weights (use_ema), and trains on with the weights.
#pragma once

#include <vector>

#include "nn/callback.h"
#include "optim/optimizer.h"

namespace gradus::nn {

/// ValueError before training for an optimiser that keeps no averages. Values logged as "val_..." are those of the averages.
class SwapEMAWeights : public Callback {
 public:
  void on_train_begin(Run& run) override;
  void on_test_begin(Run& run) override;
  void on_test_end(Run& run) override;
};

namespace detail {
/// At the end of training: the variables take their averages for good, if the optimiser keeps some.
void finalize_averages(optim::Optimizer& optimizer, const std::vector<Variable>& variables);
}  // namespace detail

}  // namespace gradus::nn
