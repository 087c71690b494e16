// Small made-up problems for examples and tests: drawn from a seed, the same on every machine up to rounding. Safe from any
// thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

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

/// A ring of radius 1 (y = 0) around one of radius `factor` (y = 1), with normal noise. x float32 [n, 2], y float32 [n, 1], the
/// classes in turn. ValueError for n < 0, noise < 0 or a factor outside [0, 1].
TensorDataset circles(int64_t n, uint64_t seed = 0, double noise = 0.05, double factor = 0.5);

/// Two half moons that reach into each other: (cos t, sin t) with y = 0 and (1 - cos t, 1/2 - sin t) with y = 1 for t in [0, pi],
/// with normal noise. x float32 [n, 2], y float32 [n, 1], the classes in turn. ValueError for n < 0 or noise < 0.
TensorDataset moons(int64_t n, uint64_t seed = 0, double noise = 0.1);

/// Exclusive or: points of the square [-1, 1] x [-1, 1], y = 1 where the signs of the coordinates differ; the strip |x| < 0.05 or
/// |y| < 0.05 between the quadrants is empty. x float32 [n, 2], y float32 [n, 1]. ValueError for n < 0.
TensorDataset quadrants(int64_t n, uint64_t seed = 0);

struct CurveOptions {
  double low = -1, high = 1;  // x is uniform in [low, high)
  double noise = 0.1;         // standard deviation of what is added to f(x)
  uint64_t seed = 0;
};

/// Points near the curve y = f(x), by growing x. x and y float32 [n, 1]. ValueError for n < 0, noise < 0 or low > high.
TensorDataset noisy_curve(const std::function<double(double)>& f, int64_t n, const CurveOptions& options = {});

/// A table with names.
struct Houses {
  Tensor x;                        // float32 [n, 13], each column in a unit of its own: normalise before learning
  Tensor y;                        // float32 [n], prices in thousands
  std::vector<std::string> names;  // of the columns
};

/// Made-up houses: area (m2, 40 to 240), bedrooms, bathrooms, age (years, 0 to 100), lot (m2), garage (0 or 1), km_to_centre (0
/// to 30), km_to_station (0 to 5), crime (per 100 inhabitants, skewed), school (0 to 10), noise_db (35 to 75), tax (per cent) and
/// energy (class 1 to 7). With z normal,
///
///   price = 40 + (1.1 + 0.12 school) area exp(-0.035 km_to_centre) + 12 bathrooms + 15 garage + 0.03 lot + 20 (age / 50 - 1)^2
///           - 6 km_to_station - 4 crime - 0.8 max(noise_db - 55, 0) - 3 energy + 12 z,   at least 20.
///
/// Bedrooms and tax have no influence of their own. Always the mean costs an absolute error of about 70, a linear model about 20,
/// and nothing can do better than 9.6, the mean of |12 z|. ValueError for n < 0.
Houses house_prices(int64_t n = 506, uint64_t seed = 0);

/// Texts and what they say.
struct Reviews {
  std::vector<std::string> texts;
  Tensor labels;  // float32 [n, 1]: 1 for a review that likes the film
};

/// Short made-up reviews of films, in English of a kind. A review mixes opinions: of its five or so, each agrees with the label
/// with a chance of 4 in 5, and one in ten says "not". It also names actors and places out of thousands, which mean nothing and
/// can be learnt by heart. So a bag of words reaches about 0.85 on new reviews and 1.0 on those it was trained on. The texts
/// depend on (seed, i) alone. ValueError for n < 0.
Reviews movie_reviews(int64_t n, uint64_t seed = 0);

/// Mean temperatures of n days in a row, from January 1st: 10 - 9 cos(2 pi (day - 20) / 365.25) plus weather, an autoregression
/// w[t] = 0.8 w[t - 1] + 2 z, z normal. float32 [n], degrees Celsius. The next day's best guess is off by 1.6 on average, "as
/// today" by 1.7. ValueError for n < 0.
Tensor daily_temperatures(int64_t n, uint64_t seed = 0);

}  // namespace gradus::data::synthetic
