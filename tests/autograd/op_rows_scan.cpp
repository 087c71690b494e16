// Running sums, products and maxima.
#include <algorithm>
#include <cmath>
#include <functional>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Values = std::vector<double>;
using Scan = Tensor (*)(const Tensor&, int64_t, const ScanOptions&);
/// The result for the elements so far.
using Fold = double (*)(const Values&);

double sum_of(const Values& v) {
  double total = 0;
  for (const double x : v) total += x;
  return total;
}
double product_of(const Values& v) {
  double total = 1;
  for (const double x : v) total *= x;
  return total;
}
double largest_of(const Values& v) { return *std::max_element(v.begin(), v.end()); }
double smallest_of(const Values& v) { return *std::min_element(v.begin(), v.end()); }
double log_sum_of(const Values& v) {
  double total = 0;
  for (const double x : v) total += std::exp(x);
  return std::log(total);
}

/// `along_last_axis` for any axis.
template <class F>
Array along_axis(const Array& x, int axis, const F& f) {
  Shape order;
  for (int i = 0; i < x.shape.ndim(); ++i) order.push_back(i);
  std::swap(order[axis], order[x.shape.ndim() - 1]);  // its own inverse
  return permuted(along_last_axis(permuted(x, order), f), order);
}

Reference scan_reference(Fold fold, int axis, ScanOptions options) {
  return [=](const Arrays& in) {
    return along_axis(in[0], axis < 0 ? axis + in[0].shape.ndim() : axis, [&](Values v) {
      if (options.reverse) std::reverse(v.begin(), v.end());
      Values out, seen;
      for (const double x : v) {
        if (options.exclusive) out.push_back(fold(seen));
        seen.push_back(x);
        if (!options.exclusive) out.push_back(fold(seen));
      }
      if (options.reverse) std::reverse(out.begin(), out.end());
      return out;
    });
  };
}

Row scan_row(Row row, std::string name, Scan f, Fold fold, int axis, ScanOptions options, Shape shape,
             std::vector<std::vector<Shape>> shapes) {
  row.name += name;
  row.call = [f, axis, options](const std::vector<Tensor>& in) { return f(in[0], axis, options); };
  row.reference = scan_reference(fold, axis, options);
  row.inputs[0].shape = shape;
  row.shapes = std::move(shapes);
  return row;
}
/// The plain scan along the last axis, which is `first`, and scans along other axes and in reverse.
void append(std::vector<Row>& rows, Scan f, Fold fold, Row first) {
  first.errors.push_back(raises<ShapeError>("axis out of range; got 2, expected -2 <= axis < 2", [f] {
    f(zeros({2, 3}), 2, {});
  }));
  first.errors.push_back(raises<ShapeError>("axis out of range", [f] { f(Tensor(1.0f), 0, {}); }));
  rows.push_back(scan_row(first, "", f, fold, -1, {}, {2, 3}, {{{1}}, {{7}}, {{0}}, {{0, 3}}, {{2, 0}}, {{3, 41}}}));
  first.specials.clear();
  first.errors.clear();
  rows.push_back(
      scan_row(first, " along axis 0", f, fold, 0, {}, {3, 2}, {{{1, 3}}, {{0, 2}}, {{2, 0}}, {{4, 3, 2}}, {{3, 301}}}));
  rows.push_back(
      scan_row(first, " along axis 1", f, fold, 1, {.reverse = true}, {2, 3, 2}, {{{2, 1, 3}}, {{2, 0, 2}}, {{3, 2, 67}}}));
  rows.push_back(scan_row(first, " in reverse", f, fold, 0, {.reverse = true}, {4}, {{{1}}, {{0}}, {{19}}}));
}
void append_exclusive(std::vector<Row>& rows, Scan f, Fold fold, const Row& first) {
  rows.push_back(scan_row(first, ", exclusive", f, fold, -1, {.exclusive = true}, {2, 3}, {{{1}}, {{0}}, {{2, 0}}, {{2, 9}}}));
  rows.push_back(scan_row(first, " in reverse, exclusive", f, fold, 0, {.reverse = true, .exclusive = true}, {3, 2},
                          {{{1}}, {{0}}, {{5, 2}}}));
}
ErrorCase refuses_exclusive(Scan f) {
  return raises<ValueError>("no value for no elements", [f] { f(zeros({3}), 0, {.exclusive = true}); });
}

/// At zeros, here between other elements, a product has derivatives that division cannot find.
Row product_around_zeros(std::string name, int64_t zeros, bool reverse) {
  Row row{.name = std::move(name), .inputs = {{.shape = {2}}, {.shape = {zeros}, .low = 0, .high = 0}, {.shape = {2}}}};
  row.call = [reverse](const std::vector<Tensor>& in) { return cumprod(concat(in), 0, {.reverse = reverse}); };
  row.reference = [reverse](const Arrays& in) {
    Array all{{0}};
    for (const Array& x : in) all.values.insert(all.values.end(), x.values.begin(), x.values.end());
    all.shape = {all.size()};
    return scan_reference(product_of, 0, {.reverse = reverse})({all});
  };
  row.result = summed;
  row.reduces = true;
  return row;
}

Row linear_scan_row(std::string name, Shape a, Shape b, int axis, bool reverse, std::vector<std::vector<Shape>> shapes) {
  Row row{.name = std::move(name), .inputs = {{.shape = a}, {.shape = b}}, .shapes = std::move(shapes)};
  row.call = [axis, reverse](const std::vector<Tensor>& in) { return linear_scan(in[0], in[1], axis, {.reverse = reverse}); };
  row.reference = [axis, reverse](const Arrays& in) {
    const Shape shape = broadcast_shape(in);
    const int64_t step = reverse ? 1 : -1;
    const int at_axis = axis < 0 ? axis + shape.ndim() : axis;
    const std::function<double(const Shape&)> value = [&](const Shape& at) {
      Shape before = at;
      before[at_axis] += step;
      const bool first = before[at_axis] < 0 || before[at_axis] == shape[at_axis];
      return (first ? 0 : in[0].broadcast(at) * value(before)) + in[1].broadcast(at);
    };
    return build(shape, value);
  };
  row.reduces = true;
  return row;
}

Row diff_row(std::string name, int64_t n, int axis, Shape shape, std::vector<std::vector<Shape>> shapes) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(shapes)};
  row.call = [n, axis](const std::vector<Tensor>& in) { return diff(in[0], n, axis); };
  row.reference = [n, axis](const Arrays& in) {
    Array x = in[0];
    const int at_axis = axis < 0 ? axis + x.shape.ndim() : axis;
    for (int64_t k = 0; k < n && x.shape[at_axis] > 0; ++k) {
      Shape smaller = x.shape;
      --smaller[at_axis];
      x = build(smaller, [&](const Shape& at) {
        Shape next = at;
        ++next[at_axis];
        return x(next) - x(at);
      });
    }
    return x;
  };
  row.polynomial = true;
  row.integers = n < 2;  // differences of booleans are not those of numbers
  row.result = kept;
  row.reduces = true;
  return row;
}

}  // namespace

std::vector<Row> scan_rows() {
  const double nan = kNaN, inf = kInf, ln2 = std::log(2.0);
  std::vector<Row> rows;
  const Row sums{.name = "cumsum", .polynomial = true, .result = summed, .reduces = true};
  append(rows, cumsum, sum_of, sums);
  rows[0].specials = {{{{1, 2, 3}}, {1, 3, 6}, {{3, 2, 1}}},
                      {{{1, inf, 1, -inf}}, {1, inf, inf, nan}, {{4, 3, 2, 1}}},
                      {{{1, nan, 1}}, {1, nan, nan}, {{3, 2, 1}}}};
  append_exclusive(rows, cumsum, sum_of, sums);

  const Row products{.name = "cumprod",
                     .inputs = {{.low = -1.5, .high = 1.5}},
                     .result = summed,
                     .reduces = true,
                     .covers = {"multiply", "linear_scan"}};
  Row product = products;
  product.specials = {{{{2, 3, 4}}, {2, 6, 24}, {{16, 10, 6}}},
                      {{{2, 0, 4, 5}}, {2, 0, 0, 0}, {{1, 50, 0, 0}}},
                      {{{2, 0, 4, 0}}, {2, 0, 0, 0}, {{1, 10, 0, 0}}},
                      {{{0, 0, 3}}, {0, 0, 0}, {{1, 0, 0}}},
                      {{{nan, 1}}, {nan, nan}}};
  append(rows, cumprod, product_of, product);
  append_exclusive(rows, cumprod, product_of, products);

  append(rows, cummax, largest_of,
         {.name = "cummax",
          .result = kept,
          .ulps = 0,
          .specials = {{{{1, 3, 3, 2, 3}}, {1, 3, 3, 3, 3}, {{1, 1, 2, 0, 1}}},
                       {{{-inf, -inf, 1, inf}}, {-inf, -inf, 1, inf}, {{1, 1, 1, 1}}},
                       {{{1, nan, 2, nan, 3}}, {1, nan, nan, nan, nan}, {{1, 2, 0, 2, 0}}}},
          .errors = {refuses_exclusive(cummax)},
          .covers = {"gather"}});
  append(rows, cummin, smallest_of,
         {.name = "cummin",
          .result = kept,
          .ulps = 0,
          .specials = {{{{3, 1, 1, 2}}, {3, 1, 1, 1}, {{1, 1, 2, 0}}},
                       {{{0, -0.0, 0}}, {0, 0, 0}, {{1, 1, 1}}},
                       {{{1, nan, 0}}, {1, nan, nan}, {{1, 2, 0}}}},
          .errors = {refuses_exclusive(cummin)}});
  append(rows, logcumsumexp, log_sum_of,
         {.name = "logcumsumexp",
          .reduces = true,
          .specials = {{{{1000, 1000}}, {1000, 1000 + ln2}, {{1.5, 0.5}}},
                       {{{-1000, 1000, -1000}}, {-1000, 1000, 1000}, {{1, 2, 0}}},
                       {{{1000, -1000}}, {1000, 1000}, {{2, 0}}},
                       {{{-inf, -inf}}, {-inf, -inf}, {{0, 0}}},
                       {{{-inf, 0, -inf}}, {-inf, 0, 0}, {{0, 2, 0}}},
                       {{{-inf, -1000, 1000}}, {-inf, -1000, 1000}, {{0, 1, 1}}},
                       {{{0, inf, 1000, inf}}, {0, inf, inf, inf}},
                       {{{0, nan, 1}}, {0, nan, nan}}}});
  // Of nothing it is -inf, where there are no differences to take.
  append_exclusive(
      rows, [](const Tensor& x, int64_t axis, const ScanOptions& options) { return exp(logcumsumexp(x, axis, options)); },
      [](const Values& v) { return std::exp(log_sum_of(v)); }, {.name = "logcumsumexp", .reduces = true});
  for (const bool reverse : {false, true}) {
    const std::string direction = reverse ? " in reverse" : "";
    rows.push_back(product_around_zeros("cumprod around a zero" + direction, 1, reverse));
    rows.push_back(product_around_zeros("cumprod around two zeros" + direction, 2, reverse));
  }

  rows.push_back(
      linear_scan_row("linear_scan", {3}, {3}, 0, false, {{{1}, {1}}, {{0}, {0}}, {{2, 5}, {2, 5}}, {{3, 2}, {3, 2}}}));
  rows.back().specials = {{{{5, 2, 3}, {1, 1, 1}}, {1, 3, 10}, {{0, 4, 3}, {9, 4, 1}}},
                          {{{inf, 0, 1}, {1, 1, 1}}, {1, 1, 2}, {{0, 2, 1}, {1, 2, 1}}},
                          {{{nan, 2}, {1, 1}}, {1, 3}, {{0, 1}, {3, 1}}}};
  rows.back().errors = {
      raises<ShapeError>("shapes do not broadcast; got [2]", [] { linear_scan(zeros({2}), zeros({3}), 0); }),
      raises<ShapeError>("axis out of range; got 1", [] { linear_scan(0.5, zeros({3}), 1); }),
      raises<ValueError>("no operand is a tensor", [] { linear_scan(0.5, 1, 0); }),
      raises<ValueError>("no value for no elements", [] { linear_scan(0.5, zeros({3}), 0, {.exclusive = true}); })};
  rows.push_back(linear_scan_row("linear_scan in reverse", {3}, {3}, 0, true, {{{2, 2}, {2, 2}}, {{0, 2}, {0, 2}}}));
  rows.push_back(linear_scan_row("linear_scan along axis 1", {2, 3, 2}, {2, 3, 2}, 1, true, {{{1, 3, 66}, {1, 3, 66}}}));
  // Factors or terms of fewer elements than the result, also along the axis of the scan.
  rows.push_back(linear_scan_row("linear_scan, broadcast", {}, {2, 3}, -1, false,
                                 {{{1}, {3}}, {{2, 1}, {2, 3}}, {{3}, {2, 3}}, {{2, 3}, {1}}, {{2, 3}, {}}, {{2, 1}, {3}}}));
  rows.push_back(linear_scan_row("linear_scan in reverse, broadcast", {2, 1}, {3, 1, 2}, 0, true, {{{}, {4}}, {{1}, {0}}}));

  rows.push_back(diff_row("diff", 1, -1, {2, 4}, {{{1}}, {{0}}, {{2, 1}}, {{0, 3}}, {{2, 0}}, {{2, 37}}}));
  rows.back().specials = {{{{1, 4, 2}}, {3, -2}, {{-1, 0, 1}}}, {{{inf, inf}}, {nan}, {{-1, 1}}}};
  rows.back().errors = {raises<ValueError>("negative number of differences; got -1", [] { diff(zeros({3}), -1); }),
                        raises<ShapeError>("axis out of range; got 1", [] { diff(zeros({3}), 1, 1); }),
                        raises<ShapeError>("axis out of range", [] { diff(Tensor(1.0f)); })};
  rows.push_back(diff_row("diff along axis 0, twice", 2, 0, {4, 2}, {{{1, 2}}, {{2, 2}}, {{0, 2}}}));
  rows.push_back(diff_row("diff not at all", 0, 0, {4}, {{{0}}}));
  return rows;
}

}  // namespace gradus::test
