// Every pointwise function against <cmath> in long double, on random bit patterns and special values; integers against wide ones.
#include "autograd/kernels/pointwise.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/autograd/pointwise_rows.h"
#include "tests/support/ulps.h"

namespace gradus {
namespace {

using detail::TensorImpl;
using kernels::Fn;
using namespace test;

template <class T>
Impl tensor(const std::vector<T>& v) {
  const Impl x = empty(Shape{static_cast<int64_t>(v.size())}, dtype_of<T>);
  for (size_t i = 0; i < v.size(); ++i) x->as<T>()[i] = v[i];
  return x;
}

// Everything where functions tend to go wrong, then random patterns: half of them any bits, half of moderate size.
template <class T>
std::vector<T> interesting(size_t random) {
  using Limits = std::numeric_limits<T>;
  using Bits = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
  std::vector<T> v;
  for (T x : {T(0),
              Limits::denorm_min(),
              Limits::min(),
              Limits::min() / 3,
              Limits::epsilon(),
              T(1e-3),
              T(0.25),
              T(0.5),
              T(1),
              T(1.5),
              T(2),
              T(2.5),
              T(3),
              T(3.5),
              T(7),
              T(10),
              T(20),
              T(88),
              T(88.7228),
              T(89),
              T(104),
              T(709.7),
              T(9999),
              T(10001),
              T(1e6),
              T(4194303.5),
              T(8388609),
              T(1e15),
              Limits::max(),
              Limits::infinity()})
    v.push_back(x), v.push_back(-x);
  v.push_back(Limits::quiet_NaN());
  std::mt19937_64 bits(7);
  for (size_t i = 0; i < random; ++i) {
    if (i % 2) v.push_back(std::bit_cast<T>(static_cast<Bits>(bits())));
    else v.push_back(static_cast<T>(std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -59)));  // within 16
  }
  return v;
}

// Those with a test case of their own below.
constexpr Fn kSpecial[] = {Fn::polygamma,    Fn::isnan,         Fn::isinf,           Fn::isfinite, Fn::clip,
                           Fn::logical_and,  Fn::logical_or,    Fn::logical_not,     Fn::where,    Fn::sigmoid_cross_entropy,
                           Fn::multiply_add, Fn::tanh_gradient, Fn::sigmoid_gradient};

TEST_CASE("every function appears in a table of this file") {
  std::set<Fn> seen(std::begin(kSpecial), std::end(kSpecial));
  for (const Unary& row : kUnary) seen.insert(row.fn);
  for (const Binary& row : kBinary) seen.insert(row.fn);
  for (const Comparison& row : kComparisons) seen.insert(row.fn);
  for (int fn = 0; fn < static_cast<int>(Fn::count); ++fn) {
    INFO("function " << fn);
    CHECK(seen.count(static_cast<Fn>(fn)) == 1);
  }
}

template <class T>
void check_unary(const Unary& row) {
  const std::vector<T> x = interesting<T>(20000);
  const Impl y = apply(row.fn, tensor(x), dtype_of<T>);
  double worst = -1;
  size_t at = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double slack = row.slack(static_cast<double>(x[i]));
    const double beyond = ulps(y->as<T>()[i], row.value(x[i])) - row.ulps - (std::isnan(slack) ? 0 : slack);
    if (beyond > worst) worst = beyond, at = i;
  }
  INFO(std::string(row.name) << "(" << x[at] << ") = " << y->as<T>()[at] << ", expected "
                             << static_cast<double>(row.value(x[at])));
  CHECK(worst <= 0);
}

TEST_CASE("unary functions are accurate over the whole range") {
  for (const Unary& row : kUnary) {
    check_unary<float>(row);
    if (sizeof(Real) > sizeof(double)) check_unary<double>(row);
  }
}

template <class T>
void check_binary(const Binary& row) {
  const std::vector<T> values = interesting<T>(60);
  std::vector<T> a, b;
  for (T x : values)
    for (T y : values) a.push_back(x), b.push_back(y);
  const Impl y = apply(row.fn, tensor(a), tensor(b), Shape{static_cast<int64_t>(a.size())}, dtype_of<T>);
  double worst = -1;
  size_t at = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const T got = y->as<T>()[i];
    Real want = row.value(a[i], b[i]);
    if (got == 0 && want == 0 && (row.fn == Fn::maximum || row.fn == Fn::minimum)) want = got;  // which zero is not said
    const double beyond = ulps(got, want) - row.ulps;
    if (beyond > worst) worst = beyond, at = i;
  }
  INFO(std::string(row.name) << "(" << a[at] << ", " << b[at] << ") = " << y->as<T>()[at]);
  CHECK(worst <= 0);
}

TEST_CASE("binary functions are accurate on all pairs of special values") {
  for (const Binary& row : kBinary) {
    check_binary<float>(row);
    if (sizeof(Real) > sizeof(double)) check_binary<double>(row);
  }
}

TEST_CASE("sigmoid cross entropy is stable for large logits") {
  std::vector<float> t, z;
  for (float target : {0.0f, 0.25f, 1.0f})
    for (float logit : {-1e30f, -100.0f, -10.0f, -1.0f, -1e-4f, 0.0f, 1e-4f, 1.0f, 10.0f, 100.0f, 1e30f})
      t.push_back(target), z.push_back(logit);
  const Impl y = apply(Fn::sigmoid_cross_entropy, tensor(t), tensor(z), Shape{static_cast<int64_t>(t.size())}, DType::float32);
  for (size_t i = 0; i < t.size(); ++i) {
    // -t log s(z) - (1 - t) log(1 - s(z)), with -log s(z) = log(1 + e^-z)
    const auto softplus = [](Real x) { return x > 0 ? x + std::log1p(std::exp(-x)) : std::log1p(std::exp(x)); };
    const Real want = (t[i] == 0 ? 0 : t[i] * softplus(-z[i])) + (t[i] == 1 ? 0 : (1 - t[i]) * softplus(z[i]));
    INFO("target " << t[i] << " logit " << z[i]);
    CHECK(static_cast<double>(y->as<float>()[i]) == doctest::Approx(static_cast<double>(want)).epsilon(3e-7));
  }
}

TEST_CASE("clip holds x to its bounds and keeps NaN") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> x{-inf, -3, -1, -0.5f, 0, 0.75f, 2, 2.5f, inf, nan}, want{-1, -1, -1, -0.5f, 0, 0.75f, 2, 2, 2, nan};
  const Impl y = apply(Fn::clip, tensor(x), filled({}, DType::float32, [](int64_t) { return -1; }),
                       filled({1}, DType::float32, [](int64_t) { return 2; }), Shape{10}, DType::float32);
  for (size_t i = 0; i < x.size(); ++i) CHECK(ulps(y->as<float>()[i], want[i]) == 0);
}

// Their differences cancel: errors are against the terms.
template <class T>
void check_gradients() {
  std::mt19937_64 bits(5);
  std::vector<T> y, g, c;
  for (int i = 0; i < 3001; ++i)
    for (std::vector<T>* x : {&y, &g, &c})
      x->push_back(static_cast<T>(std::ldexp(static_cast<double>(static_cast<int64_t>(bits())), -63)));
  const Shape shape{static_cast<int64_t>(y.size())};
  const Impl a = apply(Fn::tanh_gradient, tensor(y), tensor(g), shape, dtype_of<T>);
  const Impl b = apply(Fn::sigmoid_gradient, tensor(y), tensor(g), shape, dtype_of<T>);
  const Impl d = apply(Fn::multiply_add, tensor(y), tensor(g), tensor(c), shape, dtype_of<T>);
  Real worst = 0;
  for (size_t i = 0; i < y.size(); ++i) {
    const Real u = y[i], v = g[i], w = c[i];
    worst = std::max({worst, std::abs(a->as<T>()[i] - v * (1 - u * u)) / std::abs(v),
                      std::abs(b->as<T>()[i] - v * u * (1 - u)) / std::abs(v),
                      std::abs(d->as<T>()[i] - (u * v + w)) / (std::abs(u * v) + std::abs(w))});
  }
  CHECK(worst <= 2 * std::numeric_limits<T>::epsilon());
}

TEST_CASE("gradients from outputs, and products added") {
  check_gradients<float>();
  check_gradients<double>();
}

template <class T>
void check_polygamma() {
  std::vector<T> n, x;
  for (int order : {0, 1, 2, 3, 4, 7, 12})
    for (double at : {1e-30, 1e-3, 0.1, 0.5, 1.0, 1.3, 1.7, 2.0, 3.7, 9.9, 25.0, 1e4, 1e6, -0.6, -1.2, -7.3})
      n.push_back(static_cast<T>(order)), x.push_back(static_cast<T>(at));
  const Impl y = apply(Fn::polygamma, tensor(n), tensor(x), Shape{static_cast<int64_t>(x.size())}, dtype_of<T>);
  for (size_t i = 0; i < x.size(); ++i) {
    const int order = static_cast<int>(n[i]);
    const Real want = order == 0 ? digamma_of(Real(x[i])) : polygamma_of(order, Real(x[i]));
    INFO("polygamma(" << order << ", " << x[i] << ") = " << y->as<T>()[i] << ", expected " << static_cast<double>(want));
    CHECK(ulps(y->as<T>()[i], want) <= (sizeof(T) == 4 ? 1 : 100));
  }
}

TEST_CASE("derivatives of log Gamma of several orders") {
  check_polygamma<float>();
  if (sizeof(Real) > sizeof(double)) check_polygamma<double>();
}

template <class T>
void check_tests() {
  const std::vector<T> x = interesting<T>(200);
  const Impl in = tensor(x);
  const auto check = [&](Fn fn, bool (*want)(T)) {
    const Impl got = apply(fn, in, DType::boolean);
    for (size_t i = 0; i < x.size(); ++i) {
      INFO("at " << x[i]);
      REQUIRE(got->template as<bool>()[i] == want(x[i]));
    }
  };
  check(Fn::isnan, [](T v) { return std::isnan(v); });
  check(Fn::isinf, [](T v) { return std::isinf(v); });
  check(Fn::isfinite, [](T v) { return std::isfinite(v); });
}

TEST_CASE("isnan, isinf, isfinite") {
  check_tests<float>();
  check_tests<double>();
}

TEST_CASE("half types give the rounded float32 result") {
  for (DType dtype : {DType::float16, DType::bfloat16}) {
    const Impl x = filled(
        {4000}, dtype, [](int64_t i) { return std::ldexp(static_cast<double>(i % 997) - 498, static_cast<int>(i % 13) - 12); });
    const Impl b = filled({4000}, dtype, [](int64_t i) { return static_cast<double>(i % 31) / 8 - 2; });
    const std::vector<double> xs = values(*x), bs = values(*b);
    const auto check = [&](const char* name, const Impl& y, auto want, double allowed) {
      const std::vector<double> got = values(*y);
      for (size_t i = 0; i < got.size(); ++i) {
        const double expected = static_cast<double>(want(xs[i], bs[i]));
        if (std::isnan(expected) || std::abs(expected) > 60000) continue;
        INFO(std::string(name) << "(" << xs[i] << ", " << bs[i] << ") in " << info(dtype).name);
        REQUIRE(std::abs(got[i] - expected) <= allowed * roundoff(dtype) * std::abs(expected) + 0x1p-24);
      }
    };
    for (const Unary& row : kUnary)
      check(
          row.name, apply(row.fn, x, dtype), [&](double a, double) { return row.value(a); }, 1.01);
    for (const Binary& row : kBinary)
      check(
          row.name, apply(row.fn, x, b, x->shape, dtype), [&](double a, double c) { return row.value(a, c); }, 1.01);
    for (const Comparison& row : kComparisons) {
      const Impl y = apply(row.fn, x, b, x->shape, DType::boolean);
      for (int64_t i = 0; i < y->size; ++i)
        REQUIRE(y->as<bool>()[i] == row.value(xs[static_cast<size_t>(i)], bs[static_cast<size_t>(i)]));
    }
  }
}

// The value modulo 2^bits, as the type stores it.
__extension__ typedef __int128 Wide;
template <class T>
T wrapped(Wide value) {
  return static_cast<T>(value);
}

template <class T>
void check_integers() {
  using Limits = std::numeric_limits<T>;
  const T middle = static_cast<T>(Limits::max() / 2);
  std::vector<T> some{
      Limits::min(), static_cast<T>(Limits::min() + 1), 0, 1, 2, 3, 7, 10, middle, static_cast<T>(Limits::max() - 1),
      Limits::max()};
  if (std::is_signed_v<T>)
    for (int x : {-1, -2, -3, -9}) some.push_back(static_cast<T>(x));
  std::vector<T> a, b;
  for (int repeat = 0; repeat < 2; ++repeat)  // long enough for whole blocks and a rest
    for (T x : some)
      for (T y : some) a.push_back(x), b.push_back(y);
  const Impl x = tensor(a), y = tensor(b);
  const auto check = [&](const char* name, Fn fn, auto want) {
    const Impl got = apply(fn, x, y, x->shape, dtype_of<T>);
    for (size_t i = 0; i < a.size(); ++i) {
      INFO(std::string(name) << " " << static_cast<int64_t>(a[i]) << " " << static_cast<int64_t>(b[i]));
      REQUIRE(got->as<T>()[i] == want(a[i], b[i]));
    }
  };
  check("add", Fn::add, [](Wide p, Wide q) { return wrapped<T>(p + q); });
  check("subtract", Fn::subtract, [](Wide p, Wide q) { return wrapped<T>(p - q); });
  check("multiply", Fn::multiply, [](Wide p, Wide q) { return wrapped<T>(p * q); });
  check("maximum", Fn::maximum, [](T p, T q) { return std::max(p, q); });
  check("minimum", Fn::minimum, [](T p, T q) { return std::min(p, q); });
  check("pow", Fn::pow, [](T p, T q) -> T {
    if (q < 0) return p == 1 ? T(1) : static_cast<Wide>(p) == -1 ? static_cast<T>(q % 2 == 0 ? 1 : -1) : T(0);
    T result = 1, factor = p;  // by the binary digits of q, from the highest down
    for (int bit = static_cast<int>(sizeof(T)) * 8 - 1; bit >= 0; --bit) {
      result = wrapped<T>(static_cast<Wide>(result) * result);
      if ((static_cast<uint64_t>(q) >> bit) & 1) result = wrapped<T>(static_cast<Wide>(result) * factor);
    }
    return result;
  });
  check("fmod", Fn::fmod, [](Wide p, Wide q) { return q == 0 ? T(0) : wrapped<T>(p % q); });
  check("remainder", Fn::remainder, [](Wide p, Wide q) {
    const Wide r = q == 0 ? 0 : p % q;
    return wrapped<T>(r != 0 && (r < 0) != (q < 0) ? r + q : r);
  });
  const auto check_one = [&](const char* name, Fn fn, auto want) {
    const Impl got = apply(fn, x, dtype_of<T>);
    for (size_t i = 0; i < a.size(); ++i) {
      INFO(std::string(name) << " " << static_cast<int64_t>(a[i]));
      REQUIRE(got->as<T>()[i] == want(a[i]));
    }
  };
  check_one("negative", Fn::negative, [](Wide p) { return wrapped<T>(-p); });
  check_one("abs", Fn::abs, [](Wide p) { return wrapped<T>(p < 0 ? -p : p); });
  check_one("square", Fn::square, [](Wide p) { return wrapped<T>(p * p); });
  check_one("sign", Fn::sign, [](Wide p) { return wrapped<T>(p > 0 ? 1 : p < 0 ? -1 : 0); });
  const auto compare = [&](Fn fn, auto want) {
    const Impl got = apply(fn, x, y, x->shape, DType::boolean);
    for (size_t i = 0; i < a.size(); ++i) REQUIRE(got->as<bool>()[i] == want(a[i], b[i]));
  };
  compare(Fn::equal, [](T p, T q) { return p == q; });
  compare(Fn::not_equal, [](T p, T q) { return p != q; });
  compare(Fn::less, [](T p, T q) { return p < q; });
  compare(Fn::less_equal, [](T p, T q) { return p <= q; });
}

TEST_CASE("integers wrap, and compare exactly") {
  check_integers<uint8_t>();
  check_integers<int32_t>();
  check_integers<int64_t>();
}

TEST_CASE("booleans: + is or, * is and") {
  const Impl a = filled({4}, DType::boolean, [](int64_t i) { return i / 2; }),
             b = filled({4}, DType::boolean, [](int64_t i) { return i % 2; });
  const auto bits = [&](Fn fn) {
    const Impl y = apply(fn, a, b, a->shape, DType::boolean);
    std::string text;
    for (int i = 0; i < 4; ++i) text += y->as<bool>()[i] ? '1' : '0';
    return text;
  };
  CHECK(bits(Fn::add) == "0111");
  CHECK(bits(Fn::multiply) == "0001");
  CHECK(bits(Fn::maximum) == "0111");
  CHECK(bits(Fn::minimum) == "0001");
  CHECK(bits(Fn::equal) == "1001");
  CHECK(bits(Fn::not_equal) == "0110");
  CHECK(bits(Fn::less) == "0100");
  CHECK(bits(Fn::less_equal) == "1101");
  CHECK(bits(Fn::logical_and) == "0001");
  CHECK(bits(Fn::logical_or) == "0111");
  CHECK(bits(Fn::pow) == "1011");
  const Impl inverse = apply(Fn::logical_not, a, DType::boolean);
  CHECK((inverse->as<bool>()[0] && !inverse->as<bool>()[3]));
}

TEST_CASE("comparison of floats, NaN included") {
  const std::vector<float> values = interesting<float>(40);
  std::vector<float> a, b;
  for (float x : values)
    for (float y : values) a.push_back(x), b.push_back(y);
  for (const Comparison& row : kComparisons) {
    const Impl y = apply(row.fn, tensor(a), tensor(b), Shape{static_cast<int64_t>(a.size())}, DType::boolean);
    for (size_t i = 0; i < a.size(); ++i) {
      INFO(std::string(row.name) << " " << a[i] << " " << b[i]);
      REQUIRE(y->as<bool>()[i] == row.value(a[i], b[i]));
    }
  }
}

TEST_CASE("where moves bits of every dtype unchanged") {
  for (DType dtype : kAllDTypes)
    for (int64_t n : {1, 3, 16, 100}) {
      const Impl condition = filled({n}, DType::boolean, [](int64_t i) { return i % 3 != 1; });
      const int64_t size = size_of(dtype);
      const Impl a = empty({n}, dtype), b = empty({n}, dtype);
      std::mt19937 bits(3);
      for (int64_t i = 0; i < n * size; ++i) {  // any bits, signalling NaN too; booleans are 0 or 1
        a->data[i] = static_cast<std::byte>(dtype == DType::boolean ? bits() % 2 : bits());
        b->data[i] = static_cast<std::byte>(dtype == DType::boolean ? bits() % 2 : bits());
      }
      const Impl y = apply(Fn::where, condition, a, b, {n}, dtype);
      for (int64_t i = 0; i < n; ++i)
        REQUIRE(std::memcmp(y->data + i * size, (i % 3 != 1 ? a : b)->data + i * size, static_cast<size_t>(size)) == 0);
    }
}

TEST_CASE("what no loop exists for is refused") {
  const Impl x = filled({3}, DType::int32, [](int64_t i) { return i; });
  CHECK_THROWS_AS(apply(Fn::exp, x, DType::int32), DTypeError);
  CHECK_THROWS_AS(apply(Fn::divide, x, x, x->shape, DType::int32), DTypeError);
  CHECK_THROWS_AS(apply(Fn::logical_not, x, DType::boolean), DTypeError);
  CHECK_THROWS_AS(apply(Fn::add, x, DType::int32), ValueError);
}

}  // namespace
}  // namespace gradus
