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
  return dropout(x, rate_, generator_ ? *generator_ : random::default_generator());
}

}  // namespace gradus::nn
