// Every function a fused lambda may use, against the operation of that name: values to the last bit, first and second
// derivatives.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "autograd/fused.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using Call = std::function<Tensor(const std::vector<Tensor>&)>;

struct Function {
  std::string name;
  Call plain, fused;
  size_t arity;
  std::vector<std::pair<double, double>> ranges;
};

template <size_t N, class F>
Call unpacked(F f) {
  return [f](const std::vector<Tensor>& xs) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return Tensor(f(xs[I]...)); }
    (std::make_index_sequence<N>());
  };
}
template <class F>
Function of(std::string name, F f, double low = -3, double high = 3) {
  return {std::move(name), unpacked<1>(f), unpacked<1>(fused(f)), 1, {{low, high}}};
}
template <class F>
Function of_two(std::string name, F f, std::pair<double, double> a = {-3, 3}, std::pair<double, double> b = {-3, 3}) {
  return {std::move(name), unpacked<2>(f), unpacked<2>(fused(f)), 2, {a, b}};
}

const std::vector<Function>& functions() {
  static const std::vector<Function> all{
      of("abs", [](auto x) { return abs(x); }),
      of(
          "sqrt", [](auto x) { return sqrt(x); }, 0.1, 4),
      of(
          "cbrt", [](auto x) { return cbrt(x); }, 0.1, 4),
      of(
          "rsqrt", [](auto x) { return rsqrt(x); }, 0.1, 4),
      of(
          "reciprocal", [](auto x) { return reciprocal(x); }, 0.1, 4),
      of("square", [](auto x) { return square(x); }),
      of("exp", [](auto x) { return exp(x); }),
      of("exp2", [](auto x) { return exp2(x); }),
      of("expm1", [](auto x) { return expm1(x); }),
      of(
          "log", [](auto x) { return log(x); }, 0.1, 4),
      of(
          "log2", [](auto x) { return log2(x); }, 0.1, 4),
      of(
          "log10", [](auto x) { return log10(x); }, 0.1, 4),
      of(
          "log1p", [](auto x) { return log1p(x); }, -0.9, 4),
      of("sin", [](auto x) { return sin(x); }),
      of("cos", [](auto x) { return cos(x); }),
      of(
          "tan", [](auto x) { return tan(x); }, -1.4, 1.4),
      of(
          "asin", [](auto x) { return asin(x); }, -0.9, 0.9),
      of(
          "acos", [](auto x) { return acos(x); }, -0.9, 0.9),
      of("atan", [](auto x) { return atan(x); }),
      of("sinh", [](auto x) { return sinh(x); }),
      of("cosh", [](auto x) { return cosh(x); }),
      of("tanh", [](auto x) { return tanh(x); }),
      of("asinh", [](auto x) { return asinh(x); }),
      of(
          "acosh", [](auto x) { return acosh(x); }, 1.2, 5),
      of(
          "atanh", [](auto x) { return atanh(x); }, -0.9, 0.9),
      of("erf", [](auto x) { return erf(x); }),
      of("erfc", [](auto x) { return erfc(x); }),
      of(
          "lgamma", [](auto x) { return lgamma(x); }, 0.2, 6),
      of(
          "digamma", [](auto x) { return digamma(x); }, 0.2, 6),
      of(
          "polygamma", [](auto x) { return polygamma(2, x); }, 0.5, 6),
      of("sign", [](auto x) { return sign(x); }),
      of("floor", [](auto x) { return floor(x); }),
      of("ceil", [](auto x) { return ceil(x); }),
      of("round", [](auto x) { return round(x); }),
      of("trunc", [](auto x) { return trunc(x); }),
      of("relu", [](auto x) { return relu(x); }),
      of("softplus", [](auto x) { return softplus(x); }),
      of("silu", [](auto x) { return silu(x); }),
      of("gelu", [](auto x) { return gelu(x); }),
      of("sigmoid", [](auto x) { return sigmoid(x); }),
      of("log_sigmoid", [](auto x) { return log_sigmoid(x); }),
      of("gaussian", [](auto x) { return gaussian(x); }),
      of(
          "pow", [](auto x) { return pow(x, 2.5); }, 0.1, 3),
      of("pow to the second", [](auto x) { return pow(x, 2.0); }),
      of("negative", [](auto x) { return -x; }),
      of("isnan, isinf, isfinite",
         [](auto x) { return where(isnan(x), 1.0 * x, where(isinf(x), 2.0 * x, where(isfinite(x), 3.0 * x, 4.0 * x))); }),
      of("logical",
         [](auto x) { return where(logical_and(x > -1.0, logical_not(logical_or(x > 1.0, x == 0.5))), x * 2.0, 1.0 - x); }),
      of_two("add", [](auto a, auto b) { return a + b; }),
      of_two("subtract", [](auto a, auto b) { return a - b; }),
      of_two("multiply", [](auto a, auto b) { return a * b; }),
      of_two("divide", [](auto a, auto b) { return a / b; }, {-3, 3}, {0.2, 3}),
      of_two("comparisons",
             [](auto a, auto b) {
               return where(a < b, a * b, b) + where(a <= b, a, 3.0) + where(a > b, b, a * a) + where(a >= b, 1.0 * a, b) +
                      where(a == b, a, 2.0 * b) + where(a != b, a, b);
             }),
      of_two("maximum", [](auto a, auto b) { return maximum(a, b); }),
      of_two("minimum", [](auto a, auto b) { return minimum(a, b); }),
      of_two("pow of two", [](auto a, auto b) { return pow(a, b); }, {0.2, 3}, {-2, 3}),
      of_two("fmod", [](auto a, auto b) { return fmod(a, b); }, {-3, 3}, {0.5, 2}),
      of_two("remainder", [](auto a, auto b) { return remainder(a, b); }, {-3, 3}, {0.5, 2}),
      of_two("atan2", [](auto a, auto b) { return atan2(a, b); }, {0.1, 3}, {-3, 3}),
      of_two("hypot", [](auto a, auto b) { return hypot(a, b); }, {0.1, 3}, {-3, 3}),
      of_two("logaddexp", [](auto a, auto b) { return logaddexp(a, b); }),
      of_two("xlogy", [](auto a, auto b) { return xlogy(a, b); }, {-3, 3}, {0.1, 3})};
  return all;
}

// Lengths around those of vectors and blocks.
constexpr int64_t kLengths[] = {1, 3, 16, 37, 512, 1100};

std::vector<Tensor> arguments(const Function& f, int64_t n, DType dtype, uint64_t seed) {
  random::Generator generator(seed);
  std::vector<Tensor> xs;
  for (const auto& [low, high] : f.ranges) xs.push_back(random::uniform({n}, low, high, dtype, generator));
  return xs;
}

std::vector<Tensor> derivatives(const Call& f, const std::vector<Tensor>& xs, int order) {
  if (order == 0) return {f(xs)};
  GradientTape tape;
  for (const Tensor& x : xs) tape.watch(x);
  Tensor total = zeros({}, xs[0].dtype());
  for (const Tensor& d : derivatives(f, xs, order - 1))
    total = total + sum(d * cos(arange(static_cast<double>(d.size()))).astype(d.dtype()));
  return tape.gradient(total, xs, {.unconnected = Unconnected::Zero});
}

/// The largest difference relative to the larger of 1 and the value; infinite where NaN meets a number.
double difference(const Tensor& got, const Tensor& want) {
  const auto a = got.to_vector<double>(), b = want.to_vector<double>();
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double d = std::abs(a[i] - b[i]) / std::max(1.0, std::abs(b[i]));
    most = std::isnan(d) ? std::numeric_limits<double>::infinity() : std::max(most, d);
  }
  return most;
}

TEST_CASE("every function of a fused lambda is the operation of that name, to second order, for any length") {
  for (const Function& f : functions())
    for (const DType dtype : {DType::float32, DType::float64})
      for (const int64_t n : kLengths)
        for (int order = 0; order <= 2; ++order) {
          INFO(f.name, ", ", info(dtype).name, ", n ", n, ", order ", order);
          const std::vector<Tensor> xs = arguments(f, n, dtype, static_cast<uint64_t>(n) + 17);
          const auto want = derivatives(f.plain, xs, order), got = derivatives(f.fused, xs, order);
          REQUIRE(want.size() == got.size());
          for (size_t k = 0; k < want.size(); ++k) {
            REQUIRE((got[k].shape() == want[k].shape()));
            const bool one_call = f.name != "comparisons" && f.name != "logical" && f.name != "pow to the second";
            const double bound = order == 0 && one_call ? 0 : dtype == DType::float32 ? 1e-5 : 1e-13;
            CHECK(difference(got[k], want[k]) <= bound);
          }
        }
}

TEST_CASE("values and first derivatives at infinities, NaN, zeros and limits are those of the operations") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity(), kNaN = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> edges{0.0, -0.0, 1, -1, 0.5, kInfinity, -kInfinity, kNaN, 1e30, -1e30, 1e-30, 100, -100, 2, -2};
  for (const Function& f : functions())
    for (const DType dtype : {DType::float32, DType::float64}) {
      std::vector<double> a, b;
      for (const double x : edges)
        for (const double y : edges) a.push_back(x), b.push_back(y);
      std::vector<Tensor> xs{Tensor(std::span<const double>(a)).astype(dtype)};
      if (f.arity == 2) xs.push_back(Tensor(std::span<const double>(b)).astype(dtype));
      // Left of -10000 these are flat, and what where() does not choose has no say: rules of operations answer NaN there.
      const bool kinder = f.name == "silu" || f.name == "gelu" || f.name == "comparisons";
      for (int order = 0; order <= 1; ++order) {
        const auto want = derivatives(f.plain, xs, order), got = derivatives(f.fused, xs, order);
        for (size_t k = 0; k < want.size(); ++k) {
          const auto v = got[k].to_vector<double>(), w = want[k].to_vector<double>();
          for (size_t i = 0; i < v.size(); ++i) {
            const double d = std::abs(v[i] - w[i]) / std::max(1.0, std::abs(w[i]));
            if (kinder && order > 0 && std::isnan(w[i])) continue;
            const bool same = v[i] == w[i] || (std::isnan(v[i]) && std::isnan(w[i])) || d < 1e-5;
            CHECK_MESSAGE(same, f.name, ", order ", order, ", argument ", k, " at ", a[i], ", ", b[i], ": got ", v[i],
                          ", expected ", w[i]);
          }
        }
      }
    }
}

}  // namespace
}  // namespace gradus
