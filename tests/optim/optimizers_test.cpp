// What all optimisers share: ways to step, state, names, errors.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "optim/optim.h"
#include "tests/optim/recurrences.h"

using namespace gradus;
using namespace gradus::test;

namespace {

template <class F>
std::string message_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("every optimiser goes downhill through tape, backward and step alike") {
  for (const Recurrence& row : recurrences()) {
    CAPTURE(row.name);
    const Variable a(Tensor({2.0, -1.0})), b(Tensor({2.0, -1.0}));
    const auto with_tape = row.make({}), with_backward = row.make({});
    for (int t = 0; t < 20; ++t) {
      {
        GradientTape tape;
        with_tape->minimize(sum(square(a)), {a}, tape);
      }
      {
        GradientTape tape;
        sum(square(b)).backward();
        with_backward->step({b});
        optim::Optimizer::zero_grad({b});
      }
    }
    CHECK(a.value().to_vector<double>() == b.value().to_vector<double>());
    CHECK(sum(square(a)).item<double>() < 5);
    CHECK(with_tape->iterations() == 20);
  }
}

TEST_CASE("state belongs to the variable, whatever its place in the list") {
  const Variable a(Tensor({1.0, 2.0})), b(Tensor({3.0})), a2(Tensor({1.0, 2.0})), b2(Tensor({3.0}));
  const Tensor ga({0.5, -1.0}), gb({2.0});
  optim::Adam one, other;
  for (int t = 0; t < 4; ++t) {
    one.apply_gradients({ga, gb}, {a, b});
    if (t % 2) other.apply_gradients({gb, ga}, {b2, a2});
    else other.apply_gradients({ga, gb}, {a2, b2});
  }
  CHECK(a.value().to_vector<double>() == a2.value().to_vector<double>());
  CHECK(b.value().to_vector<double>() == b2.value().to_vector<double>());
}

TEST_CASE("the learning rate can change between steps, and momentum keeps what it had") {
  const Variable p(1.0);
  optim::SGD sgd({.learning_rate = 0.1, .momentum = 0.5});
  sgd.apply_gradients({Tensor(1.0)}, {p});
  CHECK(p.item<double>() == doctest::Approx(0.9).epsilon(1e-14));
  sgd.set_learning_rate(0.01);
  CHECK(sgd.learning_rate() == 0.01);
  sgd.apply_gradients({Tensor(1.0)}, {p});
  CHECK(p.item<double>() == doctest::Approx(0.9 + 0.5 * -0.1 - 0.01).epsilon(1e-14));
}

TEST_CASE("frozen variables stay as they are and need no gradient") {
  const Variable w(Tensor({1.0, 1.0})), frozen(Tensor({5.0}), {.trainable = false});
  optim::RMSprop rmsprop;
  rmsprop.apply_gradients({Tensor({1.0, -1.0}), Tensor()}, {w, frozen});
  CHECK(frozen.value().to_vector<double>() == std::vector<double>{5});
  CHECK(w.value().to_vector<double>()[0] < 1);
}

TEST_CASE("gradients that are views are read as they look") {
  const Variable w(zeros({2, 3}, DType::float64));
  optim::SGD sgd({.learning_rate = 1});
  const Tensor g({{1.0, 4.0}, {2.0, 5.0}, {3.0, 6.0}});
  sgd.apply_gradients({g.transpose()}, {w});
  CHECK(w.value().to_vector<double>() == std::vector<double>{-1, -2, -3, -4, -5, -6});
}

TEST_CASE("a step leaves tensors that were taken before alone") {
  const Variable w(Tensor({1.0, 2.0}));
  const Tensor before = w.value();
  optim::SGD sgd({.learning_rate = 1});
  sgd.apply_gradients({Tensor({1.0, 1.0})}, {w});
  CHECK(before.to_vector<double>() == std::vector<double>{1, 2});
  CHECK(w.value().to_vector<double>() == std::vector<double>{0, 1});
}

TEST_CASE("wrong gradients are refused before anything changes") {
  const Variable a(Tensor({1.0, 2.0}), {.name = "a"}), b(Tensor({3.0}), {.name = "b"});
  optim::Adam adam;
  const auto unchanged = [&] {
    return a.value().to_vector<double>() == std::vector<double>{1, 2} &&
           b.value().to_vector<double>() == std::vector<double>{3} && adam.iterations() == 0;
  };
  const Tensor good({1.0, 1.0});
  CHECK_THROWS_AS(adam.apply_gradients({good}, {a, b}), ValueError);
  CHECK_THROWS_AS(adam.apply_gradients({}, {}), ValueError);
  CHECK_THROWS_AS(adam.apply_gradients({good, good}, {a, b}), ShapeError);
  CHECK_THROWS_AS(adam.apply_gradients({good, Tensor({1.0f})}, {a, b}), DTypeError);
  CHECK_THROWS_AS(adam.apply_gradients({good, good}, {a, a}), ValueError);
  CHECK_THROWS_AS(adam.step({a}), ValueError);
  CHECK(unchanged());

  const std::string message = message_of([&] {
    GradientTape tape;
    const Tensor loss = sum(square(a));
    adam.minimize(loss, {a, b}, tape);
  });
  CAPTURE(message);
  CHECK(contains(message, "variables[1] (b)"));
  CHECK(contains(message, "no gradient"));
  CHECK(unchanged());
}

TEST_CASE("options out of range are refused") {
  CHECK_THROWS_AS(optim::SGD({.learning_rate = -1}), ValueError);
  CHECK_THROWS_AS(optim::SGD({.learning_rate = std::nan("")}), ValueError);
  CHECK_THROWS_AS(optim::SGD({.momentum = 1}), ValueError);
  CHECK_THROWS_AS(optim::SGD({.nesterov = true}), ValueError);
  CHECK_THROWS_AS(optim::RMSprop({.rho = 1.5}), ValueError);
  CHECK_THROWS_AS(optim::RMSprop({.epsilon = -1}), ValueError);
  CHECK_THROWS_AS(optim::Adam({.beta_1 = 1}), ValueError);
  CHECK_THROWS_AS(optim::Adam({.beta_2 = -0.1}), ValueError);
  CHECK_THROWS_AS(optim::SGD({.momentum = 0.5, .dampening = 0.1}), ValueError);
  CHECK_THROWS_AS(optim::SGD({.momentum = 0.5, .nesterov = true, .rate_outside = true, .dampening = 0.1}), ValueError);
  CHECK_THROWS_AS(optim::AdamW({.weight_decay = -1}), ValueError);
  CHECK_THROWS_AS(optim::Adamax({.epsilon = -1}), ValueError);
  CHECK_THROWS_AS(optim::Nadam({.momentum_decay = -1}), ValueError);
  CHECK_THROWS_AS(optim::RAdam({.beta_2 = 1}), ValueError);
  CHECK_THROWS_AS(optim::Adagrad({.initial_accumulator_value = -1}), ValueError);
  CHECK_THROWS_AS(optim::Adagrad({.lr_decay = -1}), ValueError);
  CHECK_THROWS_AS(optim::Adadelta({.rho = 1}), ValueError);
  CHECK_THROWS_AS(optim::Ftrl({.learning_rate_power = 0.5}), ValueError);
  CHECK_THROWS_AS(optim::Ftrl({.l1_regularization_strength = -1}), ValueError);
  CHECK_THROWS_AS(optim::Lion({.beta_1 = 1}), ValueError);
  CHECK_THROWS_AS(optim::Rprop({.eta_plus = 0.9}), ValueError);
  CHECK_THROWS_AS(optim::Rprop({.smallest_step = 2, .largest_step = 1}), ValueError);
}

TEST_CASE("optimisers by name") {
  for (const char* name :
       {"sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "radam", "adagrad", "adadelta", "ftrl", "lion", "rprop"})
    CHECK(optim::make(name)->name() == name);
  CHECK(optim::make("sgd")->learning_rate() == 0.01);
  CHECK(optim::make("rmsprop")->learning_rate() == 0.001);
  CHECK(optim::make("adam")->learning_rate() == 0.001);
  CHECK_THROWS_AS(optim::make("adagrad_typo"), ValueError);
  const std::string message = message_of([] { optim::make("Adam"); });
  for (const char* part : {"\"Adam\"", "sgd", "rmsprop", "adam"}) CHECK(contains(message, part));
  CHECK_THROWS_AS(optim::Spec("nothing"), ValueError);
}

TEST_CASE("a Spec gives independent optimisers") {
  optim::SGD sgd({.learning_rate = 0.5});
  const optim::Spec spec = sgd;
  const auto one = spec.create(), other = spec.create();
  one->set_learning_rate(0.1);
  CHECK(other->learning_rate() == 0.5);
  CHECK(sgd.learning_rate() == 0.5);
  CHECK(optim::Spec("adam").create()->name() == "adam");
}

TEST_CASE("copies and saved states continue exactly where the original stands") {
  for (const Recurrence& row : recurrences()) {
    CAPTURE(row.name);
    const Variable p(Tensor({1.0, -2.0, 0.5})), q(Tensor({1.0, -2.0, 0.5})), r(Tensor({1.0, -2.0, 0.5}));
    const Tensor g({0.3, -0.1, 2.0});
    const auto original = row.make({});
    for (int t = 0; t < 3; ++t) original->apply_gradients({g}, {p});
    q.assign(p);
    r.assign(p);

    const auto saved = original->state({p});
    const auto copy = original->clone();
    const auto restored = row.make({});
    restored->load_state(saved, {r});
    CHECK(restored->iterations() == 3);

    for (int t = 0; t < 3; ++t) original->apply_gradients({g}, {p});
    // The copy's state belongs to p: bring p's value back to step 3 and go on with the copy.
    const std::vector<double> expected = p.value().to_vector<double>();
    p.assign(q);
    for (int t = 0; t < 3; ++t) copy->apply_gradients({g}, {p});
    CHECK(p.value().to_vector<double>() == expected);
    for (int t = 0; t < 3; ++t) restored->apply_gradients({g}, {r});
    CHECK(r.value().to_vector<double>() == expected);
    CHECK(saved.at("iterations").item<int64_t>() == 3);
  }
}

TEST_CASE("states that do not fit are refused and change nothing") {
  const Variable p(Tensor({1.0, 2.0}));
  optim::Adam adam;
  adam.apply_gradients({Tensor({1.0, 1.0})}, {p});
  const auto good = adam.state({p});
  CHECK(good.size() == 4);

  const auto refuses = [&](auto&& change, auto kind) {
    auto state = good;
    change(state);
    CHECK_THROWS_AS(adam.load_state(state, {p}), decltype(kind));
    CHECK(adam.iterations() == 1);
  };
  refuses([](auto& s) { s.erase("iterations"); }, ValueError(""));
  refuses([](auto& s) { s.erase("0.momentum"); }, ValueError(""));
  refuses([](auto& s) { s.erase("0.velocity"); }, ValueError(""));
  refuses([](auto& s) { s["0.velocity"] = Tensor({1.0, 2.0, 3.0}); }, ShapeError(""));
  refuses([](auto& s) { s["0.velocity"] = Tensor({1.0f, 2.0f}); }, DTypeError(""));
  refuses([](auto& s) { s["1.velocity"] = Tensor({1.0, 2.0}); }, ValueError(""));
  refuses([](auto& s) { s["iterations"] = Tensor(int64_t{-1}); }, ValueError(""));
  adam.load_state(good, {p});
}

namespace {

/// As in the header of optim/optimizer.h.
struct HeavyBall : optim::Optimizer {
  HeavyBall() : Optimizer("HeavyBall", 0.1, {{"velocity"}}, {}) {}
  std::string_view name() const override { return "heavy_ball"; }
  std::unique_ptr<Optimizer> clone() const override { return std::make_unique<HeavyBall>(*this); }
  void update(const Step& step, const Variable& p, std::span<const Variable> slots, const Tensor& g) override {
    slots[0].assign(0.9 * slots[0].value() + g);
    p.assign_sub(step.rate * slots[0].value());
  }
};

}  // namespace

TEST_CASE("an optimiser of one's own steps, saves and trains like the others, even under a tape") {
  const Variable p(1.0);
  HeavyBall ball;
  GradientTape tape;
  double x = 1, v = 0;
  for (int t = 0; t < 5; ++t) {
    ball.apply_gradients({Tensor(0.5 + t)}, {p});
    v = 0.9 * v + 0.5 + t;
    x -= 0.1 * v;
    CHECK(std::abs(p.item<double>() - x) < 1e-14);
  }
  CHECK(ball.state({p}).at("0.velocity").item<double>() == doctest::Approx(v).epsilon(1e-14));
  CHECK(optim::Spec(ball).create()->name() == "heavy_ball");
}
