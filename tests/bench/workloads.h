// The workloads, by name.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/bench/harness.h"

namespace gradus::bench {

using NamedWorkload = std::pair<std::string, std::function<Workload()>>;

std::vector<NamedWorkload> graph_workloads();     // tensors and tapes alone
std::vector<NamedWorkload> training_workloads();  // models and optimisers

}  // namespace gradus::bench
