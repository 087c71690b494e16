// grad, value_and_grad, vjp, jvp, jacobian, hessian, hvp: against closed forms, each other, and under tapes.
#include <cmath>
#include <functional>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;
using test::max_abs_difference;

// A function of R^3 with a full, unsymmetric-looking but closed-form Hessian.
Tensor curved(const Tensor& x) { return x[0] * x[0] * x[1] + sin(x[1] * x[2]) + exp(x[2]); }

std::vector<double> curved_gradient(double a, double b, double c) {
  return {2 * a * b, a * a + c * std::cos(b * c), b * std::cos(b * c) + std::exp(c)};
}
std::vector<double> curved_hessian(double a, double b, double c) {
  const double s = std::sin(b * c), mixed = std::cos(b * c) - b * c * s;
  return {2 * b, 2 * a, 0, 2 * a, -c * c * s, mixed, 0, mixed, -b * b * s + std::exp(c)};
}
std::vector<double> times(const std::vector<double>& m, const std::vector<double>& v) {
  std::vector<double> out(m.size() / v.size());
  for (size_t i = 0; i < out.size(); ++i)
    for (size_t j = 0; j < v.size(); ++j) out[i] += m[i * v.size() + j] * v[j];
  return out;
}

TEST_CASE("the functional forms of the contract") {
  const auto f = [](const Tensor& x) { return sum(x * x * x); };
  const Tensor x({1.0, 2.0}), v({1.0, 0.0});
  CHECK(approx(grad(f)(x), {3, 12}));
  const auto [value, gradient] = value_and_grad(f)(x);
  CHECK(item(value) == 9);
  CHECK(approx(gradient, {3, 12}));
  CHECK((hessian(f, x).shape() == Shape{2, 2}));
  CHECK(approx(hessian(f, x), {6, 0, 0, 12}));
  CHECK(approx(hvp(f, x, v), {6, 0}));
  const auto [primal, tangent] = jvp(f, x, v);
  CHECK(item(primal) == 9);
  CHECK(item(tangent) == 3);
}

TEST_CASE("a curved function: gradient, hessian, hvp against closed forms") {
  const Tensor x({0.7, -1.3, 0.4}), v({0.5, -2.0, 1.5});
  CHECK(approx(grad(curved)(x), curved_gradient(0.7, -1.3, 0.4), 1e-12));
  const Tensor h = hessian(curved, x);
  CHECK(approx(h, curved_hessian(0.7, -1.3, 0.4), 1e-12));
  CHECK(approx(hvp(curved, x, v), times(curved_hessian(0.7, -1.3, 0.4), {0.5, -2.0, 1.5}), 1e-12));
  CHECK(approx(jvp(grad(curved), x, v).second, times(curved_hessian(0.7, -1.3, 0.4), {0.5, -2.0, 1.5}), 1e-12));
}

TEST_CASE("jacobian, vjp and jvp of one function agree") {
  const Tensor w({{1.0, -2.0, 0.5}, {0.25, 1.0, -1.0}});
  const auto f = [&](const Tensor& x) { return tanh(matmul(w, x)) * x["0:2"]; };
  const Tensor x({0.3, -0.8, 1.1}), v({1.0, -0.5, 2.0}), u({2.0, 3.0});
  const Tensor j = jacobian(f, x);
  REQUIRE((j.shape() == Shape{2, 3}));
  const auto at = [](int i) { return std::vector<double>{0.3, -0.8, 1.1}[static_cast<size_t>(i)]; };
  const std::vector<double> weights = w.to_vector<double>();
  std::vector<double> expected;
  for (size_t i = 0; i < 2; ++i) {
    const double z = weights[3 * i] * 0.3 + weights[3 * i + 1] * -0.8 + weights[3 * i + 2] * 1.1, t = std::tanh(z);
    for (size_t k = 0; k < 3; ++k)
      expected.push_back((1 - t * t) * weights[3 * i + k] * at(static_cast<int>(i)) + (i == k ? t : 0));
  }
  CHECK(approx(j, expected, 1e-12));
  const auto [y, tangent] = jvp(f, x, v);
  CHECK(max_abs_difference(y, f(x)) == 0);
  CHECK(approx(tangent, times(expected, {1.0, -0.5, 2.0}), 1e-12));
  const auto [z, cotangent] = vjp(f, x, u);
  CHECK(max_abs_difference(z, f(x)) == 0);
  CHECK(approx(cotangent, matmul(u, j).to_vector<double>(), 1e-12));
}

TEST_CASE("shapes of jacobians: f(x) first, then x") {
  const Tensor x = arange(6.0).reshape({2, 3});
  CHECK((jacobian([](const Tensor& t) { return transpose(t); }, x).shape() == Shape{3, 2, 2, 3}));
  CHECK((jacobian([](const Tensor& t) { return sum(t); }, x).shape() == Shape{2, 3}));
  CHECK((hessian([](const Tensor& t) { return sum(t * t); }, x).shape() == Shape{2, 3, 2, 3}));
  CHECK(approx(jacobian([](const Tensor& t) { return reshape(t * t, {6}); }, x), [] {
    std::vector<double> d(36, 0.0);
    for (size_t i = 0; i < 6; ++i) d[7 * i] = 2.0 * static_cast<double>(i);
    return d;
  }()));
  CHECK((jacobian([](const Tensor& t) { return t * 2; }, zeros({0}, DType::float64)).shape() == Shape{0, 0}));
}

TEST_CASE("functions that do not depend on x, or only linearly, or only in part") {
  const Tensor x({1.0, 2.0}), v({3.0, 5.0}), c({7.0, 11.0});
  const auto constant = [&](const Tensor&) { return sum(c); };
  CHECK(approx(grad(constant)(x), {0, 0}));
  CHECK(approx(hessian(constant, x), {0, 0, 0, 0}));
  CHECK(approx(hvp(constant, x, v), {0, 0}));
  CHECK(item(jvp(constant, x, v).second) == 0);
  CHECK(approx(vjp(constant, x, Tensor(1.0)).second, {0, 0}));
  CHECK(approx(jacobian([&](const Tensor&) { return c; }, x), {0, 0, 0, 0}));
  const auto linear = [&](const Tensor& t) { return sum(t * c); };
  CHECK(approx(grad(linear)(x), {7, 11}));
  CHECK(approx(hessian(linear, x), {0, 0, 0, 0}));
  CHECK(approx(hvp(linear, x, v), {0, 0}));
  CHECK(item(jvp(linear, x, v).second) == 21 + 55);
  const auto cut = [&](const Tensor& t) { return sum(stop_gradient(t) * t); };
  CHECK(approx(grad(cut)(x), {1, 2}));
  CHECK(item(jvp(cut, x, v).second) == 3 + 10);
  const auto same = [](const Tensor& t) { return t; };
  CHECK(approx(jvp(same, x, v).second, {3, 5}));
  CHECK(approx(vjp(same, x, v).second, {3, 5}));
  CHECK(approx(jacobian(same, x), {1, 0, 0, 1}));
}

TEST_CASE("errors: not a scalar, v of another shape, integers") {
  const Tensor x({1.0, 2.0});
  const auto f = [](const Tensor& t) { return t * t; };
  const auto s = [](const Tensor& t) { return sum(t * t); };
  CHECK_THROWS_WITH_AS(grad(f)(x), doctest::Contains("use jacobian"), ShapeError);
  CHECK_THROWS_AS(value_and_grad(f)(x), ShapeError);
  CHECK_THROWS_AS(hessian(f, x), ShapeError);
  CHECK_THROWS_AS(jvp(f, x, Tensor({1.0})), ShapeError);
  CHECK_THROWS_AS(vjp(f, x, Tensor(1.0)), ShapeError);
  CHECK_THROWS_AS(hvp(s, x, Tensor({1.0, 2.0, 3.0})), ShapeError);
  CHECK_THROWS_AS(grad(s)(Tensor({1, 2})), DTypeError);
  CHECK_THROWS_AS(jacobian(f, Tensor({1, 2})), DTypeError);
  CHECK_THROWS_AS(grad([](const Tensor&) { return Tensor(); })(x), ValueError);
  CHECK(!is_recording());
  CHECK(approx(grad(s)(x), {2, 4}));
}

TEST_CASE("grad of grad of grad") {
  const Tensor x(1.5);
  const auto f = [](const Tensor& t) { return t * t * t * t; };
  CHECK(item(grad(f)(x)) == doctest::Approx(13.5));
  CHECK(item(grad(grad(f))(x)) == doctest::Approx(27));
  CHECK(item(grad(grad(grad(f)))(x)) == doctest::Approx(36));
  CHECK(item(grad(grad(grad(grad(f))))(x)) == doctest::Approx(24));
  CHECK(item(jvp([&](const Tensor& t) { return jvp(f, t, Tensor(1.0)).second; }, x, Tensor(1.0)).second) == doctest::Approx(27));
  CHECK(item(grad([&](const Tensor& t) { return jvp(f, t, Tensor(1.0)).second; })(x)) == doctest::Approx(27));
  CHECK(item(jvp(grad(f), x, Tensor(2.0)).second) == doctest::Approx(54));
}

TEST_CASE("an inner derivative does not see the outer one's variable") {
  const Tensor x({2.0, 3.0});
  // d/dt sum(x t) at t = x is x, not 2x.
  CHECK(approx(grad([&](const Tensor& t) { return sum(x * t); })(x), {2, 3}));
  // d/dx [x * d/dt(x t at t = x)] = d/dx x^2 = 2x.
  const Tensor s(3.0);
  CHECK(item(grad([](const Tensor& a) { return a * grad([&](const Tensor& t) { return a * t; })(a); })(s)) == 6);
  // d/dx [x * d/dy (x + y)] = 1, the classic.
  CHECK(item(grad([](const Tensor& a) { return a * grad([&](const Tensor& b) { return a + b; })(a); })(s)) == 1);
  CHECK(item(jvp([](const Tensor& a) { return a * jvp([&](const Tensor& b) { return a + b; }, a, Tensor(1.0)).second; }, s,
                 Tensor(1.0))
                 .second) == 1);
  // The point of the inner derivative does carry the outer one: d/dx grad(t -> t^3)(x^2) = d/dx 3 x^4 = 12 x^3.
  CHECK(item(grad([](const Tensor& a) { return grad([](const Tensor& t) { return t * t * t; })(a * a); })(s)) == 12 * 27);
}

TEST_CASE("the same under tapes: watching x by hand, then differentiating at x") {
  const Tensor x({2.0, 3.0});
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor g = grad([&](const Tensor& t) { return sum(x * x * t); })(x);  // x^2
  CHECK(approx(g, {4, 9}));
  CHECK(approx(tape.gradient(g, x), {4, 6}));
}

TEST_CASE("everything is differentiable from outside") {
  Variable w(Tensor({0.5, -1.0}));
  const Tensor v({1.0, 2.0});
  const auto f = [](const Tensor& t) { return sum(t * t * t); };
  GradientTape tape({.persistent = true});
  CHECK(approx(tape.gradient(grad(f)(w), w), {3, -6}));
  const auto [value, gradient] = value_and_grad(f)(w);
  CHECK(approx(tape.gradient(value, w), {0.75, 3}));
  CHECK(approx(tape.gradient(gradient, w), {3, -6}));
  CHECK(approx(tape.gradient(hvp(f, w, v), w), {6, 12}));
  CHECK(approx(tape.gradient(hessian(f, w), w), {6, 6}));
  CHECK(approx(tape.gradient(jvp(f, w, v).second, w), {6 * 0.5, 6 * -1.0 * 2}));
  CHECK(approx(tape.gradient(jvp(f, w, v).first, w), {0.75, 3}));
  CHECK(approx(tape.gradient(vjp(f, w, Tensor(2.0)).second, w), {6, -12}));
  CHECK(approx(tape.gradient(jacobian([](const Tensor& t) { return t * t; }, w), w), {2, 2}));
}

TEST_CASE("derivatives in one argument of what a function closes over") {
  Variable a(3.0);
  const auto f = [&](const Tensor& t) { return a * t * t; };
  GradientTape tape;
  const Tensor g = grad(f)(Tensor(5.0));  // 2 a t
  CHECK(item(g) == 30);
  CHECK(item(tape.gradient(g, a)) == 10);
}

TEST_CASE("a jvp is linear in v and keeps the dtype of x") {
  const Tensor x({1.0f, 2.0f});
  const auto f = [](const Tensor& t) { return exp(t); };
  const Tensor v({3.0f, 4.0f});
  const Tensor once = jvp(f, x, v).second, twice = jvp(f, x, v * 2).second;
  CHECK(once.dtype() == DType::float32);
  CHECK(max_abs_difference(once * 2, twice) == 0);
  CHECK(grad([](const Tensor& t) { return sum(exp(t)); })(x).dtype() == DType::float32);
}

TEST_CASE("derivatives under NoRecord are constants to the tapes outside") {
  Variable w(3.0);
  GradientTape tape;
  Tensor g, y;
  {
    const NoRecord pause;
    std::tie(y, g) = value_and_grad([](const Tensor& t) { return t * t * t; })(w);
  }
  CHECK(item(g) == 27);
  CHECK(item(y) == 27);
  CHECK(item(tape.gradient(g * w + y, w)) == 27);
}

}  // namespace
}  // namespace gradus
