// Two simple operations in one pass, and sums, for every instruction set that this processor has.
#include "autograd/kernels/pairs.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "hwy/targets.h"

namespace gradus {
namespace {

using kernels::Simple;

/// Chosen for as long as it lives.
struct OnlyTarget {
  explicit OnlyTarget(int64_t target) { choose(target); }
  ~OnlyTarget() { choose(0); }  // whatever there is
  OnlyTarget(const OnlyTarget&) = delete;
  OnlyTarget& operator=(const OnlyTarget&) = delete;

 private:
  static void choose(int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }
};

template <class F>
void for_every_target(const F& f) {
  for (int64_t rest = hwy::SupportedTargets(); rest != 0; rest &= rest - 1) {
    const OnlyTarget only(rest & -rest);
    INFO("instruction set ", hwy::TargetName(rest & -rest));
    f();
  }
}

double apply(Simple op, double a, double b) {
  switch (op) {
    case Simple::add: return a + b;
    case Simple::subtract: return a - b;
    case Simple::reversed_subtract: return b - a;
    default: return a * b;
  }
}

template <class T>
void check_pairs() {
  constexpr DType dtype = dtype_of<T>;
  constexpr double kEpsilon = static_cast<double>(std::numeric_limits<T>::epsilon());
  std::mt19937 engine(7);
  std::uniform_real_distribution<double> draw(-2, 2);
  for (const int64_t n : {1, 2, 5, 16, 17, 31, 64, 100})
    for (int repeated = 0; repeated < 8; ++repeated) {  // a bit per operand
      std::vector<T> in[3];
      const void* data[3];
      int64_t steps[3];
      for (size_t k = 0; k < 3; ++k) {
        steps[k] = !(repeated >> k & 1);
        in[k].resize(static_cast<size_t>(steps[k] ? n : 1));  // exactly as long, for the sanitizers
        for (T& x : in[k]) x = static_cast<T>(draw(engine));
        data[k] = in[k].data();
      }
      for (size_t first = 0; first < static_cast<size_t>(Simple::count); ++first)
        for (size_t second = 0; second < static_cast<size_t>(Simple::count); ++second) {
          std::vector<T> out(static_cast<size_t>(n));
          kernels::pair_kernel(Simple(first), Simple(second), dtype)(out.data(), data, steps, n);
          for (size_t i = 0; i < out.size(); ++i) {
            const auto x = [&](size_t k) { return static_cast<double>(in[k][steps[k] ? i : 0]); };
            const double part = apply(Simple(first), x(0), x(1)), want = apply(Simple(second), part, x(2));
            const double bound = kEpsilon * (std::abs(part) * (second == 3 ? std::abs(x(2)) : 1) + std::abs(want));
            CHECK_MESSAGE(std::abs(static_cast<double>(out[i]) - want) <= bound, first, " then ", second, ", n ", n,
                          ", repeated ", repeated, ", element ", i);
          }
        }
    }
}

TEST_CASE("pairs are their two operations, for every instruction set, length and repeated operand") {
  for_every_target([] {
    check_pairs<float>();
    check_pairs<double>();
  });
}

TEST_CASE("sums of blocks are sums in double, for every instruction set and length") {
  for_every_target([] {
    for (const int64_t n : {0, 1, 7, 8, 31, 32, 33, 512}) {
      std::vector<float> x(static_cast<size_t>(n));
      std::vector<double> y(x.size());
      double want = 0;
      for (size_t i = 0; i < x.size(); ++i) x[i] = 0.1f * static_cast<float>(i), y[i] = static_cast<double>(x[i]), want += y[i];
      CHECK(kernels::block_sum(x.data(), n, DType::float32) == doctest::Approx(want).epsilon(1e-14));
      CHECK(kernels::block_sum(y.data(), n, DType::float64) == doctest::Approx(want).epsilon(1e-14));
    }
  });
}

}  // namespace
}  // namespace gradus
