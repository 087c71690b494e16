// The optimiser updates against scalar recurrences in double.
#include "autograd/kernels/update.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "tests/autograd/kernel_layouts.h"

namespace gradus {
namespace {

using detail::TensorImpl;
using namespace test;

using Element = std::array<double, 4>;  // the parameter and up to three states

struct Row {
  const char* name;
  kernels::Rule rule;
  kernels::Coefficients c;
  size_t states;  // with the parameter
  std::function<void(double& p, double& a, double& b, double& d, double g)> scalar;
};

const std::vector<Row>& rows() {
  using kernels::Rule;
  static const std::vector<Row> all{
      {"sgd", Rule::sgd, {0.1}, 1, [](double& p, double&, double&, double&, double g) { p -= 0.1 * g; }},
      {"momentum",
       Rule::momentum,
       {0.9, -0.1, 0.7, -0.2},
       2,
       [](double& p, double& v, double&, double&, double g) {
         v = 0.9 * v - 0.1 * g;
         p += 0.7 * v - 0.2 * g;
       }},
      {"rmsprop",
       Rule::rmsprop,
       {0.01, 0.9, 0.1, 0.05, 0.02},
       2,
       [](double& p, double& v, double&, double&, double g) {
         v = 0.9 * v + 0.1 * g * g;
         p -= 0.01 * g / (std::sqrt(v + 0.05) + 0.02);
       }},
      {"rmsprop, momentum",
       Rule::rmsprop_momentum,
       {0.01, 0.9, 0.1, 0.05, 0.02, 0.8, 0.5},
       3,
       [](double& p, double& v, double& m, double&, double g) {
         v = 0.9 * v + 0.1 * g * g;
         m = 0.8 * m + 0.01 * g / (std::sqrt(v + 0.05) + 0.02);
         p -= 0.5 * m;
       }},
      {"rmsprop, centered",
       Rule::rmsprop_centered,
       {0.01, 0.9, 0.1, 0.05, 0.02},
       3,
       [](double& p, double& v, double& a, double&, double g) {
         v = 0.9 * v + 0.1 * g * g;
         a = 0.9 * a + 0.1 * g;
         p -= 0.01 * g / (std::sqrt(v - a * a + 0.05) + 0.02);
       }},
      {"rmsprop, centered, momentum",
       Rule::rmsprop_centered_momentum,
       {0.01, 0.9, 0.1, 0.05, 0.02, 0.8, 0.5},
       4,
       [](double& p, double& v, double& m, double& a, double g) {
         v = 0.9 * v + 0.1 * g * g;
         a = 0.9 * a + 0.1 * g;
         m = 0.8 * m + 0.01 * g / (std::sqrt(v - a * a + 0.05) + 0.02);
         p -= 0.5 * m;
       }},
      {"adam",
       Rule::adam,
       {0.01, 0.02, 0.9, 0.1, 0.99, 0.01, 0.5, 0.1},
       3,
       [](double& p, double& m, double& v, double&, double g) {
         m = 0.9 * m + 0.1 * g;
         v = 0.99 * v + 0.01 * g * g;
         p -= (0.01 * m + 0.02 * g) / (0.5 * std::sqrt(v) + 0.1);
       }},
      {"amsgrad",
       Rule::amsgrad,
       {0.01, 0.02, 0.9, 0.1, 0.6, 0.4, 0.5, 0.1},
       4,
       [](double& p, double& m, double& v, double& h, double g) {
         m = 0.9 * m + 0.1 * g;
         v = 0.6 * v + 0.4 * g * g;
         h = std::max(h, v);
         p -= (0.01 * m + 0.02 * g) / (0.5 * std::sqrt(h) + 0.1);
       }},
      {"adamax",
       Rule::adamax,
       {0.1, 0.9, 0.1, 0.7, 0.03, 0.05},
       3,
       [](double& p, double& m, double& u, double&, double g) {
         m = 0.9 * m + 0.1 * g;
         u = std::max(0.7 * u, std::abs(g) + 0.03);
         p -= 0.1 * m / (u + 0.05);
       }},
      {"adadelta",
       Rule::adadelta,
       {0.5, 0.9, 0.1, 0.05},
       3,
       [](double& p, double& v, double& w, double&, double g) {
         v = 0.9 * v + 0.1 * g * g;
         const double d = std::sqrt(w + 0.05) / std::sqrt(v + 0.05) * g;
         w = 0.9 * w + 0.1 * d * d;
         p -= 0.5 * d;
       }},
      {"ftrl",
       Rule::ftrl,
       {0.5, 0.5, 0.1, 0.3, 0.02},
       3,
       [](double& p, double& a, double& z, double&, double g) {
         const double n = a + g * g;
         z += g + 0.02 * p - (std::sqrt(n) - std::sqrt(a)) / 0.5 * p;
         a = n;
         p = (std::clamp(z, -0.1, 0.1) - z) / (std::sqrt(n) / 0.5 + 0.3);
       }},
      {"lion",
       Rule::lion,
       {0.01, 0.9, 0.1, 0.8, 0.2},
       2,
       [](double& p, double& m, double&, double&, double g) {
         const double c = 0.9 * m + 0.1 * g;
         p -= c > 0 ? 0.01 : c < 0 ? -0.01 : 0;
         m = 0.8 * m + 0.2 * g;
       }},
      {"rprop",
       Rule::rprop,
       {0.5, 1.25, 0.125, 1},
       3,
       [](double& p, double& d, double& s, double&, double g) {
         s = std::clamp(s * (g * d > 0 ? 1.25 : g * d < 0 ? 0.5 : 1), 0.125, 1.0);
         d = g * d < 0 ? 0 : g;
         p -= d > 0 ? s : d < 0 ? -s : 0;
       }},
  };
  return all;
}

/// The parameter and the states: the parameter first, the others at 0.
std::vector<Impl> states(const Row& row, int64_t n, DType dtype, const std::function<double(int64_t)>& first) {
  std::vector<Impl> out{filled({n}, dtype, first)};
  while (out.size() < row.states) out.push_back(filled({n}, dtype, [](int64_t) { return 0; }));
  return out;
}

void step(const Row& row, const std::vector<Impl>& x, const Impl& g) {
  std::vector<const TensorImpl*> arrays;
  for (const Impl& state : x) arrays.push_back(&*state);
  arrays.push_back(&*g);
  kernels::update(row.rule, row.c, arrays);
}

double start(int64_t i) { return std::sin(static_cast<double>(i) * 0.7) * 2; }
double gradient(int64_t i, int step) { return std::cos(static_cast<double>(i) * 1.3 + step); }

TEST_CASE("several steps of every rule follow the recurrence") {
  for (const Row& row : rows())
    for (DType dtype : kFloatingDTypes)
      for (int64_t n : {0, 1, 7, 33, 1000, 70000}) {
        const std::vector<Impl> x = states(row, n, dtype, start);
        const std::vector<double> initial = values(*x[0]);
        std::vector<Element> want;
        for (double p : initial) want.push_back({p, 0, 0, 0});
        for (int t = 0; t < 3; ++t) {
          const Impl g = filled({n}, dtype, [t](int64_t i) { return gradient(i, t); });
          step(row, x, g);
          const std::vector<double> gs = values(*g);
          for (size_t i = 0; i < want.size(); ++i) row.scalar(want[i][0], want[i][1], want[i][2], want[i][3], gs[i]);
        }
        // Three steps, each rounding numbers of size 1 to 3 a few times.
        const double allowed = 60 * roundoff(dtype);
        int64_t moved = 0, wrong = 0;
        for (size_t k = 0; k < x.size(); ++k) {
          const std::vector<double> got = values(*x[k]);
          for (size_t i = 0; i < want.size(); ++i) {
            wrong += !(std::abs(got[i] - want[i][k]) <= allowed);
            moved += k == 0 && got[i] != initial[i];
          }
        }
        INFO(std::string(row.name) << " " << std::string(info(dtype).name) << " of " << n);
        // A sign that rounding decides moves half types by a whole step: rules of signs may differ in a few places there.
        const bool of_signs = row.rule == kernels::Rule::lion || row.rule == kernels::Rule::rprop;
        CHECK(wrong <= (of_signs && size_of(dtype) == 2 ? n / 100 : 0));
        CHECK(moved >= n / 2);
      }
}

TEST_CASE("rests and threads give the same bits") {
  const int64_t n = 70001;
  for (const Row& row : rows())
    for (DType dtype : {DType::float32, DType::float16}) {
      const auto run = [&](int threads, int64_t count) {
        const Threads scope(threads);
        const std::vector<Impl> x = states(row, count, dtype, start);
        for (int t = 0; t < 2; ++t) step(row, x, filled({count}, dtype, [t](int64_t i) { return gradient(i, t); }));
        return x[0];
      };
      const Impl one = run(1, n), many = run(4, n);
      INFO(std::string(row.name));
      CHECK(std::memcmp(one->data, many->data, static_cast<size_t>(n * size_of(dtype))) == 0);
      for (int64_t count : {1, 2, 5, 15})
        CHECK(std::memcmp(run(1, count)->data, one->data, static_cast<size_t>(count * size_of(dtype))) == 0);
    }
}

TEST_CASE("a parameter decays by its own value") {
  const Impl p = filled({9}, DType::float64, start);
  const std::vector<double> before = values(*p);
  const TensorImpl* const arrays[] = {&*p, &*p};
  kernels::update(kernels::Rule::sgd, {0.25}, arrays);
  for (size_t i = 0; i < before.size(); ++i) CHECK(values(*p)[i] == 0.75 * before[i]);
}

TEST_CASE("arrays that do not fit each other are refused") {
  const Row& sgd = rows().front();
  const Impl p = filled({4}, DType::float32, start);
  CHECK_THROWS_AS(step(sgd, {p}, filled({5}, DType::float32, start)), ValueError);
  CHECK_THROWS_AS(step(sgd, {p}, filled({4}, DType::float64, start)), ValueError);
  CHECK_THROWS_AS(step(sgd, {p}, laid_out({4}, DType::float32, Layout::gaps, start)), ValueError);
  CHECK_THROWS_AS(step(sgd, {p, p}, p), ValueError);
  CHECK_THROWS_AS(step(sgd, {}, p), ValueError);
}

}  // namespace
}  // namespace gradus
