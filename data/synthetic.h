// Small made-up problems for examples and tests: drawn from a seed, the same on every machine up to rounding. Safe from any
// thread.
#pragma once

#include <cstdint>

#include "data/dataset.h"

namespace gradus::data::synthetic {

/// "Will I pass this class?": x float32 [n, 2] = (lectures attended, 0 to 10 in whole numbers; hours spent on the final project,
/// 0 to 10), y float32 [n, 1] = 1 for a pass. The chance to pass is sigmoid(0.9 * (lectures - 4) + 0.9 * (hours - 5) + 1), so
/// 0.73 for 4 lectures and 5 hours. ValueError for n < 0.
TensorDataset will_i_pass(int64_t n, uint64_t seed = 0);

/// Two clouds of points in the plane, one line apart: normal around (0, 3) with y = 0 and around (3, 0) with y = 1, covariance
/// [[1, 0.5], [0.5, 1]]. x float32 [n, 2], y float32 [n, 1], the classes in turn. ValueError for n < 0.
TensorDataset two_clouds(int64_t n, uint64_t seed = 0);

/// Two spiral arms wound 1.5 turns around each other, radius 0 to 1, with normal noise: no line parts them. x float32 [n, 2],
/// y float32 [n, 1], the classes in turn. ValueError for n < 0 or noise < 0.
TensorDataset spirals(int64_t n, uint64_t seed = 0, double noise = 0.02);

}  // namespace gradus::data::synthetic
