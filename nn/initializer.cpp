#include "nn/initializer.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "autograd/tape.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

using Fan = VarianceScaling::Fan;
using Distribution = VarianceScaling::Distribution;

/// Standard deviation of the unit normal cut at two standard deviations.
constexpr double kTruncatedStddev = 0.87962566103423978;
constexpr double kSmall = 0.05;  // Keras' default width of the plain random initialisers

Tensor scaled(const VarianceScaling& scaling, const Shape& shape, DType dtype, random::Generator& generator) {
  const Fans fans = fans_of(shape);
  const double fan = scaling.fan == Fan::in ? fans.in : scaling.fan == Fan::out ? fans.out : (fans.in + fans.out) / 2;
  const double variance = scaling.scale / std::max(1.0, fan);
  if (scaling.distribution == Distribution::uniform) {
    const double limit = std::sqrt(3 * variance);
    return random::uniform(shape, -limit, limit, dtype, generator);
  }
  return random::truncated_normal(shape, 0, std::sqrt(variance) / kTruncatedStddev, dtype, generator);
}

template <VarianceScaling kScaling>
Tensor scaled_by(const Shape& shape, DType dtype, random::Generator& generator) {
  return scaled(kScaling, shape, dtype, generator);
}

Tensor orthogonal(const Shape& shape, DType dtype, random::Generator& generator) {
  if (shape.ndim() < 2) fail<ShapeError>("orthogonal", "no matrix; got ", shape, ", expected rank 2 or more");
  const int64_t columns = shape.back(), rows = columns ? numel("orthogonal", shape) / columns : 0;
  if (rows == 0) return zeros(shape, dtype);
  const NoRecord pause;
  const auto [q, r] = qr(random::normal({std::max(rows, columns), std::min(rows, columns)}, 0, 1, DType::float64, generator));
  const Tensor signs = where(diagonal(r) < 0, -1.0, ones({std::min(rows, columns)}, DType::float64));
  return (rows < columns ? transpose(q * signs) : q * signs).reshape(shape).astype(dtype);
}

struct Known {
  std::string_view name;
  Tensor (*make)(const Shape&, DType, random::Generator&);
};

constexpr std::array<Known, 12> kInitializers{{
    {"zeros", [](const Shape& shape, DType dtype, random::Generator&) { return zeros(shape, dtype); }},
    {"ones", [](const Shape& shape, DType dtype, random::Generator&) { return ones(shape, dtype); }},
    {"glorot_uniform", scaled_by<VarianceScaling{1, Fan::average, Distribution::uniform}>},
    {"glorot_normal", scaled_by<VarianceScaling{1, Fan::average, Distribution::normal}>},
    {"he_uniform", scaled_by<VarianceScaling{2, Fan::in, Distribution::uniform}>},
    {"he_normal", scaled_by<VarianceScaling{2, Fan::in, Distribution::normal}>},
    {"lecun_uniform", scaled_by<VarianceScaling{1, Fan::in, Distribution::uniform}>},
    {"lecun_normal", scaled_by<VarianceScaling{1, Fan::in, Distribution::normal}>},
    {"random_uniform", [](const Shape& s, DType d, random::Generator& g) { return random::uniform(s, -kSmall, kSmall, d, g); }},
    {"random_normal", [](const Shape& s, DType d, random::Generator& g) { return random::normal(s, 0, kSmall, d, g); }},
    {"truncated_normal",
     [](const Shape& s, DType d, random::Generator& g) { return random::truncated_normal(s, 0, kSmall, d, g); }},
    {"orthogonal", orthogonal},
}};

}  // namespace

Fans fans_of(const Shape& shape) {
  const int n = shape.ndim();
  if (n == 0) return {1, 1};
  if (n == 1) return {static_cast<double>(shape[0]), static_cast<double>(shape[0])};
  double field = 1;
  for (int i = 0; i < n - 2; ++i) field *= static_cast<double>(shape[i]);
  return {field * static_cast<double>(shape[n - 2]), field * static_cast<double>(shape[n - 1])};
}

Initializer::Initializer(std::string_view name)
    : function_(gradus::detail::find_by_name("Initializer", "initializer", name, kInitializers).make) {}

Initializer::Initializer(VarianceScaling scaling)
    : function_([scaling](const Shape& shape, DType dtype, random::Generator& generator) {
        return scaled(scaling, shape, dtype, generator);
      }) {
  if (!(scaling.scale > 0)) fail<ValueError>("VarianceScaling", "scale out of range; got ", scaling.scale, ", expected > 0");
}

Initializer Initializer::constant(double value) {
  return Initializer([value](const Shape& shape, DType dtype, random::Generator&) { return full(shape, value, dtype); });
}

}  // namespace gradus::nn
