// Subnormal numbers: kept by plain tensor code, zero inside FlushDenormals, on every thread that takes part.
#include "autograd/flush_denormals.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <vector>

#include "autograd/base/parallel.h"
#include "autograd/ops.h"
#include "autograd/parallel.h"

namespace gradus {
namespace {

/// Not a constant: no compiler may compute with it before the program runs.
Tensor subnormal(const Shape& shape) { return full(shape, 1e-40f); }

bool supported() {
  const FlushDenormals flush;
  return detail::flushes_denormals();
}

/// How many elements are not zero, found out without arithmetic.
int64_t left(const Tensor& x) {
  const std::vector<float> values = x.to_vector<float>();
  const FlushDenormals keep(false);
  return std::count_if(values.begin(), values.end(), [](float v) { return v != 0; });
}

/// Sets the number of threads for one test.
struct Threads {
  explicit Threads(int n) : before(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(before); }
  int before;
};

TEST_CASE("subnormal numbers are zero inside the scope, on every thread, and only there") {
  if (!supported()) return;
  for (const int threads : {1, 4}) {
    const Threads set(threads);
    const int64_t n = 16 * kGrain;
    const Tensor x = subnormal({n});
    CHECK(left(x * 1) == n);
    {
      const FlushDenormals flush;
      CHECK(left(x * 1) == 0);
      CHECK(left(subnormal({10}) * 1) == 0);
    }
    CHECK(left(x * 1) == n);
    CHECK(left(x / 2) == n);
  }
}

TEST_CASE("the pool does as the thread it works for") {
  if (!supported()) return;
  const Threads set(4);
  const auto flushing = [] {
    std::atomic<int> parts{0}, flush{0};
    parallel_for(4, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) ++parts, flush += detail::flushes_denormals();
    });
    CHECK(parts == 4);
    return flush.load();
  };
  CHECK(flushing() == 0);
  {
    const FlushDenormals flush;
    CHECK(flushing() == 4);
    set_num_threads(6);  // threads that the scope has not seen
    CHECK(flushing() == 4);
  }
  CHECK(flushing() == 0);
}

TEST_CASE("matrix products by BLAS follow") {
  if (!supported()) return;
  const Threads set(2);
  const Tensor a = subnormal({3, 4000}), one = ones({4000, 400});  // too few rows for a product of our own
  const FlushDenormals flush;
  CHECK(left(matmul(a, one)) == 0);
  const FlushDenormals keep(false);
  CHECK(left(matmul(a, one)) == 3 * 400);
}

TEST_CASE("scopes nest and end with exceptions") {
  if (!supported()) return;
  const Tensor x = subnormal({3});
  CHECK_FALSE(detail::flushes_denormals());
  {
    const FlushDenormals outer;
    {
      const FlushDenormals inner;
      CHECK(left(x * 1) == 0);
    }
    CHECK(left(x * 1) == 0);
    {
      const FlushDenormals keep(false);
      CHECK(left(x * 1) == 3);
    }
    CHECK(left(x * 1) == 0);
  }
  CHECK(left(x * 1) == 3);
  try {
    const FlushDenormals flush;
    throw std::runtime_error("out");
  } catch (const std::runtime_error&) {
  }
  CHECK_FALSE(detail::flushes_denormals());
  CHECK(left(x * 1) == 3);
}

TEST_CASE("float16 keeps its subnormal numbers: they are normal in float32") {
  std::vector<double> values;
  for (int i = 1; i < 1024; ++i) values.push_back(i * 0x1p-24);
  const FlushDenormals flush;
  const Tensor half = Tensor(values).astype(DType::float16);
  CHECK(half.to_vector<double>() == values);
  CHECK((half * 1).to_vector<double>() == values);
  CHECK(half.astype(DType::float32).astype(DType::float16).to_vector<double>() == values);
}

}  // namespace
}  // namespace gradus
