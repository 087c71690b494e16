// Pointwise mathematics.
#include <cmath>
#include <numbers>

#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> math_rows() {
  const double e = std::numbers::e;
  return {
      unary("abs", abs, std::fabs, {},
            {{0.0, 0.0, 0}, {-0.0, 0.0, 0}, {-3, 3, -1}, {3, 3, 1}, {-kInf, kInf, -1}, {kInf, kInf, 1}},
            {.result = kept, .ulps = 0, .specials = {{{{kNaN}}, {kNaN}}}}),
      unary("sign", sign, [](double x) { return x > 0   ? 1.0
                                                : x < 0 ? -1.0
                                                        : x; }, {},
            {{0, 0, 0}, {-3, -1, 0}, {3, 1, 0}, {-kInf, -1, 0}, {kInf, 1, 0}, {kNaN, kNaN, 0}}, {.result = kept, .ulps = 0}),
      unary("square", square, [](double x) { return x * x; }, {}, {{-0.0, 0.0, 0}, {-3, 9, -6}, {-kInf, kInf, -kInf}},
            {.result = kept, .ulps = 1}),
      unary("sqrt", sqrt, std::sqrt, {0.1, 4},
            {{0, 0, kInf}, {4, 2, 0.25}, {kInf, kInf, 0}, {-1, kNaN, kNaN}, {kNaN, kNaN, kNaN}}, {.ulps = 1}),
      unary("rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }, {0.3, 4},
            {{0, kInf, -kInf}, {4, 0.5, -0.0625}, {kInf, 0, 0}, {-1, kNaN, kNaN}}),
      unary("reciprocal", reciprocal, [](double x) { return 1 / x; }, {0.5, 3},
            {{0.0, kInf, -kInf}, {-0.0, -kInf, -kInf}, {2, 0.5, -0.25}, {kInf, 0.0, 0}, {-kInf, -0.0, 0}}, {.ulps = 1}),
      unary("exp", exp, std::exp, {-3, 3},
            {{0, 1, 1}, {1, e, e}, {kInf, kInf, kInf}, {-kInf, 0, 0}, {1000, kInf, kInf}, {-1000, 0, 0}, {kNaN, kNaN, kNaN}}),
      unary("expm1", expm1, std::expm1, {-3, 3},
            {{0.0, 0.0, 1},
             {-0.0, -0.0, 1},
             {1e-10, 1.00000000005e-10, 1.0000000001},
             {-kInf, -1, 0},
             {kInf, kInf, kInf},
             {-50, -1, std::exp(-50)}}),
      unary("log", log, std::log, {0.1, 4},
            {{1, 0, 1}, {0, -kInf, kInf}, {e, 1, 1 / e}, {kInf, kInf, 0}, {-1, kNaN, -1}, {kNaN, kNaN, kNaN}}),
      unary("log1p", log1p, std::log1p, {-0.8, 3},
            {{0.0, 0.0, 1},
             {-0.0, -0.0, 1},
             {1e-10, 9.9999999995e-11, 0.9999999999},
             {-1, -kInf, kInf},
             {kInf, kInf, 0},
             {-2, kNaN, -1}}),
      unary("sin", sin, std::sin, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, kNaN, kNaN}, {kNaN, kNaN, kNaN}, {1e5, std::sin(1e5), std::cos(1e5)}}),
      unary("cos", cos, std::cos, {-3, 3}, {{0, 1, 0}, {-kInf, kNaN, kNaN}, {1e5, std::cos(1e5), -std::sin(1e5)}}),
      unary("tan", tan, std::tan, {-1.2, 1.2}, {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, kNaN, kNaN}}),
      unary("sinh", sinh, std::sinh, {-3, 3}, {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {1000, kInf, kInf}, {-1000, -kInf, kInf}}),
      unary("cosh", cosh, std::cosh, {-3, 3}, {{0, 1, 0}, {1000, kInf, kInf}, {-1000, kInf, -kInf}}),
      unary("tanh", tanh, std::tanh, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, 1, 0}, {-kInf, -1, 0}, {100, 1, 0}, {kNaN, kNaN, kNaN}}),
      unary("erf", erf, std::erf, {-2, 2},
            {{0.0, 0.0, 2 * std::numbers::inv_sqrtpi},
             {-0.0, -0.0, 2 * std::numbers::inv_sqrtpi},
             {kInf, 1, 0},
             {-kInf, -1, 0},
             {kNaN, kNaN, kNaN}}),
      unary("floor", floor, std::floor, {},
            {{2, 2, 0}, {-0.5, -1, 0}, {-0.0, -0.0, 0}, {kInf, kInf, 0}, {kNaN, kNaN, 0}, {1e10, 1e10, 0}},
            {.result = kept, .ulps = 0}),
      unary("ceil", ceil, std::ceil, {}, {{2, 2, 0}, {-0.5, -0.0, 0}, {0.5, 1, 0}, {-kInf, -kInf, 0}, {kNaN, kNaN, 0}},
            {.result = kept, .ulps = 0}),
      unary("round", round, std::nearbyint, {},
            {{0.5, 0, 0}, {1.5, 2, 0}, {2.5, 2, 0}, {-0.5, -0.0, 0}, {-1.5, -2, 0}, {kInf, kInf, 0}, {kNaN, kNaN, 0}},
            {.result = kept, .ulps = 0}),
  };
}

}  // namespace gradus::test
