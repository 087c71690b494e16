// The workloads, by name.
#pragma once

#include "tests/bench/harness.h"

namespace gradus::bench {

std::vector<NamedWorkload> graph_workloads();     // tensors and tapes alone
std::vector<NamedWorkload> training_workloads();  // models and optimisers
Workload subnormal_update();                      // one of them, with a file of its own

}  // namespace gradus::bench
