#include "nn/dense.h"

#include <optional>
#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"

namespace gradus::nn {

struct Dense::State {
  int64_t units;
  Options options;
  bool has_activation;
  std::optional<Variable> kernel, bias;

  void check(const Shape& input, const std::string& name) const {
    const auto where = [&] { return name.empty() ? std::string() : text("; in layer ", name); };
    if (input.ndim() < 2)
      fail<ShapeError>("Dense", "input of too low rank; got ", input, ", expected [samples, ..., width]", where());
    if (kernel && input.back() != kernel->shape()[0])
      fail<ShapeError>("Dense", "input of another width than the kernel; got ", input, ", expected last dimension ",
                       kernel->shape()[0], where());
  }
};

Dense::Dense(int64_t units, Options options) {
  if (units <= 0) fail<ValueError>("Dense", "number of units out of range; got ", units, ", expected > 0");
  if (!is_floating(options.dtype))
    fail<DTypeError>("Dense", "dtype is not floating; got ", options.dtype, ", expected float32 or another");
  if (!options.name.empty()) set_name(options.name);
  const bool has_activation = !options.activation.same_as(linear);
  state_ = std::make_shared<State>(State{units, std::move(options), has_activation, {}, {}});
}

Tensor Dense::logits(const Tensor& x, bool) {
  State& s = *state_;
  if (!s.kernel) build(x.shape());
  else if (x.ndim() < 2 || x.shape().back() != s.kernel->shape()[0]) s.check(x.shape(), name());
  if (const DType dtype = compute_dtype(s.options.dtype); dtype != s.options.dtype) {
    const Tensor y = matmul(x.astype(dtype), s.kernel->value().astype(dtype));
    return s.bias ? y + s.bias->value().astype(dtype) : y;
  }
  Tensor y = x.dtype() == s.options.dtype ? matmul(x, *s.kernel) : matmul(x.astype(s.options.dtype), *s.kernel);
  return s.bias ? y + *s.bias : y;
}

Tensor Dense::call(const Tensor& x, bool training) {
  Tensor y = logits(x, training);
  return state_->has_activation ? state_->options.activation(y) : y;
}

const Activation* Dense::output_activation() const { return state_->has_activation ? &state_->options.activation : nullptr; }

Shape Dense::output_shape(const Shape& input) const {
  state_->check(input, name());
  Shape out = input;
  out[out.ndim() - 1] = state_->units;
  return out;
}

void Dense::build(const Shape& input) {
  State& s = *state_;
  s.check(input, name());
  if (s.kernel) return;
  if (input.back() < 0) fail<ShapeError>("Dense", "unknown input width; got ", input, ", expected a known last dimension");
  const std::string prefix = name().empty() ? "" : name() + ".";
  const auto make = [&](const Initializer& initializer, const Shape& shape, const char* part) {
    const Tensor value = initializer(shape, s.options.dtype);
    if (value.shape() != shape)
      fail<ShapeError>("Dense", "initializer made the wrong shape for the ", part, "; got ", value.shape(), ", expected ", shape);
    return Variable(value, {.name = prefix + part});
  };
  Variable kernel = make(s.options.kernel_initializer, {input.back(), s.units}, "kernel");
  if (s.options.use_bias) s.bias = make(s.options.bias_initializer, {s.units}, "bias");
  s.kernel = std::move(kernel);
}

void Dense::visit(Visitor& v) {
  if (state_->kernel) v("kernel", *state_->kernel);
  if (state_->bias) v("bias", *state_->bias);
}

int64_t Dense::units() const { return state_->units; }

const Variable& Dense::kernel() const {
  if (!state_->kernel)
    fail<ValueError>("Dense", "no kernel yet; got a layer that is not built, expected one that was called or built");
  return *state_->kernel;
}

const Variable& Dense::bias() const {
  if (!state_->bias) fail<ValueError>("Dense", "no bias; got a layer that is not built or has use_bias = false, expected a bias");
  return *state_->bias;
}

}  // namespace gradus::nn
