// What norms promise beyond the op table: no overflow in float64, and second derivatives at zeros that are numbers.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/autograd.h"

namespace gradus::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST_CASE("norm: nothing overflows or vanishes on the way") {
  for (const double scale : {1e300, 1e-300}) {
    const Tensor x({3 * scale, 4 * scale});
    CHECK(norm(x).item<double>() == doctest::Approx(5 * scale).epsilon(1e-12));
    CHECK(norm(x, 3).item<double>() == doctest::Approx(std::cbrt(91.0) * scale).epsilon(1e-12));
    CHECK(norm(x, 0.5).item<double>() == doctest::Approx((7 + 4 * std::sqrt(3.0)) * scale).epsilon(1e-12));
    CHECK(norm(x, -2).item<double>() == doctest::Approx(2.4 * scale).epsilon(1e-12));
  }
}

TEST_CASE("norm: second derivatives at zeros are numbers") {
  for (const double p : {-kInf, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0, kInf}) {
    CAPTURE(p);
    for (const Tensor& x : {Tensor({0.0, 0.0}), Tensor({0.0, 2.0})}) {
      GradientTape outer, inner;
      outer.watch(x);
      inner.watch(x);
      const Tensor first = inner.gradient(norm(x, p), x),
                   second = outer.gradient(sum(first), x, {.unconnected = Unconnected::Zero});
      for (const double g : first.to_vector<double>()) CHECK(std::isfinite(g));
      for (const double g : second.to_vector<double>()) CHECK(std::isfinite(g));
    }
  }
}

}  // namespace
}  // namespace gradus::test
