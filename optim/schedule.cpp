#include "optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "optim/checks.h"

namespace gradus::optim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void check_rate(std::string_view op, std::string_view what, double rate) { check_range(op, what, rate, 0, kInfinity); }

void check_steps(std::string_view op, std::string_view what, int64_t steps) {
  if (steps < 1) fail<ValueError>(op, what, " out of range; got ", steps, ", expected >= 1");
}

template <class Options>
Options checked(std::string_view op, Options options) {
  check_rate(op, "initial_learning_rate", options.initial_learning_rate);
  check_steps(op, "decay_steps", options.decay_steps);
  if constexpr (requires { options.decay_rate; }) check_rate(op, "decay_rate", options.decay_rate);
  if constexpr (requires { options.alpha; }) check_rate(op, "alpha", options.alpha);
  return options;
}

double ratio(int64_t step, int64_t steps) { return static_cast<double>(step) / static_cast<double>(steps); }

/// How many decays lie behind.
template <class Options>
double decays(const Options& options, int64_t step) {
  const double count = ratio(step, options.decay_steps);
  return options.staircase ? std::floor(count) : count;
}

/// From 1 at part 0 to 0 at part 1.
double half_cosine(double part) { return 0.5 * (1 + std::cos(std::numbers::pi * part)); }

}  // namespace

ExponentialDecay::ExponentialDecay(Options options) : options_(checked("ExponentialDecay", options)) {}

double ExponentialDecay::operator()(int64_t step) const {
  return options_.initial_learning_rate * std::pow(options_.decay_rate, decays(options_, step));
}

InverseTimeDecay::InverseTimeDecay(Options options) : options_(checked("InverseTimeDecay", options)) {}

double InverseTimeDecay::operator()(int64_t step) const {
  return options_.initial_learning_rate / (1 + options_.decay_rate * decays(options_, step));
}

PiecewiseConstantDecay::PiecewiseConstantDecay(Options options) : options_(std::move(options)) {
  constexpr std::string_view op = "PiecewiseConstantDecay";
  const auto& [boundaries, values] = options_;
  if (values.size() != boundaries.size() + 1)
    fail<ValueError>(op, "lists do not fit each other; got ", values.size(), " values for ", boundaries.size(),
                     " boundaries, expected ", boundaries.size() + 1, " values");
  const auto falling = std::adjacent_find(boundaries.begin(), boundaries.end(), std::greater_equal<>());
  if (falling != boundaries.end())
    fail<ValueError>(op, "boundaries do not rise; got ", falling[1], " after ", falling[0], ", expected a larger step");
  for (const double value : values) check_rate(op, "value", value);
}

double PiecewiseConstantDecay::operator()(int64_t step) const {
  const auto& boundaries = options_.boundaries;
  const auto passed = std::lower_bound(boundaries.begin(), boundaries.end(), step) - boundaries.begin();
  return options_.values[static_cast<size_t>(passed)];
}

PolynomialDecay::PolynomialDecay(Options options) : options_(checked("PolynomialDecay", options)) {
  check_rate("PolynomialDecay", "end_learning_rate", options.end_learning_rate);
  check_range("PolynomialDecay", "power", options.power, 0, kInfinity);
}

double PolynomialDecay::operator()(int64_t step) const {
  const auto& [initial, decay_steps, end, power, cycle] = options_;
  const double periods = cycle ? std::max(1.0, std::ceil(ratio(step, decay_steps))) : 1;
  const double part = std::min(1.0, ratio(step, decay_steps) / periods);
  return (initial - end) * std::pow(1 - part, power) + end;
}

CosineDecay::CosineDecay(Options options) : options_(checked("CosineDecay", options)) {
  check_rate("CosineDecay", "warmup_target", options.warmup_target.value_or(0));
  if (options.warmup_steps < 0)
    fail<ValueError>("CosineDecay", "warmup_steps out of range; got ", options.warmup_steps, ", expected >= 0");
}

double CosineDecay::operator()(int64_t step) const {
  const auto& [initial, decay_steps, alpha, warmup_target, warmup_steps] = options_;
  const double top = warmup_target.value_or(initial);
  if (warmup_target) {
    if (step < warmup_steps) return initial + (top - initial) * ratio(step, warmup_steps);
    step -= warmup_steps;
  }
  return top * ((1 - alpha) * half_cosine(std::min(1.0, ratio(step, decay_steps))) + alpha);
}

CosineDecayRestarts::CosineDecayRestarts(Options options) : options_(options) {
  constexpr std::string_view op = "CosineDecayRestarts";
  check_rate(op, "initial_learning_rate", options.initial_learning_rate);
  check_steps(op, "first_decay_steps", options.first_decay_steps);
  check_range(op, "t_mul", options.t_mul, 1, kInfinity);
  check_range(op, "m_mul", options.m_mul, 0, kInfinity);
  check_rate(op, "alpha", options.alpha);
}

double CosineDecayRestarts::operator()(int64_t step) const {
  const auto& [initial, first_decay_steps, t_mul, m_mul, alpha] = options_;
  double part = ratio(step, first_decay_steps), restarts = 0;  // part: of the current period
  if (t_mul == 1) {
    restarts = std::floor(part);
    part -= restarts;
  } else {
    for (; part >= 1; ++restarts) part = (part - 1) / t_mul;
  }
  return initial * ((1 - alpha) * std::pow(m_mul, restarts) * half_cosine(part) + alpha);
}

OneCycle::OneCycle(Options options) : options_(options) {
  constexpr std::string_view op = "OneCycle";
  check_rate(op, "max_learning_rate", options.max_learning_rate);
  check_steps(op, "total_steps", options.total_steps);
  check_range(op, "pct_start", options.pct_start, 0, std::nextafter(1.0, 2.0));
  check_range(op, "div_factor", options.div_factor, std::numeric_limits<double>::min(), kInfinity);
  check_range(op, "final_div_factor", options.final_div_factor, std::numeric_limits<double>::min(), kInfinity);
}

double OneCycle::operator()(int64_t step) const {
  const double top = options_.max_learning_rate, initial = top / options_.div_factor, last = initial / options_.final_div_factor;
  const double end = static_cast<double>(options_.total_steps - 1);
  const double peak = std::min(end, options_.pct_start * static_cast<double>(options_.total_steps) - 1);
  const double middle = options_.three_phase ? std::min(end, 2 * peak) : peak;
  const double at = static_cast<double>(std::min(step, options_.total_steps - 1));
  const auto between = [&](double from, double to, double begin, double stop) {
    const double part = stop > begin ? (at - begin) / (stop - begin) : 1;
    return options_.linear ? from + (to - from) * part : to + (from - to) * half_cosine(part);
  };
  if (at <= peak) return between(initial, top, 0, peak);
  if (at <= middle) return between(top, initial, peak, middle);
  return between(options_.three_phase ? initial : top, last, std::max(middle, 0.0), end);
}

WarmUp::WarmUp(Options options) : options_(std::move(options)) {
  check_steps("WarmUp", "steps", options_.steps);
  check_rate("WarmUp", "start", options_.start);
}

double WarmUp::operator()(int64_t step) const {
  const auto& [steps, start, then] = options_;
  return step < steps ? start + (then.at(0) - start) * ratio(step, steps) : then.at(step - steps);
}

}  // namespace gradus::optim
