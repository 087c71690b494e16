// fused: equal to the same function composed of operations, in value and in derivatives of every order.
#include "autograd/fused.h"

#include <cmath>
#include <string>

#include "autograd/gradcheck.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::item;
using test::max_abs_difference;

// One function of each number of arguments, generic: what is fused and what is composed are the same text.
constexpr auto kUnary = [](auto x) { return tanh(x) * exp(-x * x) + 2.0 * x; };
constexpr auto kSwish = [](auto x, auto beta) { return x * sigmoid(beta * x); };
constexpr auto kHuber = [](auto y, auto t, auto delta) {
  const auto d = y - t;
  return where(abs(d) < delta, 0.5 * (d * d), delta * (abs(d) - 0.5 * delta));
};
constexpr auto kFour = [](auto a, auto b, auto c, auto d) { return sqrt(a * a + b * b + 1.0) * cos(c) / (2.0 + sin(d)); };
constexpr auto kFive = [](auto a, auto b, auto c, auto d, auto e) { return maximum(a, b) * c + softplus(d) - minimum(d, e); };
constexpr auto kSix = [](auto a, auto b, auto c, auto d, auto e, auto f) {
  return log1p(a * a) + expm1(0.1 * b) * c - erf(d) * gelu(e) + pow(f * f + 1.0, 1.5);
};

// The derivatives of order `order` of f, each in a mixed direction, as one tensor per argument.
template <class F>
std::vector<Tensor> derivatives(const F& f, const std::vector<Tensor>& xs, int order) {
  if (order == 0) return {f(xs)};
  GradientTape tape;
  for (const Tensor& x : xs) tape.watch(x);
  Tensor total = zeros({}, xs[0].dtype());
  double weight = 1;
  for (const Tensor& d : derivatives(f, xs, order - 1)) {
    const Tensor mask = sin(arange(static_cast<double>(d.size())).reshape(d.shape()) + weight);
    total = total + sum(d * mask.astype(d.dtype()));
    weight += 0.5;
  }
  return tape.gradient(total, xs, {.unconnected = Unconnected::Zero});
}

template <size_t N, class F>
auto unpacked(F f) {
  return [f](const std::vector<Tensor>& xs) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return Tensor(f(xs[I]...)); }
    (std::make_index_sequence<N>());
  };
}

// Shapes that broadcast together: any axis of any argument may be 1, and leading ones absent.
std::vector<Tensor> random_arguments(size_t arity, DType dtype, uint64_t seed) {
  random::Generator generator(seed);
  const auto pick = [&](int64_t n) { return random::randint({}, 0, n, DType::int64, generator).item<int64_t>(); };
  const int64_t sizes[] = {1, 2, 3, 17, 40};
  const Shape whole{sizes[pick(5)], sizes[pick(5)], sizes[pick(5)]};
  std::vector<Tensor> xs;
  for (size_t k = 0; k < arity; ++k) {
    Shape shape;
    for (int i = static_cast<int>(k == 0 ? 0 : pick(4)); i < 3; ++i) shape.push_back(k > 0 && pick(3) == 0 ? 1 : whole[i]);
    Tensor x = random::normal(shape, 0, 1, dtype, generator);
    if (x.ndim() == 2 && pick(2) == 0) x = transpose(transpose(x).contiguous());  // strided
    xs.push_back(x);
  }
  return xs;
}

template <size_t N, class F>
void check_equal_to_composed(const char* name, F f, int orders) {
  INFO("function: ", name);
  const auto plain = unpacked<N>(f);
  const auto compiled = unpacked<N>(fused(f));
  for (const DType dtype : {DType::float64, DType::float32})
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const std::vector<Tensor> xs = random_arguments(N, dtype, seed);
      for (int order = 0; order <= orders; ++order) {
        const auto want = derivatives(plain, xs, order), got = derivatives(compiled, xs, order);
        for (size_t k = 0; k < want.size(); ++k) {
          INFO("dtype ", info(dtype).name, ", seed ", seed, ", order ", order, ", argument ", k);
          REQUIRE((got[k].shape() == want[k].shape()));
          CHECK(got[k].dtype() == dtype);
          const double scale = 1 + (want[k].size() ? item(max(abs(want[k]))) : 0);
          CHECK(max_abs_difference(got[k], want[k]) <= (dtype == DType::float64 ? 1e-12 : 2e-5) * scale);
        }
      }
    }
}

TEST_CASE("fused is composed, in value and derivative, for one to six arguments that broadcast") {
  check_equal_to_composed<1>("unary", kUnary, 4);
  check_equal_to_composed<2>("swish", kSwish, 4);
  check_equal_to_composed<3>("huber", kHuber, 2);
  check_equal_to_composed<4>("four", kFour, 3);
  check_equal_to_composed<5>("five", kFive, 2);
  check_equal_to_composed<6>("six", kSix, 2);
}

TEST_CASE("fused_sum and fused_mean are sum and mean of the fused function") {
  for (const DType dtype : {DType::float64, DType::float32})
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      const std::vector<Tensor> xs = random_arguments(2, dtype, seed);
      for (int order = 0; order <= 3; ++order) {
        INFO("dtype ", info(dtype).name, ", seed ", seed, ", order ", order);
        const auto compare = [&](const auto& f, const auto& g) {
          const auto want = derivatives(unpacked<2>(f), xs, order), got = derivatives(unpacked<2>(g), xs, order);
          for (size_t k = 0; k < want.size(); ++k) {
            REQUIRE((got[k].shape() == want[k].shape()));
            const double scale = 1 + item(max(abs(want[k])));
            CHECK(max_abs_difference(got[k], want[k]) <= (dtype == DType::float64 ? 1e-12 : 2e-5) * scale);
          }
        };
        compare([](const Tensor& x, const Tensor& b) { return sum(kSwish(x, b)); }, fused_sum(kSwish));
        compare([](const Tensor& x, const Tensor& b) { return mean(kSwish(x, b)); }, fused_mean(kSwish));
      }
    }
}

TEST_CASE("sums are accurate, the same for any number of threads, and defined for nothing") {
  const auto square_sum = fused_sum([](auto x) { return x * x; });
  const Tensor x = random::normal({1'000'003}, 0, 1, DType::float32);
  const double exact = item(sum(square(x.astype(DType::float64))));
  CHECK(std::abs(item(square_sum(x)) / exact - 1) < 1e-7);
  CHECK(item(square_sum(zeros({0}))) == 0);
  CHECK(std::isnan(item(fused_mean([](auto v) { return v * v; })(zeros({0, 3})))));
  CHECK(square_sum(Tensor({1, 2, 3})).dtype() == DType::float32);
  CHECK(square_sum(zeros({2}, DType::float16)).dtype() == DType::float16);
}

TEST_CASE("a sum makes no tensor of its results, forward or backward") {
  constexpr int64_t n = 1 << 20;
  const Tensor x = ones({n});
  const auto loss = fused_sum([](auto a) { return exp(-a) * a; });
  GradientTape tape;
  tape.watch(x);
  memory::reset_peak();
  const int64_t before = memory::stats().live_bytes;
  const Tensor g = tape.gradient(loss(x), x);
  CHECK(memory::stats().peak_bytes - before < 6 * n);  // the gradient alone, in a block of the pool
}

TEST_CASE("arguments, constants and values used twice may be results; unused arguments have gradient zero") {
  const Tensor x({1.0, -2.0, 3.0}), y({5.0, 6.0, 7.0});
  CHECK(approx(fused([](auto v) { return v; })(x), {1, -2, 3}));
  CHECK(approx(fused([](auto) { return 2.0; })(x), {2, 2, 2}));
  const auto first = fused([](auto a, auto) { return a; });
  GradientTape tape({.persistent = true});
  tape.watch(x);
  tape.watch(y);
  const Tensor z = first(x, y);
  CHECK(approx(tape.gradient(z, x), {1, 1, 1}));
  CHECK(approx(tape.gradient(z, y), {0, 0, 0}));
  const Tensor w = fused_sum([](auto a, auto b) { return a * b + a; })(x, y);
  for (int walk = 0; walk < 2; ++walk) {  // the first takes what the forward pass made, the second computes it
    CHECK(approx(tape.gradient(w, x), {6, 7, 8}));
    CHECK(approx(tape.gradient(w, y), {1, -2, 3}));
    CHECK(approx(tape.gradient(2 * w, y), {2, -4, 6}));
  }
}

TEST_CASE("the gradient of one element that is repeated is the sum over all") {
  const Tensor x = random::normal({3000}, 0, 1, DType::float32), beta = full({1, 1}, 0.5, DType::float32);
  GradientTape tape({.persistent = true});
  tape.watch(beta);
  const Tensor plain = sum(x * sigmoid(beta * x)), y = sum(fused(kSwish)(x, beta)), folded = fused_sum(kSwish)(x, beta);
  const double want = item(tape.gradient(plain, beta));
  CHECK(item(tape.gradient(y, beta)) == doctest::Approx(want).epsilon(1e-5));
  CHECK(item(tape.gradient(folded, beta)) == doctest::Approx(want).epsilon(1e-5));
  CHECK((tape.gradient(folded, beta).shape() == Shape{1, 1}));
}

TEST_CASE("the lambda is called once; its numbers mean nothing elsewhere; loops, long functions and captures are fine") {
  int calls = 0;
  const auto counted = fused([&](auto x) { return ++calls, 3.0 * x; });
  const auto copy = counted;
  for (int i = 0; i < 3; ++i) CHECK(item(copy(Tensor(2.0))) + item(counted(Tensor(2.0))) == 12);
  CHECK(calls == 1);

  std::vector<FusedNumber> leaked;
  fused([&](auto x) { return leaked.push_back(x + 1.0), x; })(Tensor(1.0));
  CHECK_THROWS_AS(leaked[0] * 2.0, ValueError);
  CHECK_THROWS_AS(fused([&](auto x) { return x * leaked[0]; })(Tensor(1.0)), ValueError);
  CHECK_THROWS_AS(FusedNumber(1.0), ValueError);

  const auto series = fused([n = 300](auto x) {  // more values than registers of the first cache
    auto power = 1.0 * x, total = 0.0 * x;
    std::vector<FusedNumber> terms;
    for (int i = 1; i <= n; ++i) power *= 0.99 * x, terms.push_back(sin(power) / i);
    for (const auto& t : terms) total += t * terms.back();
    return total;
  });
  const auto plain = [](const Tensor& x) {
    Tensor power = x, total = 0 * x;
    std::vector<Tensor> terms;
    for (int i = 1; i <= 300; ++i) power = power * 0.99 * x, terms.push_back(sin(power) / i);
    for (const auto& t : terms) total = total + t * terms.back();
    return total;
  };
  const Tensor x = random::uniform({1000}, 0, 1, DType::float64);
  for (int order = 0; order <= 1; ++order)
    CHECK(max_abs_difference(derivatives(unpacked<1>(series), {x}, order)[0], derivatives(unpacked<1>(plain), {x}, order)[0]) <
          1e-10);
}

TEST_CASE("gradcheck of a fused function to second order, and third derivatives in closed form") {
  const Tensor x({0.3, -1.2, 2.0}), b({0.5, 1.5, -0.4});
  CHECK(gradcheck([](const std::vector<Tensor>& in) { return fused(kSwish)(in[0], in[1]); }, std::vector<Tensor>{x, b}).ok());
  const auto cube = [](const Tensor& t) { return fused_sum([](auto v) { return v * v * v * v * v; })(t); };
  CHECK(item(grad(grad(grad(cube)))(Tensor(2.0))) == doctest::Approx(240));
  CHECK(item(grad(grad(grad(grad(grad(cube)))))(Tensor(2.0))) == doctest::Approx(120));
}

}  // namespace
}  // namespace gradus
