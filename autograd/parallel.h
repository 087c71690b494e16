// Threads: one OpenMP pool for everything, and one knob.
#pragma once

#include <cstdint>

namespace gradus {

/// Threads used inside one operation, BLAS included; n >= 1 (ValueError). Starts at OMP_NUM_THREADS or the number of cores.
void set_num_threads(int n);
int num_threads();

}  // namespace gradus
