// The workloads, by name.
#pragma once

#include "tests/bench/harness.h"

namespace gradus::bench {

std::vector<NamedWorkload> graph_workloads();     // tensors and tapes alone
std::vector<NamedWorkload> training_workloads();  // models and optimisers

}  // namespace gradus::bench
