// Conversions, cuts, and rules of one's own.
#include <cmath>
#include <numeric>
#include <utility>

#include "autograd/fused.h"
#include "tests/autograd/op_rows.h"
#include "tests/support/gamma.h"

namespace gradus::test {

std::vector<Row> graph_rows() {
  const Row exact{.result = kept, .ulps = 0};
  // There and back again, through a dtype that holds every value drawn.
  Row astype = exact;
  astype.name = "astype";
  astype.call = [](const std::vector<Tensor>& in) { return in[0].astype(DType::float32).astype(in[0].dtype()); };
  astype.reference = elementwise([](double x) { return x; });
  astype.polynomial = true;
  astype.pointwise = true;
  astype.specials = {{{{kInf, -kInf, kNaN, -0.0, 1.5}}, {kInf, -kInf, kNaN, -0.0, 1.5}, {{1, 1, 1, 1, 1}}}};

  Row truncated = exact;
  truncated.name = "astype to or from an integer dtype";
  truncated.call = [](const std::vector<Tensor>& in) { return in[0].astype(DType::int32).astype(in[0].dtype()); };
  truncated.reference = elementwise([](double x) { return std::trunc(x) + 0.0; });
  truncated.pointwise = true;
  truncated.differentiable = false;
  truncated.specials = {{{{-1.5, 1.5, -0.5, kNaN, kInf, -kInf, 1e10}}, {-1, 1, 0, 0, 2147483647, -2147483648.0, 2147483647}}};

  Row stopped = exact;
  stopped.name = "stop_gradient";
  stopped.call = [](const std::vector<Tensor>& in) { return stop_gradient(in[0]); };
  stopped.reference = elementwise([](double x) { return x; });
  stopped.pointwise = true;
  stopped.differentiable = false;

  stopped.errors = {raises<ValueError>(
      "has no value", [] { stop_gradient(Tensor()); }, "Tensor")};

  Row identity = exact;
  identity.name = "identity";
  identity.call = [](const std::vector<Tensor>& in) { return detail::fresh(in[0]); };
  identity.reference = elementwise([](double x) { return x; });
  identity.pointwise = true;
  identity.polynomial = true;

  Row custom{.name = "custom_gradient", .inputs = {{}, {}}, .result = kept};
  custom.call = [](const std::vector<Tensor>& in) {
    const auto f = custom_gradient([](const Tensor& a, const Tensor& b) {
      return std::pair{a * a * b, [a, b](const Tensor& g) { return std::pair{g * 2 * a * b, g * a * a}; }};
    });
    return f(in[0], in[1]);
  };
  custom.reference = elementwise([](double a, double b) { return a * a * b; });
  custom.errors = {raises<ValueError>("wrong number of gradients; got 2, expected 1", [] {
    const auto f = custom_gradient([](const Tensor& x) {
      return std::pair{x * 2, [](const Tensor& g) { return std::pair{g, g}; }};
    });
    const Tensor x = ones({2});
    GradientTape tape;
    tape.watch(x);
    tape.gradient(f(x), x);
  })};

  Row again{.name = "checkpoint", .inputs = {{}, {}}, .result = kept};
  again.call = [](const std::vector<Tensor>& in) {
    return checkpoint([](const Tensor& a, const Tensor& b) { return a * a * b; }, in[0], in[1]);
  };
  again.reference = elementwise([](double a, double b) { return a * a * b; });
  again.errors = {raises<TapeError>("the function does not repeat itself; got [1] float32, expected [2]", [] {
    int calls = 0;
    const Tensor x = ones({2});
    GradientTape tape;
    tape.watch(x);
    tape.gradient(checkpoint([&] { return slice(2 * x, {Slice(0, 2 - calls++)}); }), x);
  })};

  Row hooked{.name = "gradient_hook", .call = {}, .reference = elementwise([](double x) { return x; })};
  hooked.call = [](const std::vector<Tensor>& in) { return gradient_hook(in[0], [](const Tensor&) {}); };
  hooked.polynomial = true;
  hooked.result = kept;
  hooked.ulps = 0;

  Row folded{.name = "fused_sum", .inputs = {{}, {}}, .reduces = true};
  folded.call = [](const std::vector<Tensor>& in) { return fused_sum([](auto a, auto b) { return a * a * b; })(in[0], in[1]); };
  folded.reference = [](const Arrays& in) {
    const Array products = elementwise([](double a, double b) { return a * a * b; })(in);
    return Array{{}, {std::accumulate(products.values.begin(), products.values.end(), 0.0)}};
  };

  Row swish{.name = "fused", .inputs = {{}, {}}, .pointwise = true, .ulps = 16};
  swish.call = [](const std::vector<Tensor>& in) {
    return fused([](auto x, auto beta) { return x * sigmoid(beta * x); })(in[0], in[1]);
  };
  swish.reference = elementwise([](double x, double beta) { return x / (1 + std::exp(-beta * x)); });
  swish.specials = {{{{0, 1000, -1000}, {1, 1, 1}}, {0, 1000, -0.0}, {{0.5, 1, 0}, {0, 0, 0}}}};
  swish.errors = {raises<ShapeError>("shapes do not broadcast; got [2] and [3]",
                                     [] { fused([](auto x, auto y) { return x * y; })(zeros({2}), zeros({3})); }),
                  raises<ValueError>("no argument is a tensor", [] { fused([](auto x) { return x * x; })(2.0); })};

  const auto fused_row = [](std::string name, auto f, auto reference, std::vector<Input> inputs) {
    Row row{
        .name = "fused " + name, .reference = elementwise(reference), .inputs = std::move(inputs), .pointwise = true, .ulps = 32};
    row.call = [f](const std::vector<Tensor>& in) {
      if constexpr (std::is_invocable_v<decltype(reference), double>) return fused(f)(in[0]);
      else return fused(f)(in[0], in[1]);
    };
    return row;
  };
  Row circle = fused_row(
      "inverse circular functions", [](auto x) { return asin(x) * atan(3 * x) + acos(x); },
      [](double x) { return std::asin(x) * std::atan(3 * x) + std::acos(x); }, {{.low = -0.9, .high = 0.9}});
  Row hyperbola = fused_row(
      "inverse hyperbolic functions", [](auto x) { return asinh(x) + atanh(x) * acosh(2 + x); },
      [](double x) { return std::asinh(x) + std::atanh(x) * std::acosh(2 + x); }, {{.low = 0.1, .high = 0.8}});
  Row powers = fused_row(
      "powers and logarithms", [](auto x) { return exp2(x) + log2(x) * log2(x) + log10(3 + x) * cbrt(x) + trunc(x); },
      [](double x) { return std::exp2(x) + std::log2(x) * std::log2(x) + std::log10(3 + x) * std::cbrt(x); },
      {{.low = 0.2, .high = 0.9}});
  Row gamma = fused_row(
      "special functions",
      [](auto x) { return erfc(x) + lgamma(x + 3) + digamma(x + 2) + polygamma(2, x + 2) + log_sigmoid(x) + 4; },
      [](double x) {
        const long double y = static_cast<long double>(x) + 2;
        return 4 + std::erfc(x) + std::lgamma(x + 3) + static_cast<double>(digamma_of(y) + polygamma_of(2, y)) -
               std::log1p(std::exp(-x));
      },
      {{.low = -0.5, .high = -0.1}});
  Row pairs = fused_row(
      "functions of two arguments",
      [](auto a, auto b) { return atan2(a, b) + hypot(a, b) + logaddexp(a, b) + xlogy(a, b) + fmod(7 * a, b) + remainder(a, b); },
      [](double a, double b) {
        return std::atan2(a, b) + std::hypot(a, b) + std::log(std::exp(a) + std::exp(b)) + a * std::log(b) + std::fmod(7 * a, b) +
               std::fmod(a, b);
      },
      {{.low = 1.01, .high = 1.1}, {.low = 0.6, .high = 0.7}});
  for (Row* row : {&circle, &hyperbola, &powers, &gamma, &pairs}) row->integers = false;

  return {astype, truncated, stopped, identity, custom, again, hooked, folded, swish, circle, hyperbola, powers, gamma, pairs};
}

}  // namespace gradus::test
