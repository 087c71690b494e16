// The derivative toolbox beyond grad and jacobian: parts and batches of jacobians, hooks, rules as structs, once-differentiable
// rules, fixed points, accumulation over micro-batches.
#include <cmath>
#include <memory>

#include "autograd/gradcheck.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;
using test::max_abs_difference;

Tensor curved(const Tensor& x) { return concat({sin(x) * flip(x), x * x * x}); }

TEST_CASE("a jacobian in parts is the jacobian") {
  const Tensor x({0.5, -1.0, 2.0});
  GradientTape tape({.persistent = true});
  tape.watch(x);
  const Tensor y = curved(x), whole = tape.jacobian(y, x);
  REQUIRE((whole.shape() == Shape{6, 3}));
  CHECK(max_abs_difference(whole, jacobian(curved, x)) == 0);
  for (const int64_t rows : {1, 2, 4}) {
    std::vector<Tensor> parts;
    for (int64_t first = 0; first < 6; first += rows)
      parts.push_back(tape.jacobian(y, x, {.first_row = first, .rows = std::min(rows, 6 - first)}));
    CHECK(max_abs_difference(concat(parts), whole) == 0);
  }
  CHECK((tape.jacobian(y, x, {.first_row = 6}).shape() == Shape{0, 3}));
  CHECK_THROWS_WITH_AS(tape.jacobian(y, x, {.first_row = 4, .rows = 3}),
                       doctest::Contains("jacobian: rows out of range; got 3 rows from 4"), ValueError);
  CHECK_THROWS_AS(tape.jacobian(y, x, {.first_row = -1}), ValueError);
}

TEST_CASE("a jacobian needs the memory of its result and one row") {
  constexpr int64_t n = 512;
  const Tensor x = ones({n});
  GradientTape tape;
  tape.watch(x);
  const Tensor y = x * x;
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  const Tensor j = tape.jacobian(y, x);
  CHECK(memory::stats().peak_bytes - before < 4 * n * n * 4 / 3);
}

TEST_CASE("batch_jacobian: what each sample's output owes to the same sample's input") {
  const Variable w(random::normal({3, 4}, 0, 1, DType::float64));
  const auto f = [&](const Tensor& x) { return reshape(tanh(matmul(x, w)), {x.shape()[0], 2, 2}); };
  const Tensor x = random::normal({5, 3}, 0, 1, DType::float64);
  const Tensor j = batch_jacobian(f, x), full = jacobian(f, x);
  REQUIRE((j.shape() == Shape{5, 2, 2, 3}));
  for (int64_t b = 0; b < 5; ++b) CHECK(max_abs_difference(j[b], full.slice({b, Slice(), Slice(), b})) < 1e-15);
  GradientTape tape;  // differentiable from outside
  tape.watch(x);
  const Tensor g = tape.gradient(sum(square(batch_jacobian(f, x))), x);
  CHECK(max_abs_difference(g, grad([&](const Tensor& t) { return sum(square(jacobian(f, t))); })(x)) < 1e-12);
  CHECK((batch_jacobian(f, zeros({0, 3}, DType::float64)).shape() == Shape{0, 2, 2, 3}));
  CHECK_THROWS_WITH_AS(batch_jacobian([](const Tensor& t) { return sum(t); }, x),
                       doctest::Contains("batch_jacobian: numbers of samples differ; got [] and [5, 3]"), ShapeError);
}

TEST_CASE("the gradient of a variable in itself is one, read before or not") {
  const Variable w(Tensor({1.0, 2.0})), other(3.0);
  {
    GradientTape tape;
    CHECK(approx(tape.gradient(w.value(), w), {1, 1}));
  }
  GradientTape tape({.persistent = true});
  CHECK(approx(tape.jacobian(w.value(), w), {1, 0, 0, 1}));
  CHECK(test::missing_because(tape.gradient(w.value(), other), "not read"));
}

struct Log1pExp {
  Tensor e = {};
  Tensor forward(const Tensor& x) { return e = exp(x), log(1 + e); }
  Tensor backward(const Tensor& dy) const { return dy * (1 - 1 / (1 + e)); }
};

struct Product {
  Tensor x = {}, y = {};
  static constexpr bool once_differentiable = true;
  Tensor forward(const Tensor& a, const Tensor& b) { return x = a, y = b, a * b; }
  std::pair<Tensor, Tensor> backward(const Tensor& g) const { return {g * y, g * x}; }
};

TEST_CASE("a rule as a struct: each call has its own copy") {
  const auto f = custom_gradient(Log1pExp());
  const Variable w(Tensor({0.0, 1.0}));
  GradientTape tape({.persistent = true});
  const Tensor y = f(w), z = f(3 * w);
  CHECK(approx(tape.gradient(y, w), {0.5, 1 / (1 + std::exp(-1))}, 1e-12));
  CHECK(approx(tape.gradient(z, w), {1.5, 3 / (1 + std::exp(-3))}, 1e-12));
  CHECK(gradcheck([&](const std::vector<Tensor>& in) { return f(in[0]); }, std::vector<Tensor>{Tensor({0.3, -2.0})}).ok());
}

TEST_CASE("a rule that is marked once-differentiable gives first derivatives and refuses second ones") {
  const Tensor x(2.0), y(5.0);
  const auto by_struct = custom_gradient(Product());
  const auto by_option = custom_gradient(
      [](const Tensor& a, const Tensor& b) {
        return std::pair{a * b, [a, b](const Tensor& g) { return std::pair{g * b, g * a}; }};
      },
      {.once_differentiable = true});
  const auto check = [&](const auto& f) {
    {
      GradientTape tape;
      tape.watch(x);
      tape.watch(y);
      const auto [dx, dy] = tape.gradient(f(x, y), x, y);
      CHECK(item(dx) == 5);
      CHECK(item(dy) == 2);
    }
    GradientTape outer;
    outer.watch(x);
    Tensor dx;
    {
      GradientTape inner;
      inner.watch(x);
      dx = inner.gradient(f(x, y), x);
    }
    CHECK(item(dx) == 5);
    CHECK_THROWS_WITH_AS(outer.gradient(dx, x), doctest::Contains("custom_gradient: the rule is marked once-differentiable"),
                         TapeError);
  };
  check(by_struct);
  check(by_option);
}

TEST_CASE("hooks see the gradient of their tensor, and may replace it") {
  const Variable w(Tensor({1.0, -2.0}));
  std::vector<Tensor> seen;
  GradientTape tape({.persistent = true});
  const Tensor h = gradient_hook(w * w, [&](const Tensor& g) { seen.push_back(g); });
  const Tensor y = sum(3 * h) + sum(h * h);
  CHECK(approx(tape.gradient(y, w), {10, -44}));  // (3 + 2 w^2) 2 w
  REQUIRE(seen.size() == 1);                      // once, with all that arrives
  CHECK(approx(seen[0], {5, 11}));
  const Tensor clipped = gradient_hook(w, [](const Tensor& g) { return clip(g, -1, 1); });
  CHECK(approx(tape.gradient(sum(clipped * clipped * clipped), w), {1, 1}));
  const Tensor wrong = gradient_hook(w, [](const Tensor& g) { return sum(g); });
  CHECK_THROWS_WITH_AS(tape.gradient(wrong, w), doctest::Contains("wrong shape"), TapeError);
  const Tensor cut = gradient_hook(w, [](const Tensor&) { return Tensor(); });
  CHECK(!tape.gradient(cut, w).defined());
}

TEST_CASE("hooks and custom rules go as soon as the walk has passed them") {
  auto token = std::make_shared<int>(1);
  const std::weak_ptr<int> witness = token;
  bool gone = false;
  const Variable w(1.0);
  GradientTape tape;
  Tensor y = gradient_hook(w * 2, [&](const Tensor&) { gone = witness.expired(); });
  y = gradient_hook(y * 2, [token](const Tensor&) {});
  token.reset();
  CHECK(item(tape.gradient(y, w)) == 4);
  CHECK(gone);
}

TEST_CASE("a fixed point is differentiated by the implicit function theorem, to any order") {
  // z = sqrt(a): Newton's map, whose iterates are not recorded.
  const auto root = [](const Tensor& a) {
    return fixed_point([a](const Tensor& z) { return 0.5 * (z + a / z); }, ones_like(a), {.tolerance = 1e-14});
  };
  const Tensor a({2.0, 9.0});
  CHECK(approx(root(a), {std::sqrt(2.0), 3}, 1e-12));
  CHECK(gradcheck([&](const std::vector<Tensor>& in) { return root(in[0]); }, std::vector<Tensor>{a}).ok());
  CHECK(item(grad(grad(grad(root)))(Tensor(4.0))) == doctest::Approx(3.0 / 8 * std::pow(4.0, -2.5)));
  // A contraction with a variable: z = tanh(W z + b).
  const Variable w(0.3 * random::normal({4, 4}, 0, 1, DType::float64)), b(random::normal({4}, 0, 1, DType::float64));
  const auto layer = [&](const Tensor& z) { return tanh(matmul(w, z) + b); };
  GradientTape tape;
  const Tensor z = fixed_point(layer, zeros({4}, DType::float64), {.tolerance = 1e-13});
  CHECK(tape.size() < 12);  // one step, not hundreds
  const auto [dw, db] = tape.gradient(sum(z * z), w, b);
  GradientTape unrolled;
  Tensor u = zeros({4}, DType::float64);
  for (int i = 0; i < 200; ++i) u = layer(u);
  const auto [dw2, db2] = unrolled.gradient(sum(u * u), w, b);
  CHECK(max_abs_difference(dw, dw2) < 1e-10);
  CHECK(max_abs_difference(db, db2) < 1e-10);
}

TEST_CASE("a fixed point that is none is an error that says how far it came") {
  CHECK_THROWS_WITH_AS(fixed_point([](const Tensor& z) { return 2 * z + 1; }, Tensor(1.0), {.max_iterations = 20}),
                       doctest::Contains("fixed_point: no convergence; got a change of"), ValueError);
  CHECK_THROWS_WITH_AS(fixed_point([](const Tensor& z) { return exp(z); }, Tensor(1.0)),
                       doctest::Contains("fixed_point: the iteration diverges; got values that are not finite after"),
                       ValueError);
  CHECK_THROWS_AS(fixed_point([](const Tensor& z) { return concat({z, z}); }, ones({2})), ShapeError);
  CHECK(fixed_point([](const Tensor& z) { return z; }, zeros({0})).size() == 0);
}

TEST_CASE("micro-batches: backward() adds up what one large batch would give") {
  const Variable w(random::normal({3, 2}, 0, 1, DType::float64));
  const Tensor x = random::normal({12, 3}, 0, 1, DType::float64);
  const auto loss = [&](const Tensor& part) { return sum(square(tanh(matmul(part, w)))) / 12; };
  Tensor whole;
  {
    GradientTape tape;
    whole = tape.gradient(loss(x), w);
  }
  w.zero_grad();
  for (const Tensor& part : split(x, 4)) {
    GradientTape tape;
    loss(part).backward();
  }
  CHECK(max_abs_difference(w.grad(), whole) < 1e-14);
}

}  // namespace
}  // namespace gradus
