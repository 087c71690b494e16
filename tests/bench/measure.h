// The measuring part of the benchmark, which knows no library: ours and its peers are timed by the same code.
//
// A rep includes everything a user pays: forward, backward, update, freeing, reading the loss into a float. Warm-up is at least
// 0.3 s and 2 reps, then at least 15 reps and 2 s. Training steps go back to their initial state, untimed, after every 10 reps:
// repeated steps on one batch would drive the optimiser's state into subnormal numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace gradus::bench {

/// What a library counts about its memory.
struct Memory {
  int64_t system_allocations = 0;  // requests of its pools to the system, so far
  int64_t heap_allocations = 0;    // calls of operator new, so far
  int64_t peak_bytes = 0;          // since the last call of reset_peak
};

struct Options {
  int threads = 1;
  int64_t fixed_reps = 0;  // 0: by time; else exactly so many after 2 to warm up, so that instructions can be counted
  double min_seconds = 2;
  std::function<Memory()> memory = {};  // where the library counts
  std::function<void()> reset_peak = {};
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
using NamedWorkload = std::pair<std::string, std::function<Workload()>>;

/// Nanoseconds of a monotonic clock.
double now_ns();
/// Runs one workload and prints its JSON line.
void measure(const std::string& name, const Workload& workload, const Options& options);

/// The inputs of every implementation: element i, row-major, is float(sin(0.1 i + seed) * scale); label i is (7 i + 3) mod
/// classes.
std::vector<float> filled_values(int64_t n, double seed, double scale);
std::vector<int64_t> label_values(int64_t n, int64_t classes);

// What mnist_epochs draws and reports, the same on both sides.
std::vector<float> glorot_values(std::mt19937& generator, int64_t out, int64_t in);  // [out, in], uniform
void shuffle(std::span<int64_t> order, std::mt19937& generator);                     // Fisher and Yates, from the end
std::string training_members(double train_ns, double test_accuracy);                 // JSON

}  // namespace gradus::bench
