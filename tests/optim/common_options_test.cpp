// What every optimiser can do around its update, against loops by hand.
#include "optim/common_options.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.h"
#include "tests/optim/recurrences.h"

using namespace gradus;
using namespace gradus::test;
using namespace gradus::optim;

namespace {

constexpr double kClose = 1e-14;

Values values(const Variable& v) { return v.value().to_vector<double>(); }

bool close(const Values& a, const Values& b, double tolerance = kClose) {
  bool same = a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) same = std::abs(a[i] - b[i]) <= tolerance;
  return same;
}

/// One step of plain gradient descent at rate 1 with `common`, from a = [1, -2], b = 3, with gradients [3, -0.5] and 4.
std::pair<Values, Values> one_step(const CommonOptions& common) {
  const Variable a(Tensor({1.0, -2.0}), {.name = "hidden.kernel"}), b(3.0, {.name = "hidden.bias"});
  SGD sgd({.learning_rate = 1}, common);
  sgd.apply_gradients({Tensor({3.0, -0.5}), Tensor(4.0)}, {a, b});
  return {values(a), values(b)};
}

}  // namespace

TEST_CASE("clipping by value, by norm and by the norm of all") {
  auto [a, b] = one_step({.clip_value = 1});
  CHECK(close(a, {1 - 1, -2 + 0.5}));
  CHECK(close(b, {3 - 1}));

  const double norm_a = std::sqrt(9.25), norm = std::sqrt(9.25 + 16);
  std::tie(a, b) = one_step({.clip_norm = 2});
  CHECK(close(a, {1 - 3 * 2 / norm_a, -2 + 0.5 * 2 / norm_a}));
  CHECK(close(b, {3 - 2}));
  std::tie(a, b) = one_step({.clip_norm = 3.5});  // a is shorter
  CHECK(close(a, {1 - 3, -2 + 0.5}));
  CHECK(close(b, {3 - 3.5}));

  std::tie(a, b) = one_step({.global_clip_norm = 2});
  CHECK(close(a, {1 - 3 * 2 / norm, -2 + 0.5 * 2 / norm}));
  CHECK(close(b, {3 - 4 * 2 / norm}));
  std::tie(a, b) = one_step({.global_clip_norm = 100});
  CHECK(close(a, {1 - 3, -2 + 0.5}));
}

TEST_CASE("a global norm that is not finite makes every gradient NaN, as in Keras") {
  const Variable a(1.0), b(2.0);
  SGD sgd({}, {.global_clip_norm = 1});
  sgd.apply_gradients({Tensor(1.0), Tensor(std::numeric_limits<double>::infinity())}, {a, b});
  CHECK(std::isnan(a.item<double>()));
  CHECK(std::isnan(b.item<double>()));
}

TEST_CASE("large float32 and float16 gradients are clipped by their true norm") {
  const Variable a(Tensor({0.0f, 0.0f})), h(zeros({2}, DType::float16));
  SGD({.learning_rate = 1}, {.global_clip_norm = 5}).apply_gradients({Tensor({3e25f, 4e25f})}, {a});
  CHECK(close(values(a), {-3, -4}, 1e-5));
  SGD({.learning_rate = 1}, {.clip_norm = 5}).apply_gradients({Tensor({3e4f, 4e4f}).astype(DType::float16)}, {h});
  CHECK(close(values(h), {-3, -4}, 1e-2));
}

TEST_CASE("frozen variables are no part of the norm") {
  const Variable a(1.0), frozen(1.0, {.trainable = false});
  SGD({.learning_rate = 1}, {.global_clip_norm = 2}).apply_gradients({Tensor(1.0), Tensor(1e9)}, {a, frozen});
  CHECK(a.item<double>() == 0);
  CHECK(frozen.item<double>() == 1);
}

TEST_CASE("decay is decoupled, l2 belongs to the gradient and is not clipped; names exclude") {
  auto [a, b] = one_step({.weight_decay = 0.1});
  CHECK(close(a, {1 - 0.1 - 3, -2 + 0.2 + 0.5}));
  CHECK(close(b, {3 - 0.3 - 4}));
  std::tie(a, b) = one_step({.l2 = 0.1, .clip_value = 1});
  CHECK(close(a, {1 - (1 + 0.1), -2 - (-0.5 - 0.2)}));
  CHECK(close(b, {3 - (1 + 0.3)}));
  std::tie(a, b) = one_step({.weight_decay = 0.1, .l2 = 0.01});  // l2 sees the parameter before the decay
  CHECK(close(a, {0.9 - 3.01, -1.8 + 0.52}));
  std::tie(a, b) = one_step({.weight_decay = 0.1, .no_decay = {"bias", "gamma"}});
  CHECK(close(a, {1 - 0.1 - 3, -2 + 0.2 + 0.5}));
  CHECK(close(b, {3 - 4}));

  // Decoupled decay does not pass through Adam's moments; l2 does.
  for (const bool decoupled : {true, false}) {
    const Variable p(1.0);
    double x = 1, m = 0, v = 0;
    Adam adam({.learning_rate = 0.1}, decoupled ? CommonOptions{.weight_decay = 0.5} : CommonOptions{.l2 = 0.5});
    for (int t = 1; t <= 20; ++t) {
      const double g = std::sin(t) + x, whole = decoupled ? g : g + 0.5 * x;
      if (decoupled) x -= x * 0.5 * 0.1;
      m = 0.9 * m + 0.1 * whole;
      v = 0.999 * v + (1 - 0.999) * whole * whole;
      adam.apply_gradients({Tensor(g)}, {p});
      x -= 0.1 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t)) * m / (std::sqrt(v) + 1e-7);
      CHECK(std::abs(p.item<double>() - x) < 1e-12);
    }
  }
}

TEST_CASE("groups have rates and decays of their own; the first that claims a variable has it") {
  const Variable w(Tensor({1.0}), {.name = "w"}), b(Tensor({1.0}), {.name = "out.bias"}), x(Tensor({1.0}), {.name = "x.bias"});
  SGD sgd({.learning_rate = 1}, {.weight_decay = 0.1,
                                 .groups = {{.variables = {x}, .learning_rate_multiplier = 0},
                                            {.names = {"bias"}, .learning_rate_multiplier = 2, .weight_decay = 0, .l2 = 3}}});
  sgd.apply_gradients({Tensor({1.0}), Tensor({1.0}), Tensor({1.0})}, {w, b, x});
  CHECK(close(values(w), {0.9 - 1}));
  CHECK(close(values(b), {1 - 2 * (1 + 3)}));
  CHECK(close(values(x), {1}));
  sgd.set_learning_rate(0.5);
  sgd.apply_gradients({Tensor({0.0}), Tensor({1.0}), Tensor({1.0})}, {w, b, x});
  CHECK(close(values(w), {-0.1 * 0.95}));
  CHECK(close(values(b), {-7 - 1 * (1 - 21)}));
}

TEST_CASE("several gradients make a step of their mean") {
  const Variable p(Tensor({1.0, 2.0}));
  SGD sgd({.learning_rate = 1, .momentum = 0.5}, {.weight_decay = 0.1, .clip_value = 1, .accumulate_steps = 3});
  Values x{1, 2}, v{0, 0}, sum{0, 0};
  for (int t = 1; t <= 12; ++t) {
    const Values g{0.3 * t, 1.0 / t}, before = values(p);
    sgd.apply_gradients({Tensor(g)}, {p});
    for (size_t i = 0; i < 2; ++i) sum[i] += g[i];
    if (t % 3 != 0) {
      CHECK(values(p) == before);
      continue;
    }
    for (size_t i = 0; i < 2; ++i) {
      x[i] -= x[i] * 0.1;
      v[i] = 0.5 * v[i] - std::min(1.0, sum[i] / 3);
      x[i] += v[i];
      sum[i] = 0;
    }
    CHECK(close(values(p), x));
    CHECK(sgd.iterations() == t / 3);
  }
}

TEST_CASE("averages: the first step copies, later ones mix; overwriting; swapping") {
  const Variable p(1.0);
  SGD sgd({.learning_rate = 1}, {.use_ema = true, .ema_momentum = 0.75});
  double x = 1, mean = 0;
  for (int t = 1; t <= 6; ++t) {
    const double g = std::cos(t);
    sgd.apply_gradients({Tensor(g)}, {p});
    x -= g;
    mean = t == 1 ? x : 0.75 * mean + 0.25 * x;
    CHECK(std::abs(p.item<double>() - x) < kClose);
    CHECK(std::abs(sgd.state({p}).at("0.average").item<double>() - mean) < kClose);
  }
  {
    const UseAverages averages(sgd, {p});
    CHECK(std::abs(p.item<double>() - mean) < kClose);
    CHECK(sgd.averages_swapped());
    CHECK_THROWS_AS(sgd.apply_gradients({Tensor(1.0)}, {p}), ValueError);
    CHECK_THROWS_AS(sgd.state({p}), ValueError);
  }
  CHECK(std::abs(p.item<double>() - x) < kClose);
  sgd.finalize({p});
  CHECK(std::abs(p.item<double>() - mean) < kClose);

  const Variable q(1.0);
  SGD overwriting({.learning_rate = 1}, {.use_ema = true, .ema_momentum = 0.5, .ema_overwrite_frequency = 2});
  const Values path{0, -0.5, -1.5, -1.5};  // 0; mean of 0 and -1; -1.5, mean -1; mean of -1 and -2.5 is -1.75
  for (int t = 0; t < 3; ++t) {
    overwriting.apply_gradients({Tensor(1.0)}, {q});
    CHECK(q.item<double>() == path[static_cast<size_t>(t)]);
  }
  overwriting.apply_gradients({Tensor(1.0)}, {q});
  CHECK(q.item<double>() == 0.5 * (0.5 * -0.5 + 0.5 * -1.5) + 0.5 * -2.5);

  SGD plain;
  CHECK_THROWS_AS(plain.swap_averages({p}), ValueError);
  plain.finalize({p});
}

TEST_CASE("every optimiser with every extra goes on from a saved state bit for bit") {
  const CommonOptions extras[] = {{},
                                  {.weight_decay = 0.1, .no_decay = {"bias"}, .clip_value = 0.5},
                                  {.l2 = 0.01, .global_clip_norm = 1, .use_ema = true, .ema_overwrite_frequency = 3},
                                  {.clip_norm = 0.7,
                                   .use_ema = true,
                                   .ema_momentum = 0.9,
                                   .accumulate_steps = 3,
                                   .groups = {{.names = {"bias"}, .learning_rate_multiplier = 0.5}}}};
  const auto gradient = [](int t, double offset) {
    return Tensor({std::sin(t + offset), std::cos(2.0 * t + offset), offset - 0.5 * t});
  };
  for (const Recurrence& row : recurrences())
    for (const CommonOptions& common : extras)
      for (const DType dtype : {DType::float64, DType::float32, DType::float16}) {
        if (common.weight_decay != 0 && row.name.starts_with("adamw")) continue;  // it has its own
        CAPTURE(row.name);
        const auto variables = [&] {
          const Tensor start = Tensor({1.0, -2.0, 0.5}).astype(dtype);
          return std::vector<Variable>{Variable(start, {.name = "kernel"}), Variable(start, {.name = "bias"})};
        };
        const std::vector<Variable> p = variables(), q = variables();
        const auto step = [&](Optimizer& optimizer, int t, const std::vector<Variable>& list) {
          optimizer.apply_gradients({gradient(t, 0.2).astype(dtype), gradient(t, 1.1).astype(dtype)}, list);
        };
        const auto original = row.make(common), restored = row.make(common);
        int t = 0;
        while (t < 7) step(*original, t++, p);
        for (size_t i = 0; i < p.size(); ++i) q[i].assign(p[i]);
        const auto saved = original->state(p);
        const auto copy = original->clone();
        for (int k = t; k < 15; ++k) step(*original, k, p);
        restored->load_state(saved, q);
        CHECK(restored->iterations() == 7 / common.accumulate_steps);
        for (int k = t; k < 15; ++k) step(*restored, k, q);
        const auto end = original->state(p), other = restored->state(q);
        CHECK(end.size() == other.size());
        for (const auto& [name, value] : end) {
          CAPTURE(name);
          CHECK(value.to_vector<double>() == other.at(name).to_vector<double>());
        }
        const Values expected = values(p[0]), expected_bias = values(p[1]);
        CHECK(values(q[0]) == expected);
        CHECK(values(q[1]) == expected_bias);
        // The copy's state belongs to p: bring back the values of the saved moment, and go on with the copy.
        const auto again = row.make(common);
        for (size_t i = 0; i < p.size(); ++i) p[i].assign(variables()[i]);
        for (int k = 0; k < t; ++k) step(*again, k, p);
        for (int k = t; k < 15; ++k) step(*copy, k, p);
        CHECK(values(p[0]) == expected);
      }
}

TEST_CASE("states of other extras are refused and change nothing") {
  const Variable p(Tensor({1.0, 2.0}));
  SGD sgd({.momentum = 0.5}, {.use_ema = true, .accumulate_steps = 2});
  for (int i = 0; i < 3; ++i) sgd.apply_gradients({Tensor({1.0, 1.0})}, {p});
  const auto good = sgd.state({p});
  CHECK(good.size() == 6);
  for (const char* absent : {"accumulated_steps", "0.velocity", "0.average", "0.accumulated_gradient"}) {
    auto state = good;
    state.erase(absent);
    CHECK_THROWS_AS(sgd.load_state(state, {p}), ValueError);
  }
  for (const int64_t steps : {-1, 2}) {
    auto state = good;
    state["accumulated_steps"] = Tensor(steps);
    CHECK_THROWS_AS(sgd.load_state(state, {p}), ValueError);
  }
  auto state = good;
  state["learning_rate"] = Tensor(-1.0);
  CHECK_THROWS_AS(sgd.load_state(state, {p}), ValueError);
  CHECK_THROWS_AS(SGD({.momentum = 0.5}).load_state(good, {p}), ValueError);
  CHECK(sgd.iterations() == 1);
  sgd.load_state(good, {p});

  // A schedule goes on from the iterations, whatever rate was saved.
  SGD scheduled({.learning_rate = [](int64_t step) { return 1.0 / static_cast<double>(step + 1); }});
  scheduled.load_state({{"iterations", Tensor(int64_t{3})}, {"learning_rate", Tensor(0.7)}}, {p});
  CHECK(scheduled.learning_rate() == 0.25);
}

TEST_CASE("common options out of range are refused") {
  const auto refused = [](const CommonOptions& common) { CHECK_THROWS_AS(SGD({}, common), ValueError); };
  refused({.weight_decay = -1});
  refused({.l2 = std::nan("")});
  refused({.clip_value = 0});
  refused({.clip_norm = -1});
  refused({.global_clip_norm = std::nan("")});
  refused({.clip_value = 1, .clip_norm = 1});
  refused({.clip_norm = 1, .global_clip_norm = 1});
  refused({.use_ema = true, .ema_momentum = 1.5});
  refused({.ema_overwrite_frequency = -1});
  refused({.accumulate_steps = 0});
  refused({.groups = {{}}});
  refused({.groups = {{.names = {"w"}, .learning_rate_multiplier = -1}}});
  refused({.groups = {{.names = {"w"}, .weight_decay = -1}}});
  refused({.groups = {{.names = {"w"}, .l2 = -1}}});
  CHECK_THROWS_AS(AdamW({}, {.weight_decay = 0.1}), ValueError);
}

TEST_CASE("norms and clipping on one's own") {
  std::vector<Tensor> gradients{Tensor({1.0, 2.0}), Tensor(), Tensor({{-3.0}})};
  CHECK(global_norm(gradients) == doctest::Approx(std::sqrt(14)).epsilon(1e-14));
  CHECK(global_norm({}) == 0);
  CHECK(clip_grad_norm(gradients, 1.5) == doctest::Approx(3.7416573867739413).epsilon(1e-14));
  // PyTorch's clip_grad_norm_ of the same.
  CHECK(close(gradients[0].to_vector<double>(), {0.40089175572580804, 0.80178351145161608}));
  CHECK(close(gradients[2].to_vector<double>(), {-1.2026752671774241}));
  CHECK_FALSE(gradients[1].defined());
  const Values before = gradients[0].to_vector<double>();
  clip_grad_norm(gradients, 100);
  CHECK(gradients[0].to_vector<double>() == before);
  std::vector<Tensor> infinite{Tensor({std::numeric_limits<double>::infinity(), 1.0})};
  CHECK_THROWS_AS(clip_grad_norm(infinite, 1, {.error_if_nonfinite = true}), ValueError);
  CHECK(infinite[0].to_vector<double>()[1] == 1);
  CHECK_THROWS_AS(clip_grad_norm(gradients, 0), ValueError);
}

TEST_CASE("wrong calls change nothing, whatever the extras") {
  const Variable a(Tensor({1.0, 2.0}), {.name = "a"}), b(Tensor({3.0}), {.name = "b"});
  for (const int64_t every : {1, 3}) {
    Adam adam({}, {.weight_decay = 0.1, .global_clip_norm = 1, .use_ema = true, .accumulate_steps = every});
    const Tensor good({1.0, 1.0});
    CHECK_THROWS_AS(adam.apply_gradients({good, good}, {a, b}), ShapeError);
    CHECK_THROWS_AS(adam.apply_gradients({good, Tensor()}, {a, b}), ValueError);
    CHECK(values(a) == Values{1, 2});
    CHECK(adam.iterations() == 0);
    if (every > 1) CHECK(adam.state({a}).at("accumulated_steps").item<int64_t>() == 0);
  }
  Ftrl ftrl({.learning_rate = 0}, {.weight_decay = 0.1});
  CHECK_THROWS_AS(ftrl.apply_gradients({Tensor({1.0, 1.0})}, {a}), ValueError);
  CHECK(values(a) == Values{1, 2});
  CHECK(ftrl.iterations() == 0);
}
