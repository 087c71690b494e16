// Trigonometric and hyperbolic functions.
#include <cmath>
#include <numbers>

#include "tests/autograd/op_rows.h"

namespace gradus::test {

std::vector<Row> trigonometry_rows() {
  const double pi = std::numbers::pi;
  return {
      unary("sin", sin, std::sin, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, kNaN, kNaN}, {kNaN, kNaN, kNaN}, {1e5, std::sin(1e5), std::cos(1e5)}}),
      unary("cos", cos, std::cos, {-3, 3}, {{0, 1, 0}, {-kInf, kNaN, kNaN}, {1e5, std::cos(1e5), -std::sin(1e5)}}),
      unary("tan", tan, std::tan, {-1.2, 1.2}, {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, kNaN, kNaN}}),
      unary("sinh", sinh, std::sinh, {-3, 3}, {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {1000, kInf, kInf}, {-1000, -kInf, kInf}}),
      unary("cosh", cosh, std::cosh, {-3, 3}, {{0, 1, 0}, {1000, kInf, kInf}, {-1000, kInf, -kInf}}),
      unary("tanh", tanh, std::tanh, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, 1, 0}, {-kInf, -1, 0}, {100, 1, 0}, {kNaN, kNaN, kNaN}},
            {.covers = {"tanh_gradient"}}),
      unary("asin", asin, std::asin, {-0.9, 0.9},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {1, pi / 2, kInf}, {-1, -pi / 2, kInf}, {1.5, kNaN, kNaN}, {kNaN, kNaN, kNaN}}),
      unary("acos", acos, std::acos, {-0.9, 0.9},
            {{1, 0, -kInf}, {-1, pi, -kInf}, {0, pi / 2, -1}, {-1.5, kNaN, kNaN}, {kNaN, kNaN, kNaN}}),
      unary("atan", atan, std::atan, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {1, pi / 4, 0.5}, {kInf, pi / 2, 0}, {-kInf, -pi / 2, 0}, {kNaN, kNaN, kNaN}}),
      binary("atan2", atan2, [](double y, double x) { return std::atan2(y, x); }, {-2, 2}, {0.3, 2},
             {{0.0, 0.0, 0.0, 0, 0},
              {-0.0, 0.0, -0.0, 0, 0},
              {0.0, -0.0, pi, 0, 0},
              {0, 2, 0, 0.5, 0},
              {0.0, -2, pi, -0.5, 0},
              {-0.0, -2, -pi, -0.5, 0},
              {1, 0, pi / 2, 0, -1},
              {-1, 0, -pi / 2, 0, 1},
              {1, kInf, 0.0, 0, 0},
              {1, -kInf, pi, 0, 0},
              {1e-30, 1e-30, pi / 4, 5e29, -5e29},
              {kNaN, 1, kNaN, kNaN, kNaN}},
             {.specials = {{{{kInf, kInf, -kInf}, {kInf, -kInf, 1}}, {pi / 4, 3 * pi / 4, -pi / 2}}}}),
      binary("atan2 on the left", atan2, [](double y, double x) { return std::atan2(y, x); }, {0.3, 2}, {-2, 2}, {}),
      binary("hypot", hypot, [](double a, double b) { return std::hypot(a, b); }, {-2, 2}, {0.3, 2},
             {{3, 4, 5, 0.6, 0.8},
              {-3, 4, 5, -0.6, 0.8},
              {0, 0, 0, 0, 0},
              {0, -2, 2, 0, -1},
              {3e30, 4e30, 5e30, 0.6, 0.8},
              {kNaN, 1, kNaN, kNaN, kNaN}},
             {.specials = {{{{kInf, kNaN, -kInf}, {kNaN, kInf, 1}}, {kInf, kInf, kInf}}}}),
      unary("asinh", asinh, std::asinh, {-3, 3},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {kInf, kInf, 0}, {-kInf, -kInf, 0}, {1e30, std::asinh(1e30), 1e-30}}),
      unary("acosh", acosh, std::acosh, {1.2, 4},
            {{1, 0, kInf}, {kInf, kInf, 0}, {1e30, std::acosh(1e30), 1e-30}, {0.5, kNaN, kNaN}, {-2, kNaN, kNaN}}),
      unary("atanh", atanh, std::atanh, {-0.8, 0.8},
            {{0.0, 0.0, 1}, {-0.0, -0.0, 1}, {1, kInf, kInf}, {-1, -kInf, kInf}, {2, kNaN, -1.0 / 3}}),
  };
}

}  // namespace gradus::test
