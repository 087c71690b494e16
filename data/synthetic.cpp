#include "data/synthetic.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "data/synthetic_draw.h"

namespace gradus::data::synthetic {
namespace {

// Calls point(i, x, y) for each example, to fill in two coordinates and a label.
template <class F>
TensorDataset points(std::string_view op, int64_t n, const F& point) {
  check_count(op, n);
  std::vector<float> xs(static_cast<size_t>(2 * n)), ys(static_cast<size_t>(n));
  for (size_t i = 0; i < ys.size(); ++i) point(i, &xs[2 * i], ys[i]);
  return {Tensor(xs, {n, 2}), Tensor(ys, {n, 1})};
}

void check_noise(std::string_view op, double noise) {
  if (!(noise >= 0)) fail<ValueError>(op, "negative noise; got ", noise, ", expected 0 or more");
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
  check_noise("spirals", noise);
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

TensorDataset circles(int64_t n, uint64_t seed, double noise, double factor) {
  check_noise("circles", noise);
  if (!(factor >= 0 && factor <= 1)) fail<ValueError>("circles", "factor out of range; got ", factor, ", expected 0 to 1");
  random::Generator generator(seed);
  const std::vector<float> turn = draw(random::uniform, n, generator), u = draw(random::normal, n, generator),
                           v = draw(random::normal, n, generator);
  return points("circles", n, [&](size_t i, float* x, float& y) {
    y = static_cast<float>(i % 2);
    const float radius = i % 2 == 0 ? 1 : static_cast<float>(factor), angle = 2 * std::numbers::pi_v<float> * turn[i];
    x[0] = radius * std::cos(angle) + static_cast<float>(noise) * u[i];
    x[1] = radius * std::sin(angle) + static_cast<float>(noise) * v[i];
  });
}

TensorDataset moons(int64_t n, uint64_t seed, double noise) {
  check_noise("moons", noise);
  random::Generator generator(seed);
  const std::vector<float> turn = draw(random::uniform, n, generator), u = draw(random::normal, n, generator),
                           v = draw(random::normal, n, generator);
  return points("moons", n, [&](size_t i, float* x, float& y) {
    y = static_cast<float>(i % 2);
    const float angle = std::numbers::pi_v<float> * turn[i], c = std::cos(angle), s = std::sin(angle);
    x[0] = (i % 2 == 0 ? c : 1 - c) + static_cast<float>(noise) * u[i];
    x[1] = (i % 2 == 0 ? s : 0.5f - s) + static_cast<float>(noise) * v[i];
  });
}

TensorDataset quadrants(int64_t n, uint64_t seed) {
  random::Generator generator(seed);
  const std::vector<float> u = draw(random::uniform, n, generator), v = draw(random::uniform, n, generator);
  // From [0, 1) to -1 .. -0.05 and 0.05 .. 1.
  const auto spread = [](float t) { return t < 0.5f ? 1.9f * t - 1 : 0.05f + 1.9f * (t - 0.5f); };
  return points("quadrants", n, [&](size_t i, float* x, float& y) {
    x[0] = spread(u[i]), x[1] = spread(v[i]);
    y = (x[0] < 0) != (x[1] < 0) ? 1.0f : 0.0f;
  });
}

TensorDataset noisy_curve(const std::function<double(double)>& f, int64_t n, const CurveOptions& options) {
  check_count("noisy_curve", n);
  check_noise("noisy_curve", options.noise);
  if (!(options.low <= options.high))
    fail<ValueError>("noisy_curve", "empty range; got ", options.low, " to ", options.high, ", expected low <= high");
  random::Generator generator(options.seed);
  std::vector<float> xs = draw(random::uniform, n, generator), ys;
  const std::vector<float> z = draw(random::normal, n, generator);
  std::ranges::sort(xs);
  for (size_t i = 0; i < xs.size(); ++i) {
    xs[i] = static_cast<float>(options.low + (options.high - options.low) * xs[i]);
    ys.push_back(static_cast<float>(f(xs[i]) + options.noise * z[i]));
  }
  return {Tensor(xs, {n, 1}), Tensor(ys, {n, 1})};
}

}  // namespace gradus::data::synthetic
