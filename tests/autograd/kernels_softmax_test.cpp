#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include "autograd/kernels/softmax.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using detail::TensorImpl;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

double logit(int64_t i) { return 4 * std::sin(1.3 * static_cast<double>(i)) + static_cast<double>(i % 5); }
double weight(int64_t i) { return std::cos(0.9 * static_cast<double>(i)); }
int64_t label(int64_t row, int64_t n) { return row == 0 ? 0 : row == 1 ? n - 1 : row * 7 % n; }

/// Row `r` of a matrix of n columns.
std::vector<double> row(const std::vector<double>& x, int64_t r, int64_t n) {
  return {x.begin() + r * n, x.begin() + (r + 1) * n};
}

double logsumexp(const std::vector<double>& x) {
  const double most = *std::max_element(x.begin(), x.end());
  double sum = 0;
  for (double v : x) sum += std::exp(v - most);
  return most + std::log(sum);
}
std::vector<double> softmax(std::vector<double> x) {
  const double total = logsumexp(x);
  for (double& v : x) v = std::exp(v - total);
  return x;
}

/// What `kernel` gives, against `expected(row, column)` within some roundoffs of `scale`.
template <class F>
void check(const TensorImpl& y, int64_t n, double scale, const F& expected) {
  const std::vector<double> v = values(y);
  double worst = 0;
  for (int64_t i = 0; i < y.size; ++i) {
    const double error = std::abs(v[static_cast<size_t>(i)] - expected(i / n, i % n));
    if (!(error <= worst)) worst = error;
  }
  CAPTURE(info(y.dtype).name);
  CAPTURE(text(y.shape));
  CHECK(worst <= 12 * roundoff(y.dtype) * scale);
}

Impl labels_of(int64_t rows, int64_t n) {
  return filled({rows}, DType::int64, [&](int64_t r) { return static_cast<double>(label(r, n)); });
}

Impl statistics_for(int64_t rows, DType dtype) {
  return empty({rows, 2}, dtype == DType::float64 ? DType::float64 : DType::float32);
}

}  // namespace

TEST_CASE("softmax family: every dtype, rows of all lengths") {
  const int64_t rows = 3;
  for (DType dtype : kFloatingDTypes) {
    for (int64_t n : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 1024, 1030, 5000}) {
      const Impl x = filled({rows, n}, dtype, logit), g = filled({rows, n}, dtype, weight), gr = filled({rows}, dtype, weight);
      const Impl k = labels_of(rows, n), y = empty({rows, n}, dtype), z = empty({rows, n}, dtype), loss = empty({rows}, dtype);
      const std::vector<double> xs = values(*x), gs = values(*g), grs = values(*gr);

      kernels::softmax(*y, *x, false);
      kernels::softmax(*z, *x, true);
      // The gradients take y and z as they came out, rounded.
      const std::vector<double> ys = values(*y), zs = values(*z);
      std::vector<std::vector<double>> p;
      std::vector<double> log_sum, dot, sum;
      for (int64_t r = 0; r < rows; ++r) {
        p.push_back(softmax(row(xs, r, n)));
        log_sum.push_back(logsumexp(row(xs, r, n)));
        const std::vector<double> a = row(gs, r, n), b = row(ys, r, n);
        dot.push_back(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
        sum.push_back(std::accumulate(a.begin(), a.end(), 0.0));
      }
      const auto at = [n](const std::vector<double>& v, int64_t r, int64_t j) { return v[static_cast<size_t>(r * n + j)]; };
      const auto of = [](const std::vector<double>& v, int64_t r) { return v[static_cast<size_t>(r)]; };

      check(*y, n, 1, [&](int64_t r, int64_t j) { return p[static_cast<size_t>(r)][static_cast<size_t>(j)]; });
      check(*z, n, 16, [&](int64_t r, int64_t j) { return at(xs, r, j) - of(log_sum, r); });
      const Impl out = empty({rows, n}, dtype);
      kernels::softmax_grad(*out, *y, *g, false);
      check(*out, n, 2, [&](int64_t r, int64_t j) { return at(ys, r, j) * (at(gs, r, j) - of(dot, r)); });
      kernels::softmax_grad(*out, *z, *g, true);
      check(*out, n, 4, [&](int64_t r, int64_t j) { return at(gs, r, j) - std::exp(at(zs, r, j)) * of(sum, r); });

      const Impl kept = statistics_for(rows, dtype);
      kernels::sparse_cross_entropy(*loss, kept.get(), *x, *k);
      check(*loss, 1, 16, [&](int64_t r, int64_t) { return of(log_sum, r) - at(xs, r, label(r, n)); });
      kernels::sparse_cross_entropy_grad(*out, *kept, *x, *k, *gr);
      check(*out, n, 1, [&](int64_t r, int64_t j) {
        return (p[static_cast<size_t>(r)][static_cast<size_t>(j)] - (j == label(r, n) ? 1 : 0)) * of(grs, r);
      });
    }
  }
}

TEST_CASE("softmax: large and infinite logits") {
  for (DType dtype : kFloatingDTypes) {
    CAPTURE(info(dtype).name);
    for (int64_t n : {3, 20}) {
      const double big = dtype == DType::float16 ? 60000 : 1e30;
      struct Row {
        double value, at_1;  // all elements, and element 1
        double p0, p1;
      };
      const double share = 1.0 / static_cast<double>(n), rest = 1.0 / static_cast<double>(n - 1);
      for (const Row& c :
           {Row{big, big, share, share}, Row{-big, -big, share, share}, Row{-big, big, 0, 1}, Row{0, -kInf, rest, 0},
            Row{-kInf, 5, 0, 1}, Row{-kInf, -kInf, kNan, kNan}, Row{0, kNan, kNan, kNan}, Row{0, kInf, kNan, kNan}}) {
        CAPTURE(c.value);
        CAPTURE(c.at_1);
        const Impl x = filled({n}, dtype, [&](int64_t i) { return i == 1 ? c.at_1 : c.value; }), y = empty({n}, dtype);
        const auto same = [&](double got, double want) {
          return std::isnan(want)   ? std::isnan(got)
                 : std::isinf(want) ? got == want
                                    : std::abs(got - want) <= 8 * roundoff(dtype) * (1 + std::abs(want));
        };
        kernels::softmax(*y, *x, false);
        CHECK(same(values(*y)[0], c.p0));
        CHECK(same(values(*y)[1], c.p1));
        CHECK(same(values(*y)[static_cast<size_t>(n - 1)], values(*y)[0]));
        if (std::abs(c.value) == big && c.value != c.at_1) continue;
        kernels::softmax(*y, *x, true);
        CHECK(same(values(*y)[1], std::log(c.p1)));
      }
    }
  }
  const Impl x = filled({2, 3}, DType::float32, [](int64_t i) { return i == 1 ? -kInf : i == 5 ? 1000 : 0; });
  const Impl k = filled({2}, DType::int64, [](int64_t r) { return r == 0 ? 1 : 2; }), loss = empty({2}, DType::float32);
  kernels::sparse_cross_entropy(*loss, nullptr, *x, *k);
  CHECK(values(*loss)[0] == kInf);
  CHECK(values(*loss)[1] == 0);
}

TEST_CASE("softmax family: empty tensors") {
  for (DType dtype : kFloatingDTypes) {
    for (const Shape& shape : {Shape{0, 5}, Shape{3, 0}}) {
      const Impl x = empty(shape, dtype), y = empty(shape, dtype);
      kernels::softmax(*y, *x, false);
      kernels::softmax_grad(*y, *x, *x, true);
    }
    const Impl x = empty({0, 5}, dtype), none = empty({0}, dtype);
    const Impl kept = statistics_for(0, dtype);
    kernels::sparse_cross_entropy(*none, kept.get(), *x, *empty({0}, DType::int64));
    kernels::sparse_cross_entropy_grad(*x, *kept, *x, *empty({0}, DType::int64), *none);
  }
}

TEST_CASE("softmax: very long rows keep their accuracy") {
  const int64_t n = 1 << 20;
  const Impl x = filled({1, n}, DType::float32, [](int64_t i) { return static_cast<double>(i * 48271 % 1009) / 1009; });
  const Impl loss = empty({1}, DType::float32), k = labels_of(1, n);
  kernels::sparse_cross_entropy(*loss, nullptr, *x, *k);
  const std::vector<double> xs = values(*x);
  CHECK(values(*loss)[0] == doctest::Approx(logsumexp(xs) - xs[0]).epsilon(2e-7));
}

TEST_CASE("softmax family: the same bits for any number of threads") {
  const int64_t rows = 500, n = 101;
  for (DType dtype : kFloatingDTypes) {
    const Impl x = filled({rows, n}, dtype, logit), g = filled({rows, n}, dtype, weight), gr = filled({rows}, dtype, weight);
    const Impl k = labels_of(rows, n);
    std::vector<std::vector<double>> first;
    for (int threads : {1, 2, 3}) {
      const Threads set(threads);
      const Impl a = empty({rows, n}, dtype), b = empty({rows, n}, dtype), c = empty({rows}, dtype), d = empty({rows, n}, dtype);
      kernels::softmax(*a, *x, true);
      kernels::softmax_grad(*b, *a, *g, true);
      const Impl kept = statistics_for(rows, dtype);
      kernels::sparse_cross_entropy(*c, kept.get(), *x, *k);
      kernels::sparse_cross_entropy_grad(*d, *kept, *x, *k, *gr);
      std::vector<std::vector<double>> all;
      for (const Impl& y : {a, b, c, d}) all.push_back(values(*y));
      if (threads == 1) first = all;
      else CHECK((all == first));
    }
  }
}

}  // namespace gradus::test
