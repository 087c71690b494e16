// SwapEMAWeights: validates with the averages that the optimiser keeps of the weights (use_ema), and trains on with the weights.
#pragma once

#include "nn/callback.h"

namespace gradus::nn {

/// ValueError before training for an optimiser that keeps no averages. Values logged as "val_..." are those of the averages.
class SwapEMAWeights : public Callback {
 public:
  void on_train_begin(Run& run) override;
  void on_test_begin(Run& run) override;
  void on_test_end(Run& run) override;
  void on_train_error(Run& run) noexcept override;

 private:
  bool swapped_ = false;
};

}  // namespace gradus::nn
