// Every optimiser against its published recurrence, and against PyTorch 1.13 where that has the variant.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.h"
#include "tests/optim/recurrences.h"

using namespace gradus;
using namespace gradus::test;

namespace {

constexpr int kSteps = 50;

/// Depends on the step, the element and the parameter, and changes sign and size.
double gradient_at(double p, int t, size_t i) {
  return std::sin(0.7 * t + 1.3 * static_cast<double>(i)) * (1 + static_cast<double>(i)) + 0.3 * p + 0.1;
}

/// The largest difference over all steps and elements of variables of several shapes, one of them empty.
double worst_difference(const Recurrence& row, DType dtype) {
  const std::vector<Shape> shapes{{2, 3}, {}, {0}, {33}};
  std::vector<Variable> variables;
  std::vector<std::vector<State>> expected;
  for (const Shape& shape : shapes) {
    Values start;
    std::vector<State> elements;
    for (int64_t i = 0; i < zeros(shape).size(); ++i) {
      start.push_back(2 * std::cos(static_cast<double>(i)) + 0.25);
      elements.push_back({start.back(), row.a, row.b, 0});
    }
    variables.emplace_back(Tensor(start, shape).astype(dtype));
    expected.push_back(elements);
  }
  const auto optimizer = row.make({});
  double worst = 0;
  for (int t = 1; t <= kSteps; ++t) {
    std::vector<Tensor> gradients;
    for (size_t k = 0; k < shapes.size(); ++k) {
      Values g;
      for (State& x : expected[k]) {
        g.push_back(gradient_at(x.p, t, g.size()));
        row.step(x, g.back(), t);
      }
      gradients.push_back(Tensor(g, shapes[k]).astype(dtype));
    }
    optimizer->apply_gradients(gradients, variables);
    for (size_t k = 0; k < shapes.size(); ++k) {
      const Values got = variables[k].value().to_vector<double>();
      for (size_t i = 0; i < got.size(); ++i) {
        const double difference = std::abs(got[i] - expected[k][i].p);
        worst = std::isnan(difference) ? 1e300 : std::max(worst, difference);
      }
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("optimisers follow their published recurrences for 50 steps") {
  for (const Recurrence& row : recurrences()) {
    CAPTURE(row.name);
    CHECK(worst_difference(row, DType::float64) < 1e-12);
    // Ftrl keeps p as the quotient of two large numbers; rounding decides an occasional sign of Lion and Rprop.
    CHECK(worst_difference(row, DType::float32) < (row.name.starts_with("ftrl") ? 1e-3 : 5e-5));
    CHECK(worst_difference(row, DType::bfloat16) < 1.5);
    if (row.name != "ftrl") CHECK(worst_difference(row, DType::float16) < 1.5);  // its z leaves the range of float16
  }
}

TEST_CASE("a centered root whose radicand rounding makes negative stays a number") {
  const Variable p(Tensor({1.0f, -1.0f, 3.0f}));
  optim::RMSprop rmsprop({.centered = true, .epsilon_inside = false});
  for (int t = 0; t < 400; ++t) rmsprop.apply_gradients({Tensor({0.1f, 0.3f, 1e4f})}, {p});
  CHECK(all(isfinite(p.value())).item<bool>());
}

TEST_CASE("momentum inside and outside the rate differ when the rate changes") {
  // SGD and RMSprop of PyTorch 1.13 with the rate 0.1 / t, gradient cos(1.7 p + 0.3 t) + 0.2 p, 12 steps.
  struct Row {
    std::unique_ptr<optim::Optimizer> optimizer;
    Values expected;
  };
  const auto rate = [](int64_t step) { return 0.1 / static_cast<double>(step + 1); };
  const Row rows[] = {
      {std::make_unique<optim::SGD>(optim::SGDOptions{.learning_rate = rate, .momentum = 0.9, .rate_outside = true}),
       {0.56248811691617073, -1.4076256085986012, 1.7282340862291137}},
      {std::make_unique<optim::RMSprop>(optim::RMSpropOptions{
           .learning_rate = rate, .rho = 0.99, .momentum = 0.9, .epsilon = 1e-8, .epsilon_inside = false, .rate_outside = true}),
       {-2.1453320570680554, -2.4060646101768652, 0.64575374905320992}}};
  for (const Row& row : rows) {
    const Variable p(Tensor({0.5, -1.5, 2.0}));
    for (int t = 1; t <= 12; ++t) row.optimizer->apply_gradients({cos(p * 1.7 + 0.3 * t) + 0.2 * p}, {p});
    for (size_t i = 0; i < 3; ++i) CHECK(std::abs(p.value().to_vector<double>()[i] - row.expected[i]) < 1e-12);
  }
}

TEST_CASE("the variants of PyTorch go where PyTorch 1.13 goes") {
  using namespace optim;
  struct Row {
    std::string name;
    std::shared_ptr<Optimizer> optimizer;
    Values expected;
  };
  const auto make = [](auto optimizer) { return std::make_shared<decltype(optimizer)>(optimizer); };
  const Row rows[] = {
      {"SGD, dampening",
       make(SGD({.learning_rate = 0.05, .momentum = 0.9, .rate_outside = true, .dampening = 0.3})),
       {0.91701342368952188, -1.6568469319726897, 1.0475408400925439}},
      {"SGD, Nesterov",
       make(SGD({.learning_rate = 0.05, .momentum = 0.8, .nesterov = true, .rate_outside = true})),
       {0.93306940816131401, -2.0582747219831918, 0.85978737405675054}},
      {"SGD, L2",
       make(SGD({.learning_rate = 0.05, .momentum = 0.9, .rate_outside = true}, {.l2 = 0.1})),
       {0.98296903571491945, -1.5599477278004081, 0.56561417502076505}},
      {"RMSprop",
       make(RMSprop({.learning_rate = 0.01, .rho = 0.99, .epsilon = 1e-8, .epsilon_inside = false, .rate_outside = true})),
       {0.64626310896554551, -1.6561470941533774, 1.5645256112179924}},
      {"RMSprop, centered",
       make(RMSprop({.learning_rate = 0.02,
                     .rho = 0.9,
                     .momentum = 0.7,
                     .epsilon = 1e-8,
                     .centered = true,
                     .epsilon_inside = false,
                     .rate_outside = true})),
       {0.77433895550415432, -1.8096604702334478, 1.152956368484874}},
      {"Adam",
       make(Adam({.learning_rate = 0.02, .epsilon = 1e-8, .epsilon_hat = false})),
       {0.54883746056865457, -1.4663862261654568, 1.9287965195506305}},
      {"AMSGrad, L2",
       make(Adam({.learning_rate = 0.02, .beta_1 = 0.8, .beta_2 = 0.7, .epsilon = 1e-8, .amsgrad = true, .epsilon_hat = false},
                 {.l2 = 0.05})),
       {0.54707214334288545, -1.4757358870298918, 1.9109376803197313}},
      {"AdamW",
       make(AdamW({.learning_rate = 0.02, .weight_decay = 0.1, .epsilon = 1e-8, .epsilon_hat = false})),
       {0.53711236316162958, -1.4341466431483136, 1.8837142525072561}},
      {"Adamax",
       make(Adamax({.learning_rate = 2e-3, .epsilon = 1e-3, .epsilon_inside = true})),
       {0.50327502062735818, -1.495483619129508, 1.9974215493628726}},
      {"RAdam", make(RAdam({.learning_rate = 0.02})), {0.48397186391031433, -1.4424751974892689, 2.0134174030051848}},
      {"Adagrad",
       make(Adagrad(
           {.learning_rate = 0.05, .initial_accumulator_value = 0, .epsilon = 1e-10, .epsilon_inside = false, .lr_decay = 0.1})),
       {0.54624566308050626, -1.4975500687189442, 1.8987122496428823}},
      {"Adadelta",
       make(Adadelta({.learning_rate = 1, .rho = 0.9, .epsilon = 1e-6})),
       {0.52827578796198826, -1.5101192011627633, 1.9557066275191612}},
      {"Rprop", make(Rprop()), {0.60279341056000002, -1.5579134105600001, 1.8972065894399996}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.name);
    const Variable p(Tensor({0.5, -1.5, 2.0}));
    for (int t = 1; t <= 12; ++t) row.optimizer->apply_gradients({cos(p * 1.7 + 0.3 * t) + 0.2 * p}, {p});
    for (size_t i = 0; i < 3; ++i) CHECK(std::abs(p.value().to_vector<double>()[i] - row.expected[i]) < 1e-12);
  }
}
