// Scans and sorting at sizes where lines are shared out between threads, sorted by radix or selected, and derivatives beyond the
// second; everything small is in the table of operations.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "autograd/autograd.h"
#include "autograd/parallel.h"

namespace gradus {
namespace {

std::vector<double> drawn(size_t n, int distinct) {
  std::mt19937 bits(7);
  std::vector<double> out(n);
  for (double& x : out) x = static_cast<double>(bits() % static_cast<unsigned>(distinct)) - distinct / 3;
  return out;
}

std::vector<int64_t> stable_order(const std::vector<double>& v, bool descending) {
  std::vector<int64_t> out(v.size());
  std::iota(out.begin(), out.end(), int64_t{0});
  const auto before = [&](int64_t a, int64_t b) {
    const double x = v[static_cast<size_t>(a)], y = v[static_cast<size_t>(b)];
    return descending ? x > y : x < y;
  };
  std::stable_sort(out.begin(), out.end(), before);
  return out;
}

TEST_CASE("long lines sort stably in every dtype and both directions") {
  for (const DType dtype : {DType::float64, DType::float32, DType::float16, DType::bfloat16, DType::int64, DType::int32,
                            DType::uint8, DType::boolean})
    for (const int distinct : {3, 200, 1 << 30}) {
      const Tensor x = Tensor(drawn(3000, distinct)).astype(dtype);
      const std::vector<double> stored = x.to_vector<double>();
      for (const bool descending : {false, true}) {
        CAPTURE(info(dtype).name);
        CAPTURE(distinct);
        CHECK(argsort(x, 0, descending).to_vector<int64_t>() == stable_order(stored, descending));
      }
    }
}

TEST_CASE("few ranks are selected as if all were sorted") {
  for (const int distinct : {2, 50, 1 << 30}) {
    const std::vector<double> v = drawn(5000, distinct);
    for (const int64_t k : {1, 2, 3, 100, 624, 625, 626, 4999}) {
      CAPTURE(distinct);
      CAPTURE(k);
      std::vector<int64_t> best = stable_order(v, true);
      best.resize(static_cast<size_t>(k));
      CHECK(topk(Tensor(v), k).indices.to_vector<int64_t>() == best);
    }
    const std::vector<int64_t> order = stable_order(v, false);
    for (const double q : {0.001, 0.4, 0.99}) {
      const double at = q * 4999, low = std::floor(at);
      const double a = v[static_cast<size_t>(order[static_cast<size_t>(low)])],
                   b = v[static_cast<size_t>(order[static_cast<size_t>(low) + 1])];
      CHECK(quantile(Tensor(v), q).item<double>() == doctest::Approx(a + (b - a) * (at - low)).epsilon(1e-12));
    }
  }
}

TEST_CASE("extreme integers and every kind of float are in order") {
  const int64_t most = std::numeric_limits<int64_t>::max(), least = std::numeric_limits<int64_t>::min();
  CHECK(sort(Tensor({0l, most, least, -1l, most - 1, least + 1})).to_vector<int64_t>() ==
        std::vector<int64_t>{least, least + 1, -1, 0, most - 1, most});
  const double inf = std::numeric_limits<double>::infinity(), tiny = std::numeric_limits<double>::denorm_min();
  CHECK(sort(Tensor({tiny, inf, -inf, -1.0, -tiny, 1.0, 0.0})).to_vector<double>() ==
        std::vector<double>{-inf, -1, -tiny, 0, tiny, 1, inf});
}

TEST_CASE("searching meets in the common dtype and stays in bounds on lines out of order") {
  CHECK(searchsorted(Tensor({1, 2, 3}), Tensor({0.5f, 1.5f, 9.0f})).to_vector<int64_t>() == std::vector<int64_t>{0, 1, 3});
  const Tensor disordered(drawn(999, 1 << 20)), places = searchsorted(disordered, Tensor(drawn(5000, 1 << 20)), true);
  CHECK(min(places).item<int64_t>() >= 0);
  CHECK(max(places).item<int64_t>() <= 999);
}

TEST_CASE("distinct values put together again are the tensor") {
  const Tensor x(drawn(6000, 700), {60, 100});
  const Unique parts = unique(x);
  CHECK(take(parts.values, parts.inverse).to_vector<double>() == x.to_vector<double>());
  CHECK(bincount(flatten(parts.inverse)).to_vector<int64_t>() == parts.counts.to_vector<int64_t>());
}

TEST_CASE("scans and sorting give the same bits for any number of threads") {
  const Tensor x = Tensor(drawn(300 * 700, 1 << 30), {300, 700}).astype(DType::float32) / 3e8;
  const auto all = [&] {
    std::vector<std::vector<double>> out;
    for (const int64_t axis : {0, 1})
      for (const Tensor& y : {cumsum(x, axis), cumprod(x, axis), cummax(x, axis), logcumsumexp(x, axis), linear_scan(x, x, axis),
                              sort(x, axis), topk(x, 5, axis).values, median(x, axis)})
        out.push_back(y.to_vector<double>());
    out.push_back(searchsorted(sort(x[0]), x).to_vector<double>());
    return out;
  };
  const int before = num_threads();
  set_num_threads(1);
  const auto alone = all();
  set_num_threads(3);
  CHECK(all() == alone);
  set_num_threads(before);
}

TEST_CASE("a long float32 sum is right to the last place") {
  const std::vector<float> v(1 << 20, 0.1f);
  const std::vector<float> sums = cumsum(Tensor(v), 0).to_vector<float>();
  CHECK(sums.back() == static_cast<float>(double{0.1f} * (1 << 20)));
}

// d^n y / dx0 ... dxn-1, by one tape within the other.
double mixed_derivative(const std::function<Tensor(const Tensor&)>& f, const Tensor& x, int64_t order) {
  if (order == 0) return f(x).item<double>();
  return mixed_derivative(
      [&f, order](const Tensor& at) {
        GradientTape tape;
        tape.watch(at);
        const Tensor y = f(at);
        return tape.gradient(y, at)[order - 1];
      },
      x, order - 1);
}

TEST_CASE("the last of a running product has all mixed derivatives at zeros") {
  for (const int64_t n : {1, 2, 3, 4, 5}) {
    const auto last = [](const Tensor& x) { return cumprod(x, 0)[-1]; };
    CHECK(mixed_derivative(last, zeros({n}, DType::float64), n) == 1);
  }
}

TEST_CASE("third derivatives of a running log of a sum") {
  // Of log(e^a + e^b) in a: p(1 - p)(1 - 2p) with p = e^a / (e^a + e^b).
  const Tensor b(0.3);
  const auto f = [&](const Tensor& a) { return logcumsumexp(stack({a, b}), 0)[1]; };
  std::function<Tensor(const Tensor&)> derivative = f;
  for (int order = 0; order < 3; ++order)
    derivative = [inner = derivative](const Tensor& a) {
      GradientTape tape;
      tape.watch(a);
      const Tensor y = inner(a);
      return tape.gradient(y, a);
    };
  const double p = 1 / (1 + std::exp(0.3 - 0.8));
  CHECK(derivative(Tensor(0.8)).item<double>() == doctest::Approx(p * (1 - p) * (1 - 2 * p)).epsilon(1e-12));
}

}  // namespace
}  // namespace gradus
