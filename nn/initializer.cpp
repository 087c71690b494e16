#include "nn/initializer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "autograd/ops.h"
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
  if (scaling.distribution == Distribution::untruncated_normal)
    return random::normal(shape, 0, std::sqrt(variance), dtype, generator);
  return random::truncated_normal(shape, 0, std::sqrt(variance) / kTruncatedStddev, dtype, generator);
}

template <VarianceScaling kScaling>
Tensor scaled_by(const Shape& shape, DType dtype, random::Generator& generator) {
  return scaled(kScaling, shape, dtype, generator);
}

/// Makes the rows of a matrix orthonormal. Each row is freed twice of what it shares with those before, which is as exact as a QR
/// factorisation with a positive diagonal, and no program needs LAPACK for it.
void orthonormalize(std::vector<double>& matrix, size_t columns) {
  const auto dot = [columns](const double* a, const double* b) {
    double total = 0;
    for (size_t k = 0; k < columns; ++k) total += a[k] * b[k];
    return total;
  };
  double* const first = matrix.data();
  for (double* row = first; row != first + matrix.size(); row += columns) {
    for (int pass = 0; pass < 2; ++pass)
      for (const double* other = first; other != row; other += columns) {
        const double shared = dot(other, row);
        for (size_t k = 0; k < columns; ++k) row[k] -= shared * other[k];
      }
    const double length = std::sqrt(dot(row, row));
    for (size_t k = 0; k < columns; ++k) row[k] /= length;
  }
}

/// The same a few rows at a time, so that most of the work is matrix products.
Tensor orthonormal_rows(const Tensor& matrix) {
  constexpr int64_t kBlock = 32;
  const int64_t rows = matrix.shape()[0], columns = matrix.shape()[1];
  Tensor done;
  for (int64_t begin = 0; begin < rows; begin += kBlock) {
    Tensor block = matrix.slice({Slice(begin, std::min(rows, begin + kBlock))});
    for (int pass = 0; pass < 2 && done.defined(); ++pass) block = block - matmul(matmul(block, transpose(done)), done);
    std::vector<double> values = block.to_vector<double>();
    orthonormalize(values, static_cast<size_t>(columns));
    block = Tensor(values, block.shape());
    done = done.defined() ? concat({done, block}) : block;
  }
  return done;
}

Tensor orthogonal_matrix(double gain, const Shape& shape, DType dtype, random::Generator& generator) {
  if (shape.ndim() < 2) fail<ShapeError>("orthogonal", "no matrix; got ", shape, ", expected rank 2 or more");
  const int64_t columns = shape.back();
  const int64_t rows = columns > 0 ? numel("orthogonal", shape) / columns : 0;
  const int64_t fewer = std::min(rows, columns), more = std::max(rows, columns);
  if (fewer == 0) return zeros(shape, dtype);
  const Tensor matrix = orthonormal_rows(random::normal({fewer, more}, 0, 1, DType::float64, generator));
  return (gain * (rows > columns ? transpose(matrix) : matrix)).astype(dtype).reshape(shape);
}

Tensor identity_matrix(double gain, const Shape& shape, DType dtype) {
  if (shape.ndim() != 2) fail<ShapeError>("identity", "no matrix; got ", shape, ", expected rank 2");
  return gain * eye(shape[0], shape[1], 0, dtype);
}

struct Known {
  std::string_view name;
  Tensor (*make)(const Shape&, DType, random::Generator&);
};

constexpr std::array<Known, 14> kInitializers{{
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
    {"orthogonal", [](const Shape& s, DType d, random::Generator& g) { return orthogonal_matrix(1, s, d, g); }},
    {"identity", [](const Shape& s, DType d, random::Generator&) { return identity_matrix(1, s, d); }},
    {"torch_linear", scaled_by<VarianceScaling{1.0 / 3, Fan::in, Distribution::uniform}>},
}};

/// An initializer that draws with two parameters.
Initializer drawn(Tensor (*draw)(const Shape&, double, double, DType, random::Generator&), double a, double b) {
  return Initializer(
      [=](const Shape& shape, DType dtype, random::Generator& generator) { return draw(shape, a, b, dtype, generator); });
}

void check_finite(std::string_view op, std::string_view what, double value) {
  if (!std::isfinite(value)) fail<ValueError>(op, what, " not finite; got ", value, ", expected a number");
}
void check_normal(std::string_view op, double mean, double stddev) {
  check_finite(op, "mean", mean);
  check_finite(op, "stddev", stddev);
  if (stddev < 0) fail<ValueError>(op, "stddev out of range; got ", stddev, ", expected >= 0");
}

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

Initializer random_uniform(double low, double high) {
  check_finite("random_uniform", "low", low);
  check_finite("random_uniform", "high", high);
  if (low > high) fail<ValueError>("random_uniform", "empty range; got [", low, ", ", high, "), expected low <= high");
  return drawn(random::uniform, low, high);
}

Initializer random_normal(double mean, double stddev) {
  check_normal("random_normal", mean, stddev);
  return drawn(random::normal, mean, stddev);
}

Initializer truncated_normal(double mean, double stddev) {
  check_normal("truncated_normal", mean, stddev);
  return drawn(random::truncated_normal, mean, stddev);
}

Initializer orthogonal(double gain) {
  check_finite("orthogonal", "gain", gain);
  return Initializer([gain](const Shape& shape, DType dtype, random::Generator& generator) {
    return orthogonal_matrix(gain, shape, dtype, generator);
  });
}

Initializer identity(double gain) {
  check_finite("identity", "gain", gain);
  return Initializer([gain](const Shape& shape, DType dtype, random::Generator&) { return identity_matrix(gain, shape, dtype); });
}

}  // namespace gradus::nn
