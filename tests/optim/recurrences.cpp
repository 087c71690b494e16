#include "tests/optim/recurrences.h"

#include <algorithm>
#include <cmath>

namespace gradus::test {
namespace {

using namespace optim;

template <class O>
auto maker(typename O::Options options) {
  return [options](const CommonOptions& common) -> std::unique_ptr<Optimizer> { return std::make_unique<O>(options, common); };
}

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

/// Keras' and PyTorch's momentum schedule of Nadam, by loops.
double nadam_momentum(double decay, int t) { return 0.9 * (1 - 0.5 * std::pow(0.96, t * decay)); }
double nadam_product(double decay, int t) {
  double product = 1;
  for (int i = 1; i <= t; ++i) product *= nadam_momentum(decay, i);
  return product;
}
auto nadam(double rate, double epsilon, double decay) {
  return [=](State& x, double g, int t) {
    const double now = nadam_momentum(decay, t), next = nadam_momentum(decay, t + 1);
    x.a = 0.9 * x.a + 0.1 * g;
    x.b = 0.999 * x.b + 0.001 * g * g;
    const double m = next * x.a / (1 - nadam_product(decay, t + 1)) + (1 - now) * g / (1 - nadam_product(decay, t));
    x.p -= rate * m / (std::sqrt(x.b / (1 - std::pow(0.999, t))) + epsilon);
  };
}

}  // namespace

const std::vector<Recurrence>& recurrences() {
  static const std::vector<Recurrence> all{
      {"sgd", maker<SGD>({}), [](State& x, double g, int) { x.p -= 0.01 * g; }},
      {"sgd momentum", maker<SGD>({.learning_rate = 0.05, .momentum = 0.9}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a - 0.05 * g;
         x.p += x.a;
       }},
      {"sgd nesterov", maker<SGD>({.learning_rate = 0.05, .momentum = 0.8, .nesterov = true}),
       [](State& x, double g, int) {
         x.a = 0.8 * x.a - 0.05 * g;
         x.p += 0.8 * x.a - 0.05 * g;
       }},
      {"sgd dampening, PyTorch", maker<SGD>({.learning_rate = 1e-3, .momentum = 0.9, .rate_outside = true, .dampening = 0.4}),
       [](State& x, double g, int t) {
         x.a = t == 1 ? g : 0.9 * x.a + 0.6 * g;
         x.p -= 1e-3 * x.a;
       }},
      {"sgd nesterov, PyTorch", maker<SGD>({.learning_rate = 1e-3, .momentum = 0.9, .nesterov = true, .rate_outside = true}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a + g;
         x.p -= 1e-3 * (g + 0.9 * x.a);
       }},
      {"rmsprop", maker<RMSprop>({}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a + 0.1 * g * g;
         x.p -= 1e-3 * g / std::sqrt(x.a + 1e-7);
       }},
      {"rmsprop momentum", maker<RMSprop>({.learning_rate = 0.01, .rho = 0.7, .momentum = 0.6, .epsilon = 1e-2}),
       [](State& x, double g, int) {
         x.a = 0.7 * x.a + 0.3 * g * g;
         x.b = 0.6 * x.b + 0.01 * g / std::sqrt(x.a + 1e-2);
         x.p -= x.b;
       }},
      {"rmsprop centered", maker<RMSprop>({.epsilon = 1e-3, .centered = true}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a + 0.1 * g * g;
         x.b = 0.9 * x.b + 0.1 * g;
         x.p -= 1e-3 * g / std::sqrt(x.a - x.b * x.b + 1e-3);
       }},
      {"rmsprop, PyTorch",
       maker<RMSprop>({.learning_rate = 0.01, .rho = 0.99, .epsilon = 1e-8, .epsilon_inside = false, .rate_outside = true}),
       [](State& x, double g, int) {
         x.a = 0.99 * x.a + 0.01 * g * g;
         x.p -= 0.01 * g / (std::sqrt(x.a) + 1e-8);
       }},
      {"rmsprop centered momentum, PyTorch",
       maker<RMSprop>({.learning_rate = 0.01,
                       .rho = 0.9,
                       .momentum = 0.5,
                       .epsilon = 1e-2,
                       .centered = true,
                       .epsilon_inside = false,
                       .rate_outside = true}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a + 0.1 * g * g;
         x.b = 0.9 * x.b + 0.1 * g;
         x.c = 0.5 * x.c + g / (std::sqrt(x.a - x.b * x.b) + 1e-2);
         x.p -= 0.01 * x.c;
       }},
      {"adam", maker<Adam>({}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.999 * x.b + (1 - 0.999) * g * g;
         x.p -= 1e-3 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * x.a / (std::sqrt(x.b) + 1e-7);
       }},
      {"adam, PyTorch", maker<Adam>({.learning_rate = 0.02, .beta_1 = 0.8, .beta_2 = 0.9, .epsilon = 0.05, .epsilon_hat = false}),
       [](State& x, double g, int t) {
         x.a = 0.8 * x.a + (1 - 0.8) * g;
         x.b = 0.9 * x.b + (1 - 0.9) * g * g;
         x.p -= 0.02 / (1 - std::pow(0.8, t)) * x.a / (std::sqrt(x.b) / std::sqrt(1 - std::pow(0.9, t)) + 0.05);
       }},
      {"amsgrad", maker<Adam>({.beta_2 = 0.7, .amsgrad = true}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.7 * x.b + (1 - 0.7) * g * g;
         x.c = std::max(x.c, x.b);
         x.p -= 1e-3 * std::sqrt(1 - std::pow(0.7, t)) / (1 - std::pow(0.9, t)) * x.a / (std::sqrt(x.c) + 1e-7);
       }},
      {"amsgrad, PyTorch", maker<Adam>({.beta_2 = 0.7, .epsilon = 1e-8, .amsgrad = true, .epsilon_hat = false}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.7 * x.b + (1 - 0.7) * g * g;
         x.c = std::max(x.c, x.b);
         x.p -= 1e-3 / (1 - std::pow(0.9, t)) * x.a / (std::sqrt(x.c) / std::sqrt(1 - std::pow(0.7, t)) + 1e-8);
       }},
      {"adamw", maker<AdamW>({}),
       [](State& x, double g, int t) {
         x.p -= x.p * 0.004 * 1e-3;
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.999 * x.b + (1 - 0.999) * g * g;
         x.p -= 1e-3 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * x.a / (std::sqrt(x.b) + 1e-7);
       }},
      {"adamw, PyTorch", maker<AdamW>({.weight_decay = 0.01, .epsilon = 1e-8, .epsilon_hat = false}),
       [](State& x, double g, int t) {
         x.p *= 1 - 1e-3 * 0.01;
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.999 * x.b + (1 - 0.999) * g * g;
         x.p -= 1e-3 / (1 - std::pow(0.9, t)) * x.a / (std::sqrt(x.b) / std::sqrt(1 - std::pow(0.999, t)) + 1e-8);
       }},
      {"adamax", maker<Adamax>({}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = std::max(0.999 * x.b, std::abs(g));
         x.p -= 1e-3 * x.a / ((1 - std::pow(0.9, t)) * (x.b + 1e-7));
       }},
      {"adamax, PyTorch", maker<Adamax>({.learning_rate = 2e-3, .epsilon = 1e-2, .epsilon_inside = true}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = std::max(0.999 * x.b, std::abs(g) + 1e-2);
         x.p -= 2e-3 / (1 - std::pow(0.9, t)) * x.a / x.b;
       }},
      {"nadam", maker<Nadam>({}), nadam(1e-3, 1e-7, 1)},
      {"nadam, PyTorch", maker<Nadam>({.learning_rate = 2e-3, .epsilon = 1e-8, .momentum_decay = 4e-3}), nadam(2e-3, 1e-8, 4e-3)},
      {"radam", maker<RAdam>({}),
       [](State& x, double g, int t) {
         x.a = 0.9 * x.a + 0.1 * g;
         x.b = 0.999 * x.b + (1 - 0.999) * g * g;
         const double power = std::pow(0.999, t), longest = 2 / (1 - 0.999) - 1, r = longest - 2 * t * power / (1 - power);
         const double m = x.a / (1 - std::pow(0.9, t));
         if (r <= 5) x.p -= 1e-3 * m;
         else
           x.p -= 1e-3 * m * std::sqrt((r - 4) * (r - 2) * longest / ((longest - 4) * (longest - 2) * r)) * std::sqrt(1 - power) /
                  (std::sqrt(x.b) + 1e-8);
       }},
      {"adagrad", maker<Adagrad>({}),
       [](State& x, double g, int) {
         x.a += g * g;
         x.p -= 1e-3 * g / std::sqrt(x.a + 1e-7);
       },
       0.1},
      {"adagrad, PyTorch",
       maker<Adagrad>(
           {.learning_rate = 1e-2, .initial_accumulator_value = 0, .epsilon = 1e-10, .epsilon_inside = false, .lr_decay = 0.1}),
       [](State& x, double g, int t) {
         x.a += g * g;
         x.p -= 1e-2 / (1 + (t - 1) * 0.1) * g / (std::sqrt(x.a) + 1e-10);
       }},
      {"adadelta", maker<Adadelta>({}),
       [](State& x, double g, int) {
         x.a = 0.95 * x.a + (1 - 0.95) * g * g;
         const double d = std::sqrt(x.b + 1e-7) / std::sqrt(x.a + 1e-7) * g;
         x.b = 0.95 * x.b + (1 - 0.95) * d * d;
         x.p -= 1e-3 * d;
       }},
      {"adadelta, PyTorch", maker<Adadelta>({.learning_rate = 1, .rho = 0.9, .epsilon = 1e-6}),
       [](State& x, double g, int) {
         x.a = 0.9 * x.a + (1 - 0.9) * g * g;
         const double d = std::sqrt(x.b + 1e-6) / std::sqrt(x.a + 1e-6) * g;
         x.b = 0.9 * x.b + (1 - 0.9) * d * d;
         x.p -= d;
       }},
      {"ftrl", maker<Ftrl>({}),
       [](State& x, double g, int) {
         const double n = x.a + g * g;
         x.b += g - (std::sqrt(n) - std::sqrt(x.a)) / 1e-3 * x.p;
         x.a = n;
         x.p = -x.b / (std::sqrt(n) / 1e-3);
       },
       0.1},
      {"ftrl with everything",
       maker<Ftrl>({.learning_rate = 0.5,
                    .learning_rate_power = -0.8,
                    .initial_accumulator_value = 0.3,
                    .l1_regularization_strength = 0.7,
                    .l2_regularization_strength = 0.2,
                    .l2_shrinkage_regularization_strength = 0.05,
                    .beta = 0.4}),
       [](State& x, double g, int) {
         const double n = x.a + g * g;
         x.b += g + 2 * 0.05 * x.p - (std::pow(n, 0.8) - std::pow(x.a, 0.8)) / 0.5 * x.p;
         x.a = n;
         x.p = (std::clamp(x.b, -0.7, 0.7) - x.b) / (std::pow(n, 0.8) / 0.5 + 2 * (0.2 + 0.4 / (2 * 0.5)));
       },
       0.3},
      {"lion", maker<Lion>({}),
       [](State& x, double g, int) {
         x.p -= 1e-3 * sign(0.9 * x.a + 0.1 * g);
         x.a = 0.99 * x.a + 0.01 * g;
       }},
      {"rprop", maker<Rprop>({}),
       [](State& x, double g, int) {
         x.b = std::clamp(x.b * (g * x.a > 0 ? 1.2 : g * x.a < 0 ? 0.5 : 1), 1e-6, 50.0);
         x.a = g * x.a < 0 ? 0 : g;
         x.p -= x.b * sign(x.a);
       },
       0, 0.01},
  };
  return all;
}

}  // namespace gradus::test
