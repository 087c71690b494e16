#include "nn/averages.h"

#include "nn/model.h"

namespace gradus::nn {
namespace {

/// Templates, so that this stands with optimisers that know no averages, too.
template <class O>
void swap(O& optimizer, const std::vector<Variable>& variables) {
  if constexpr (requires { optimizer.swap_averages(variables); }) optimizer.swap_averages(variables);
  else fail<ValueError>("SwapEMAWeights", "optimiser without averages; got ", optimizer.name(), ", expected one with use_ema");
}

template <class O>
void finalize(O& optimizer, const std::vector<Variable>& variables) {
  if constexpr (requires { optimizer.finalize(variables); }) optimizer.finalize(variables);
}

void swap(Run& run) { swap(run.model.optimizer(), run.model.trainable_variables()); }

}  // namespace

void detail::finalize_averages(optim::Optimizer& optimizer, const std::vector<Variable>& variables) {
  finalize(optimizer, variables);
}

void SwapEMAWeights::on_train_begin(Run& run) {
  swap(run);  // there and back: an error comes now, not after an epoch
  swap(run);
}

void SwapEMAWeights::on_test_begin(Run& run) { swap(run); }

void SwapEMAWeights::on_test_end(Run& run) { swap(run); }

}  // namespace gradus::nn
