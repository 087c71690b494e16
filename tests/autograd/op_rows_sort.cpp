// Sorting, searching, unique.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

using Values = std::vector<double>;
using Lines = std::function<Values(const Values&)>;

/// Positions in ascending or descending order by insertion: each element goes after all that are not larger (not smaller).
std::vector<size_t> order_of(const Values& v, bool descending) {
  std::vector<size_t> out;
  for (size_t i = 0; i < v.size(); ++i) {
    size_t at = out.size();
    while (at > 0 && (descending ? v[out[at - 1]] < v[i] : v[out[at - 1]] > v[i])) --at;
    out.insert(out.begin() + static_cast<ptrdiff_t>(at), i);
  }
  return out;
}
Values picked(const Values& v, const std::vector<size_t>& positions) {
  Values out;
  for (const size_t i : positions) out.push_back(v[i]);
  return out;
}

/// f of every line along an axis; lines may change their length.
Reference along(int axis, Lines f) {
  return [axis, f](const Arrays& in) {
    Shape order;
    for (int i = 0; i < in[0].shape.ndim(); ++i) order.push_back(i);
    std::swap(order[axis < 0 ? axis + order.ndim() : axis], order[order.ndim() - 1]);  // its own inverse
    const Array x = permuted(in[0], order);
    const auto n = static_cast<ptrdiff_t>(x.shape.back());
    Array out{x.shape};
    out.shape[x.shape.ndim() - 1] = static_cast<int64_t>(f(Values(static_cast<size_t>(n))).size());
    for (auto line = x.values.begin(); n > 0 && line != x.values.end(); line += n) {
      const Values y = f(Values(line, line + n));
      out.values.insert(out.values.end(), y.begin(), y.end());
    }
    return permuted(out, order);
  };
}

Row line_row(std::string name, Shape shape, Call call, Reference reference, std::vector<std::vector<Shape>> shapes) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(shapes)};
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.result = kept;
  row.ulps = 0;
  return row;
}
Row of_positions(Row row) {
  row.differentiable = false;
  row.result = index;
  return row;
}

Row sort_row(std::string name, int axis, bool descending, Shape shape, std::vector<std::vector<Shape>> shapes) {
  return line_row(
      std::move(name), shape, [=](const std::vector<Tensor>& in) { return sort(in[0], axis, descending); },
      along(axis, [=](const Values& v) { return picked(v, order_of(v, descending)); }), std::move(shapes));
}
Row argsort_row(std::string name, int axis, bool descending, Shape shape, std::vector<std::vector<Shape>> shapes) {
  return of_positions(line_row(
      std::move(name), shape, [=](const std::vector<Tensor>& in) { return argsort(in[0], axis, descending); },
      along(axis,
            [=](const Values& v) {
              const std::vector<size_t> order = order_of(v, descending);
              return Values(order.begin(), order.end());
            }),
      std::move(shapes)));
}
Row topk_row(std::string name, int64_t k, int axis, bool largest, Shape shape, std::vector<std::vector<Shape>> shapes) {
  return line_row(
      std::move(name), shape, [=](const std::vector<Tensor>& in) { return topk(in[0], k, axis, largest).values; },
      along(axis,
            [=](const Values& v) {
              std::vector<size_t> order = order_of(v, largest);
              order.resize(static_cast<size_t>(k));
              return picked(v, order);
            }),
      std::move(shapes));
}

double quantile_of(Values v, double q) {
  std::sort(v.begin(), v.end());
  const double at = q * static_cast<double>(v.size() - 1), low = std::floor(at);
  const double a = v[static_cast<size_t>(low)], b = v[static_cast<size_t>(std::ceil(at))];
  return a + (b - a) * (at - low);
}
Row quantile_row(std::string name, double q, std::vector<int> over, bool keepdims, Shape shape,
                 std::vector<std::vector<Shape>> shapes) {
  Shape axes;
  for (const int axis : over) axes.push_back(axis);
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(shapes), .reduces = true};
  row.call = [=](const std::vector<Tensor>& in) { return quantile(in[0], q, over.empty() ? Axes() : Axes(axes), keepdims); };
  row.reference = reduction([q](const Values& v) { return quantile_of(v, q); }, over, keepdims);
  return row;
}
Row median_row(std::string name, std::vector<int> over, Shape shape, std::vector<std::vector<Shape>> shapes) {
  Row row = quantile_row(std::move(name), 0.5, over, false, shape, std::move(shapes));
  row.call = [over](const std::vector<Tensor>& in) { return median(in[0], over.empty() ? Axes() : Axes(over[0])); };
  return row;
}

/// Distinct values, group of each element, and counts.
struct Distinct {
  Values values, inverse, counts;
};
Distinct distinct(const Array& x) {
  Distinct out;
  out.values = picked(x.values, order_of(x.values, false));
  out.values.erase(std::unique(out.values.begin(), out.values.end()), out.values.end());
  for (const double v : x.values)
    out.inverse.push_back(static_cast<double>(std::find(out.values.begin(), out.values.end(), v) - out.values.begin()));
  for (const double v : out.values) out.counts.push_back(static_cast<double>(std::count(x.values.begin(), x.values.end(), v)));
  return out;
}
Array line(Values values) { return {{static_cast<int64_t>(values.size())}, std::move(values)}; }

Row searchsorted_row(std::string name, bool right, Shape sorted, Shape values, std::vector<std::vector<Shape>> shapes) {
  Row row{.name = std::move(name), .inputs = {{.shape = sorted}, {.shape = values}}, .shapes = std::move(shapes)};
  row.call = [right](const std::vector<Tensor>& in) { return searchsorted(sort(in[0]), in[1], right); };
  row.reference = [right](const Arrays& in) {
    return build(in[1].shape, [&](const Shape& at) {
      Shape from = in[0].shape.ndim() == 1 ? Shape{0} : at;
      double before = 0;
      for (int64_t& k = from[from.ndim() - 1] = 0; k < in[0].shape.back(); ++k)
        before += in[0](from) < in[1](at) || (right && in[0](from) == in[1](at));
      return before;
    });
  };
  return of_positions(std::move(row));
}

}  // namespace

std::vector<Row> sort_rows() {
  const double nan = kNaN, inf = kInf;
  const Tensor x = zeros({2, 3});
  std::vector<Row> rows{sort_row("sort", -1, false, {2, 4}, {{{1}}, {{0}}, {{0, 3}}, {{2, 0}}, {{37}}, {{3, 2, 3}}})};
  rows.back().specials = {{{{3, 1, 2}}, {1, 2, 3}, {{1, 1, 1}}},
                          {{{nan, 1, -inf, nan, inf}}, {-inf, 1, inf, nan, nan}},
                          {{{1, -1, 1}}, {-1, 1, 1}, {{1, 1, 1}}}};
  rows.back().errors = {raises<ShapeError>("axis out of range; got 2", [x] { sort(x, 2); }),
                        raises<ShapeError>("axis out of range", [] { sort(Tensor(1.0f)); })};
  rows.push_back(sort_row("sort along axis 0, descending", 0, true, {4, 2}, {{{1, 2}}, {{0, 2}}, {{5, 3, 2}}}));
  rows.back().specials = {{{{1, nan, 2}}, {nan, 2, 1}}};
  rows.push_back(sort_row("sort along axis 1", 1, false, {2, 3, 2}, {{{2, 0, 2}}, {{1, 1, 1}}}));
  // Which element stands where is seen in what it is multiplied by: equal ones keep their order, in both directions.
  for (const bool descending : {false, true}) {
    Row row = line_row(
        descending ? "sort weighted, descending" : "sort weighted", {4},
        [=](const std::vector<Tensor>& in) {
          return square(sort(in[0], 0, descending)) * Tensor({1.0, 2.0, 3.0, 4.0}).astype(in[0].dtype());
        },
        [=](const Arrays& in) {
          Values v = picked(in[0].values, order_of(in[0].values, descending));
          for (size_t i = 0; i < v.size(); ++i) v[i] *= v[i] * static_cast<double>(i + 1);
          return line(v);
        },
        {});
    row.integers = false;
    row.reduces = true;
    if (descending) row.specials = {{{{1, 0.5, 1, 0.5}}, {1, 2, 0.75, 1}, {{2, 3, 4, 4}}}};
    else row.specials = {{{{1, 0.5, 1, 0.5}}, {0.25, 0.5, 3, 4}, {{6, 1, 8, 2}}}};
    rows.push_back(row);
  }

  rows.push_back(argsort_row("argsort", -1, false, {2, 4}, {{{1}}, {{0}}, {{2, 0}}, {{300}}, {{2, 500}}}));
  rows.back().specials = {
      {{{2, 1, 2, 1}}, {1, 3, 0, 2}}, {{{0, -0.0, 0}}, {0, 1, 2}}, {{{nan, 0, nan, -inf, inf}}, {3, 1, 4, 0, 2}}};
  rows.back().errors = {raises<ShapeError>("axis out of range; got 2", [x] { argsort(x, 2); })};
  rows.push_back(argsort_row("argsort along axis 0, descending", 0, true, {4, 2}, {{{0, 2}}, {{300, 2}}}));
  rows.back().specials = {{{{2, 1, 2, 1}}, {0, 2, 1, 3}}, {{{0, nan, -0.0, nan}}, {1, 3, 0, 2}}};

  rows.push_back(topk_row("topk", 2, -1, true, {2, 4}, {{{2}}, {{0, 3}}, {{37}}, {{2, 3, 2}}, {{2, 300}}}));
  rows.back().specials = {{{{1, 3, 3, 3}}, {3, 3}, {{0, 1, 1, 0}}}, {{{nan, 1, inf}}, {nan, inf}, {{1, 0, 1}}}};
  rows.back().errors = {raises<ValueError>("k out of range; got 4, expected 0 <= k <= 3", [x] { topk(x, 4); }),
                        raises<ValueError>("k out of range; got -1", [x] { topk(x, -1); }),
                        raises<ShapeError>("axis out of range; got -3", [x] { topk(x, 1, -3); })};
  rows.push_back(topk_row("topk along axis 0, smallest", 3, 0, false, {4, 2}, {{{3}}, {{3, 0}}, {{300, 2}}}));
  rows.back().specials = {{{{2, nan, 1, 1}}, {1, 1, 2}, {{1, 0, 1, 1}}}};
  rows.push_back(topk_row("topk of none", 0, -1, true, {2, 3}, {{{0}}, {{2, 0}}}));
  Row positions = argsort_row("topk positions", -1, true, {2, 3}, {{{3}}, {{0, 3}}});
  positions.call = [](const std::vector<Tensor>& in) { return topk(in[0], 3).indices; };
  rows.push_back(positions);

  rows.push_back(quantile_row("quantile", 0.3, {}, false, {2, 3}, {{{}}, {{1}}, {{7}}, {{1, 1}}, {{5, 60}}}));
  rows.back().specials = {{{{4, 1, 2, 3}}, {1.9}, {{0, 0.1, 0.9, 0}}},
                          {{{1, nan, 3}}, {nan}, {{0, 0, 0}}},
                          {{{5}}, {5}, {{1}}},
                          {{{inf, inf}}, {inf}, {{0.7, 0.3}}},
                          {{{-inf, 0}}, {-inf}, {{0.7, 0.3}}}};
  rows.back().errors = {raises<ValueError>("q out of range; got 1.5, expected 0 <= q <= 1", [x] { quantile(x, 1.5); }),
                        raises<ValueError>("q out of range; got nan", [x] { quantile(x, kNaN); }),
                        raises<ShapeError>("no element to choose from; got shape [2, 0]",
                                           [] {
                                             quantile(zeros({2, 0}), 0.5, 1);
                                           }),
                        raises<ShapeError>("q has too many dimensions; got [1, 1]",
                                           [x] {
                                             quantile(x, zeros({1, 1}));
                                           }),
                        raises<ShapeError>("axis out of range; got 2", [x] { quantile(x, 0.5, 2); })};
  rows.push_back(quantile_row("quantile over axis 1", 0.25, {1}, false, {2, 4}, {{{3, 1}}, {{0, 3}}, {{2, 3, 2}}, {{2, 37}}}));
  rows.push_back(quantile_row("quantile over axes 0 and 2, kept", 0.8, {0, 2}, true, {2, 3, 2}, {{{2, 0, 2}}, {{1, 2, 1}}}));
  rows.push_back(quantile_row("quantile 0", 0, {}, false, {2, 3}, {}));
  rows.push_back(quantile_row("quantile 1", 1, {}, false, {2, 3}, {{{30}}}));
  Row several = quantile_row("quantile at several ranks", 0, {}, false, {2, 3}, {{{1, 3}}, {{0, 3}}, {{3, 20}}});
  several.call = [](const std::vector<Tensor>& in) { return quantile(in[0], Tensor({0.9, 0.0, 0.5}), -1); };
  several.reference = [](const Arrays& in) {
    Array out{{3, in[0].shape[0]}};
    for (const double q : {0.9, 0.0, 0.5})
      for (const double v : reduction([q](const Values& v) { return quantile_of(v, q); }, {1})(in).values)
        out.values.push_back(v);
    return out;
  };
  rows.push_back(several);
  Row none = several;
  none.name = "quantile at no rank";
  none.call = [](const std::vector<Tensor>& in) { return quantile(in[0], zeros({0}), -1, true); };
  none.reference = [](const Arrays& in) { return Array{{0, in[0].shape[0], 1}}; };
  none.differentiable = false;
  none.inputs[0].dtype = DType::float32;
  none.result = [](DType) { return DType::float32; };
  rows.push_back(none);

  rows.push_back(median_row("median", {}, {2, 3}, {{{}}, {{1}}, {{7}}, {{3, 3}}}));
  rows.back().specials = {{{{3, 1, 2}}, {2}, {{0, 0, 1}}},
                          {{{4, 1, 2, 3}}, {2.5}, {{0, 0, 0.5, 0.5}}},
                          {{{1, 1, 1, 1}}, {1}, {{0, 0.5, 0.5, 0}}},
                          {{{-inf, inf}}, {nan}}};
  rows.back().errors = {raises<ShapeError>("no element to choose from; got shape [0]", [] { median(zeros({0})); }),
                        raises<ShapeError>("axis out of range; got 2", [x] { median(x, 2); })};
  rows.push_back(median_row("median over axis 0", {0}, {3, 2}, {{{1, 2}}, {{4, 2}}, {{3, 0}}}));

  const auto unique_row = [](std::string name, Call call, Reference reference) {
    return line_row(std::move(name), {2, 3}, std::move(call), std::move(reference),
                    {{{}}, {{1}}, {{0}}, {{2, 0}}, {{37}}, {{400}}});
  };
  rows.push_back(unique_row(
      "unique", [](const std::vector<Tensor>& in) { return unique(in[0]).values; },
      [](const Arrays& in) { return line(distinct(in[0]).values); }));
  rows.back().specials = {{{{3, 1, 3, 2, 1}}, {1, 2, 3}, {{1, 1, 0, 1, 0}}}, {{{nan, 0, nan, -0.0}}, {0, nan}, {{1, 1, 0, 0}}}};
  rows.back().errors = {raises<ValueError>(
      "has no value", [] { unique(Tensor()); }, "Tensor")};
  rows.push_back(of_positions(unique_row(
      "unique, inverse", [](const std::vector<Tensor>& in) { return unique(in[0]).inverse; },
      [](const Arrays& in) {
        return Array{in[0].shape, distinct(in[0]).inverse};
      })));
  rows.push_back(of_positions(unique_row(
      "unique, counts", [](const std::vector<Tensor>& in) { return unique(in[0]).counts; },
      [](const Arrays& in) { return line(distinct(in[0]).counts); })));

  for (const bool right : {false, true}) {
    const std::string name = right ? "searchsorted to the right" : "searchsorted";
    rows.push_back(
        searchsorted_row(name, right, {5}, {2, 3}, {{{5}, {}}, {{0}, {3}}, {{1}, {1}}, {{3}, {0}}, {{300}, {2, 2, 2}}}));
    rows.push_back(searchsorted_row(name + " by lines", right, {2, 5}, {2, 3}, {{{2, 0}, {2, 1}}, {{2, 2, 3}, {2, 2, 4}}}));
  }
  Row& search = *std::find_if(rows.begin(), rows.end(), [](const Row& row) { return row.name == "searchsorted"; });
  search.specials = {{{{1, 2, 2, 3}, {0, 2, 4, nan}}, {0, 1, 4, 4}},
                     {{{-inf, 0, inf, nan}, {-inf, -0.0, inf, nan}}, {0, 1, 2, 3}}};
  search.errors = {
      raises<ShapeError>("values do not fit the sorted lines; got [3, 2] for [2, 3]",
                         [x] {
                           searchsorted(x, zeros({3, 2}));
                         }),
      raises<ShapeError>("values do not fit the sorted lines; got [2] for [2, 3]", [x] { searchsorted(x, zeros({2})); }),
      raises<ShapeError>("values do not fit the sorted lines; got [2] for []", [] { searchsorted(Tensor(1.0f), zeros({2})); })};

  for (const int64_t minlength : {0, 6}) {
    Row row{.name = minlength ? "bincount of at least six" : "bincount",
            .inputs = {{.shape = {9}, .low = 0, .high = 4, .dtype = DType::int32}},
            .shapes = {{{0}}, {{1}}}};
    row.call = [minlength](const std::vector<Tensor>& in) { return bincount(in[0], minlength); };
    row.reference = [minlength](const Arrays& in) {
      Values counts(static_cast<size_t>(minlength));
      for (const double v : in[0].values) {
        counts.resize(std::max(counts.size(), static_cast<size_t>(v) + 1));
        ++counts[static_cast<size_t>(v)];
      }
      return line(counts);
    };
    rows.push_back(of_positions(std::move(row)));
  }
  rows.back().errors = {raises<ValueError>("index out of range; got -1 at position 1",
                                           [] {
                                             bincount(Tensor({0, -1}));
                                           }),
                        raises<DTypeError>("indices must be integers; got float32", [] { bincount(zeros({2})); }),
                        raises<ShapeError>("not one-dimensional; got [1, 1]",
                                           [] {
                                             bincount(zeros({1, 1}, DType::int64));
                                           }),
                        raises<ValueError>("negative minlength; got -1", [] { bincount(Tensor({0}), -1); })};
  return rows;
}

}  // namespace gradus::test
