// Every optimiser against its published recurrence, written out as plain loops over doubles.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

constexpr int kSteps = 50;
constexpr size_t kSize = 7;
using Values = std::vector<double>;

/// A gradient that depends on the step and changes sign and size: nothing special about it.
double gradient_at(int t, size_t i) {
  return std::sin(0.7 * t + 1.3 * static_cast<double>(i)) * (1 + static_cast<double>(i)) + 0.1;
}

struct Row {
  std::string name;
  std::function<std::unique_ptr<optim::Optimizer>()> make;
  // One step of the recurrence: p, gradients, two state arrays, step number from 1.
  std::function<void(Values& p, const Values& g, Values& a, Values& b, int t)> step;
};

template <class O>
std::function<std::unique_ptr<optim::Optimizer>()> maker(typename O::Options options) {
  return [options] { return std::make_unique<O>(options); };
}

template <class F>
auto each(F f) {
  return [f](Values& p, const Values& g, Values& a, Values& b, int t) {
    for (size_t i = 0; i < p.size(); ++i) f(p[i], g[i], a[i], b[i], t);
  };
}

const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"sgd", maker<optim::SGD>({.learning_rate = 0.05}),
       each([](double& p, double g, double&, double&, int) { p -= 0.05 * g; })},
      {"sgd defaults", maker<optim::SGD>({}), each([](double& p, double g, double&, double&, int) { p -= 0.01 * g; })},
      {"momentum", maker<optim::SGD>({.learning_rate = 0.05, .momentum = 0.9}),
       each([](double& p, double g, double& v, double&, int) {
         v = 0.9 * v - 0.05 * g;
         p += v;
       })},
      {"nesterov", maker<optim::SGD>({.learning_rate = 0.05, .momentum = 0.8, .nesterov = true}),
       each([](double& p, double g, double& v, double&, int) {
         v = 0.8 * v - 0.05 * g;
         p += 0.8 * v - 0.05 * g;
       })},
      {"rmsprop defaults", maker<optim::RMSprop>({}), each([](double& p, double g, double& v, double&, int) {
         v = 0.9 * v + 0.1 * g * g;
         p -= 1e-3 * g / std::sqrt(v + 1e-7);
       })},
      {"rmsprop momentum", maker<optim::RMSprop>({.learning_rate = 0.01, .rho = 0.7, .momentum = 0.6, .epsilon = 1e-2}),
       each([](double& p, double g, double& v, double& m, int) {
         v = 0.7 * v + 0.3 * g * g;
         m = 0.6 * m + 0.01 * g / std::sqrt(v + 1e-2);
         p -= m;
       })},
      {"rmsprop PyTorch", maker<optim::RMSprop>({.learning_rate = 0.01, .rho = 0.99, .epsilon = 1e-2, .epsilon_inside = false}),
       each([](double& p, double g, double& v, double&, int) {
         v = 0.99 * v + 0.01 * g * g;
         p -= 0.01 * g / (std::sqrt(v) + 1e-2);
       })},
      {"adam defaults", maker<optim::Adam>({}), each([](double& p, double g, double& m, double& v, int t) {
         m = 0.9 * m + 0.1 * g;
         v = 0.999 * v + (1 - 0.999) * g * g;
         p -= 1e-3 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-7);
       })},
      {"adam PyTorch",
       maker<optim::Adam>({.learning_rate = 0.02, .beta_1 = 0.8, .beta_2 = 0.9, .epsilon = 0.05, .epsilon_hat = false}),
       each([](double& p, double g, double& m, double& v, int t) {
         m = 0.8 * m + (1 - 0.8) * g;
         v = 0.9 * v + (1 - 0.9) * g * g;
         p -= 0.02 / (1 - std::pow(0.8, t)) * m / (std::sqrt(v) / std::sqrt(1 - std::pow(0.9, t)) + 0.05);
       })},
  };
  return all;
}

Values start() {
  Values p(kSize);
  for (size_t i = 0; i < kSize; ++i) p[i] = 2 * std::cos(static_cast<double>(i)) + 0.25;
  return p;
}

/// The largest difference from the recurrence over all steps and elements.
double worst_difference(const Row& row, DType dtype) {
  Values p = start(), a(kSize), b(kSize), g(kSize);
  const Variable variable(Tensor(p, Shape{kSize}).astype(dtype));
  const std::unique_ptr<optim::Optimizer> optimizer = row.make();
  double worst = 0;
  for (int t = 1; t <= kSteps; ++t) {
    for (size_t i = 0; i < kSize; ++i) g[i] = gradient_at(t, i);
    row.step(p, g, a, b, t);
    optimizer->apply_gradients({Tensor(g, Shape{kSize}).astype(dtype)}, {variable});
    const Values got = variable.value().to_vector<double>();
    for (size_t i = 0; i < kSize; ++i) worst = std::max(worst, std::abs(got[i] - p[i]));
  }
  return worst;
}

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

TEST_CASE("optimisers follow their published recurrences for 50 steps") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    CHECK(worst_difference(row, DType::float64) < 1e-12);
    CHECK(worst_difference(row, DType::float32) < 2e-5);
  }
}

TEST_CASE("every optimiser goes downhill through tape, backward and step alike") {
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    const Variable a(Tensor({2.0, -1.0})), b(Tensor({2.0, -1.0}));
    const auto with_tape = row.make(), with_backward = row.make();
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
}

TEST_CASE("optimisers by name") {
  for (const char* name : {"sgd", "rmsprop", "adam"}) CHECK(optim::make(name)->name() == name);
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
  for (const Row& row : rows()) {
    CAPTURE(row.name);
    const Variable p(Tensor({1.0, -2.0, 0.5})), q(Tensor({1.0, -2.0, 0.5})), r(Tensor({1.0, -2.0, 0.5}));
    const Tensor g({0.3, -0.1, 2.0});
    const auto original = row.make();
    for (int t = 0; t < 3; ++t) original->apply_gradients({g}, {p});
    q.assign(p);
    r.assign(p);

    const auto saved = original->state({p});
    const auto copy = original->clone();
    const auto restored = row.make();
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
