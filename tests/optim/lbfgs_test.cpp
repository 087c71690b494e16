// LBFGS: where it goes, that it arrives, and that it keeps the strong Wolfe conditions on the way.
#include "optim/lbfgs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "autograd/ops.h"
#include "autograd/tape.h"

using namespace gradus;
using namespace gradus::optim;

namespace {

Tensor quadratic(const Variable& p) { return 0.5 * sum(Tensor({1.0, 5.0, 20.0}) * square(p.value())) + sum(sin(p.value())); }

Tensor rosenbrock(const Variable& x, const Variable& y) {
  return square(1.0 - x.value()) + 100.0 * square(y.value() - square(x.value()));
}

void check_close(const Variable& p, const std::vector<double>& expected, double tolerance) {
  const std::vector<double> got = p.value().to_vector<double>();
  for (size_t i = 0; i < expected.size(); ++i) CHECK(std::abs(got[i] - expected[i]) <= tolerance);
}

}  // namespace

TEST_CASE("without line search LBFGS goes where PyTorch 1.13 goes") {
  struct Row {
    LBFGSOptions options;
    int calls;
    std::vector<double> expected;
    int64_t evaluations;
  };
  const Row rows[] = {
      {{.max_iter = 6}, 1, {-0.64953933303722122, -0.13474629936799815, -0.046396009753094873}, 6},
      {{.max_iter = 3, .history_size = 2}, 3, {-0.83562528530229718, -0.11729614487864641, -0.16399819555779477}, 9},
      {{.learning_rate = 0.3, .max_iter = 6}, 1, {0.35722998377120047, -0.47981663804442204, -0.012084998716271575}, 6}};
  for (const Row& row : rows) {
    const Variable p(Tensor({1.0, -2.0, 0.5}));
    LBFGS lbfgs(row.options);
    for (int i = 0; i < row.calls; ++i) lbfgs.minimize([&] { return quadratic(p); }, {p});
    check_close(p, row.expected, 1e-12);
    CHECK(lbfgs.evaluations() == row.evaluations);
  }
}

TEST_CASE("with a line search it arrives, from variables of several shapes, frozen and empty ones among them") {
  const Variable x(Tensor({{-1.2}})), y(1.0), frozen(Tensor({5.0}), {.trainable = false}), empty(zeros({0}, DType::float64));
  LBFGS lbfgs({.max_iter = 100, .line_search = LineSearch::strong_wolfe});
  const auto loss = [&] { return sum(rosenbrock(x, y)) + sum(empty.value()); };
  CHECK(lbfgs.minimize(loss, {x, frozen, y, empty}) == doctest::Approx(24.2).epsilon(1e-12));
  CHECK(loss().item<double>() < 1e-8);
  CHECK(std::abs(y.item<double>() - 1) < 1e-4);
  CHECK(lbfgs.iterations() < 60);
  CHECK(frozen.item<double>() == 5);

  const Variable f(Tensor({1.0f, -2.0f, 0.5f}));
  LBFGS in_float({.max_iter = 50, .line_search = LineSearch::strong_wolfe});
  const auto of_float = [&] { return 0.5f * sum(square(f.value() - Tensor({3.0f, 1.0f, -4.0f}))); };
  in_float.minimize(of_float, {f});
  check_close(f, {3, 1, -4}, 1e-5);
}

TEST_CASE("accepted steps satisfy the strong Wolfe conditions") {
  const Variable x(-1.2), y(1.0);
  LBFGS lbfgs({.max_iter = 1, .tolerance_change = 0, .line_search = LineSearch::strong_wolfe});
  const auto value = [&] { return rosenbrock(x, y).item<double>(); };
  int accepted = 0;
  for (int i = 0; i < 60 && value() > 1e-12; ++i) {
    const double x0 = x.item<double>(), y0 = y.item<double>(), before = value();
    // The slopes along the step that was made, from the derivatives by hand.
    const auto slope_at = [](double u, double v, double du, double dv) {
      return (-2 * (1 - u) - 400 * u * (v - u * u)) * du + 200 * (v - u * u) * dv;
    };
    lbfgs.minimize([&] { return rosenbrock(x, y); }, {x, y});
    const double du = x.item<double>() - x0, dv = y.item<double>() - y0;
    const double first = slope_at(x0, y0, du, dv), last = slope_at(x.item<double>(), y.item<double>(), du, dv);
    CHECK(first < 0);
    CHECK(value() <= before + 1e-4 * first);
    CHECK(std::abs(last) <= 0.9 * std::abs(first));
    // The same as the optimiser reports, by its own length of the step.
    REQUIRE(lbfgs.last_accepted());
    CHECK(lbfgs.last_accepted()->loss_before == before);
    CHECK(lbfgs.last_accepted()->length * lbfgs.last_accepted()->slope_before == doctest::Approx(first));
    ++accepted;
  }
  CHECK(accepted > 10);
  CHECK(value() < 1e-12);
}

TEST_CASE("losses that are infinite or NaN far away do not stop the search") {
  const Variable p(Tensor({3.0}));
  LBFGS lbfgs({.learning_rate = 50, .max_iter = 50, .line_search = LineSearch::strong_wolfe});
  lbfgs.minimize([&] { return sum(p.value() - log(p.value())); }, {p});
  CHECK(std::abs(p.item<double>() - 1) < 1e-5);
}

TEST_CASE("a saved state goes on bit for bit") {
  for (const LineSearch search : {LineSearch::none, LineSearch::strong_wolfe}) {
    const LBFGSOptions options{.max_iter = 2, .history_size = 3, .line_search = search};
    const Variable p(Tensor({1.0, -2.0, 0.5})), q(Tensor({1.0, -2.0, 0.5}));
    LBFGS original(options), restored(options);
    restored.load_state(original.state());
    for (int i = 0; i < 2; ++i) original.minimize([&] { return quadratic(p); }, {p});
    q.assign(p);
    restored.load_state(original.state());
    for (int i = 0; i < 3; ++i) {
      original.minimize([&] { return quadratic(p); }, {p});
      restored.minimize([&] { return quadratic(q); }, {q});
      CHECK(p.value().to_vector<double>() == q.value().to_vector<double>());
      CHECK(original.evaluations() == restored.evaluations());
    }
  }
}

TEST_CASE("wrong closures, options and states are refused; the variables are where they were") {
  const Variable p(Tensor({1.0, 2.0})), frozen(1.0, {.trainable = false});
  LBFGS lbfgs;
  CHECK_THROWS_AS(lbfgs.step([&] { return Evaluation{Tensor(1.0), {}}; }, {p}), ValueError);
  CHECK_THROWS_AS(lbfgs.step([&] { return Evaluation{Tensor(1.0), {Tensor()}}; }, {p}), ValueError);
  CHECK_THROWS_AS(lbfgs.step([&] { return Evaluation{Tensor(1.0), {Tensor({1.0})}}; }, {p}), ShapeError);
  CHECK_THROWS_AS(lbfgs.step([&] { return Evaluation{Tensor(1.0), {Tensor({1.0f, 1.0f})}}; }, {p}), DTypeError);
  CHECK_THROWS_AS(lbfgs.step([&] { return Evaluation{p.value(), {p.value()}}; }, {p}), ShapeError);
  CHECK_THROWS_AS(lbfgs.minimize([&] { return sum(frozen.value()); }, {frozen}), ValueError);
  int calls = 0;
  const auto breaks = [&] {
    if (++calls == 2) fail<ValueError>("test", "enough; got 2 calls, expected 1");
    return Evaluation{sum(square(p.value())), {2.0 * p.value()}};
  };
  CHECK_THROWS_AS(lbfgs.step(breaks, {p}), ValueError);
  CHECK(p.value().to_vector<double>() == std::vector<double>{1, 2});

  const Variable other(Tensor({1.0, 2.0, 3.0}));
  LBFGS used;
  used.minimize([&] { return sum(square(p.value())); }, {p});
  CHECK_THROWS_AS(used.minimize([&] { return sum(square(other.value())); }, {other}), ShapeError);
  auto state = used.state();
  state.erase("length");
  CHECK_THROWS_AS(used.load_state(state), ValueError);
  state = used.state();
  state["gradient"] = Tensor({1.0});
  CHECK_THROWS_AS(used.load_state(state), ShapeError);
  state = used.state();
  state.erase("scale");
  state["more"] = Tensor(1.0);
  CHECK_THROWS_AS(used.load_state(state), ValueError);

  CHECK_THROWS_AS(LBFGS({.learning_rate = 0}), ValueError);
  CHECK_THROWS_AS(LBFGS({.max_iter = 0}), ValueError);
  CHECK_THROWS_AS(LBFGS({.max_eval = 0}), ValueError);
  CHECK_THROWS_AS(LBFGS({.tolerance_grad = -1}), ValueError);
  CHECK_THROWS_AS(LBFGS({.history_size = 0}), ValueError);
}
