// The optimiser updates against scalar recurrences in double.
#include "autograd/kernels/update.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <vector>

#include "tests/autograd/kernel_layouts.h"

namespace gradus {
namespace {

using detail::TensorImpl;
using namespace test;

struct Element {
  double p, m, v;  // the parameter and up to two states
};

struct Rule {
  const char* name;
  std::function<void(TensorImpl& p, TensorImpl& m, TensorImpl& v, const TensorImpl& g)> kernel;
  std::function<void(Element& x, double g)> scalar;
};

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {"sgd", [](TensorImpl& p, TensorImpl&, TensorImpl&, const TensorImpl& g) { kernels::sgd_update(p, g, 0.1); },
       [](Element& x, double g) { x.p -= 0.1 * g; }},
      {"momentum",
       [](TensorImpl& p, TensorImpl& m, TensorImpl&, const TensorImpl& g) { kernels::momentum_update(p, m, g, 0.1, 0.9, false); },
       [](Element& x, double g) {
         x.m = 0.9 * x.m - 0.1 * g;
         x.p += x.m;
       }},
      {"nesterov",
       [](TensorImpl& p, TensorImpl& m, TensorImpl&, const TensorImpl& g) { kernels::momentum_update(p, m, g, 0.1, 0.9, true); },
       [](Element& x, double g) {
         x.m = 0.9 * x.m - 0.1 * g;
         x.p += 0.9 * x.m - 0.1 * g;
       }},
      {"rmsprop",
       [](TensorImpl& p, TensorImpl&, TensorImpl& v, const TensorImpl& g) {
         kernels::rmsprop_update(p, v, g, {0.01, 0.9, 0.05, false});
       },
       [](Element& x, double g) {
         x.v = 0.9 * x.v + 0.1 * g * g;
         x.p -= 0.01 * g / (std::sqrt(x.v) + 0.05);
       }},
      {"rmsprop, epsilon inside",
       [](TensorImpl& p, TensorImpl&, TensorImpl& v, const TensorImpl& g) {
         kernels::rmsprop_update(p, v, g, {0.01, 0.9, 0.05, true});
       },
       [](Element& x, double g) {
         x.v = 0.9 * x.v + 0.1 * g * g;
         x.p -= 0.01 * g / std::sqrt(x.v + 0.05);
       }},
      {"adam",
       [](TensorImpl& p, TensorImpl& m, TensorImpl& v, const TensorImpl& g) {
         kernels::adam_update(p, m, v, g, {0.01, 0.9, 0.99, 1e-3});
       },
       [](Element& x, double g) {
         x.m = 0.9 * x.m + 0.1 * g;
         x.v = 0.99 * x.v + 0.01 * g * g;
         x.p -= 0.01 * x.m / (std::sqrt(x.v) + 1e-3);
       }},
  };
  return all;
}

double start(int64_t i) { return std::sin(static_cast<double>(i) * 0.7) * 2; }
double gradient(int64_t i, int step) { return std::cos(static_cast<double>(i) * 1.3 + step); }

TEST_CASE("several steps of every rule follow the recurrence") {
  for (const Rule& rule : rules())
    for (DType dtype : kFloatingDTypes)
      for (int64_t n : {0, 1, 7, 33, 1000, 70000}) {
        const Impl p = filled({n}, dtype, start), m = filled({n}, dtype, [](int64_t) { return 0; });
        const Impl v = filled({n}, dtype, [](int64_t) { return 0; });
        std::vector<double> initial = values(*p);
        std::vector<Element> want;
        for (double x : initial) want.push_back({x, 0, 0});
        for (int step = 0; step < 3; ++step) {
          const Impl g = filled({n}, dtype, [step](int64_t i) { return gradient(i, step); });
          rule.kernel(*p, *m, *v, *g);
          const std::vector<double> gs = values(*g);
          for (size_t i = 0; i < want.size(); ++i) rule.scalar(want[i], gs[i]);
        }
        // Three steps, each rounding numbers of size 1 to 3 a few times.
        const double allowed = 40 * roundoff(dtype);
        int64_t moved = 0;
        const std::vector<double> ps = values(*p), ms = values(*m), vs = values(*v);
        for (size_t i = 0; i < want.size(); ++i) {
          INFO(std::string(rule.name) << " " << std::string(info(dtype).name) << " element " << i << " of " << n);
          REQUIRE(std::abs(ps[i] - want[i].p) <= allowed);
          REQUIRE(std::abs(ms[i] - want[i].m) <= allowed);
          REQUIRE(std::abs(vs[i] - want[i].v) <= allowed);
          moved += ps[i] != initial[i];
        }
        CHECK(moved >= n / 2);
      }
}

TEST_CASE("rests and threads give the same bits") {
  const int64_t n = 70001;
  for (const Rule& rule : rules())
    for (DType dtype : {DType::float32, DType::float16}) {
      const auto run = [&](int threads, int64_t count) {
        const Threads scope(threads);
        const Impl p = filled({count}, dtype, start), m = filled({count}, dtype, start);
        const Impl v = filled({count}, dtype, [](int64_t i) { return std::abs(start(i)); });
        const Impl g = filled({count}, dtype, [](int64_t i) { return gradient(i, 1); });
        rule.kernel(*p, *m, *v, *g);
        return p;
      };
      const Impl one = run(1, n), many = run(4, n);
      INFO(std::string(rule.name));
      CHECK(std::memcmp(one->data, many->data, static_cast<size_t>(n * size_of(dtype))) == 0);
      for (int64_t count : {1, 2, 5, 15})
        CHECK(std::memcmp(run(1, count)->data, one->data, static_cast<size_t>(count * size_of(dtype))) == 0);
    }
}

TEST_CASE("arrays that do not fit each other are refused") {
  const Impl p = filled({4}, DType::float32, start);
  CHECK_THROWS_AS(kernels::sgd_update(*p, *filled({5}, DType::float32, start), 1), ValueError);
  CHECK_THROWS_AS(kernels::sgd_update(*p, *filled({4}, DType::float64, start), 1), ValueError);
  CHECK_THROWS_AS(kernels::sgd_update(*p, *laid_out({4}, DType::float32, Layout::gaps, start), 1), ValueError);
}

}  // namespace
}  // namespace gradus
