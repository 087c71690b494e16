// Activations.
#include <numbers>

#include "autograd/ops/activation.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr double kSeluScale = 1.0507009873554805, kSeluAlpha = 1.6732632423543772;
constexpr double kGeluInner = 0.7978845608028654, kGeluCubic = 0.044715;  // sqrt(2/pi), and Hendrycks and Gimpel's constant

// The commonest gradients take one pass over memory. Inputs: the output y, its gradient g.
Tensor relu_gradient(const Tensor& y, const Tensor& g);
Tensor sigmoid_gradient(const Tensor& y, const Tensor& g);

// g where y > 0.
constexpr Op kReluGradient{.name = "relu_gradient",
                           .arity = 2,
                           .rules = {{{}, {kIn0, [](const Saved& s, const Tensor& h) { return relu_gradient(s.in(0), h); }}}}};
// g y (1 - y)
constexpr Op kSigmoidGradient{
    .name = "sigmoid_gradient",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& h) { return h * s.in(1) * (1 - 2 * s.in(0)); }},
               {kIn0, [](const Saved& s, const Tensor& h) { return sigmoid_gradient(s.in(0), h); }}}}};

Tensor relu_gradient(const Tensor& y, const Tensor& g) {
  return pointwise(kReluGradient, Fn::relu_gradient, {&y, &g}, y.dtype());
}
Tensor sigmoid_gradient(const Tensor& y, const Tensor& g) {
  return pointwise(kSigmoidGradient, Fn::sigmoid_gradient, {&y, &g}, y.dtype());
}

}  // namespace
constexpr Op kRelu{.name = "relu",
                   .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return relu_gradient(s.out(), g); }}}}};
namespace {
constexpr Op kLeakyRelu{.name = "leaky_relu", .arity = 2, .rules = {{{kIn0 | kIn1, [](const Saved& s, const Tensor& g) {
                                                                        return where(s.in(0) > 0, g, g * s.in(1));
                                                                      }}}}};
// Left of zero the derivative alpha e^x is the output plus alpha.
constexpr Op kElu{.name = "elu", .arity = 2, .rules = {{{kIn0 | kIn1 | kOut, [](const Saved& s, const Tensor& g) {
                                                           return where(s.in(0) > 0, g, g * (s.out() + s.in(1)));
                                                         }}}}};
constexpr Op kSelu{.name = "selu", .rules = {{{kOut, [](const Saved& s, const Tensor& g) {
                                                 const Tensor& y = s.out();
                                                 return where(y > 0, kSeluScale * g, g * (y + kSeluScale * kSeluAlpha));
                                               }}}}};
// Phi(x) + x phi(x)
constexpr Op kGelu{.name = "gelu", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) {
                                                 const Tensor& x = s.in(0);
                                                 const Tensor cdf = 0.5 * (1 + erf(x * (1 / std::numbers::sqrt2)));
                                                 const Tensor pdf = (0.5 * kGeluInner) * exp(-0.5 * square(x));
                                                 return g * (cdf + x * pdf);
                                               }}}}};
constexpr Op kGeluTanh{.name = "gelu_tanh", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) {
                                                          const Tensor& x = s.in(0);
                                                          const Tensor xx = square(x);
                                                          const Tensor t = tanh(kGeluInner * x * (1 + kGeluCubic * xx));
                                                          const Tensor inner = kGeluInner * (1 + 3 * kGeluCubic * xx);
                                                          return g * (0.5 * (1 + t) + 0.5 * x * (1 - square(t)) * inner);
                                                        }}}}};
constexpr Op kSilu{.name = "silu", .rules = {{{kIn0, [](const Saved& s, const Tensor& g) {
                                                 const Tensor p = sigmoid(s.in(0));
                                                 return g * (p * (1 + s.in(0) * (1 - p)));
                                               }}}}};
constexpr Op kSoftplus{.name = "softplus",
                       .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sigmoid(s.in(0)); }}}}};
}  // namespace
constexpr Op kSigmoid{.name = "sigmoid",
                      .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return sigmoid_gradient(s.out(), g); }}}}};
namespace {
constexpr Op kLogSigmoid{.name = "log_sigmoid",
                         .rules = {{{kIn0, [](const Saved& s, const Tensor& g) { return g * sigmoid(-s.in(0)); }}}}};
constexpr Op kGaussian{.name = "gaussian",
                       .rules = {{{kIn0 | kOut, [](const Saved& s, const Tensor& g) { return -2 * g * s.in(0) * s.out(); }}}}};

// x and one parameter, which is a constant.
Tensor parametric(const Op& op, Fn fn, const Tensor& x, double parameter) {
  const Tensor y = as_floating(x), p = as_tensor(parameter, y.dtype());
  return pointwise(op, fn, {&y, &p}, y.dtype());
}

}  // namespace

constexpr const Op* kOps[] = {&kReluGradient, &kSigmoidGradient, &kRelu,    &kLeakyRelu,  &kElu,     &kSelu, &kGelu, &kGeluTanh,
                              &kSilu,         &kSoftplus,        &kSigmoid, &kLogSigmoid, &kGaussian};
const OpFamily kActivationOps{"activation", kOps};

}  // namespace detail

using detail::Fn;

Tensor relu(const Tensor& x) { return detail::unary_floating(detail::kRelu, Fn::relu, x); }
Tensor leaky_relu(const Tensor& x, double slope) { return detail::parametric(detail::kLeakyRelu, Fn::leaky_relu, x, slope); }
Tensor elu(const Tensor& x, double alpha) { return detail::parametric(detail::kElu, Fn::elu, x, alpha); }
Tensor selu(const Tensor& x) { return detail::unary_floating(detail::kSelu, Fn::selu, x); }
Tensor gelu(const Tensor& x, bool approximate) {
  return approximate ? detail::unary_floating(detail::kGeluTanh, Fn::gelu_tanh, x)
                     : detail::unary_floating(detail::kGelu, Fn::gelu, x);
}
Tensor silu(const Tensor& x) { return detail::unary_floating(detail::kSilu, Fn::silu, x); }
Tensor softplus(const Tensor& x) { return detail::unary_floating(detail::kSoftplus, Fn::softplus, x); }
Tensor sigmoid(const Tensor& x) { return detail::unary_floating(detail::kSigmoid, Fn::sigmoid, x); }
Tensor log_sigmoid(const Tensor& x) { return detail::unary_floating(detail::kLogSigmoid, Fn::log_sigmoid, x); }
Tensor gaussian(const Tensor& x) { return detail::unary_floating(detail::kGaussian, Fn::gaussian, x); }

}  // namespace gradus
