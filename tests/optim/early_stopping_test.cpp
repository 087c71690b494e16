// EarlyStopping: scenarios worked out by hand from Keras' rules.
#include <doctest/doctest.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "optim/early_stopping.h"

using namespace gradus;

namespace {

using optim::EarlyStopping;
using optim::Mode;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Scenario {
  std::string name;
  EarlyStopping::Options options;
  std::vector<double> values;
  std::optional<int64_t> stops_at;  // epoch, from 0; none: never
  int64_t best_epoch;
};

const std::vector<Scenario>& scenarios() {
  static const std::vector<Scenario> all{
      {"always better", {}, {5, 4, 3, 2}, {}, 3},
      {"patience 0 stops at the first that is not", {}, {5, 4, 4}, 2, 1},
      {"never in epoch 0", {}, {kNaN}, {}, 0},
      {"patience 2 allows one bad epoch", {.patience = 2}, {5, 6, 4, 6, 6}, 4, 2},
      {"patience counts epochs in a row", {.patience = 2}, {5, 6, 4, 6, 3, 6}, {}, 4},
      {"patience 1 is the same as 0", {.patience = 1}, {5, 6}, 1, 0},
      {"min_delta: smaller steps do not count", {.min_delta = 0.5}, {5, 4.6}, 1, 0},
      {"min_delta: the step must be larger, not equal", {.min_delta = 0.5}, {5, 4.5}, 1, 0},
      {"min_delta: larger steps do", {.min_delta = 0.5}, {5, 4.25, 3.5}, {}, 2},
      {"min_delta's sign does not matter", {.min_delta = -0.5}, {5, 4.6}, 1, 0},
      {"small steps add up against the same best", {.patience = 3, .min_delta = 0.5}, {5, 4.7, 4.4, 4.1}, {}, 2},
      {"rising, by name", {.monitor = "val_accuracy"}, {0.5, 0.6, 0.6}, 2, 1},
      {"rising, by mode", {.monitor = "score", .mode = Mode::max}, {1, 2, 1}, 2, 1},
      {"rising with min_delta", {.monitor = "accuracy", .min_delta = 0.1}, {0.5, 0.55}, 1, 0},
      {"falling, by mode", {.monitor = "score", .mode = Mode::min}, {1, 2}, 1, 0},
      {"baseline not reached: better epochs do not restart the waiting", {.patience = 3, .baseline = 1}, {5, 4, 3, 3}, 3, 2},
      {"baseline not reached, but no epoch fails to improve", {.patience = 3, .baseline = 1}, {5, 4, 3, 2}, {}, 3},
      {"baseline reached restarts it", {.patience = 3, .baseline = 4.5}, {5, 4, 4, 4, 4}, 4, 1},
      {"early epochs are ignored", {.start_from_epoch = 2}, {1, 9, 5, 4, 6}, 4, 3},
      {"ignored epochs do not count as the first", {.start_from_epoch = 2}, {1, 2, 3}, {}, 2},
      {"NaN is no improvement", {.patience = 2}, {5, kNaN, kNaN}, 2, 0},
      {"a first NaN stays the best", {.patience = 2}, {kNaN, 3, 2}, 2, 0},
      {"infinity improves to a number", {}, {std::numeric_limits<double>::infinity(), 7}, {}, 1},
  };
  return all;
}

}  // namespace

TEST_CASE("early stopping: when it stops and what is best") {
  for (const Scenario& s : scenarios()) {
    CAPTURE(s.name);
    EarlyStopping stopping(s.options);
    std::optional<int64_t> stopped;
    int64_t epoch = 0;
    for (const double value : s.values) {
      if (stopping.update(value, {})) {
        stopped = epoch;
        break;
      }
      ++epoch;
    }
    CHECK(stopped == s.stops_at);
    CHECK(stopping.stopped_epoch() == s.stops_at);
    CHECK(stopping.best_epoch() == s.best_epoch);
  }
}

TEST_CASE("early stopping puts the best weights back") {
  const Variable w(0.0);
  const std::vector<double> values{3, 1, 2, 2};
  const auto run = [&](EarlyStopping& stopping) {
    for (size_t epoch = 0; epoch < values.size(); ++epoch) {
      w.assign(Tensor(static_cast<double>(epoch)));
      if (stopping.update(values[epoch], {w})) return true;
    }
    return false;
  };

  SUBCASE("when it stops") {
    EarlyStopping stopping({.patience = 2, .restore_best_weights = true});
    CHECK(run(stopping));
    CHECK(w.item<double>() == 1);
  }
  SUBCASE("at the end when it did not") {
    EarlyStopping stopping({.patience = 5, .restore_best_weights = true});
    CHECK_FALSE(run(stopping));
    CHECK(w.item<double>() == 3);
    CHECK(stopping.restore());
    CHECK(w.item<double>() == 1);
  }
  SUBCASE("only if asked") {
    EarlyStopping stopping({.patience = 2});
    CHECK(run(stopping));
    CHECK(w.item<double>() == 3);
    CHECK_FALSE(stopping.restore());
  }
  SUBCASE("after reset everything starts anew") {
    EarlyStopping stopping({.patience = 2, .restore_best_weights = true});
    CHECK(run(stopping));
    stopping.reset();
    CHECK(stopping.epoch() == 0);
    CHECK_FALSE(stopping.best().has_value());
    CHECK_FALSE(stopping.stopped_epoch().has_value());
    CHECK_FALSE(stopping.restore());
    CHECK(run(stopping));
    CHECK(w.item<double>() == 1);
  }
}

TEST_CASE("early stopping refuses what it cannot know") {
  CHECK_THROWS_AS(EarlyStopping({.monitor = "score"}), ValueError);
  CHECK_THROWS_AS(EarlyStopping({.patience = -1}), ValueError);
  CHECK_THROWS_AS(EarlyStopping({.min_delta = kNaN}), ValueError);
  CHECK_THROWS_AS(EarlyStopping({.start_from_epoch = -1}), ValueError);
}
