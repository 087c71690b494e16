// Pointwise mathematics: powers, logarithms, rounding.
#include <cmath>
#include <numbers>

#include "tests/autograd/op_rows.h"

namespace gradus::test {

namespace {

double floor_modulo(double a, double b) {
  const double r = std::fmod(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r == 0 ? std::copysign(0.0, b) : r;
}

Row modulo(std::string name, Tensor (*f)(const Operand&, const Operand&), double (*reference)(double, double),
           const PairPoints& points) {
  Row row = binary(name, f, reference, {6, 8}, {2.1, 2.9}, points, {.integers = false, .result = kept});
  row.errors.push_back(raises<ValueError>("division of integers by zero", [f] { f(ones({2}, DType::int32), Tensor({1, 0})); }));
  return row;
}

Row of_integers(std::string name, Tensor (*f)(const Operand&, const Operand&), double (*reference)(double, double)) {
  Row row = binary(std::move(name), f, reference, {-9, 9}, {2, 5}, {});
  for (Input& input : row.inputs) input.dtype = DType::int32;
  row.result = [](DType) { return DType::int32; };
  return row;
}

Row test(std::string name, Tensor (*f)(const Tensor&), double (*reference)(double)) {
  Row row = unary(std::move(name), f, reference, {}, {}, {.differentiable = false, .result = boolean, .ulps = 0});
  Special special{{{}}, {}};
  for (const double x : {0.0, -0.0, 1.0, 3e38, 1e-40, kInf, -kInf, kNaN}) {
    special.inputs[0].push_back(x);
    special.values.push_back(reference(x));
  }
  return with_special(std::move(row), std::move(special));
}

}  // namespace

std::vector<Row> math_rows() {
  const double e = std::numbers::e, ln2 = std::numbers::ln2, ln10 = std::numbers::ln10;
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
      unary("cbrt", cbrt, std::cbrt, {0.2, 4},
            {{0.0, 0.0, kInf}, {-0.0, -0.0, kInf}, {-8, -2, 1.0 / 12}, {kInf, kInf, 0}, {kNaN, kNaN, kNaN}}),
      unary("exp", exp, std::exp, {-3, 3},
            {{0, 1, 1}, {1, e, e}, {kInf, kInf, kInf}, {-kInf, 0, 0}, {1000, kInf, kInf}, {-1000, 0, 0}, {kNaN, kNaN, kNaN}}),
      unary(
          "exp2", exp2, std::exp2, {-3, 3},
          {{0, 1, ln2}, {10, 1024, 1024 * ln2}, {-3, 0.125, 0.125 * ln2}, {kInf, kInf, kInf}, {-kInf, 0, 0}, {2000, kInf, kInf}}),
      unary("expm1", expm1, std::expm1, {-3, 3},
            {{0.0, 0.0, 1},
             {-0.0, -0.0, 1},
             {1e-10, 1.00000000005e-10, 1.0000000001},
             {-kInf, -1, 0},
             {kInf, kInf, kInf},
             {-50, -1, std::exp(-50)}}),
      unary("log", log, std::log, {0.1, 4},
            {{1, 0, 1}, {0, -kInf, kInf}, {e, 1, 1 / e}, {kInf, kInf, 0}, {-1, kNaN, -1}, {kNaN, kNaN, kNaN}}),
      unary("log2", log2, std::log2, {0.1, 4},
            {{1, 0, 1 / ln2}, {1024, 10, 1 / (1024 * ln2)}, {0, -kInf, kInf}, {kInf, kInf, 0}, {-1, kNaN, -1 / ln2}}),
      unary("log10", log10, std::log10, {0.1, 4},
            {{1, 0, 1 / ln10}, {1000, 3, 1 / (1000 * ln10)}, {0, -kInf, kInf}, {kInf, kInf, 0}, {-1, kNaN, -1 / ln10}}),
      unary("log1p", log1p, std::log1p, {-0.8, 3},
            {{0.0, 0.0, 1},
             {-0.0, -0.0, 1},
             {1e-10, 9.9999999995e-11, 0.9999999999},
             {-1, -kInf, kInf},
             {kInf, kInf, 0},
             {-2, kNaN, -1}}),
      unary("floor", floor, std::floor, {},
            {{2, 2, 0}, {-0.5, -1, 0}, {-0.0, -0.0, 0}, {kInf, kInf, 0}, {kNaN, kNaN, 0}, {1e10, 1e10, 0}},
            {.result = kept, .ulps = 0}),
      unary("ceil", ceil, std::ceil, {}, {{2, 2, 0}, {-0.5, -0.0, 0}, {0.5, 1, 0}, {-kInf, -kInf, 0}, {kNaN, kNaN, 0}},
            {.result = kept, .ulps = 0}),
      unary("round", round, std::nearbyint, {},
            {{0.5, 0, 0}, {1.5, 2, 0}, {2.5, 2, 0}, {-0.5, -0.0, 0}, {-1.5, -2, 0}, {kInf, kInf, 0}, {kNaN, kNaN, 0}},
            {.result = kept, .ulps = 0}),
      unary("trunc", trunc, std::trunc, {}, {{1.7, 1, 0}, {-1.7, -1, 0}, {-0.5, -0.0, 0}, {-kInf, -kInf, 0}, {kNaN, kNaN, 0}},
            {.result = kept, .ulps = 0}),
      modulo("fmod", fmod, [](double a, double b) { return std::fmod(a, b); },
             {{5, 3, 2, 1, -1},
              {-5, 3, -2, 1, 1},
              {5, -3, 2, 1, 1},
              {-6, 3, -0.0, 1, 2},
              {-1, kInf, -1, 1, 0},
              {1, 0, kNaN, 1, kNaN},
              {kInf, 2, kNaN, 1, kNaN}}),
      modulo("remainder", remainder, floor_modulo,
             {{5, 3, 2, 1, -1},
              {-5, 3, 1, 1, 2},
              {5, -3, -1, 1, 2},
              {-6, 3, 0.0, 1, 2},
              {6, -3, -0.0, 1, 2},
              {1, kInf, 1, 1, 0},
              {1, 0, kNaN, 1, kNaN},
              {kInf, 2, kNaN, 1, kNaN}}),
      of_integers("fmod of integers", fmod, [](double a, double b) { return std::fmod(a, b); }),
      of_integers("remainder of integers", remainder, floor_modulo),
      test("isnan", isnan, [](double x) -> double { return std::isnan(x); }),
      test("isinf", isinf, [](double x) -> double { return std::isinf(x); }),
      test("isfinite", isfinite, [](double x) -> double { return std::isfinite(x); }),
  };
}

}  // namespace gradus::test
