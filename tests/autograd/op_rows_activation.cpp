// Activations. Their subgradients at zero are PyTorch's.
#include <cmath>
#include <numbers>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

constexpr double kSeluAlpha = 1.6732632423543772848, kSeluScale = 1.0507009873554804934;  // Klambauer et al. 2017, equation 14

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }
// x (1 + tanh u) / 2, written without the cancellation.
double gelu_by_tanh(double x) { return x * sigmoid_of(2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)); }

}  // namespace

std::vector<Row> activation_rows() {
  const double edge = kSeluAlpha * kSeluScale;
  return {
      unary("relu", relu, [](double x) { return x > 0 ? x : 0; }, {},
            {{0.0, 0.0, 0}, {-0.0, 0.0, 0}, {-1, 0.0, 0}, {2, 2, 1}, {kInf, kInf, 1}, {-kInf, 0.0, 0}, {kNaN, kNaN, 1}},
            {.ulps = 0, .specials = {{{{kNaN}}, {kNaN}}}, .covers = {"relu_gradient"}}),
      unary(
          "leaky_relu", [](const Tensor& x) { return leaky_relu(x); }, [](double x) { return x > 0 ? x : 0.2 * x; }, {},
          {{0.0, 0.0, 0.2}, {-5, -1, 0.2}, {5, 5, 1}, {-kInf, -kInf, 0.2}, {kInf, kInf, 1}}, {.specials = {{{{kNaN}}, {kNaN}}}}),
      unary(
          "leaky_relu with slope 0.01", [](const Tensor& x) { return leaky_relu(x, 0.01); },
          [](double x) { return x > 0 ? x : 0.01 * x; }, {}, {{0.0, 0.0, 0.01}, {-100, -1, 0.01}}),
      unary(
          "elu", [](const Tensor& x) { return elu(x); }, [](double x) { return x > 0 ? x : std::expm1(x); }, {},
          {{0.0, 0.0, 1}, {-kInf, -1, 0}, {kInf, kInf, 1}, {-1000, -1, 0}, {3, 3, 1}}, {.specials = {{{{kNaN}}, {kNaN}}}}),
      unary(
          "elu with alpha 1.5", [](const Tensor& x) { return elu(x, 1.5); },
          [](double x) { return x > 0 ? x : 1.5 * std::expm1(x); }, {}, {{0.0, 0.0, 1.5}, {-kInf, -1.5, 0}, {3, 3, 1}}),
      unary("selu", selu, [](double x) { return kSeluScale * (x > 0 ? x : kSeluAlpha * std::expm1(x)); }, {},
            {{0.0, 0.0, edge}, {-kInf, -edge, 0}, {2, 2 * kSeluScale, kSeluScale}}, {.specials = {{{{kNaN}}, {kNaN}}}}),
      unary(
          "gelu", [](const Tensor& x) { return gelu(x); }, [](double x) { return 0.5 * x * std::erfc(-x / std::numbers::sqrt2); },
          {-3, 3}, {{0.0, 0.0, 0.5}, {100, 100, 1}, {-100, -0.0, 0}},
          {.specials = {{{{kInf, -kInf, kNaN}}, {kInf, -0.0, kNaN}}}}),
      unary("gelu_tanh", [](const Tensor& x) { return gelu(x, true); }, gelu_by_tanh, {-3, 3},
            {{0.0, 0.0, 0.5}, {100, 100, 1}, {-100, -0.0, 0}}, {.specials = {{{{kInf, -kInf, kNaN}}, {kInf, -0.0, kNaN}}}}),
      unary("silu", silu, [](double x) { return x * sigmoid_of(x); }, {-3, 3},
            {{0.0, 0.0, 0.5}, {1000, 1000, 1}, {-1000, -0.0, 0}}, {.specials = {{{{kInf, -kInf, kNaN}}, {kInf, -0.0, kNaN}}}}),
      unary("softplus", softplus, [](double x) { return std::log1p(std::exp(x)); }, {-3, 3},
            {{0, std::numbers::ln2, 0.5}, {1000, 1000, 1}, {-1000, 0, 0}, {kInf, kInf, 1}, {-kInf, 0, 0}, {kNaN, kNaN, kNaN}}),
      unary("log_sigmoid", log_sigmoid, [](double x) { return -std::log1p(std::exp(-x)); }, {-3, 3},
            {{0, -std::numbers::ln2, 0.5},
             {1000, -0.0, 0},
             {-1000, -1000, 1},
             {kInf, -0.0, 0},
             {-kInf, -kInf, 1},
             {kNaN, kNaN, kNaN}}),
      unary("sigmoid", sigmoid, sigmoid_of, {-3, 3},
            {{0, 0.5, 0.25}, {1000, 1, 0}, {-1000, 0, 0}, {kInf, 1, 0}, {-kInf, 0, 0}, {kNaN, kNaN, kNaN}},
            {.covers = {"sigmoid_gradient"}}),
      unary("gaussian", gaussian, [](double x) { return std::exp(-x * x); }, {-2, 2}, {{0, 1, 0}, {100, 0, 0}, {-100, 0, 0}},
            {.ulps = 8, .specials = {{{{kInf, -kInf, kNaN}}, {0, 0, kNaN}}}}),
  };
}

}  // namespace gradus::test
