// The measuring part of the benchmark: one JSON line per workload, in the format that the peers' programs print too.
//
// A rep includes everything a user pays: forward, backward, update, freeing, reading the loss into a float. Warm-up is at least
// 0.3 s and 2 reps, then at least 15 reps and 2 s. Training steps go back to their initial state, untimed, after every 10 reps:
// repeated steps on one batch would drive the optimiser's state into subnormal numbers.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.h"

namespace gradus::bench {

struct Options {
  int threads = 1;
  int64_t fixed_reps = 0;  // 0: by time
  double min_seconds = 2;
};

struct Workload {
  std::string unit;                         // what one rep is
  std::function<double()> rep;              // timed; returns the value a user would read
  std::function<double()> grad_sum = {};    // untimed, after the first rep: sum of |gradient|
  std::function<void()> reset = {};         // untimed, every 10 reps
  std::function<double()> own_ns = {};      // set: the rep times itself and runs once
  std::function<std::string()> extra = {};  // more JSON members
  std::string peer = "gradus";
};

/// Nanoseconds of a monotonic clock.
double now_ns();
/// Runs one workload and prints its line.
void measure(const std::string& name, const Workload& workload, const Options& options);

// Inputs, the same in every implementation: element i, row-major, is float(sin(0.1 i + seed) * scale); label i is (7 i + 3) mod
// classes.
Tensor filled(const Shape& shape, double seed, double scale = 1);
Tensor labels(int64_t n, int64_t classes);
double abs_sum(const std::vector<Tensor>& tensors);

}  // namespace gradus::bench
