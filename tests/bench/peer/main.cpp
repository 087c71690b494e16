// torch_bench: the workloads on libtorch, one JSON line each, for compare.
#include <ATen/Parallel.h>
#include <cblas.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/bench/peer/workloads.h"

int main(int argc, char** argv) {
  using namespace gradus::bench;
  Options options;
  std::string only;
  bool list = false;
  for (int i = 1; i < argc; ++i) {
    const std::string option = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--threads") options.threads = std::atoi(value), ++i;
    else if (option == "--only") only = value, ++i;
    else if (option == "--reps") options.fixed_reps = std::atoll(value), ++i;
    else if (option == "--secs") options.min_seconds = std::atof(value), ++i;
    else if (option == "--list") list = true;
    else return std::fprintf(stderr, "torch_bench: unknown option %s\n", option.c_str()), 2;
  }
  at::set_num_threads(options.threads);
  openblas_set_num_threads(options.threads);
  for (const auto& family : {peer::gradient_workloads(), peer::training_workloads(), peer::floor_workloads()})
    for (const auto& [name, make] : family) {
      if (list) std::printf("%s\n", name.c_str());
      else if (only.empty() || only == name) measure(name, make(), options);
    }
}
