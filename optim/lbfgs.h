// LBFGS: the limited-memory quasi-Newton method (Nocedal 1980; Liu and Nocedal 1989), for a loss over all the data.
//
//   optim::LBFGS lbfgs({.line_search = optim::LineSearch::strong_wolfe});
//   lbfgs.minimize([&] { return mean(square(model(x) - y)); }, model.trainable_variables());
//
// Its step asks for the loss several times, so it takes a function instead of gradients and is no Optimizer. It computes in
// float64 whatever the dtypes of the variables. It remembers the step lengths and gradient changes of the last iterations; a copy
// has them too. One thread at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "autograd/variable.h"

namespace gradus::optim {

enum class LineSearch : uint8_t { none, strong_wolfe };

/// Names and defaults of PyTorch.
struct LBFGSOptions {
  double learning_rate = 1;  // length of a step without line search, and the first length the line search tries
  int64_t max_iter = 20;     // iterations of one step()
  std::optional<int64_t> max_eval =
      std::nullopt;                // evaluations of one step(): max_iter * 5 / 4; not interrupted in a line search
  double tolerance_grad = 1e-7;    // done when no element of the gradient is larger
  double tolerance_change = 1e-9;  // done when neither the variables nor the loss change by more
  int64_t history_size = 100;
  LineSearch line_search = LineSearch::none;
};

/// A loss (one number) and its gradients, one per variable.
struct Evaluation {
  Tensor loss;
  std::vector<Tensor> gradients;
};

class LBFGS {
 public:
  using Options = LBFGSOptions;
  /// ValueError for options out of range.
  explicit LBFGS(Options options = {});

  /// Up to max_iter iterations. `closure` evaluates at the present values of `variables`, which it must not change itself.
  /// Returns the loss at the start. ValueError, ShapeError and DTypeError as Optimizer::apply_gradients for gradients that do not
  /// fit, and ShapeError for a loss that is not one number. Frozen variables stay. If the closure throws, the variables are back
  /// at the last accepted point.
  double step(const std::function<Evaluation()>& closure, const std::vector<Variable>& variables);
  /// The same with the loss alone; differentiates it.
  double minimize(const std::function<Tensor()>& loss, const std::vector<Variable>& variables);

  /// Of all steps: accepted iterations, and calls of the closure.
  int64_t iterations() const { return iterations_; }
  int64_t evaluations() const { return evaluations_; }

  /// What an iteration accepted: f and the slope f' along the direction, before and after. For those who watch.
  struct Accepted {
    double length, loss_before, slope_before, loss_after, slope_after;
  };
  const std::optional<Accepted>& last_accepted() const { return accepted_; }

  /// The complete state by name: "iterations", "evaluations" (int64) and, once there is an iteration, "direction", "gradient",
  /// "length", "scale", "steps" and "changes" (float64; the history as rows).
  std::map<std::string, Tensor> state() const;
  /// Puts back what state() gave. ValueError for an unknown or absent entry, ShapeError for entries that do not fit each other;
  /// nothing changes then.
  void load_state(const std::map<std::string, Tensor>& state);

 private:
  class Problem;
  struct Point;

  void choose_direction(const Point& at);
  double search(Problem& problem, const Point& at, double length, double slope, Point& next);

  Options options_;
  int64_t iterations_ = 0, evaluations_ = 0;
  Tensor direction_, gradient_;         // of the last iteration
  double length_ = 0;                   // along direction_
  double scale_ = 1;                    // of the initial inverse Hessian
  std::deque<Tensor> steps_, changes_;  // of the variables and of the gradient, oldest first
  std::optional<Accepted> accepted_;
};

}  // namespace gradus::optim
