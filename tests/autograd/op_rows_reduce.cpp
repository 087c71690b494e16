// Reductions.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Values = std::vector<double>;
using Reducer = Tensor (*)(const Tensor&, const Axes&, bool);

double sum_of(const Values& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
double mean_of(const Values& v) { return sum_of(v) / static_cast<double>(v.size()); }
double product_of(const Values& v) { return std::accumulate(v.begin(), v.end(), 1.0, std::multiplies<>()); }
double max_of(const Values& v) { return *std::max_element(v.begin(), v.end()); }
double min_of(const Values& v) { return *std::min_element(v.begin(), v.end()); }
template <int kCorrection>
double variance_of(const Values& v) {
  const double m = mean_of(v), n = static_cast<double>(v.size()) - kCorrection;
  return std::accumulate(v.begin(), v.end(), 0.0, [m](double s, double x) { return s + (x - m) * (x - m); }) / n;
}
template <int kCorrection>
double deviation_of(const Values& v) {
  return std::sqrt(variance_of<kCorrection>(v));
}
double log_sum_of(const Values& v) {
  return std::log(std::accumulate(v.begin(), v.end(), 0.0, [](double s, double x) { return s + std::exp(x); }));
}
double first_max(const Values& v) { return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin()); }
double first_min(const Values& v) { return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin()); }
double any_of(const Values& v) {
  return std::any_of(v.begin(), v.end(), [](double x) { return x != 0; });
}
double all_of(const Values& v) {
  return std::all_of(v.begin(), v.end(), [](double x) { return x != 0; });
}

/// One reduction over all axes, one axis, several axes and with kept dimensions; `first` is the row for all axes.
void append(std::vector<Row>& rows, Reducer f, double (*fold)(const Values&), bool of_nothing, Row first) {
  const std::string op = first.name;
  first.reduces = true;
  first.call = [f](const std::vector<Tensor>& in) { return f(in[0], {}, false); };
  first.reference = reduction(fold, {});
  first.errors.push_back(raises<ShapeError>("axis out of range; got 2, expected -2 <= axis < 2", [f] {
    f(zeros({2, 3}), 2, false);
  }));
  first.errors.push_back(raises<ShapeError>("axis given twice", [f] { f(zeros({2, 3}), {1, -1}, false); }));
  if (!of_nothing) first.errors.push_back(raises<ShapeError>("got shape [2, 0]", [f] { f(zeros({2, 0}), 1, false); }));
  const auto sizes = [of_nothing](std::vector<std::vector<Shape>> shapes, std::vector<Shape> empty) {
    if (of_nothing)
      for (const Shape& s : empty) shapes.push_back({s});
    return shapes;
  };
  Row base = first;
  base.specials.clear();
  base.errors.clear();
  base.covers.clear();
  first.shapes = sizes({{{}}, {{1}}, {{7}}, {{1, 1}}, {{3, 41}}}, {{0}, {2, 0}});
  rows.push_back(first);

  Row one = base;
  one.name = op + " over axis 1";
  one.call = [f](const std::vector<Tensor>& in) { return f(in[0], 1, false); };
  one.reference = reduction(fold, {1});
  one.shapes = sizes({{{3, 1}}, {{1, 5}}, {{2, 3, 2}}, {{0, 3}}, {{2, 37}}, {{3, 2, 9}}}, {{2, 0}, {2, 0, 3}});
  rows.push_back(one);

  Row several = base;
  several.name = op + " over axes 0 and 2, kept";
  several.call = [f](const std::vector<Tensor>& in) { return f(in[0], {0, -1}, true); };
  several.reference = reduction(fold, {0, 2}, true);
  several.inputs[0].shape = {2, 3, 2};
  several.shapes = sizes({{{1, 2, 3}}, {{3, 2, 1}}, {{2, 0, 2}}, {{5, 2, 19}}}, {{0, 3, 2}, {2, 2, 0}});
  rows.push_back(several);

  Row front = base;
  front.name = op + " over axis 0";
  front.call = [f](const std::vector<Tensor>& in) { return f(in[0], 0, false); };
  front.reference = reduction(fold, {0});
  front.shapes = sizes({{{4}}, {{1, 3}}, {{19, 3}}, {{3, 35}}, {{3, 0}}}, {{0, 2}});
  rows.push_back(front);
}

Row arg_row(std::string name, Tensor (*flat)(const Tensor&), double (*fold)(const Values&), Special special) {
  Row row{.name = std::move(name)};
  row.call = [flat](const std::vector<Tensor>& in) { return flat(in[0]); };
  row.reference = reduction(fold, {});
  row.shapes = {{{}}, {{1}}, {{33}}};
  row.differentiable = false;
  row.result = index;
  row.ulps = 0;
  row.specials = {std::move(special)};
  row.errors = {raises<ShapeError>("no element to choose from; got shape [0]", [flat] { flat(zeros({0})); })};
  return row;
}
Row arg_row_along(std::string name, Tensor (*f)(const Tensor&, int64_t, bool), double (*fold)(const Values&), int axis,
                  bool keepdims) {
  Row row{.name = std::move(name)};
  row.call = [f, axis, keepdims](const std::vector<Tensor>& in) { return f(in[0], axis, keepdims); };
  row.reference = reduction(fold, {axis}, keepdims);
  row.inputs[0].shape = {3, 4, 2};
  row.shapes = {{{2, 1, 3}}, {{5, 19}}, {{1, 1}}, {{17, 3}}};
  row.differentiable = false;
  row.result = index;
  row.ulps = 0;
  row.errors = {raises<ShapeError>("axis out of range",
                                   [f] {
                                     f(zeros({2, 3}), 2, false);
                                   }),
                raises<ShapeError>("got shape [2, 0]", [f] {
                  f(zeros({2, 0}), 1, false);
                })};
  return row;
}

}  // namespace

std::vector<Row> reduce_rows() {
  const double nan = kNaN, inf = kInf, ln2 = std::log(2.0);
  std::vector<Row> rows;
  append(rows, sum, sum_of, true,
         {.name = "sum",
          .polynomial = true,
          .result = summed,
          .specials = {
              {{{}}, {0}}, {{{inf, 1}}, {inf}, {{1, 1}}}, {{{inf, -inf}}, {nan}, {{1, 1}}}, {{{nan, 1}}, {nan}, {{1, 1}}}}});
  append(rows, mean, mean_of, true,
         {.name = "mean", .polynomial = true, .specials = {{{{}}, {nan}}, {{{1, 2}}, {1.5}, {{0.5, 0.5}}}}});
  append(rows, prod, product_of, true,
         {.name = "prod",
          .inputs = {{.low = 0.5, .high = 1.5}},
          .result = summed,
          .specials =
              {{{{}}, {1}}, {{{2, 3, 4}}, {24}, {{12, 8, 6}}}, {{{0, 2, 3}}, {0}, {{6, 0, 0}}}, {{{0, 2, 0}}, {0}, {{0, 0, 0}}}},
          .covers = {"multiply", "concat"}});
  append(rows, max, max_of, false,
         {.name = "max",
          .result = kept,
          .specials = {{{{3, 1, 3}}, {3}, {{0.5, 0, 0.5}}},
                       {{{2, 2, 2, 2}}, {2}, {{0.25, 0.25, 0.25, 0.25}}},
                       {{{-inf, 1}}, {1}, {{0, 1}}},
                       {{{-inf, -inf}}, {-inf}, {{0.5, 0.5}}},
                       {{{1, nan, 2}}, {nan}}}});
  append(rows, min, min_of, false,
         {.name = "min",
          .result = kept,
          .specials = {{{{3, 1, 1}}, {1}, {{0, 0.5, 0.5}}}, {{{inf, 1}}, {1}, {{0, 1}}}, {{{1, nan, 2}}, {nan}}}});
  append(
      rows, [](const Tensor& x, const Axes& axes, bool keepdims) { return var(x, axes, keepdims); }, variance_of<0>, true,
      {.name = "var", .specials = {{{{}}, {nan}}, {{{5}}, {0}, {{0}}}, {{{1, 3}}, {1}, {{-1, 1}}}, {{{2, 2}}, {0}, {{0, 0}}}}});
  append(rows, [](const Tensor& x, const Axes& axes, bool keepdims) { return std(x, axes, keepdims); }, deviation_of<0>, true,
         {.name = "std",
          .inputs = {{.low = -1, .high = 2}},
          .specials = {{{{}}, {nan}}, {{{1, 3}}, {1}, {{-0.5, 0.5}}}, {{{2, 2}}, {0}, {{0, 0}}}}});
  append(rows, logsumexp, log_sum_of, true,
         {.name = "logsumexp",
          .specials = {{{{}}, {-inf}},
                       {{{1000, 1000}}, {1000 + ln2}, {{0.5, 0.5}}},
                       {{{-1000, -1000}}, {-1000 + ln2}, {{0.5, 0.5}}},
                       {{{-inf, 0}}, {0}, {{0, 1}}},
                       {{{-inf, -inf}}, {-inf}},
                       {{{inf, 0}}, {inf}},
                       {{{nan, 0}}, {nan}}}});
  // At zeros a product has derivatives that division cannot find.
  Row zeros_row{.name = "prod of zeros", .inputs = {{.shape = {2, 2}, .low = 0, .high = 0}}, .shapes = {{{3}}}};
  zeros_row.call = [](const std::vector<Tensor>& in) { return prod(in[0]); };
  zeros_row.reference = reduction(product_of, {});
  zeros_row.polynomial = true;
  zeros_row.result = summed;
  rows.push_back(zeros_row);
  // A sample's variance needs two elements.
  Row sample{.name = "var with correction 1",
             .shapes = {{{2}}, {{4, 2}}},
             .reduces = true,
             .specials = {{{{5}}, {nan}}, {{{1, 3}}, {2}, {{-2, 2}}}}};
  sample.call = [](const std::vector<Tensor>& in) { return var(in[0], {}, false, 1); };
  sample.reference = reduction(variance_of<1>, {});
  rows.push_back(sample);
  sample.name = "std with correction 1";
  sample.specials = {{{{5}}, {nan}}, {{{1, 3}}, {std::sqrt(2.0)}, {{-std::sqrt(0.5), std::sqrt(0.5)}}}};
  sample.call = [](const std::vector<Tensor>& in) { return std(in[0], {}, false, 1); };
  sample.reference = reduction(deviation_of<1>, {});
  rows.push_back(sample);

  rows.push_back(arg_row("argmax", argmax, first_max, {{{1, 3, 3, 2}}, {1}}));
  rows.back().specials.push_back({{{1, nan, 3, nan}}, {1}});
  rows.back().specials.push_back({{{-inf, -inf}}, {0}});
  rows.push_back(arg_row("argmin", argmin, first_min, {{{2, 1, 1, 3}}, {1}}));
  rows.back().specials.push_back({{{1, nan, 0, nan}}, {1}});
  rows.push_back(arg_row_along("argmax over axis 1", argmax, first_max, 1, false));
  rows.push_back(arg_row_along("argmin over axis 0, kept", argmin, first_min, 0, true));

  const Row truth{.inputs = {{.low = 0, .high = 1}}, .differentiable = false, .result = boolean};
  Row any_row = truth, all_row = truth;
  any_row.name = "any";
  any_row.specials = {{{{}}, {0}}, {{{0, -0.0}}, {0}}, {{{0, nan}}, {1}}, {{{0, 0.25}}, {1}}};
  all_row.name = "all";
  all_row.specials = {{{{}}, {1}}, {{{1, -0.0}}, {0}}, {{{1, nan}}, {1}}, {{{1, 0.25}}, {1}}};
  append(rows, any, any_of, true, any_row);
  append(rows, all, all_of, true, all_row);
  return rows;
}

}  // namespace gradus::test
