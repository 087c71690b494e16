// custom_gradient: rules of one's own.
#include <array>
#include <cmath>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "autograd/gradcheck.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::InUse;
using test::item;

auto log1pexp() {
  return custom_gradient([](const Tensor& x) {
    const Tensor e = exp(x);
    return std::pair{log(1 + e), [e](const Tensor& dy) { return dy * (1 - 1 / (1 + e)); }};
  });
}

// x * y with both gradients, and a count of the rule's calls.
auto product(int& calls) {
  return custom_gradient([&calls](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [&calls, x, y](const Tensor& g) {
                       ++calls;
                       return std::pair{g * y, g * x};
                     }};
  });
}

TEST_CASE("a safe log(1 + e^x)") {
  const auto f = log1pexp();
  CHECK(item(grad([&](const Tensor& x) { return sum(f(x)); })(Tensor(100.0))) == 1);
  CHECK(std::isnan(item(grad([](const Tensor& x) { return log(1 + exp(x)); })(Tensor(1000.0)))));  // what the rule is for
  CHECK(item(grad([&](const Tensor& x) { return f(x); })(Tensor(1000.0))) == 1);
  Variable w(Tensor({0.0, 1.0}));
  GradientTape tape;
  const Tensor y = f(w * 2);
  CHECK(approx(y, {std::log(2), std::log1p(std::exp(2))}, 1e-12));
  CHECK(approx(tape.gradient(y, w), {1, 2 / (1 + std::exp(-2))}, 1e-12));
}

TEST_CASE("the rule is believed, whatever it says, and sees the gradient from above") {
  const auto strange = custom_gradient([](const Tensor& x) {
    return std::pair{x * 1, [](const Tensor& dy) { return dy * 42; }};
  });
  Variable w(2.0);
  GradientTape tape({.persistent = true});
  CHECK(item(tape.gradient(strange(w), w)) == 42);
  CHECK(item(tape.gradient(3 * strange(5 * w), w)) == 630);
  CHECK(item(tape.gradient(strange(strange(w)) + w, w)) == 42 * 42 + 1);
  CHECK(item(tape.gradient(strange(w), w, {.output_gradients = {Tensor(0.5)}})) == 21);
}

TEST_CASE("gradient reversal: what the forward does not show") {
  const auto reverse = custom_gradient([](const Tensor& x) { return std::pair{x, [](const Tensor& dy) { return -dy; }}; });
  Variable w(Tensor({1.0, 2.0}));
  GradientTape tape;
  const Tensor y = sum(reverse(w) * w);
  CHECK(item(y) == 5);
  CHECK(approx(tape.gradient(y, w), {0, 0}));
}

TEST_CASE("several inputs: the gradients as a pair, tuple, array or vector") {
  const auto check = [](const auto& f) {
    Variable x(2.0), y(3.0);
    GradientTape tape;
    const auto [dx, dy] = tape.gradient(f(x, y) * 2, x, y);
    CHECK(item(dx) == 6);
    CHECK(item(dy) == 4);
  };
  check(custom_gradient([](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [x, y](const Tensor& g) { return std::pair{g * y, g * x}; }};
  }));
  check(custom_gradient([](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [x, y](const Tensor& g) { return std::tuple{g * y, g * x}; }};
  }));
  check(custom_gradient([](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [x, y](const Tensor& g) { return std::array{g * y, g * x}; }};
  }));
  check(custom_gradient([](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [x, y](const Tensor& g) { return std::vector<Tensor>{g * y, g * x}; }};
  }));
}

TEST_CASE("six inputs, more than the tape keeps without a list") {
  const auto weighted =
      custom_gradient([](const Tensor& a, const Tensor& b, const Tensor& c, const Tensor& d, const Tensor& e, const Tensor& f) {
        return std::pair{a + b + c + d + e + f,
                         [](const Tensor& g) { return std::vector<Tensor>{g, 2 * g, 3 * g, 4 * g, 5 * g, 6 * g}; }};
      });
  const Variable x[] = {Variable(1.0), Variable(1.0), Variable(1.0), Variable(1.0), Variable(1.0), Variable(1.0)};
  GradientTape tape({.persistent = true});
  const Tensor y = weighted(x[0], x[1], x[2], x[3], x[4], x[5]);
  for (size_t i = 0; i < 6; ++i) CHECK(item(tape.gradient(y, x[i])) == static_cast<double>(i + 1));
  CHECK(item(tape.gradient(weighted(x[0], x[0], x[0], x[0], x[1], x[0]), x[0])) == 16);
}

TEST_CASE("the rule runs once per walk, however many inputs are asked for") {
  int calls = 0;
  const auto f = product(calls);
  Variable x(2.0), y(3.0);
  GradientTape tape({.persistent = true});
  const Tensor z = f(x, y);
  const auto [dx, dy] = tape.gradient(z, x, y);
  CHECK(item(dx) == 3);
  CHECK(item(dy) == 2);
  CHECK(calls == 1);
  CHECK(item(tape.gradient(z, x)) == 3);
  CHECK(calls == 2);
  CHECK(item(tape.gradient(z, y)) == 2);
  CHECK(calls == 3);
  CHECK(item(tape.gradient(f(x, x), x)) == 4);
  CHECK(calls == 4);
  const Tensor constant(7.0);
  CHECK(item(tape.gradient(f(constant, x) + f(x, constant), x)) == 14);
  CHECK(calls == 6);
}

TEST_CASE("answers of one walk are not used in another, though the seed is the same tensor") {
  int calls = 0;
  const auto f = product(calls);
  Variable x(2.0), y(3.0);
  const Tensor seed(10.0);
  GradientTape tape({.persistent = true});
  const Tensor z = f(x, y);
  const GradientOptions plain{.output_gradients = {seed}}, graph{.output_gradients = {seed}, .create_graph = true};
  CHECK(item(tape.gradient(z, x, plain)) == 30);
  const Tensor dy = tape.gradient(z, y, graph);  // 10 x, and recorded
  CHECK(item(dy) == 20);
  CHECK(item(tape.gradient(dy, x)) == 10);
}

TEST_CASE("answers are not kept once the last input that is watched has its own") {
  int calls = 0;
  const auto f = product(calls);
  Variable x(ones({100, 100}));
  const Tensor constant = ones({100, 100});
  GradientTape tape({.persistent = true});
  const Tensor y = f(x, constant), z = f(constant, x), both = f(x, x);
  const InUse before;
  for (const Tensor& target : {y, z, both}) {
    tape.gradient(target, x);
    CHECK(before == InUse());
  }
  CHECK(calls == 3);
}

TEST_CASE("second order through rules written with public operations") {
  const auto f = log1pexp();
  const Tensor x({-1.0, 0.0, 2.0});
  const auto sigmoid_of = [](double v) { return 1 / (1 + std::exp(-v)); };
  const Tensor h = hessian([&](const Tensor& t) { return sum(f(t)); }, x);
  for (int i = 0; i < 3; ++i) {
    const double s = sigmoid_of(x[i].item<double>());
    CHECK(h[i][i].item<double>() == doctest::Approx(s * (1 - s)));
  }
  CHECK(gradcheck([&](const std::vector<Tensor>& in) { return f(in[0]); }, {x}).ok());
  int calls = 0;
  const auto g = product(calls);
  const GradcheckReport report = gradcheck([&](const std::vector<Tensor>& in) { return g(g(in[0], in[1]), in[0]); },
                                           {Tensor({0.5, -1.5}), Tensor({2.0, 0.25})});
  CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("a rule with a custom gradient inside, and one that opens a tape") {
  const auto cube = custom_gradient([](const Tensor& x) {
    return std::pair{x * x * x, [x](const Tensor& dy) {
                       const auto triple_square = custom_gradient([](const Tensor& t) {
                         return std::pair{3 * t * t, [t](const Tensor& d) { return d * 6 * t; }};
                       });
                       return dy * triple_square(x);
                     }};
  });
  const auto by_tape = custom_gradient([](const Tensor& x) {
    return std::pair{x * x * x, [x](const Tensor& dy) { return dy * grad([](const Tensor& t) { return t * t * t; })(x); }};
  });
  const Tensor x(2.0);
  for (int i = 0; i < 2; ++i) {
    const TensorFunction f = i == 0 ? TensorFunction(cube) : TensorFunction(by_tape);
    CHECK(item(grad(f)(x)) == 12);
    CHECK(item(grad(grad(f))(x)) == 12);
    CHECK(item(grad(grad(grad(f)))(x)) == 6);
  }
  Variable w(2.0);
  GradientTape tape;
  const Tensor y = by_tape(w) * by_tape(w);
  CHECK(item(tape.gradient(y, w)) == 2 * 8 * 12);
}

TEST_CASE("wrong numbers, shapes and dtypes of gradients") {
  const auto of_wrong = [](auto rule) {
    return custom_gradient([rule](const Tensor& x, const Tensor& y) { return std::pair{x * y, rule}; });
  };
  Variable x(Tensor({1.0, 2.0})), y(Tensor({3.0, 4.0}));
  GradientTape tape({.persistent = true});
  const Tensor few = of_wrong([](const Tensor& g) { return g; })(x, y);
  CHECK_THROWS_WITH_AS(tape.gradient(few, x), doctest::Contains("got 1, expected 2"), ValueError);
  const Tensor many = of_wrong([](const Tensor& g) { return std::vector<Tensor>{g, g, g}; })(x, y);
  CHECK_THROWS_WITH_AS(tape.gradient(many, x), doctest::Contains("got 3, expected 2"), ValueError);
  const Tensor shape = of_wrong([](const Tensor& g) { return std::pair{g, sum(g)}; })(x, y);
  CHECK_THROWS_WITH_AS(tape.gradient(shape, y),
                       doctest::Contains("gradient of input 1 has the wrong shape; got [], expected [2]"), TapeError);
  CHECK(approx(tape.gradient(shape, x), {1, 1}));  // what is not asked for is not held against the rule
  const Tensor wide = of_wrong([](const Tensor& g) { return std::pair{broadcast_to(g, {3, 2}), g}; })(x, y);
  CHECK_THROWS_AS(tape.gradient(wide, x), TapeError);  // nothing is summed back for a rule of one's own
  const Tensor dtype = of_wrong([](const Tensor& g) { return std::pair{g.astype(DType::float32), g}; })(x, y);
  CHECK_THROWS_WITH_AS(tape.gradient(dtype, x), doctest::Contains("wrong dtype; got float32, expected float64"), TapeError);
  CHECK(tape.recording());
  CHECK(approx(tape.gradient(x * y, x), {3, 4}));
}

TEST_CASE("undefined gradients mean that nothing flows") {
  const auto first_only = custom_gradient([](const Tensor& x, const Tensor& y) {
    return std::pair{x * y, [y](const Tensor& g) { return std::pair{g * y, Tensor()}; }};
  });
  Variable x(2.0), y(3.0);
  GradientTape tape;
  const auto [dx, dy] = tape.gradient(first_only(x, y), x, y);
  CHECK(item(dx) == 3);
  CHECK(!dy.defined());
}

TEST_CASE("variables read inside are constants; what flows is what the rule says") {
  Variable w(5.0), x(2.0);
  const auto f = custom_gradient([&w](const Tensor& t) { return std::pair{t * w, [&w](const Tensor& g) { return g * w; }}; });
  GradientTape tape;
  const auto [dx, dw] = tape.gradient(f(x), x, w);
  CHECK(item(dx) == 5);
  CHECK(!dw.defined());
}

TEST_CASE("without a tape, or on constants, it is the plain function") {
  int calls = 0;
  const auto f = product(calls);
  CHECK(item(f(Tensor(2.0), Tensor(3.0))) == 6);
  Variable w(2.0);
  GradientTape tape({.watch_accessed_variables = false});
  CHECK(item(f(w, Tensor(3.0))) == 6);
  CHECK(tape.size() == 0);
  CHECK(calls == 0);
}

TEST_CASE("what a rule captures lives as long as the tape needs it, and no longer") {
  const InUse before;
  std::weak_ptr<int> witness;
  const auto f = custom_gradient([&witness](const Tensor& x) {
    auto token = std::make_shared<int>(1);
    witness = token;
    const Tensor big = zeros({100, 100}, x.dtype());
    return std::pair{x * 2, [token, big](const Tensor& g) { return g * 2; }};
  });
  {
    Variable w(1.0);
    f(w);
    CHECK(witness.expired());  // not recorded
    {
      GradientTape tape;
      const Tensor y = f(w);
      CHECK(!witness.expired());
      CHECK(item(tape.gradient(y, w)) == 2);
      CHECK(witness.expired());  // consumed
    }
    {
      GradientTape tape;
      f(Tensor(1.0));
      CHECK(witness.expired());  // a constant
      f(w);
      CHECK(!witness.expired());
    }
    CHECK(witness.expired());  // closed unasked
    {
      GradientTape tape({.persistent = true});
      const Tensor y = f(w);
      tape.gradient(y, w);
      CHECK(!witness.expired());
      tape.reset();
      CHECK(witness.expired());
      GradientTape inner;
      f(w);
    }
    CHECK(witness.expired());
  }
  CHECK(before == InUse());
}

TEST_CASE("exceptions in the function or the rule leave no record and no memory behind") {
  const InUse before;
  {
    Variable w(3.0);
    const auto bad_forward = custom_gradient([](const Tensor& x) {
      if (x.size() == 1) fail<ValueError>("forward", "thrown on purpose");
      return std::pair{x, [](const Tensor& g) { return g; }};
    });
    const auto bad_rule = custom_gradient([](const Tensor& x) {
      return std::pair{x * x, [x](const Tensor& g) {
                         if (x.size() == 1) fail<ValueError>("rule", "thrown on purpose");
                         return g;
                       }};
    });
    GradientTape tape({.persistent = true});
    const Tensor good = w * w;
    CHECK_THROWS_AS(bad_forward(w), ValueError);
    const Tensor y = bad_rule(good) * good;
    for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(tape.gradient(y, w), ValueError);
    CHECK(item(tape.gradient(good, w)) == 6);
    GradientTape once;
    const Tensor z = bad_rule(w) + w;
    CHECK_THROWS_AS(once.gradient(z, w), ValueError);
    CHECK(!once.recording());
    CHECK(item(tape.gradient(good, w)) == 6);
  }
  CHECK(before == InUse());
  CHECK(!is_recording());
}

}  // namespace
}  // namespace gradus
