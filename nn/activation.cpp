#include "nn/activation.h"

#include <array>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"
#include "optim/lookup.h"

namespace gradus::nn {

// Initialised at compile time: usable from constructors of other static objects.
constinit const Activation linear{"linear", [](const Tensor& x) { return x; }};
constinit const Activation relu{"relu", [](const Tensor& x) { return gradus::relu(x); }};
constinit const Activation leaky_relu{"leaky_relu", [](const Tensor& x) { return gradus::leaky_relu(x); }};
constinit const Activation elu{"elu", [](const Tensor& x) { return gradus::elu(x); }};
constinit const Activation selu{"selu", [](const Tensor& x) { return gradus::selu(x); }};
constinit const Activation gelu{"gelu", [](const Tensor& x) { return gradus::gelu(x); }};
constinit const Activation silu{"silu", [](const Tensor& x) { return gradus::silu(x); }};
constinit const Activation softplus{"softplus", [](const Tensor& x) { return gradus::softplus(x); }};
constinit const Activation sigmoid{"sigmoid", [](const Tensor& x) { return gradus::sigmoid(x); }};
constinit const Activation tanh{"tanh", [](const Tensor& x) { return gradus::tanh(x); }};
constinit const Activation gaussian{"gaussian", [](const Tensor& x) { return gradus::gaussian(x); }};
constinit const Activation exponential{"exponential", [](const Tensor& x) { return gradus::exp(x); }};
constinit const Activation softmax{"softmax", [](const Tensor& x) { return gradus::softmax(detail::leave_mixed_precision(x)); }};
constinit const Activation log_softmax{"log_softmax",
                                       [](const Tensor& x) { return gradus::log_softmax(detail::leave_mixed_precision(x)); }};

namespace {

struct Known {
  std::string_view name;
  const Activation* activation;
};

constexpr std::array<Known, 14> kActivations{{{"linear", &linear},
                                              {"relu", &relu},
                                              {"leaky_relu", &leaky_relu},
                                              {"elu", &elu},
                                              {"selu", &selu},
                                              {"gelu", &gelu},
                                              {"silu", &silu},
                                              {"softplus", &softplus},
                                              {"sigmoid", &sigmoid},
                                              {"tanh", &tanh},
                                              {"gaussian", &gaussian},
                                              {"exponential", &exponential},
                                              {"softmax", &softmax},
                                              {"log_softmax", &log_softmax}}};

}  // namespace

Activation::Activation(std::string_view name)
    : Activation(*gradus::detail::find_by_name("Activation", "activation", name, kActivations).activation) {}

}  // namespace gradus::nn
