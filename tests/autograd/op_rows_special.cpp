// Special functions.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "tests/autograd/op_rows.h"
#include "tests/support/gamma.h"

namespace gradus::test {
namespace {

template <int n>
Row polygamma_row(double low, double high) {
  return unary(
      text("polygamma of order ", n), [](const Tensor& x) { return polygamma(n, x); },
      [](double x) {
        return static_cast<double>(n == 0 ? digamma_of(static_cast<long double>(x))
                                          : polygamma_of(n, static_cast<long double>(x)));
      },
      {low, high}, {});
}

double log_add(double a, double b) { return std::max(a, b) + std::log1p(std::exp(-std::fabs(a - b))); }

}  // namespace

std::vector<Row> special_rows() {
  const double euler = std::numbers::egamma, zeta2 = std::numbers::pi * std::numbers::pi / 6, ln2 = std::numbers::ln2;
  const double slope = 2 * std::numbers::inv_sqrtpi;
  Row first = polygamma_row<1>(0.5, 4);
  first.specials = {{{{1, 0, -2, kInf, -kInf, kNaN}}, {zeta2, kInf, kInf, 0, kNaN, kNaN}}};
  first.errors.push_back(raises<ValueError>("got order -1, expected 0 to 100", [] { polygamma(-1, ones({2})); }));
  first.errors.push_back(raises<ValueError>("got order 101", [] { polygamma(101, ones({2})); }));
  return {
      unary("erf", erf, std::erf, {-2, 2},
            {{0.0, 0.0, 2 * std::numbers::inv_sqrtpi},
             {-0.0, -0.0, 2 * std::numbers::inv_sqrtpi},
             {kInf, 1, 0},
             {-kInf, -1, 0},
             {kNaN, kNaN, kNaN}}),
      unary("erfc", erfc, std::erfc, {-2, 2},
            {{0, 1, -slope}, {5, std::erfc(5), -slope * std::exp(-25)}, {kInf, 0, 0}, {-kInf, 2, 0}, {kNaN, kNaN, kNaN}}),
      unary("lgamma", lgamma, std::lgamma, {0.5, 4},
            {{1, 0, -euler}, {2, 0, 1 - euler}, {0, kInf, -kInf}, {-1, kInf, kNaN}, {kInf, kInf, kInf}, {kNaN, kNaN, kNaN}}),
      unary("lgamma left of zero", lgamma, std::lgamma, {-2.9, -2.1}, {}, {.integers = false}),
      unary("digamma", digamma, [](double x) { return static_cast<double>(digamma_of(static_cast<long double>(x))); }, {0.5, 4},
            {{1, -euler, zeta2}, {0.0, -kInf, kInf}, {-0.0, kInf, kInf}, {-1, kNaN, kInf}, {kInf, kInf, 0}, {kNaN, kNaN, kNaN}}),
      unary("digamma left of zero", digamma,
            [](double x) { return static_cast<double>(digamma_of(static_cast<long double>(x))); }, {-1.45, -1.1}, {},
            {.integers = false}),
      first,
      polygamma_row<0>(0.5, 4),
      polygamma_row<2>(0.5, 4),
      polygamma_row<5>(0.5, 4),
      polygamma_row<3>(-1.8, -1.2),
      polygamma_row<2>(-1.72, -1.62),
      binary("logaddexp", logaddexp, log_add, {0.2, 2}, {0.2, 2},
             {{0, 0, ln2, 0.5, 0.5},
              {-kInf, -kInf, -kInf, 0.5, 0.5},
              {kInf, kInf, kInf, 0.5, 0.5},
              {-kInf, 1, 1, 0, 1},
              {kInf, -kInf, kInf, 1, 0},
              {1000, 0, 1000, 1, 0},
              {kNaN, 1, kNaN, kNaN, kNaN}}),
      binary("xlogy", xlogy, [](double x, double y) { return x == 0 && !std::isnan(y) ? 0 : x * std::log(y); }, {-2, 2}, {0.2, 3},
             {{2, 1, 0, 0, 2},
              {0, 2, 0, ln2, 0},
              {0, 0, 0, 0, 0},
              {0, -1, 0, 0, 0},
              {0, kInf, 0, kInf, 0},
              {0, kNaN, kNaN, kNaN, kNaN},
              {1, 0, -kInf, -kInf, kInf}}),
  };
}

}  // namespace gradus::test
