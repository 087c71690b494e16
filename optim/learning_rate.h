// LearningRate: what the option `learning_rate` takes: a number, or a schedule, that is, anything that gives the rate of a step.
//
//   optim::SGD sgd({.learning_rate = 0.01});
//   optim::SGD sgd({.learning_rate = optim::CosineDecay({.initial_learning_rate = 0.1, .decay_steps = 1000})});
//   optim::SGD sgd({.learning_rate = [](int64_t step) { return 0.1 / (1 + static_cast<double>(step)); }});
//
// A value: copies are independent. A schedule must give the same rate whenever it is asked about the same step, so that training
// that goes on from a saved state takes the same path.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <type_traits>
#include <utility>

namespace gradus::optim {

class LearningRate {
 public:
  /// ValueError unless finite and >= 0.
  LearningRate(double value);
  template <class F>
  requires(!std::same_as<F, LearningRate> && std::is_invocable_r_v<double, const F&, int64_t>) LearningRate(F schedule)
      : schedule_(std::move(schedule)) {}

  /// The rate of the step that `step` steps precede. ValueError when a schedule gives a number that is not finite or < 0.
  double at(int64_t step) const;
  bool is_schedule() const { return schedule_ != nullptr; }

 private:
  double value_ = 0;
  std::function<double(int64_t)> schedule_;
};

}  // namespace gradus::optim
