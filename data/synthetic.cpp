#include "data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "autograd/random.h"

namespace gradus::data::synthetic {
namespace {

// Calls point(i, x, y) for each example, to fill in two coordinates and a label.
template <class F>
TensorDataset points(std::string_view op, int64_t n, const F& point) {
  if (n < 0) fail<ValueError>(op, "negative number of examples; got ", n, ", expected 0 or more");
  std::vector<float> xs(static_cast<size_t>(2 * n)), ys(static_cast<size_t>(n));
  for (size_t i = 0; i < ys.size(); ++i) point(i, &xs[2 * i], ys[i]);
  return {Tensor(xs, {n, 2}), Tensor(ys, {n, 1})};
}

std::vector<float> draw(Tensor (*distribution)(const Shape&, double, double, DType, random::Generator&), int64_t n,
                        random::Generator& generator) {
  return distribution({std::max<int64_t>(n, 0)}, 0, 1, DType::float32, generator).to_vector<float>();
}

}  // namespace

TensorDataset will_i_pass(int64_t n, uint64_t seed) {
  random::Generator generator(seed);
  const std::vector<float> lectures = draw(random::uniform, n, generator), hours = draw(random::uniform, n, generator),
                           luck = draw(random::uniform, n, generator);
  return points("will_i_pass", n, [&](size_t i, float* x, float& y) {
    x[0] = std::floor(11 * lectures[i]);
    x[1] = 10 * hours[i];
    const float logit = 0.9f * (x[0] - 4) + 0.9f * (x[1] - 5) + 1;
    y = luck[i] < 1 / (1 + std::exp(-logit)) ? 1.0f : 0.0f;
  });
}

TensorDataset two_clouds(int64_t n, uint64_t seed) {
  random::Generator generator(seed);
  const std::vector<float> u = draw(random::normal, n, generator), v = draw(random::normal, n, generator);
  return points("two_clouds", n, [&](size_t i, float* x, float& y) {
    y = static_cast<float>(i % 2);
    x[0] = 3 * y + u[i];  // rows of the Cholesky factor of the covariance: (1, 0) and (1/2, sqrt(3/4))
    x[1] = 3 * (1 - y) + 0.5f * u[i] + std::sqrt(0.75f) * v[i];
  });
}

TensorDataset spirals(int64_t n, uint64_t seed, double noise) {
  if (!(noise >= 0)) fail<ValueError>("spirals", "negative noise; got ", noise, ", expected 0 or more");
  random::Generator generator(seed);
  const std::vector<float> radius = draw(random::uniform, n, generator), u = draw(random::normal, n, generator),
                           v = draw(random::normal, n, generator);
  return points("spirals", n, [&](size_t i, float* x, float& y) {
    y = static_cast<float>(i % 2);
    const float angle = std::numbers::pi_v<float> * (3 * radius[i] + y);
    x[0] = radius[i] * std::cos(angle) + static_cast<float>(noise) * u[i];
    x[1] = radius[i] * std::sin(angle) + static_cast<float>(noise) * v[i];
  });
}

}  // namespace gradus::data::synthetic
