// Schedules against tables of their formulas, at and around the boundaries.
#include "optim/schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

#include "autograd/ops.h"
#include "optim/sgd.h"

using namespace gradus;
using namespace gradus::optim;

namespace {

struct At {
  int64_t step;
  double rate;
};

void check(const std::function<double(int64_t)>& schedule, const std::vector<At>& table) {
  for (const At& row : table) {
    CAPTURE(row.step);
    CHECK(std::abs(schedule(row.step) - row.rate) <= 1e-15 + 1e-13 * std::abs(row.rate));
  }
}

double cosine(double part) { return (1 + std::cos(std::numbers::pi * part)) / 2; }

}  // namespace

TEST_CASE("exponential and inverse time decay") {
  check(ExponentialDecay({.initial_learning_rate = 0.2, .decay_steps = 10, .decay_rate = 0.5}),
        {{0, 0.2}, {5, 0.2 * std::sqrt(0.5)}, {10, 0.1}, {30, 0.025}});
  check(ExponentialDecay({.initial_learning_rate = 0.2, .decay_steps = 10, .decay_rate = 0.5, .staircase = true}),
        {{0, 0.2}, {9, 0.2}, {10, 0.1}, {19, 0.1}, {20, 0.05}});
  check(InverseTimeDecay({.initial_learning_rate = 0.2, .decay_steps = 4, .decay_rate = 0.5}),
        {{0, 0.2}, {1, 0.2 / 1.125}, {4, 0.2 / 1.5}, {8, 0.1}});
  check(InverseTimeDecay({.initial_learning_rate = 0.2, .decay_steps = 4, .decay_rate = 0.5, .staircase = true}),
        {{3, 0.2}, {4, 0.2 / 1.5}, {7, 0.2 / 1.5}, {8, 0.1}});
}

TEST_CASE("piecewise constant: a boundary belongs to what is before it") {
  check(PiecewiseConstantDecay({.boundaries = {3, 5}, .values = {1, 0.5, 0.1}}),
        {{0, 1}, {3, 1}, {4, 0.5}, {5, 0.5}, {6, 0.1}, {1000, 0.1}});
  check(PiecewiseConstantDecay({.values = {0.25}}), {{0, 0.25}, {9, 0.25}});
}

TEST_CASE("polynomial decay, once and in cycles") {
  check(PolynomialDecay({.initial_learning_rate = 0.1, .decay_steps = 10}),
        {{0, 0.1}, {5, 0.05005}, {10, 1e-4}, {11, 1e-4}, {99, 1e-4}});
  check(PolynomialDecay({.initial_learning_rate = 1, .decay_steps = 4, .end_learning_rate = 0, .power = 2}),
        {{1, 0.5625}, {2, 0.25}, {4, 0}});
  check(PolynomialDecay({.initial_learning_rate = 1, .decay_steps = 4, .end_learning_rate = 0, .cycle = true}),
        {{0, 1}, {4, 0}, {5, 1 - 5.0 / 8}, {8, 0}, {9, 1 - 9.0 / 12}});
}

TEST_CASE("cosine decay, with a warm-up and with a rest that stays") {
  check(CosineDecay({.initial_learning_rate = 0.4, .decay_steps = 8}),
        {{0, 0.4}, {2, 0.4 * cosine(0.25)}, {4, 0.2}, {8, 0}, {100, 0}});
  check(CosineDecay({.initial_learning_rate = 0.4, .decay_steps = 8, .alpha = 0.25}), {{4, 0.25}, {8, 0.1}, {9, 0.1}});
  check(CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 8, .warmup_target = 0.5, .warmup_steps = 4}),
        {{0, 0.1}, {1, 0.2}, {3, 0.4}, {4, 0.5}, {8, 0.25}, {12, 0}, {13, 0}});
  // As in Keras, no warm-up without a target.
  check(CosineDecay({.initial_learning_rate = 0.4, .decay_steps = 8, .warmup_steps = 4}), {{0, 0.4}, {4, 0.2}});
}

TEST_CASE("cosine decay with restarts") {
  check(CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 10}),
        {{0, 1}, {5, 0.5}, {9, cosine(0.9)}, {10, 1}, {20, 0.5}, {29, cosine(0.95)}, {30, 1}, {50, 0.5}, {70, 1}});
  check(CosineDecayRestarts({.initial_learning_rate = 1, .first_decay_steps = 10, .t_mul = 1, .m_mul = 0.5, .alpha = 0.2}),
        {{0, 1}, {5, 0.6}, {10, 0.8 * 0.5 + 0.2}, {15, 0.8 * 0.25 + 0.2}, {20, 0.8 * 0.25 + 0.2}, {1000000, 0.2}});
}

TEST_CASE("one cycle goes where PyTorch's goes") {
  check(OneCycle({.total_steps = 20}), {{0, 0.004},
                                        {1, 0.013167184270002533},
                                        {4, 0.090832815729997476},
                                        {5, 0.1},
                                        {6, 0.098746400623508743},
                                        {12, 0.050000200000000002},
                                        {18, 0.0012539993764912555},
                                        {19, 4e-07},
                                        {20, 4e-07},
                                        {99, 4e-07}});
  check(OneCycle({.total_steps = 20, .linear = true}),
        {{0, 0.004}, {1, 0.0232}, {5, 0.1}, {6, 0.092857171428571431}, {18, 0.0071432285714285726}});
  check(OneCycle({.total_steps = 20, .three_phase = true}), {{0, 0.004},
                                                             {5, 0.1},
                                                             {7, 0.066832815729997483},
                                                             {10, 0.004},
                                                             {11, 0.0038793973030476592},
                                                             {18, 0.00012100269695234054},
                                                             {19, 4e-07}});
  for (const double part : {0.0, 0.5, 1.0})
    for (const int64_t steps : {1, 2, 3})
      for (int64_t step = 0; step < 5; ++step) {
        const double rate = OneCycle({.total_steps = steps, .pct_start = part})(step);
        CHECK(rate >= 0);
        CHECK(rate <= 0.1);
      }
}

TEST_CASE("warm-up before a number and before a schedule") {
  check(WarmUp({.steps = 4, .then = 0.2}), {{0, 0}, {1, 0.05}, {3, 0.15}, {4, 0.2}, {50, 0.2}});
  check(WarmUp({.steps = 4,
                .start = 0.1,
                .then = ExponentialDecay({.initial_learning_rate = 0.5, .decay_steps = 2, .decay_rate = 0.5})}),
        {{0, 0.1}, {2, 0.3}, {4, 0.5}, {6, 0.25}});
}

TEST_CASE("an optimiser asks its schedule about the steps done") {
  const Variable p(0.0);
  SGD sgd({.learning_rate = PiecewiseConstantDecay({.boundaries = {1}, .values = {1, 0.5}})});
  std::vector<double> path;
  for (int t = 0; t < 4; ++t) {
    sgd.apply_gradients({Tensor(-1.0)}, {p});
    path.push_back(p.item<double>());
  }
  CHECK(path == std::vector<double>{1, 2, 2.5, 3});
  CHECK(sgd.learning_rate() == 0.5);
  CHECK_THROWS_AS(sgd.set_learning_rate(0.1), ValueError);
  SGD lambda({.learning_rate = [](int64_t step) { return step == 0 ? 1.0 : -1.0; }});
  lambda.apply_gradients({Tensor(-1.0)}, {p});
  CHECK(p.item<double>() == 4);
  CHECK_THROWS_AS(lambda.apply_gradients({Tensor(-1.0)}, {p}), ValueError);  // the schedule's rate is negative
  CHECK(p.item<double>() == 4);
  CHECK(lambda.iterations() == 1);
}

TEST_CASE("schedules out of range are refused") {
  CHECK_THROWS_AS(ExponentialDecay({.initial_learning_rate = -1}), ValueError);
  CHECK_THROWS_AS(ExponentialDecay({.decay_steps = 0}), ValueError);
  CHECK_THROWS_AS(ExponentialDecay({.decay_rate = -0.5}), ValueError);
  CHECK_THROWS_AS(InverseTimeDecay({.decay_steps = -3}), ValueError);
  CHECK_THROWS_AS(PiecewiseConstantDecay({.boundaries = {1}, .values = {1}}), ValueError);
  CHECK_THROWS_AS(PiecewiseConstantDecay({.boundaries = {2, 2}, .values = {1, 1, 1}}), ValueError);
  CHECK_THROWS_AS(PiecewiseConstantDecay({.values = {-1}}), ValueError);
  CHECK_THROWS_AS(PolynomialDecay({.end_learning_rate = std::nan("")}), ValueError);
  CHECK_THROWS_AS(PolynomialDecay({.power = -1}), ValueError);
  CHECK_THROWS_AS(CosineDecay({.alpha = -1}), ValueError);
  CHECK_THROWS_AS(CosineDecay({.warmup_target = -1}), ValueError);
  CHECK_THROWS_AS(CosineDecay({.warmup_steps = -1}), ValueError);
  CHECK_THROWS_AS(CosineDecayRestarts({.first_decay_steps = 0}), ValueError);
  CHECK_THROWS_AS(CosineDecayRestarts({.t_mul = 0.5}), ValueError);
  CHECK_THROWS_AS(OneCycle({.total_steps = 0}), ValueError);
  CHECK_THROWS_AS(OneCycle({.pct_start = 1.5}), ValueError);
  CHECK_THROWS_AS(OneCycle({.div_factor = 0}), ValueError);
  CHECK_THROWS_AS(WarmUp({.steps = 0}), ValueError);
  CHECK_THROWS_AS(WarmUp({.start = -1}), ValueError);
  CHECK_THROWS_AS(WarmUp({.then = -1}), ValueError);
}
