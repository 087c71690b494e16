#include "tests/bench/measure.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/bench/instructions.h"

namespace gradus::bench {
namespace {

constexpr int kEpisode = 10;

double clock_ns(clockid_t id) {
  timespec t{};
  clock_gettime(id, &t);
  return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

double quantile(std::vector<double> v, double q) {
  if (v.empty()) return 0;
  std::sort(v.begin(), v.end());
  return v[std::min(v.size() - 1, static_cast<size_t>(static_cast<double>(v.size()) * q))];
}

// The difference of two readings per rep as a member, or nothing where nothing was counted.
std::string per_rep(const char* name, int64_t before, int64_t after, size_t reps) {
  if (before < 0 || after < 0 || reps == 0) return "";
  return std::string("\"") + name + "\":" + std::to_string((after - before) / static_cast<int64_t>(reps)) + ",";
}

}  // namespace

double now_ns() { return clock_ns(CLOCK_MONOTONIC); }

void measure(const std::string& name, const Workload& w, const Options& options) {
  std::vector<double> wall, cpu;          // per rep; with one thread, CPU time below wall time means that the core was shared
  const InstructionCounter instructions;  // before the first rep, which may start threads
  const double first = w.rep();
  double grad = 0, tenth = 0;
  Memory before, after;
  int64_t first_instruction = -1, last_instruction = -1;
  if (w.own_ns) {
    wall.push_back(w.own_ns());
  } else {
    if (w.grad_sum) grad = w.grad_sum();
    if (options.reset_peak) options.reset_peak();  // before the warm-up: pools may keep memory in proportion to the peak
    if (w.reset) {
      for (int i = 1; i < kEpisode; ++i) tenth = w.rep();
      w.reset();
    }
    int64_t n = 0;
    for (const double begin = now_ns(); n < 2 || (options.fixed_reps == 0 && now_ns() - begin < 0.3e9); ++n) {
      w.rep();
      if (w.reset && n % kEpisode == kEpisode - 1) w.reset();
    }
    if (w.reset) w.reset();
    if (options.memory) before = options.memory();
    first_instruction = instructions.read();
    double total = 0;
    for (n = 0; options.fixed_reps ? n < options.fixed_reps : (n < 15 || total < options.min_seconds * 1e9); ++n) {
      const double c0 = clock_ns(CLOCK_PROCESS_CPUTIME_ID), t0 = now_ns();
      w.rep();
      wall.push_back(now_ns() - t0);
      cpu.push_back(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - c0);
      total += wall.back();
      if (w.reset && n % kEpisode == kEpisode - 1) w.reset();
    }
    last_instruction = instructions.read();
    if (options.memory) after = options.memory();
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf("{\"peer\":\"%s\",\"workload\":\"%s\",\"threads\":%d,", w.peer.c_str(), name.c_str(), options.threads);
  std::printf("\"median_ns\":%.0f,\"min_ns\":%.0f,\"p90_ns\":%.0f,\"cpu_median_ns\":%.0f,\"reps\":%zu,", quantile(wall, 0.5),
              quantile(wall, 0), quantile(wall, 0.9), quantile(cpu, 0.5), wall.size());
  std::printf("\"unit_work\":\"%s\",\"checksum\":%.9g,\"checksum_grad\":%.9g,\"loss10\":%.9g,", w.unit.c_str(), first, grad,
              tenth);
  std::printf("%s", per_rep("instructions", first_instruction, last_instruction, wall.size()).c_str());
  if (options.memory && !w.own_ns)
    std::printf("\"system_allocations\":%lld,%s\"peak_bytes\":%lld,",
                static_cast<long long>(after.system_allocations - before.system_allocations),
                per_rep("allocations", before.heap_allocations, after.heap_allocations, wall.size()).c_str(),
                static_cast<long long>(after.peak_bytes));
  std::printf("\"maxrss_kb\":%ld%s}\n", usage.ru_maxrss, w.extra ? w.extra().c_str() : "");
  std::fflush(stdout);
}

std::vector<float> filled_values(int64_t n, double seed, double scale) {
  std::vector<float> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i)
    values[static_cast<size_t>(i)] = static_cast<float>(std::sin(0.1 * static_cast<double>(i) + seed) * scale);
  return values;
}

std::vector<int64_t> label_values(int64_t n, int64_t classes) {
  std::vector<int64_t> values(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) values[static_cast<size_t>(i)] = (7 * i + 3) % classes;
  return values;
}

std::vector<float> glorot_values(std::mt19937& generator, int64_t out, int64_t in) {
  const double limit = std::sqrt(6.0 / static_cast<double>(out + in));
  std::vector<float> values(static_cast<size_t>(out * in));
  for (float& v : values) v = static_cast<float>((2.0 * static_cast<double>(generator()) / 4294967296.0 - 1.0) * limit);
  return values;
}

void shuffle(std::span<int64_t> order, std::mt19937& generator) {
  for (size_t i = order.size(); i-- > 1;) std::swap(order[i], order[generator() % (i + 1)]);
}

std::string training_members(double train_ns, double test_accuracy) {
  char text[96];
  std::snprintf(text, sizeof text, ",\"train_seconds\":%.4f,\"test_accuracy\":%.4f", train_ns * 1e-9, test_accuracy);
  return text;
}

}  // namespace gradus::bench
