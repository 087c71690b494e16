// Every optimiser in its variants, next to its published recurrence written out as plain loops over doubles.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "optim/optim.h"

namespace gradus::test {

using Values = std::vector<double>;

/// What one element carries from step to step: the parameter and up to three states.
struct State {
  double p, a, b, c;
};

struct Recurrence {
  std::string name;
  std::function<std::unique_ptr<optim::Optimizer>(const optim::CommonOptions& common)> make;
  std::function<void(State& x, double g, int t)> step;  // t from 1
  double a = 0, b = 0;                                  // where the states start
};

const std::vector<Recurrence>& recurrences();

}  // namespace gradus::test
