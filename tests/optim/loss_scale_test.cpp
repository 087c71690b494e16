// Loss scaling: what it multiplies it divides again, and a step with an infinite gradient did not happen.
#include "optim/loss_scale.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity(), kNan = std::numeric_limits<float>::quiet_NaN();

/// Every value that a step changes: variables, then the optimiser's state.
std::vector<std::vector<double>> everything(const optim::Optimizer& optimizer, const std::vector<Variable>& variables) {
  std::vector<std::vector<double>> out;
  for (const Variable& v : variables) out.push_back(v.value().to_vector<double>());
  for (const auto& [name, value] : optimizer.state(variables)) out.push_back(value.to_vector<double>());
  return out;
}

}  // namespace

TEST_CASE("a scaled step is the step itself, bit by bit") {
  const Tensor x({{0.3f, -0.7f}, {1.1f, 0.2f}});
  const auto train = [&](optim::LossScale scale) {
    const Variable w(Tensor({{0.5f, -0.25f}, {0.125f, 2.0f}}));
    optim::Adam adam;
    for (int i = 0; i < 20; ++i) {
      GradientTape tape;
      const Tensor loss = sum(square(matmul(x, w)));
      CHECK(scale.step(adam, tape.gradient(scale.apply(loss), std::vector<Variable>{w}), {w}));
    }
    return w.value().to_vector<float>();
  };
  const std::vector<float> plain = train(optim::LossScale({.initial = 1, .growth_steps = 0}));
  CHECK(train(optim::LossScale()) == plain);
  CHECK(train(optim::LossScale({.initial = 4, .growth_steps = 3})) == plain);
}

TEST_CASE("apply multiplies, under the tape") {
  const Variable w(3.0f);
  const optim::LossScale scale;
  CHECK(scale.value() == 32768);
  GradientTape tape;
  const Tensor scaled = scale.apply(w * 2);
  CHECK(scaled.item<double>() == 6 * 32768);
  CHECK(tape.gradient(scaled, w).item<double>() == 2 * 32768);
}

TEST_CASE("a gradient that is not finite: half the scale, nothing else changes") {
  const std::vector<Variable> variables{Variable(Tensor({1.0f, 2.0f})), Variable(Tensor({3.0f}))};
  optim::Adam adam;
  optim::LossScale scale({.initial = 64, .growth_steps = 3});
  const std::vector<Tensor> good{Tensor({64.0f, -64.0f}), Tensor({32.0f})};
  CHECK(scale.step(adam, good, variables));
  CHECK(scale.good_steps() == 1);
  const auto before = everything(adam, variables);
  double expected = 64;
  for (const float bad : {kInf, -kInf, kNan}) {
    for (const size_t where : {size_t{0}, size_t{1}}) {
      std::vector<Tensor> gradients = good;
      gradients[where] = where == 0 ? Tensor({1.0f, bad}) : Tensor({bad});
      CHECK_FALSE(scale.step(adam, gradients, variables));
      CHECK(scale.value() == (expected /= 2));
      CHECK(scale.good_steps() == 0);
      CHECK(everything(adam, variables) == before);
      CHECK(adam.iterations() == 1);
    }
  }
  CHECK(scale.skipped() == 6);
  CHECK(scale.step(adam, good, variables));
  CHECK(adam.iterations() == 2);
  CHECK(everything(adam, variables) != before);
}

TEST_CASE("the scale doubles after a number of good steps in a row") {
  const Variable w(1.0f);
  optim::SGD sgd({.learning_rate = 0});
  optim::LossScale scale({.initial = 8, .growth_steps = 3});
  const auto step = [&](float gradient) {
    scale.step(sgd, {Tensor(gradient)}, {w});
    return scale.value();
  };
  CHECK(step(1) == 8);
  CHECK(step(1) == 8);
  CHECK(step(1) == 16);
  CHECK(step(1) == 16);
  CHECK(step(1) == 16);
  CHECK(step(kInf) == 8);  // counts from the start
  CHECK(step(1) == 8);
  CHECK(step(1) == 8);
  CHECK(step(1) == 16);

  optim::LossScale keras;
  for (int i = 0; i < 1999; ++i) keras.step(sgd, {Tensor(1.0f)}, {w});
  CHECK(keras.value() == 32768);
  keras.step(sgd, {Tensor(1.0f)}, {w});
  CHECK(keras.value() == 65536);
}

TEST_CASE("a fixed scale neither changes nor looks at gradients") {
  const Variable w(1.0f);
  optim::SGD sgd({.learning_rate = 1});
  optim::LossScale fixed({.initial = 2, .growth_steps = 0});
  for (int i = 0; i < 10; ++i) CHECK(fixed.step(sgd, {Tensor(0.2f)}, {w}));
  CHECK(w.item<double>() == doctest::Approx(0));
  CHECK(fixed.value() == 2);
  CHECK(fixed.step(sgd, {Tensor(kInf)}, {w}));
  CHECK(std::isinf(w.item<double>()));
}

TEST_CASE("errors of the optimiser come through, and endless trouble ends") {
  Variable a(1.0f, {.name = "a"}), frozen(1.0f, {.trainable = false});
  optim::SGD sgd;
  optim::LossScale scale({.initial = 1});
  CHECK_THROWS_WITH_AS(scale.step(sgd, {Tensor()}, {a}), doctest::Contains("(a) has no gradient"), ValueError);
  CHECK(scale.step(sgd, {Tensor(1.0f), Tensor()}, {a, frozen}));
  CHECK(scale.good_steps() == 1);
  const auto forever = [&] {
    for (int i = 0; i < 100; ++i) scale.step(sgd, {Tensor(kNan)}, {a});
  };
  CHECK_THROWS_WITH_AS(forever(), doctest::Contains("not finite at any scale"), ValueError);

  CHECK_THROWS_AS(optim::LossScale({.initial = 0}), ValueError);
  CHECK_THROWS_AS(optim::LossScale({.initial = -1}), ValueError);
  CHECK_THROWS_AS(optim::LossScale({.initial = kNan}), ValueError);
  CHECK_THROWS_AS(optim::LossScale({.initial = kInf}), ValueError);
  CHECK_THROWS_AS(optim::LossScale({.growth_steps = -1}), ValueError);
}

TEST_CASE("a saved scale goes on where it stood; states that do not fit change nothing") {
  const Variable p(Tensor({1.0f}));
  optim::SGD sgd;
  optim::LossScale scale({.initial = 8, .growth_steps = 3}), other({.initial = 2, .growth_steps = 3});
  const Tensor bad({std::numeric_limits<float>::infinity()}), good({8.0f});
  CHECK_FALSE(scale.step(sgd, {bad}, {p}));
  CHECK(scale.step(sgd, {good}, {p}));
  other.load_state(scale.state());
  CHECK(other.value() == 4);
  CHECK(other.good_steps() == 1);
  CHECK(other.skipped() == 1);
  for (int i = 0; i < 2; ++i) CHECK(other.step(sgd, {good}, {p}));
  CHECK(other.value() == 8);

  auto state = scale.state();
  state.erase("skipped");
  CHECK_THROWS_AS(other.load_state(state), ValueError);
  state = scale.state();
  state["value"] = Tensor(0.0);
  CHECK_THROWS_AS(other.load_state(state), ValueError);
  state = scale.state();
  state["good_steps"] = Tensor(int64_t{-1});
  CHECK_THROWS_AS(other.load_state(state), ValueError);
  state = scale.state();
  state["more"] = Tensor(0.0);
  CHECK_THROWS_AS(other.load_state(state), ValueError);
  CHECK(other.value() == 8);
}
