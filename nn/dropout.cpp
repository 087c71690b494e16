#include "nn/dropout.h"

#include "autograd/ops.h"

namespace gradus::nn {

Dropout::Dropout(double rate, Options options) : rate_(rate) {
  if (!(rate >= 0 && rate <= 1)) fail<ValueError>("Dropout", "rate out of range; got ", rate, ", expected [0, 1]");
  if (options.seed) generator_ = std::make_shared<random::Generator>(*options.seed);
  if (!options.name.empty()) set_name(options.name);
}

Tensor Dropout::call(const Tensor& x, bool training) {
  if (!training || rate_ == 0) return x;
  if (!is_floating(x.dtype())) fail<DTypeError>("Dropout", "integer input; got ", x.dtype(), ", expected a floating dtype");
  // A product also for rate 1, so that the output stays connected to its input: its gradient is zeros, not missing.
  if (rate_ == 1) return x * zeros(x.shape(), x.dtype());
  random::Generator& generator = generator_ ? *generator_ : random::default_generator();
  const Tensor keep = random::bernoulli(x.shape(), 1 - rate_, x.dtype(), generator);
  return x * (keep * (1 / (1 - rate_)));
}

}  // namespace gradus::nn
