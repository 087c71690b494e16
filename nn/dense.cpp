#include "nn/dense.h"

#include <optional>
#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"

namespace gradus::nn {

namespace {

// The activations that the operation applies itself.
std::optional<DenseActivation> built_in(const Activation& activation) {
  if (activation.same_as(linear)) return DenseActivation::linear;
  if (activation.same_as(relu)) return DenseActivation::relu;
  if (activation.same_as(sigmoid)) return DenseActivation::sigmoid;
  if (activation.same_as(tanh)) return DenseActivation::tanh;
  return std::nullopt;
}

}  // namespace

struct Dense::State {
  int64_t units;
  Options options;
  bool has_activation;
  std::optional<DenseActivation> built_in;
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
  const auto built_in = nn::built_in(options.activation);
  state_ = std::make_shared<State>(State{units, std::move(options), has_activation, built_in, {}, {}});
}

Tensor Dense::sums(const Tensor& input, DenseActivation activation) {
  State& s = *state_;
  if (!s.kernel) build(input.shape());
  else if (input.ndim() < 2 || input.shape().back() != s.kernel->shape()[0]) s.check(input.shape(), name());
  const DType dtype = compute_dtype(s.options.dtype);
  const Tensor x = input.dtype() == dtype ? input : input.astype(dtype);
  if (dtype == s.options.dtype) return s.bias ? dense(x, *s.kernel, *s.bias, {.activation = activation}) : matmul(x, *s.kernel);
  const Tensor kernel = s.kernel->value().astype(dtype);
  return s.bias ? dense(x, kernel, s.bias->value().astype(dtype), {.activation = activation}) : matmul(x, kernel);
}

Tensor Dense::logits(const Tensor& x, bool) { return sums(x, DenseActivation::linear); }

Tensor Dense::call(const Tensor& x, bool) {
  State& s = *state_;
  if (s.built_in && s.options.use_bias) return sums(x, *s.built_in);
  Tensor y = sums(x, DenseActivation::linear);
  return s.has_activation ? s.options.activation(y) : y;
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
  Variable kernel = make_variable("kernel", s.options.kernel_initializer, {input.back(), s.units}, s.options.dtype);
  if (s.options.use_bias) s.bias = make_variable("bias", s.options.bias_initializer, {s.units}, s.options.dtype);
  s.kernel = std::move(kernel);
}

void Dense::visit(Visitor& v) {
  if (state_->kernel) v("kernel", *state_->kernel, state_->options.kernel_regularizer);
  if (state_->bias) v("bias", *state_->bias, state_->options.bias_regularizer);
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
