// Arithmetic, comparison, selection.
#include <cmath>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

// Beside a number a tensor keeps its dtype, as far as that can hold numbers of this kind.
DType with_integer(DType dtype) { return dtype == DType::boolean ? DType::int64 : dtype; }

Row with_number(std::string name, Tensor (*f)(const Tensor&), double (*reference)(double), DType (*result)(DType)) {
  return unary(std::move(name), f, reference, {0.5, 2}, {}, {.result = result, .ulps = 1});
}

Row comparison(std::string name, Tensor (*f)(const Operand&, const Operand&), double (*reference)(double, double)) {
  const PairPoints points{{1, 1, reference(1, 1), 0, 0},
                          {0, -0.0, reference(0, -0.0), 0, 0},
                          {1, 2, reference(1, 2), 0, 0},
                          {2, 1, reference(2, 1), 0, 0},
                          {kInf, kInf, reference(kInf, kInf), 0, 0},
                          {kNaN, 1, reference(kNaN, 1), 0, 0},
                          {kNaN, kNaN, reference(kNaN, kNaN), 0, 0},
                          {-kInf, kNaN, reference(-kInf, kNaN), 0, 0}};
  return binary(std::move(name), f, reference, {}, {}, points, {.differentiable = false, .result = boolean, .ulps = 0});
}

Row where_row() {
  Row row{.name = "where"};
  row.call = [](const std::vector<Tensor>& in) { return where(in[0], in[1], in[2]); };
  row.reference = elementwise([](double c, double a, double b) { return c != 0 ? a : b; });
  row.inputs = {{.low = 0, .high = 1, .dtype = DType::boolean}, {}, {}};
  row.pointwise = true;
  row.polynomial = true;
  row.result = kept;
  row.ulps = 0;
  // What was not chosen is never looked at, not even in the gradient.
  row.specials = {{{{1, 0, 1, 0}, {1, kNaN, kInf, 2}, {kNaN, 3, -kInf, -0.0}}, {1, 3, kInf, -0.0}, {{1, 0, 1, 0}, {0, 1, 0, 1}}}};
  row.errors = {
      raises<DTypeError>("the condition must be boolean; got float32", [] { where(zeros({2}), zeros({2}), zeros({2})); }),
      raises<ShapeError>("got [2] and [3]", [] { where(zeros({2}, DType::boolean), zeros({3}), 0); })};
  return row;
}

Row clip_row() {
  Row row = unary(
      "clip", [](const Tensor& x) { return clip(x, -1, 1); }, [](double x) { return x < -1  ? -1.0
                                                                                    : x > 1 ? 1.0
                                                                                            : x; }, {},
      {{-1, -1, 1}, {1, 1, 1}, {-2, -1, 0}, {2, 1, 0}, {0, 0, 1}, {kInf, 1, 0}, {-kInf, -1, 0}}, {.ulps = 0});
  row.specials.push_back({{{kNaN}}, {kNaN}});
  row.errors.push_back(raises<ValueError>("low = 1, high = -1, expected low <= high", [] { clip(zeros({2}), 1, -1); }));
  row.errors.push_back(raises<ValueError>("bounds out of order", [] { clip(zeros({2}), kNaN, 1); }));
  return row;
}

}  // namespace

std::vector<Row> arithmetic_rows() {
  std::vector<Row> rows{
      binary("add", add, [](double a, double b) { return a + b; }, {}, {},
             {{kInf, 1, kInf, 1, 1}, {kInf, -kInf, kNaN, 1, 1}, {0.0, -0.0, 0.0, 1, 1}, {-0.0, -0.0, -0.0, 1, 1}},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("subtract", subtract, [](double a, double b) { return a - b; }, {}, {},
             {{kInf, 1, kInf, 1, -1}, {kInf, kInf, kNaN, 1, -1}, {2, 2, 0.0, 1, -1}, {-0.0, 0.0, -0.0, 1, -1}},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("multiply", multiply, [](double a, double b) { return a * b; }, {}, {},
             {{2, 3, 6, 3, 2}, {kInf, 0, kNaN, 0, kInf}, {0, -1, -0.0, -1, 0}, {kNaN, 2, kNaN, 2, kNaN}},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("divide", divide, [](double a, double b) { return a / b; }, {}, {0.5, 2},
             {{6, 3, 2, 1.0 / 3, -2.0 / 3},
              {1, 0, kInf, kInf, -kInf},
              {-1, 0, -kInf, kInf, kInf},
              {0, 0, kNaN, kInf, kNaN},
              {1, kInf, 0, 0, 0}},
             {.ulps = 1}),
      binary("pow", pow, [](double a, double b) { return std::pow(a, b); }, {0.4, 2.5}, {0.5, 3},
             {{2, 3, 8, 12, 8 * std::log(2)},
              {0, 0, 1, 0, 0},
              {0, 2, 0, 0, 0},
              {0, 1, 0, 1, 0},
              {2, 0, 1, 0, std::log(2)},
              {-2, 3, -8, 12, kNaN},
              {1, 5, 1, 5, 0},
              {0, -1, kInf, -kInf, -kInf},
              {0, 0.5, 0, kInf, 0},
              {kInf, 0, 1, 0, kInf},
              {kInf, 2, kInf, kInf, kInf},
              {kInf, -1, 0, 0, 0},
              {kNaN, 0, 1, 0, kNaN},
              {-1, 2, 1, -2, kNaN},
              {-8, 1.0 / 3, kNaN, kNaN, kNaN}},
             {.result = kept,
              .specials = {{{{1, kNaN, 0, kInf, -kInf, 2, 2}, {kNaN, 0, -1, 2, 3, kInf, -kInf}},
                            {1, 1, kInf, kInf, -kInf, kInf, 0}}},
              .errors = {raises<ValueError>("negative integer exponent", [] { pow(ones({2}, DType::int32), -1); }),
                         raises<ValueError>("negative integer exponent",
                                            [] {
                                              pow(Tensor({2, 3}), Tensor({1, -1}));
                                            })}}),
      binary("pow with exponents of both signs", pow, [](double a, double b) { return std::pow(a, b); }, {0.4, 2.5}, {-2, 2}, {},
             {.integers = false, .result = kept}),
      binary("maximum", maximum, [](double a, double b) { return a > b ? a : b; }, {}, {},
             {{1, 1, 1, 0.5, 0.5}, {2, 1, 2, 1, 0}, {1, 2, 2, 0, 1}, {kInf, -kInf, kInf, 1, 0}, {-kInf, -kInf, -kInf, 0.5, 0.5}},
             {.result = kept, .ulps = 0, .specials = {{{{kNaN, 1, kNaN}, {1, kNaN, kNaN}}, {kNaN, kNaN, kNaN}}}}),
      binary("minimum", minimum, [](double a, double b) { return a < b ? a : b; }, {}, {},
             {{1, 1, 1, 0.5, 0.5}, {2, 1, 1, 0, 1}, {1, 2, 1, 1, 0}, {kInf, -kInf, -kInf, 0, 1}, {kInf, kInf, kInf, 0.5, 0.5}},
             {.result = kept, .ulps = 0, .specials = {{{{kNaN, 1, kNaN}, {1, kNaN, kNaN}}, {kNaN, kNaN, kNaN}}}}),
      unary("negative", negative, [](double x) { return -x; }, {}, {{0.0, -0.0, -1}, {kInf, -kInf, -1}, {2, -2, -1}},
            {.polynomial = true, .result = kept, .ulps = 0}),
      unary("negative as an operator", operator-, [](double x) { return -x; }, {}, {},
            {.polynomial = true, .result = kept, .ulps = 0}),
      binary("add as an operator", operator+, [](double a, double b) { return a + b; }, {}, {}, {},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("subtract as an operator", operator-, [](double a, double b) { return a - b; }, {}, {}, {},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("multiply as an operator", operator*, [](double a, double b) { return a * b; }, {}, {}, {},
             {.polynomial = true, .result = kept, .ulps = 1}),
      binary("divide as an operator", operator/, [](double a, double b) { return a / b; }, {}, {0.5, 2}, {}, {.ulps = 1}),
      with_number(
          "multiply by 2", [](const Tensor& x) { return 2 * x; }, [](double x) { return 2 * x; }, with_integer),
      with_number(
          "multiply by 2.0", [](const Tensor& x) { return x * 2.0; }, [](double x) { return x * 2; }, floating),
      with_number(
          "add 1", [](const Tensor& x) { return x + 1; }, [](double x) { return x + 1; }, with_integer),
      with_number(
          "subtract from 0.5f", [](const Tensor& x) { return 0.5f - x; }, [](double x) { return 0.5 - x; }, floating),
      with_number(
          "divide 3", [](const Tensor& x) { return 3 / x; }, [](double x) { return 3 / x; }, floating),
      with_number(
          "pow of 2", [](const Tensor& x) { return pow(x, 2); }, [](double x) { return x * x; }, with_integer),
      // At 0 the rule b a^(b-1) must not meet 0 * inf, at any order.
      unary(
          "pow of 3 at 0", [](const Tensor& x) { return pow(x, 3); }, [](double x) { return x * x * x; }, {0, 0}, {},
          {.result = with_integer}),
      unary(
          "pow of 2 at 0", [](const Tensor& x) { return pow(x, 2); }, [](double x) { return x * x; }, {0, 0}, {},
          {.result = with_integer}),
      unary(
          "pow of 1 at 0", [](const Tensor& x) { return pow(x, 1); }, [](double x) { return x; }, {0, 0}, {},
          {.result = with_integer}),
      unary(
          "pow of 0 at 0", [](const Tensor& x) { return pow(x, 0); }, [](double) { return 1.0; }, {0, 0}, {},
          {.result = with_integer}),
      with_number(
          "maximum with 1", [](const Tensor& x) { return maximum(x, 1); }, [](double x) { return x > 1 ? x : 1; }, with_integer),
      clip_row(),
  };
  return rows;
}

std::vector<Row> comparison_rows() {
  const auto truth = [](double x) { return x != 0; };
  std::vector<Row> rows{
      comparison("equal", operator==, [](double a, double b) -> double { return a == b; }),
      comparison("not_equal", operator!=, [](double a, double b) -> double { return a != b; }),
      comparison("less", operator<, [](double a, double b) -> double { return a < b; }),
      comparison("less_equal", operator<=, [](double a, double b) -> double { return a <= b; }),
      comparison("less the other way round", operator>, [](double a, double b) -> double { return a > b; }),
      comparison("less_equal the other way round", operator>=, [](double a, double b) -> double { return a >= b; }),
      comparison("logical_and", logical_and, [](double a, double b) -> double { return a != 0 && b != 0; }),
      comparison("logical_or", logical_or, [](double a, double b) -> double { return a != 0 || b != 0; }),
      unary("logical_not", logical_not, [](double a) -> double { return a == 0; }, {}, {},
            {.differentiable = false,
             .result = boolean,
             .ulps = 0,
             .specials = {{{{0.0, -0.0, 1, -2, 0.25, kInf, kNaN}}, {1, 1, 0, 0, 0, 0, 0}}}}),
      where_row(),
  };
  for (const std::string name : {"logical_and", "logical_or"})
    for (Row& row : rows)
      if (row.name == name)
        for (const double a : {0.0, 0.25})
          for (const double b : {0.0, -3.0})
            row.specials.push_back(
                {{{a}, {b}}, {name == "logical_and" ? double(truth(a) && truth(b)) : double(truth(a) || truth(b))}});
  return rows;
}

}  // namespace gradus::test
