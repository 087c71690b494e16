#include "optim/lbfgs.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "optim/checks.h"

namespace gradus::optim {
namespace {

// Of the strong Wolfe conditions (Nocedal and Wright, "Numerical optimization", 2006, chapter 3.1), and of the search for them.
constexpr double kDecrease = 1e-4, kCurvature = 0.9;
constexpr int kMostTrials = 25;

double scalar_product(const Tensor& a, const Tensor& b) { return sum(a * b).item<double>(); }
double largest(const Tensor& x) { return x.size() == 0 ? 0 : max(abs(x)).item<double>(); }

}  // namespace

struct LBFGS::Point {
  double loss = 0;
  Tensor gradient;  // flat, float64
};

/// The variables as one vector.
class LBFGS::Problem {
 public:
  Problem(const std::function<Evaluation()>& closure, const std::vector<Variable>& variables, int64_t& evaluations)
      : closure_(closure), variables_(variables), evaluations_(evaluations) {
    std::vector<Tensor> parts;
    for (const Variable& variable : variables)
      if (variable.trainable()) parts.push_back(flat(variable.value()));
    if (parts.empty())
      fail<ValueError>("LBFGS", "nothing to train; got ", variables.size(), " variables, expected a trainable one");
    x_ = concat(parts);
  }

  int64_t size() const { return x_.size(); }

  /// Evaluates at x + step; the variables stay there. Back at x if the closure throws.
  Point at(const Tensor& step) {
    set(x_ + step);
    try {
      return here();
    } catch (...) {
      set(x_);
      throw;
    }
  }

  Point here() {
    ++evaluations_;
    const Evaluation evaluation = closure_();
    const NoRecord pause;
    if (evaluation.gradients.size() != variables_.size())
      fail<ValueError>("LBFGS", "lists of different lengths; got ", evaluation.gradients.size(),
                       " gradients, expected one for each of ", variables_.size(), " variables");
    std::vector<Tensor> parts;
    for (size_t i = 0; i < variables_.size(); ++i) {
      if (!variables_[i].trainable()) continue;
      check_gradient("LBFGS", evaluation.gradients[i], variables_[i], i);
      parts.push_back(flat(evaluation.gradients[i]));
    }
    return {evaluation.loss.item<double>(), concat(parts)};
  }

  /// Makes x + step the point to go on from.
  void accept(const Tensor& step) { set(x_ = x_ + step); }

 private:
  static Tensor flat(const Tensor& x) { return x.reshape({-1}).astype(DType::float64); }

  void set(const Tensor& x) {
    int64_t begin = 0;
    for (const Variable& variable : variables_) {
      if (!variable.trainable()) continue;
      const int64_t end = begin + variable.size();
      variable.assign(x.slice({Slice(begin, end)}).reshape(variable.shape()).astype(variable.dtype()));
      begin = end;
    }
  }

  const std::function<Evaluation()>& closure_;
  const std::vector<Variable>& variables_;
  int64_t& evaluations_;
  Tensor x_;
};

LBFGS::LBFGS(Options options) : options_(options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_range("LBFGS", "learning_rate", options.learning_rate, std::numeric_limits<double>::min(), kInfinity);
  check_range("LBFGS", "tolerance_grad", options.tolerance_grad, 0, kInfinity);
  check_range("LBFGS", "tolerance_change", options.tolerance_change, 0, kInfinity);
  const auto check_count = [](std::string_view what, int64_t count) {
    if (count < 1) fail<ValueError>("LBFGS", what, " out of range; got ", count, ", expected >= 1");
  };
  check_count("max_iter", options.max_iter);
  check_count("max_eval", options.max_eval.value_or(1));
  check_count("history_size", options.history_size);
}

/// The gradient times the approximate inverse Hessian, by the two loops of Nocedal (1980).
void LBFGS::choose_direction(const Point& at) {
  if (!direction_.defined()) {
    direction_ = -at.gradient;
    return;
  }
  const Tensor change = at.gradient - gradient_, step = direction_ * length_;
  const double curvature = scalar_product(change, step);
  if (curvature > 1e-10) {
    if (std::ssize(steps_) == options_.history_size) {
      steps_.pop_front();
      changes_.pop_front();
    }
    steps_.push_back(step);
    changes_.push_back(change);
    scale_ = curvature / scalar_product(change, change);
  }
  std::vector<double> rho(steps_.size()), alpha(steps_.size());
  Tensor q = -at.gradient;
  for (size_t i = steps_.size(); i-- > 0;) {
    rho[i] = 1 / scalar_product(changes_[i], steps_[i]);
    alpha[i] = scalar_product(steps_[i], q) * rho[i];
    q = q - alpha[i] * changes_[i];
  }
  direction_ = q * scale_;
  for (size_t i = 0; i < steps_.size(); ++i)
    direction_ = direction_ + (alpha[i] - scalar_product(changes_[i], direction_) * rho[i]) * steps_[i];
}

/// A length that satisfies the strong Wolfe conditions: Nocedal and Wright's algorithms 3.5 and 3.6.
double LBFGS::search(Problem& problem, const Point& at, double length, double slope, Point& next) {
  struct Trial {
    double length, loss, slope;
    Point point;
  };
  const Trial start{0, at.loss, slope, at};
  int trials = 0;
  const auto attempt = [&](double t) {
    ++trials;
    Point point = problem.at(direction_ * t);
    return Trial{t, point.loss, scalar_product(point.gradient, direction_), point};
  };
  const auto too_high = [&](const Trial& trial, const Trial& than) {
    return !(trial.loss <= start.loss + kDecrease * trial.length * start.slope) || (than.length > 0 && trial.loss >= than.loss);
  };
  const auto flat = [&](const Trial& trial) { return std::abs(trial.slope) <= -kCurvature * start.slope; };
  // The minimum of the cubic through two trials, kept between low and high; their middle where there is none.
  const auto interpolate = [](const Trial& a, const Trial& b, double low, double high) {
    const double d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.length - b.length);
    const double root = std::copysign(std::sqrt(d1 * d1 - a.slope * b.slope), b.length - a.length);
    const double t = b.length - (b.length - a.length) * (b.slope + root - d1) / (b.slope - a.slope + 2 * root);
    return std::isfinite(t) ? std::clamp(t, low, high) : (low + high) / 2;
  };

  // Longer steps, until one is good or goes too far.
  Trial low = start, high = attempt(length);
  for (; trials < kMostTrials && !too_high(high, low); high = attempt(length)) {
    if (flat(high)) {
      next = high.point;
      return high.length;
    }
    if (high.slope >= 0) {
      std::swap(low, high);
      break;
    }
    length = interpolate(low, high, 1.1 * high.length, 10 * high.length);
    low = high;
  }
  // Between a length low enough and one too far.
  while (trials < kMostTrials && std::abs(high.length - low.length) * largest(direction_) > options_.tolerance_change) {
    const auto [left, right] = std::minmax(low.length, high.length);
    const double margin = 0.1 * (right - left);
    const Trial trial = attempt(interpolate(low, high, left + margin, right - margin));
    if (too_high(trial, low) || (low.length == 0 && !(trial.loss < low.loss))) {
      high = trial;
      continue;
    }
    if (flat(trial)) {
      next = trial.point;
      return trial.length;
    }
    if (trial.slope * (high.length - low.length) >= 0) high = low;
    low = trial;
  }
  next = low.point;
  return low.length;
}

double LBFGS::step(const std::function<Evaluation()>& closure, const std::vector<Variable>& variables) {
  const NoRecord pause;
  Problem problem(closure, variables, evaluations_);
  if (direction_.defined() && direction_.size() != problem.size())
    fail<ShapeError>("LBFGS", "other variables than before; got ", problem.size(), " numbers, expected ", direction_.size());
  const int64_t first = evaluations_, most = options_.max_eval.value_or(options_.max_iter * 5 / 4);
  Point at = problem.here();
  const double initial = at.loss;
  if (largest(at.gradient) <= options_.tolerance_grad) return initial;

  for (int64_t iteration = 1; iteration <= options_.max_iter; ++iteration) {
    const bool fresh = !direction_.defined();
    choose_direction(at);
    ++iterations_;
    gradient_ = at.gradient;
    length_ = options_.learning_rate * (fresh ? std::min(1.0, 1 / sum(abs(at.gradient)).item<double>()) : 1);
    const double slope = scalar_product(at.gradient, direction_);
    if (slope > -options_.tolerance_change) break;

    Point next = at;
    bool evaluated = true;
    if (options_.line_search == LineSearch::strong_wolfe) {
      length_ = search(problem, at, length_, slope, next);
    } else if (iteration < options_.max_iter) {
      next = problem.at(direction_ * length_);
    } else {
      evaluated = false;  // nobody would look at it
    }
    problem.accept(direction_ * length_);
    if (!evaluated) break;
    accepted_ = {length_, at.loss, slope, next.loss, scalar_product(next.gradient, direction_)};
    const double change = std::abs(next.loss - at.loss);
    at = next;
    if (evaluations_ - first >= most || largest(at.gradient) <= options_.tolerance_grad ||
        largest(direction_ * length_) <= options_.tolerance_change || change < options_.tolerance_change)
      break;
  }
  return initial;
}

double LBFGS::minimize(const std::function<Tensor()>& loss, const std::vector<Variable>& variables) {
  const auto evaluate = [&]() -> Evaluation {
    GradientTape tape;
    const Tensor value = loss();
    return {value, tape.gradient(value, variables)};
  };
  return step(evaluate, variables);
}

std::map<std::string, Tensor> LBFGS::state() const {
  std::map<std::string, Tensor> out{{"iterations", Tensor(iterations_)}, {"evaluations", Tensor(evaluations_)}};
  if (!direction_.defined()) return out;
  const auto rows = [&](const std::deque<Tensor>& list) {
    return list.empty() ? zeros({0, direction_.size()}, DType::float64) : stack(std::vector<Tensor>(list.begin(), list.end()));
  };
  out.emplace("direction", direction_);
  out.emplace("gradient", gradient_);
  out.emplace("length", Tensor(length_));
  out.emplace("scale", Tensor(scale_));
  out.emplace("steps", rows(steps_));
  out.emplace("changes", rows(changes_));
  return out;
}

void LBFGS::load_state(const std::map<std::string, Tensor>& state) {
  constexpr std::string_view op = "load_state";
  const bool started = state.contains("direction");
  if (state.size() != (started ? 8U : 2U))
    fail<ValueError>(op, "not the state of an LBFGS; got ", state.size(), " entries, expected ", started ? 8 : 2);
  const auto entry = [&](const char* name) -> const Tensor& {
    const auto found = state.find(name);
    if (found == state.end()) fail<ValueError>(op, "incomplete state; got no \"", name, "\", expected one");
    return found->second;
  };
  LBFGS loaded(options_);
  loaded.iterations_ = entry("iterations").item<int64_t>();
  loaded.evaluations_ = entry("evaluations").item<int64_t>();
  if (started) {
    const auto fitting = [&](const char* name, const Shape& shape) {
      if (entry(name).shape() != shape)
        fail<ShapeError>(op, "\"", name, "\" does not fit the others; got ", entry(name).shape(), ", expected ", shape);
      return entry(name).astype(DType::float64);
    };
    const int64_t size = entry("direction").size(), count = entry("steps").ndim() == 2 ? entry("steps").shape()[0] : 0;
    loaded.direction_ = fitting("direction", {size});
    loaded.gradient_ = fitting("gradient", {size});
    loaded.length_ = fitting("length", {}).item<double>();
    loaded.scale_ = fitting("scale", {}).item<double>();
    const Tensor steps = fitting("steps", {count, size}), changes = fitting("changes", {count, size});
    for (int64_t i = 0; i < count; ++i) {
      loaded.steps_.push_back(steps[i]);
      loaded.changes_.push_back(changes[i]);
    }
  }
  *this = loaded;
}

}  // namespace gradus::optim
