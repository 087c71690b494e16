#include "nn/random_layer.h"

namespace gradus::nn {

RandomLayer::RandomLayer(std::string_view type, const RandomOptions& options) : type_(type) {
  if (options.seed) generator_ = std::make_shared<random::Generator>(*options.seed);
  if (!options.name.empty()) set_name(options.name);
}

void RandomLayer::visit(Visitor& v) {
  if (generator_) v("generator", *generator_);
}

void RandomLayer::check_floating(const Tensor& x) const {
  if (!is_floating(x.dtype()))
    fail<DTypeError>(type(), "input is not floating; got ", x.dtype(), ", expected float32 or another; astype() converts");
}

void detail::check_range(std::string_view layer, std::string_view what, double value, double low, double high, bool open) {
  if (!(value >= low && (open ? value < high : value <= high)))
    fail<ValueError>(layer, what, " out of range; got ", value, ", expected [", low, ", ", high, open ? ")" : "]");
}

}  // namespace gradus::nn
