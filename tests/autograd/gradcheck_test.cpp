// gradcheck finds wrong derivatives, of first and of second order, and passes right ones.
#include "autograd/gradcheck.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::contains;

using Inputs = std::vector<Tensor>;

// sin with a rule that is off by `factor`, or right at first order but wrong at second.
auto wrong_sin(double factor) {
  return custom_gradient([factor](const Tensor& x) {
    return std::pair{sin(x), [x, factor](const Tensor& g) { return g * cos(x) * factor; }};
  });
}
auto first_order_sin() {
  return custom_gradient([](const Tensor& x) {
    return std::pair{sin(x), [c = stop_gradient(cos(x))](const Tensor& g) { return g * c; }};
  });
}

TEST_CASE("the contract's check: tanh of a product") {
  const auto f = [](const Inputs& in) { return tanh(matmul(in[0], in[1])); };
  random::Generator generator(7);
  const Inputs inputs{random::normal({3, 4}, 0, 1, DType::float64, generator),
                      random::normal({4, 2}, 0, 1, DType::float64, generator)};
  const GradcheckReport report = gradcheck(f, inputs, {.order = 2});
  CHECK_MESSAGE(report.ok(), report.text());
  CHECK(report.checked == 2 * (12 + 8));
  CHECK(report.text() == "ok");
  CHECK(report.max_error[0] > 0);
  CHECK(report.max_error[0] < 1e-6);
  CHECK(report.max_error[1] < 1e-6);
}

TEST_CASE("a wrong first derivative is found, and the report says where and by how much") {
  const auto f = wrong_sin(1.01);
  const Tensor x({0.3, -0.7, 1.2});
  const GradcheckReport report =
      gradcheck([&](const Inputs& in) { return in[0] + f(in[1]); }, {x, x}, {.order = 1, .full = true});
  REQUIRE(report.failures.size() == 3);
  CHECK(report.checked == 3 * 6);
  for (size_t i = 0; i < 3; ++i) {
    const GradcheckFailure& failure = report.failures[i];
    const double cosine = std::cos(x.to_vector<double>()[i]);
    CHECK(failure.order == 1);
    CHECK(failure.input == 1);
    CHECK(failure.element == static_cast<int64_t>(i));
    CHECK(failure.output == static_cast<int64_t>(i));
    CHECK(failure.analytic == doctest::Approx(1.01 * cosine).epsilon(1e-9));
    CHECK(failure.numeric == doctest::Approx(cosine).epsilon(1e-7));
  }
  CHECK(report.max_error[0] == doctest::Approx(0.01 * std::cos(0.3)).epsilon(1e-5));
  CHECK(contains(report.text(), "3 of 18 derivatives differ"));
  CHECK(contains(report.text(), "order 1, input 1, element 2, output 2"));
}

TEST_CASE("a random projection finds it, too, for any seed") {
  const auto f = wrong_sin(1.01);
  for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{12345}}) {
    const GradcheckReport report =
        gradcheck([&](const Inputs& in) { return f(in[0]); }, {Tensor({0.3, -0.7})}, {.order = 1, .seed = seed});
    CHECK(report.failures.size() == 2);
    CHECK(report.failures[0].output == -1);
    CHECK(!contains(report.text(), "output"));
  }
}

TEST_CASE("a rule that treats what it saved as a constant passes first order and fails second") {
  const auto f = first_order_sin();
  const Inputs x{Tensor({0.3, -0.7, 1.2})};
  CHECK(gradcheck([&](const Inputs& in) { return f(in[0]); }, x, {.order = 1}).ok());
  const GradcheckReport report = gradcheck([&](const Inputs& in) { return f(in[0]); }, x, {.order = 2});
  CHECK(!report.ok());
  for (const GradcheckFailure& failure : report.failures) {
    CHECK(failure.order == 2);
    CHECK(failure.analytic == 0);
    CHECK(failure.numeric != 0);
  }
}

TEST_CASE("a cut path is a wrong derivative; a constant function is right") {
  const Inputs x{Tensor({0.3, -0.7})};
  CHECK(!gradcheck([](const Inputs& in) { return stop_gradient(in[0]) * in[0]; }, x).ok());
  CHECK(gradcheck([](const Inputs&) { return Tensor({1.0, 2.0}); }, x).ok());
  CHECK(gradcheck([](const Inputs& in) { return in[0]; }, x).ok());
  CHECK(gradcheck([](const Inputs& in) { return round(in[0]); }, x).ok());
}

TEST_CASE("full looks at every output, a projection at one number per input") {
  const Inputs x{Tensor({{0.3, -0.7}, {1.1, 2.0}}), Tensor({1.5, 0.5})};
  const auto f = [](const Inputs& in) { return exp(in[0]) * in[1]; };
  const GradcheckReport full = gradcheck(f, x, {.full = true}), projected = gradcheck(f, x);
  CHECK_MESSAGE(full.ok(), full.text());
  CHECK_MESSAGE(projected.ok(), projected.text());
  CHECK(full.checked == 4 * 2 * 6);
  CHECK(projected.checked == 2 * 6);
}

TEST_CASE("a step of 1 is exact for bilinear functions") {
  const auto f = [](const Inputs& in) { return matmul(in[0], in[1]); };
  const GradcheckReport report = gradcheck(f, {Tensor({{1.0, 2.0}, {3.0, 4.0}}), Tensor({{5.0, 6.0}, {7.0, 8.0}})},
                                           {.order = 2, .eps = 1, .atol = 1e-12, .rtol = 0});
  CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("tolerances and steps are the caller's") {
  const auto f = wrong_sin(1.01);
  const Inputs x{Tensor({0.3})};
  CHECK(gradcheck([&](const Inputs& in) { return f(in[0]); }, x, {.order = 1, .rtol = 0.02}).ok());
  CHECK(!gradcheck([&](const Inputs& in) { return f(in[0]); }, x, {.order = 1, .rtol = 0.005}).ok());
  CHECK(
      !gradcheck([](const Inputs& in) { return in[0] * in[0] * in[0]; }, x, {.order = 1, .eps = 0.5}).ok());  // eps^2 = 0.25 off
}

TEST_CASE("integer inputs are constants; strided inputs are read right") {
  const Tensor table({{0.1, 0.2}, {0.3, 0.4}, {0.5, 0.6}});
  const auto f = [](const Inputs& in) { return exp(take(in[0], in[1])); };
  const GradcheckReport report = gradcheck(f, {table, Tensor({2, 0, 2})});
  CHECK_MESSAGE(report.ok(), report.text());
  CHECK(report.checked == 2 * 6);
  CHECK(gradcheck([](const Inputs& in) { return in[0] * in[0]; }, {transpose(table)}).ok());
  CHECK(gradcheck([](const Inputs& in) { return in[0] * in[0]; }, {table[":, 1"]}).ok());
  CHECK(gradcheck([](const Inputs& in) { return in[0] * in[0]; }, {zeros({0, 2}, DType::float64)}).checked == 0);
}

TEST_CASE("one tensor given for two inputs counts for each") {
  const Tensor x({0.5, 2.0});
  const auto f = [](const Inputs& in) { return in[0] * in[1] * in[1]; };
  const GradcheckReport report = gradcheck(f, {x, x});
  CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("functions that differentiate inside") {
  const auto f = [](const Inputs& in) {
    const Tensor g = grad([](const Tensor& t) { return sum(t * t * t); })(in[0]);
    GradientTape tape;
    tape.watch(in[0]);
    return g * tape.gradient(sum(exp(in[0])), in[0]);
  };
  const GradcheckReport report = gradcheck(f, {Tensor({0.5, -0.3})});
  CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("a kink within the step shows") {
  CHECK(!gradcheck([](const Inputs& in) { return relu(in[0]); }, {Tensor({0.0})}, {.order = 1}).ok());
  CHECK(gradcheck([](const Inputs& in) { return relu(in[0]); }, {Tensor({0.1, -0.1})}).ok());
}

TEST_CASE("text shows the first ten failures") {
  const auto f = wrong_sin(2);
  const GradcheckReport report =
      gradcheck([&](const Inputs& in) { return f(in[0]); }, {linspace(0.1, 1.0, 25, DType::float64)}, {.order = 1});
  CHECK(report.failures.size() == 25);
  const std::string text = report.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 10);
  CHECK(contains(text, "25 of 25"));
}

TEST_CASE("what gradcheck refuses") {
  const auto f = [](const Inputs& in) { return in[0] * 2; };
  CHECK_THROWS_WITH_AS(gradcheck(f, {Tensor({1.0f})}), doctest::Contains("float32, expected float64"), DTypeError);
  CHECK_THROWS_AS(gradcheck([](const Inputs& in) { return in[0].astype(DType::float32); }, {Tensor({1.0})}), DTypeError);
  CHECK_THROWS_AS(gradcheck(f, {Tensor({1.0})}, {.order = 0}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {Tensor({1.0})}, {.order = 3}), ValueError);
  auto count = std::make_shared<double>(0);
  const auto moody = [count](const Inputs& in) { return in[0] * (*count += 1); };
  CHECK_THROWS_WITH_AS(gradcheck(moody, {Tensor({1.0})}), doctest::Contains("two backward passes differ"), ValueError);
  CHECK(!is_recording());
}

TEST_CASE("gradcheck leaves the tapes around it alone") {
  Variable w(3.0);
  GradientTape tape;
  const Tensor y = w * w;
  CHECK(gradcheck([](const Inputs& in) { return sin(in[0]); }, {y}).ok());
  CHECK(tape.recording());
  CHECK(tape.gradient(y, w).item<double>() == 6);
}

}  // namespace
}  // namespace gradus
