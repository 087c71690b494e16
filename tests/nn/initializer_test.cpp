// Initialisers beyond the scaled ones of layers_test: orthogonal matrices, the identity, distributions with parameters.
#include "nn/initializer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

struct Moments {
  double mean = 0, variance = 0, least = std::numeric_limits<double>::infinity(), largest = -least;
};
Moments moments(const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  Moments m;
  for (const double v : values) m.mean += v / static_cast<double>(values.size());
  for (const double v : values) {
    m.variance += (v - m.mean) * (v - m.mean) / static_cast<double>(values.size());
    m.least = std::min(m.least, v), m.largest = std::max(m.largest, v);
  }
  return m;
}

}  // namespace

TEST_CASE("orthogonal: rows or columns, whichever are fewer, are orthonormal") {
  random::Generator generator(3);
  for (const Shape& shape :
       {Shape{5, 5}, Shape{4, 9}, Shape{9, 4}, Shape{2, 3, 4}, Shape{1, 6}, Shape{3, 3, 2, 40}, Shape{60, 200}}) {
    CAPTURE(text(shape));
    for (const double gain : {1.0, 2.5}) {
      const std::vector<double> w = nn::orthogonal(gain)(shape, DType::float64, generator).to_vector<double>();
      const auto columns = static_cast<size_t>(shape.back()), rows = w.size() / columns;
      const bool by_rows = rows <= columns;
      const size_t fewer = by_rows ? rows : columns, more = by_rows ? columns : rows;
      const auto at = [&](size_t i, size_t k) { return by_rows ? w[i * columns + k] : w[k * columns + i]; };
      double worst = 0;
      for (size_t i = 0; i < fewer; ++i)
        for (size_t j = 0; j < fewer; ++j) {
          double product = 0;
          for (size_t k = 0; k < more; ++k) product += at(i, k) * at(j, k);
          worst = std::max(worst, std::abs(product - (i == j ? gain * gain : 0)));
        }
      CHECK(worst < 1e-12);
    }
  }
  // Drawn evenly: the first element of a 2 x 2 rotation or reflection is the cosine of an even angle, and its sign is even.
  Moments first;
  for (int i = 0; i < 2000; ++i) {
    const double c = nn::orthogonal()({2, 2}, DType::float64, generator)[0][0].item<double>();
    first.mean += c / 2000;
    first.variance += c * c / 2000;
  }
  CHECK(std::abs(first.mean) < 0.08);
  CHECK(first.variance == doctest::Approx(0.5).epsilon(0.08));

  CHECK(nn::Initializer("orthogonal")({3, 3}).dtype() == DType::float32);
  CHECK((nn::orthogonal()({0, 3}).shape() == Shape{0, 3}));
  CHECK((nn::orthogonal()({3, 0}).shape() == Shape{3, 0}));
  CHECK_THROWS_WITH_AS(nn::orthogonal()({3}), doctest::Contains("orthogonal: no matrix; got [3]"), ShapeError);
  CHECK_THROWS_AS(nn::orthogonal(std::nan("")), ValueError);
}

TEST_CASE("identity: ones on the diagonal, of matrices alone") {
  CHECK(nn::Initializer("identity")({2, 3}).to_vector<double>() == std::vector<double>{1, 0, 0, 0, 1, 0});
  CHECK(nn::identity(-2)({2, 2}, DType::float64).to_vector<double>() == std::vector<double>{-2, 0, 0, -2});
  CHECK(nn::identity(2)({2, 2}, DType::bfloat16).dtype() == DType::bfloat16);
  CHECK_THROWS_AS(nn::identity()({2}), ShapeError);
  CHECK_THROWS_AS(nn::identity()({2, 2, 2}), ShapeError);
}

TEST_CASE("distributions with parameters") {
  random::Generator generator(5);
  const Moments normal = moments(nn::random_normal(3, 0.5)({200, 200}, DType::float64, generator));
  CHECK(normal.mean == doctest::Approx(3).epsilon(0.005));
  CHECK(normal.variance == doctest::Approx(0.25).epsilon(0.05));
  CHECK(normal.largest > 3 + 3 * 0.5);
  const Moments cut = moments(nn::truncated_normal(3, 0.5)({200, 200}, DType::float64, generator));
  CHECK(cut.mean == doctest::Approx(3).epsilon(0.005));
  CHECK(cut.variance == doctest::Approx(0.25 * 0.7737413035).epsilon(0.05));
  CHECK(cut.least >= 2);
  CHECK(cut.largest <= 4);
  const Moments uniform = moments(nn::random_uniform(-1, 3)({200, 200}, DType::float64, generator));
  CHECK(uniform.mean == doctest::Approx(1).epsilon(0.03));
  CHECK(uniform.variance == doctest::Approx(16.0 / 12).epsilon(0.05));
  CHECK(uniform.least >= -1);
  CHECK(uniform.largest < 3);

  using Scaling = nn::VarianceScaling;
  const nn::Initializer open(
      Scaling{.scale = 3, .fan = Scaling::Fan::out, .distribution = Scaling::Distribution::untruncated_normal});
  const Moments wide = moments(open({200, 300}, DType::float64, generator));
  CHECK(wide.variance == doctest::Approx(0.01).epsilon(0.05));
  CHECK(wide.largest > 0.3);  // three standard deviations

  // PyTorch's Linear and Conv: kaiming_uniform(a = sqrt(5)), which is +-1 / sqrt(inputs).
  const Moments torch = moments(nn::Initializer("torch_linear")({3, 3, 16, 32}, DType::float64, generator));
  CHECK(torch.largest <= 1 / std::sqrt(144.0));
  CHECK(torch.largest > 0.99 / std::sqrt(144.0));
  CHECK(torch.variance == doctest::Approx(1.0 / 144 / 3).epsilon(0.05));

  CHECK_THROWS_AS(nn::random_normal(0, -1), ValueError);
  CHECK_THROWS_AS(nn::random_normal(std::nan(""), 1), ValueError);
  CHECK_THROWS_AS(nn::truncated_normal(0, std::numeric_limits<double>::infinity()), ValueError);
  CHECK_THROWS_WITH_AS(nn::random_uniform(2, 1), doctest::Contains("empty range; got [2, 1)"), ValueError);
}

TEST_CASE("an initialiser used twice gives two layers different values") {
  const nn::Initializer shared = nn::orthogonal();
  nn::Dense a(4, {.kernel_initializer = shared}), b(4, {.kernel_initializer = shared});
  a.build({-1, 4}), b.build({-1, 4});
  CHECK(a.kernel().value().to_vector<float>() != b.kernel().value().to_vector<float>());
}
