#include "nn/averages.h"

#include "nn/model.h"

namespace gradus::nn {
namespace {

void swap(Run& run) { run.model.optimizer().swap_averages(run.model.trainable_variables()); }

}  // namespace

void SwapEMAWeights::on_train_begin(Run& run) {
  const optim::Optimizer& optimizer = run.model.optimizer();
  if (!optimizer.common_options().use_ema)
    fail<ValueError>("SwapEMAWeights", "optimizer without averages; got ", optimizer.name(),
                     ", expected one with use_ema = true");
  swapped_ = false;
}

void SwapEMAWeights::on_test_begin(Run& run) {
  swap(run);
  swapped_ = true;
}

void SwapEMAWeights::on_test_end(Run& run) {
  swapped_ = false;
  swap(run);
}

void SwapEMAWeights::on_train_error(Run& run) noexcept {
  if (swapped_) on_test_end(run);
}

}  // namespace gradus::nn
