// Vector norms.
#include <cmath>

#include "tests/autograd/op_rows.h"

namespace gradus::test {
namespace {

double norm_of(const std::vector<double>& x, double p) {
  double total = 0, largest = 0, smallest = kInf;
  for (const double v : x) {
    largest = std::max(largest, std::abs(v));
    smallest = std::min(smallest, std::abs(v));
    total += p == 0 ? v != 0 : std::pow(std::abs(v), p);
  }
  return p == kInf ? largest : p == -kInf ? smallest : p == 0 ? total : std::pow(total, 1 / p);
}

Row norm_row(std::string name, double p, Shape shape, Axes axes, std::vector<int> reduced, bool keepdims = false,
             std::vector<std::vector<Shape>> more = {}) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape}}, .shapes = std::move(more)};
  row.call = [=](const std::vector<Tensor>& in) { return norm(in[0], p, axes, keepdims); };
  row.reference = reduction([p](const std::vector<double>& x) { return norm_of(x, p); }, reduced, keepdims);
  if (p < 0) row.inputs[0].low = 0.5;
  row.ulps = 8;
  return row;
}

/// Values and gradients of one vector.
Special at(std::vector<double> x, double value, std::vector<double> gradient) {
  return {{std::move(x)}, {value}, {std::move(gradient)}};
}

}  // namespace

std::vector<Row> norm_rows() {
  const Axes all;
  std::vector<Row> rows{
      norm_row("norm", 2, {2, 3}, all, {}, false, {{{}}, {{1}}, {{5}}, {{0}}, {{3, 0}}}),
      norm_row("norm over axis 1", 2, {2, 3}, -1, {1}, false, {{{0, 2}}, {{2, 0}}, {{2, 1}}, {{1, 37}}}),
      norm_row("norm over two axes, kept", 2, {2, 3, 2}, {0, 2}, {0, 2}, true),
      norm_row("norm of order 1", 1, {2, 3}, 0, {0}, false, {{{1}}, {{0, 2}}}),
      norm_row("norm of order 3", 3, {2, 3}, 0, {0}, true, {{{1}}, {{0, 2}}}),
      norm_row("norm of order 1.5", 1.5, {2, 3}, -1, {1}),
      norm_row("norm of order 0.5", 0.5, {2, 3}, all, {}),
      norm_row("norm of order 0", 0, {2, 3}, -1, {1}, false, {{{2, 0}}}),
      norm_row("norm of order inf", kInf, {2, 3}, -1, {1}, false, {{{1, 1}}, {{0, 2}}}),
      norm_row("norm of order -inf", -kInf, {2, 3}, -1, {1}, true, {{{1, 1}}}),
      norm_row("norm of order -1", -1, {2, 3}, -1, {1}, false, {{{1, 1}}}),
      norm_row("norm of order -2.5", -2.5, {2, 3}, all, {}),
  };
  const auto row = [&](std::string_view name) -> Row& {
    return *std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.name == name; });
  };
  row("norm").specials = {at({3, 4}, 5, {0.6, 0.8}),
                          at({3e30, -4e30}, 5e30, {0.6, -0.8}),
                          at({3e-30, 4e-30}, 5e-30, {0.6, 0.8}),
                          at({0, 0}, 0, {0, 0}),
                          at({0, -2}, 2, {0, -1}),
                          {{{kInf, 1}}, {kInf}},
                          {{{kNaN, 1}}, {kNaN}}};
  row("norm of order 1").specials = {at({0, -2, 3}, 5, {0, -1, 1})};
  row("norm of order 3").specials = {at({0, 0}, 0, {0, 0}), at({1e30, 0}, 1e30, {1, 0})};
  row("norm of order 0.5").specials = {at({0, 4}, 4, {0, 1}), at({0, 0}, 0, {0, 0}), at({1, 4}, 9, {3, 1.5})};
  row("norm of order 0").specials = {at({0, 4, -1}, 2, {0, 0, 0}), {{{kNaN}}, {kNaN}}};
  row("norm of order inf").specials = {at({2, -2, 1}, 2, {0.5, -0.5, 0}), at({0, 0}, 0, {0, 0}), {{{kNaN, 1}}, {kNaN}}};
  row("norm of order -inf").specials = {at({2, -1, 1}, 1, {0, -0.5, 0.5}), at({0, 1}, 0, {0, 0})};
  row("norm of order -1").specials = {at({0, 4}, 0, {0, 0}), {{{1e-30, 1e30}}, {1e-30}}, at({2, -2}, 1, {0.25, -0.25})};

  const Tensor x = zeros({2, 3});
  row("norm").errors = {raises<ShapeError>("axis out of range; got 2", [x] { norm(x, 2, 2); }),
                        raises<ShapeError>("axis given twice",
                                           [x] {
                                             norm(x, 2, {0, -2});
                                           }),
                        raises<ValueError>("the order is not a number; got nan", [x] { norm(x, kNaN); }),
                        raises<ShapeError>("no element to choose from; got shape [0]", [] { norm(zeros({0}), kInf); }),
                        raises<ShapeError>("no element to choose from", [] {
                          norm(zeros({2, 0}), -1, 1);
                        })};

  Row unit{.name = "normalize", .shapes = {{{1, 1}}, {{2, 0}}}};
  unit.call = [](const std::vector<Tensor>& in) { return normalize(in[0]); };
  unit.reference = [](const Arrays& in) {
    return along_last_axis(in[0], [](std::vector<double> x) {
      const double length = std::max(norm_of(x, 2), 1e-12);
      for (double& v : x) v /= length;
      return x;
    });
  };
  unit.ulps = 8;
  unit.specials = {{{{3, 4}}, {0.6, 0.8}}, {{{0, 0}}, {0, 0}}};
  unit.errors = {raises<ShapeError>("axis out of range; got 2", [x] { normalize(x, 2, 2); }),
                 raises<ValueError>("eps must be positive; got 0", [x] { normalize(x, 2, -1, 0); })};
  rows.push_back(std::move(unit));
  return rows;
}

}  // namespace gradus::test
