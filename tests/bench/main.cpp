// gradus_bench: the workloads that the library is held to, one JSON line each.
#include <hwy/targets.h>
#include <CLI/CLI.hpp>
#include <cstdio>

#include "tests/bench/workloads.h"
#include "tests/memory/heap_count.h"

int main(int argc, char** argv) {
  using namespace gradus::bench;
  Options options{.memory =
                      [] {
                        const gradus::memory::Stats stats = gradus::memory::stats();
                        return Memory{.system_allocations = stats.system_allocations,
                                      .heap_allocations = gradus::testing::heap_allocations(),
                                      .peak_bytes = stats.peak_bytes};
                      },
                  .reset_peak = gradus::memory::reset_peak};
  std::vector<std::string> only;
  bool list = false, avx2 = false;
  CLI::App app("Runs the benchmark workloads and prints one JSON line per workload.");
  app.add_option("--threads", options.threads, "threads inside one operation")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--only", only, "names of workloads to run")->delimiter(',');
  app.add_option("--reps", options.fixed_reps, "exactly so many repetitions (0: at least 15 and --secs)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--secs", options.min_seconds, "seconds per workload")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--avx2", avx2, "no vectors wider than AVX2, so that instruction counts agree between machines");
  app.add_flag("--list", list, "print the names and stop");
  CLI11_PARSE(app, argc, argv);
  if (avx2) hwy::DisableTargets(HWY_AVX2 - 1);  // better targets have lower bits

  std::vector<NamedWorkload> all = graph_workloads();
  for (auto& w : training_workloads()) all.push_back(std::move(w));
  try {
    gradus::set_num_threads(options.threads);
    for (const std::string& name : only)
      if (std::none_of(all.begin(), all.end(), [&](const NamedWorkload& w) { return w.first == name; })) {
        std::fprintf(stderr, "bench: unknown workload; got %s, expected one of --list\n", name.c_str());
        return 2;
      }
    for (const auto& [name, make] : all) {
      if (list) std::printf("%s\n", name.c_str());
      else if (only.empty() || std::find(only.begin(), only.end(), name) != only.end()) measure(name, make(), options);
    }
  } catch (const gradus::Error& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
