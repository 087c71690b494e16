// Derivatives of derivatives: tapes inside tapes, against closed forms.
#include <cmath>
#include <optional>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;

TEST_CASE("the second derivative of x^3") {
  Variable x(3.0);
  GradientTape outer;
  GradientTape inner;
  const Tensor y = x * x * x;
  const Tensor dy = inner.gradient(y, x);
  const Tensor d2y = outer.gradient(dy, x);
  CHECK(item(dy) == 27);
  CHECK(item(d2y) == 18);
}

TEST_CASE("x^4 to fifth order, through products, squares and powers") {
  const std::vector<std::function<Tensor(const Tensor&)>> forms{
      [](const Tensor& x) { return x * x * x * x; },
      [](const Tensor& x) { return square(square(x)); },
      [](const Tensor& x) { return pow(x, 4); },
      [](const Tensor& x) { return exp(4 * log(x)); },
      [](const Tensor& x) { return square(x) / reciprocal(x * x); },
  };
  for (size_t form = 0; form < forms.size(); ++form) {
    CAPTURE(form);
    Variable x(1.5);
    GradientTape t5, t4, t3, t2, t1;
    const Tensor y = forms[form](x);
    const Tensor d1 = t1.gradient(y, x), d2 = t2.gradient(d1, x), d3 = t3.gradient(d2, x), d4 = t4.gradient(d3, x);
    const Tensor d5 = t5.gradient(d4, x, {.unconnected = Unconnected::Zero});
    CHECK(item(d1) == doctest::Approx(4 * 1.5 * 1.5 * 1.5));
    CHECK(item(d2) == doctest::Approx(12 * 1.5 * 1.5));
    CHECK(item(d3) == doctest::Approx(24 * 1.5));
    CHECK(item(d4) == doctest::Approx(24));
    CHECK(std::abs(item(d5)) < 1e-9);
  }
}

// f = x^3 y^2 + sin(x y): every partial derivative to third order.
TEST_CASE("a function of two variables to third order, in every order of differentiation") {
  const double a = 1.25, b = -0.75, s = std::sin(a * b), c = std::cos(a * b);
  const double first[] = {3 * a * a * b * b + b * c, 2 * a * a * a * b + a * c};
  const double second[][2] = {{6 * a * b * b - b * b * s, 6 * a * a * b + c - a * b * s},
                              {6 * a * a * b + c - a * b * s, 2 * a * a * a - a * a * s}};
  const double xxx = 6 * b * b - b * b * b * c, xxy = 12 * a * b - 2 * b * s - a * b * b * c;
  const double xyy = 6 * a * a - 2 * a * s - a * a * b * c, yyy = -a * a * a * c;
  const double third[2][2][2] = {{{xxx, xxy}, {xxy, xyy}}, {{xxy, xyy}, {xyy, yyy}}};
  const Variable v[] = {Variable(a), Variable(b)};
  GradientTape outer({.persistent = true}), middle({.persistent = true}), inner({.persistent = true});
  const Tensor f = v[0] * v[0] * v[0] * v[1] * v[1] + sin(v[0] * v[1]);
  for (size_t i = 0; i < 2; ++i) {
    const Tensor d1 = inner.gradient(f, v[i]);
    CHECK(item(d1) == doctest::Approx(first[i]));
    for (size_t j = 0; j < 2; ++j) {
      const Tensor d2 = middle.gradient(d1, v[j]);
      CHECK(item(d2) == doctest::Approx(second[i][j]));
      for (size_t k = 0; k < 2; ++k) {
        CAPTURE(i);
        CAPTURE(j);
        CAPTURE(k);
        CHECK(item(outer.gradient(d2, v[k])) == doctest::Approx(third[i][j][k]));
      }
    }
  }
}

TEST_CASE("create_graph and nested tapes agree, bit by bit") {
  Variable x(Tensor({0.3, -1.2, 2.0}));
  const auto f = [](const Tensor& v) { return sum(tanh(v) * exp(v) / (1 + v * v)); };
  Tensor nested[3], graph[3];
  {
    GradientTape t3, t2, t1;
    const Tensor y = f(x);
    nested[0] = t1.gradient(y, x);
    nested[1] = t2.gradient(nested[0], x);
    nested[2] = t3.gradient(nested[1], x);
  }
  GradientTape tape({.persistent = true});
  graph[0] = tape.gradient(f(x), x, {.create_graph = true});
  graph[1] = tape.gradient(graph[0], x, {.create_graph = true});
  graph[2] = tape.gradient(graph[1], x);
  for (int i = 0; i < 3; ++i) CHECK(nested[i].to_vector<double>() == graph[i].to_vector<double>());
}

TEST_CASE("an inner tape may be destroyed or opened late; the outer one keeps the records") {
  Variable x(2.0);
  GradientTape outer;
  const Tensor a = x * x;
  Tensor db;
  {
    GradientTape inner;
    const Tensor b = a * x;
    db = inner.gradient(b, x);  // a is a constant to it: 4
  }
  CHECK(item(db) == 4);
  { const GradientTape unused; }
  CHECK(item(outer.gradient(db * a, x)) == 32);  // (x^2 * x^2)' = 4 x^3
}

TEST_CASE("a persistent inner tape asked several times under an outer one") {
  Variable x(2.0), y(3.0);
  GradientTape outer, inner({.persistent = true});
  const Tensor f = x * x * y + y * y * y;
  const Tensor fx = inner.gradient(f, x), fy = inner.gradient(f, y), again = inner.gradient(f, x);
  CHECK(item(fx) == 12);
  CHECK(item(fy) == 31);
  const auto [dx, dy] = outer.gradient(fx * fy + again, x, y);
  // fx = 2xy, fy = x^2 + 3y^2
  CHECK(item(dx) == 6 * 31 + 12 * 4 + 6);
  CHECK(item(dy) == 4 * 31 + 12 * 18 + 4);
}

TEST_CASE("a second derivative through what a product has saved, though the seed is constant") {
  // The gradient of sum(x1 W + x2 W) in W does not depend on W, but it does on x1 and x2: twice, so that it is accumulated.
  const Tensor x1({{1.0, 2.0}, {3.0, 4.0}}), x2({{5.0, 6.0}, {7.0, 8.0}}), v({{1.0, 10.0}, {100.0, 1000.0}});
  Variable w(Tensor({{1.0, 0.0}, {0.0, 1.0}}));
  GradientTape outer({.persistent = true});
  outer.watch(x1);
  outer.watch(x2);
  GradientTape inner;
  const Tensor y = matmul(x1, w) + matmul(x2, w);
  const Tensor dw = inner.gradient(y, w);
  CHECK(approx(dw, {16, 16, 20, 20}));
  const Tensor z = sum(dw * v);
  CHECK(approx(outer.gradient(z, x1), {11, 1100, 11, 1100}));
  CHECK(approx(outer.gradient(z, x2), {11, 1100, 11, 1100}));
}

TEST_CASE("a recorded contribution to a gradient that so far was constant") {
  const Tensor x({{1.0, 2.0}, {3.0, 4.0}}), c({{5.0, 6.0}, {7.0, 8.0}}), v({{1.0, 10.0}, {100.0, 1000.0}});
  Variable w(Tensor({{1.0, 0.0}, {0.0, 1.0}}));
  for (const bool constant_last : {false, true}) {
    CAPTURE(constant_last);
    GradientTape outer;
    outer.watch(x);
    GradientTape inner;
    const Tensor first = constant_last ? matmul(x, w) : matmul(c, w), second = constant_last ? matmul(c, w) : matmul(x, w);
    const Tensor dw = inner.gradient(first + second, w);
    CHECK(approx(dw, {16, 16, 20, 20}));
    CHECK(approx(outer.gradient(sum(dw * v), x), {11, 1100, 11, 1100}));
  }
}

TEST_CASE("the same through gathers and slices of one table") {
  const Tensor ids({0, 1, 0, 2});
  Variable table(Tensor({{1.0, 2.0}, {3.0, 4.0}, {5.0, 6.0}}));
  GradientTape outer, inner;
  const Tensor rows = take(table, ids), part = table.value()["1:"];
  const Tensor y = sum(rows * rows * rows) + sum(part * part) + sum(take(table, ids));
  const Tensor g = inner.gradient(y, table);
  // 3 t^2 and 1 per use of a row, and 2 t for the last two rows
  CHECK(approx(g, {2 * 3 + 2, 2 * 12 + 2, 27 + 1 + 6, 48 + 1 + 8, 75 + 1 + 10, 108 + 1 + 12}));
  CHECK(approx(outer.gradient(g, table), {2 * 6, 2 * 12, 18 + 2, 24 + 2, 30 + 2, 36 + 2}));
}

TEST_CASE("a gradient penalty: the norm of a gradient inside a loss") {
  const Tensor x({{0.5, -1.0}, {2.0, 0.25}});
  Variable w(Tensor({{1.0}, {-2.0}}));
  GradientTape outer;
  GradientTape inner;
  inner.watch(x);
  const Tensor y = sum(square(matmul(x, w)));
  const Tensor dx = inner.gradient(y, x);  // 2 (x w) w^T
  const Tensor penalty = sum(dx * dx);     // 4 |x w|^2 |w|^2
  const double u = 0.5 + 2.0, t = 2.0 - 0.5, n = 5, q = u * u + t * t;
  CHECK(item(penalty) == doctest::Approx(4 * q * n));
  // d/dw = 8 |w|^2 x^T x w + 8 |x w|^2 w
  const Tensor dw = outer.gradient(penalty, w);
  CHECK(approx(dw, {8 * n * (0.5 * u + 2.0 * t) + 8 * q * 1, 8 * n * (-1.0 * u + 0.25 * t) - 8 * q * 2}, 1e-12));
}

TEST_CASE("meta-learning: differentiate through steps of gradient descent") {
  // w <- w - r w, three times, on f = w^2 / 2: f at the end is (1 - r)^6 w0^2 / 2.
  Variable rate(0.25), start(2.0);
  GradientTape outer;
  Tensor w = start;
  for (int i = 0; i < 3; ++i) {
    GradientTape inner;
    inner.watch(w);
    w = w - rate * inner.gradient(w * w / 2, w);
  }
  const auto [dr, ds] = outer.gradient(w * w / 2, rate, start);
  CHECK(item(dr) == doctest::Approx(-3 * std::pow(0.75, 5) * 4));
  CHECK(item(ds) == doctest::Approx(std::pow(0.75, 6) * 2));
}

TEST_CASE("jacobians of gradients and gradients of jacobians under tapes") {
  const Tensor x({1.0, 2.0});
  GradientTape outer({.persistent = true});
  outer.watch(x);
  GradientTape inner({.persistent = true});
  inner.watch(x);
  const Tensor y = x * x * x;
  const Tensor g = inner.gradient(y, x), j = inner.jacobian(y, x);
  CHECK(approx(g, {3, 12}));
  CHECK(approx(j, {3, 0, 0, 12}));
  CHECK(approx(outer.jacobian(g, x), {6, 0, 0, 12}));
  CHECK(approx(outer.gradient(j, x), {6, 12}));
  CHECK(approx(outer.gradient(sum(j * j), x), {2 * 3 * 6, 2 * 12 * 12}));
}

TEST_CASE("what the inner tape pauses over is constant to it and not to the outer") {
  Variable x(3.0);
  GradientTape outer, inner;
  Tensor k;
  {
    const auto guard = inner.pause();
    k = x * x;
  }
  const Tensor y = k * x;
  const Tensor dy = inner.gradient(y, x);  // k
  CHECK(item(dy) == 9);
  CHECK(item(outer.gradient(dy, x)) == 6);
}

TEST_CASE("only the outer tape watches") {
  const Tensor x(3.0), t(2.0);
  GradientTape outer;
  outer.watch(x);
  GradientTape inner;
  inner.watch(t);
  const Tensor y = x * t * t;
  const Tensor dt = inner.gradient(y, t);  // 2 x t
  CHECK(item(dt) == 12);
  CHECK(item(outer.gradient(dt, x)) == 4);
}

TEST_CASE("many inner tapes, one after the other, inside one outer tape") {
  Variable x(1.5);
  GradientTape outer;
  Tensor total(0.0);
  for (int i = 0; i < 50; ++i) {
    GradientTape inner;
    total = total + inner.gradient(x * x * x, x) * i;
  }
  CHECK(item(total) == doctest::Approx(3 * 1.5 * 1.5 * 1225));
  CHECK(item(outer.gradient(total, x)) == doctest::Approx(6 * 1.5 * 1225));
}

}  // namespace
}  // namespace gradus
