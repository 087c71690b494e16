#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "autograd/kernels/matmul.h"
#include "autograd/kernels/matmul_block.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using detail::TensorImpl;

double small_integer(int64_t i) { return static_cast<double>((i * 7 + i / 5) % 9 - 4); }
double small_natural(int64_t i) { return static_cast<double>((i * 7 + i / 5) % 5); }
double wave(int64_t i) { return std::sin(0.7 * static_cast<double>(i) + 0.3); }
double bit(int64_t i) { return i % 3 == 0 ? 1 : 0; }

/// a @ b by definition; leading dimensions broadcast to those of `shape`.
std::vector<double> reference(const TensorImpl& a, const TensorImpl& b, const Shape& shape) {
  const std::vector<double> x = values(a), y = values(b);
  const int64_t m = a.shape[a.ndim() - 2], k = a.shape.back(), n = b.shape.back();
  int64_t batches = 1;
  for (int d = 0; d < shape.ndim() - 2; ++d) batches *= shape[d];
  const auto matrix_of = [&](const TensorImpl& t, int64_t batch) {
    int64_t index = 0, step = 1;
    for (int d = 1; d <= shape.ndim() - 2; ++d) {
      const int64_t at = batch % shape[shape.ndim() - 2 - d];
      batch /= shape[shape.ndim() - 2 - d];
      const int own = t.ndim() - 2 - d;
      if (own < 0 || t.shape[own] == 1) continue;
      index += at * step;
      step *= t.shape[own];
    }
    return index;
  };
  std::vector<double> out;
  for (int64_t s = 0; s < batches; ++s) {
    const int64_t xs = matrix_of(a, s) * m * k, ys = matrix_of(b, s) * k * n;
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t l = 0; l < k; ++l) sum += x[static_cast<size_t>(xs + i * k + l)] * y[static_cast<size_t>(ys + l * n + j)];
        out.push_back(sum);
      }
    }
  }
  return out;
}

double worst(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double result = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double error = std::abs(a[i] - b[i]);
    if (!(error <= result)) result = error;  // NaN is the worst
  }
  return result;
}

/// Products of small integers are exact in every dtype that holds them.
double exact_value(DType dtype, int64_t i) {
  return dtype == DType::boolean ? bit(i) : dtype == DType::uint8 ? small_natural(i) : small_integer(i);
}

void check_exact(DType dtype, const Shape& sa, const Shape& sb, const Shape& so, Layout la, Layout lb) {
  CAPTURE(info(dtype).name);
  CAPTURE(static_cast<int>(la));
  CAPTURE(static_cast<int>(lb));
  CAPTURE(text(sa, " @ ", sb));
  const Impl a = laid_out(sa, dtype, la, [&](int64_t i) { return exact_value(dtype, i); });
  const Impl b = laid_out(sb, dtype, lb, [&](int64_t i) { return exact_value(dtype, i + 3); });
  const Impl out = filled(so, dtype, [](int64_t) { return 55; });
  std::vector<double> expected = reference(*a, *b, so);
  if (dtype == DType::boolean)
    for (double& v : expected) v = v > 0 ? 1 : 0;
  kernels::matmul(*out, *a, *b);
  CHECK(worst(values(*out), expected) == 0);

  kernels::matmul(*out, *a, *b, true);
  if (dtype != DType::boolean)
    for (double& v : expected) v *= 2;
  CHECK(worst(values(*out), expected) == 0);
}

}  // namespace

TEST_CASE("matmul: every dtype and layout of both operands") {
  for (DType dtype : kAllDTypes)
    for (Layout la : kLayouts)
      for (Layout lb : kLayouts) check_exact(dtype, {7, 5}, {5, 6}, {7, 6}, la, lb);
}

// Beyond 32^3 products BLAS is given those of 2 or 3 rows or columns, beyond a million those of vectors; the others are ours up
// to 512^3.
TEST_CASE("matmul: sizes on both sides of the switch to BLAS, vectors included") {
  const std::array<int64_t, 9> sizes{1, 2, 3, 4, 5, 8, 9, 17, 19};
  for (DType dtype : {DType::float32, DType::float64})
    for (int64_t m : sizes)
      for (int64_t n : sizes)
        for (int64_t k : {1, 4, 13, 70, 130}) check_exact(dtype, {m, k}, {k, n}, {m, n}, Layout::contiguous, Layout::contiguous);
  for (DType dtype : {DType::float32, DType::float64, DType::int32}) {
    for (Layout la : kLayouts) {
      for (Layout lb : kLayouts) {
        check_exact(dtype, {40, 37}, {37, 41}, {40, 41}, la, lb);
        check_exact(dtype, {1, 90}, {90, 71}, {1, 71}, la, lb);
        check_exact(dtype, {71, 90}, {90, 1}, {71, 1}, la, lb);
        check_exact(dtype, {1, 9000}, {9000, 1}, {1, 1}, la, lb);
        check_exact(dtype, {110, 1}, {1, 120}, {110, 120}, la, lb);
        check_exact(dtype, {9, 100}, {100, 11}, {9, 11}, la, lb);
        check_exact(dtype, {3, 130}, {130, 90}, {3, 90}, la, lb);
        check_exact(dtype, {130, 130}, {130, 2}, {130, 2}, la, lb);
        check_exact(dtype, {20, 30}, {30, 150}, {20, 150}, la, lb);
        check_exact(dtype, {10, 300}, {300, 45}, {10, 45}, la, lb);
      }
    }
  }
  for (Layout layout : kLayouts) {
    check_exact(DType::float32, {1, 1100}, {1100, 1000}, {1, 1000}, Layout::contiguous, layout);
    check_exact(DType::float64, {1000, 1100}, {1100, 1}, {1000, 1}, layout, Layout::contiguous);
  }
}

TEST_CASE("matmul: leading dimensions broadcast") {
  for (DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::int64, DType::boolean}) {
    for (Layout la : kLayouts) {
      for (Layout lb : kLayouts) {
        check_exact(dtype, {3, 4, 5}, {3, 5, 2}, {3, 4, 2}, la, lb);
        check_exact(dtype, {3, 4, 5}, {5, 2}, {3, 4, 2}, la, lb);  // one product of 12 rows where the layout permits
        check_exact(dtype, {2, 3, 1, 5}, {5, 2}, {2, 3, 1, 2}, la, lb);
        check_exact(dtype, {4, 5}, {3, 5, 2}, {3, 4, 2}, la, lb);
        check_exact(dtype, {2, 1, 4, 5}, {3, 5, 2}, {2, 3, 4, 2}, la, lb);
        check_exact(dtype, {2, 1, 4, 5}, {1, 3, 5, 2}, {2, 3, 4, 2}, la, lb);
      }
    }
  }
  for (Layout la : kLayouts) {
    for (Layout lb : kLayouts) {
      check_exact(DType::float32, {3, 40, 35}, {3, 35, 40}, {3, 40, 40}, la, lb);
      check_exact(DType::float64, {3, 40, 35}, {35, 40}, {3, 40, 40}, la, lb);
      check_exact(DType::float32, {2, 3, 130}, {2, 130, 90}, {2, 3, 90}, la, lb);
      check_exact(DType::float64, {130, 130}, {2, 130, 2}, {2, 130, 2}, la, lb);
    }
  }
}

TEST_CASE("matmul: repeated elements (zero strides) and overlapping rows") {
  const Impl row = filled({4}, DType::float32, small_integer);
  for (int64_t size : {5, 50}) {
    const Impl b = filled({4, size}, DType::float32, small_integer), out = empty({size, size}, DType::float32);
    const Impl repeated = TensorImpl::view(*row, {size, 4}, {0, 1}, 0);
    kernels::matmul(*out, *repeated, *b);
    CHECK(worst(values(*out), reference(*repeated, *b, out->shape)) == 0);
  }
  const Impl signal = filled({60}, DType::float64, small_integer);
  const Impl windows = TensorImpl::view(*signal, {41, 20}, {1, 1}, 0), b = filled({20, 50}, DType::float64, small_integer);
  const Impl out = empty({41, 50}, DType::float64);
  kernels::matmul(*out, *windows, *b);
  CHECK(worst(values(*out), reference(*windows, *b, out->shape)) == 0);
  const Impl stacked = TensorImpl::view(*b, {3, 20, 50}, {0, 50, 1}, 0), many = empty({3, 41, 50}, DType::float64);
  kernels::matmul(*many, *windows, *stacked);
  CHECK(worst(values(*many), reference(*windows, *stacked, many->shape)) == 0);
  const Impl three = TensorImpl::view(*signal, {3, 40}, {1, 1}, 0), wide = filled({40, 300}, DType::float64, small_integer);
  const Impl few = empty({3, 300}, DType::float64);  // a product for BLAS, which cannot read the first operand
  kernels::matmul(*few, *three, *wide);
  CHECK(worst(values(*few), reference(*three, *wide, few->shape)) == 0);
}

TEST_CASE("matmul: empty operands") {
  for (DType dtype : kAllDTypes) {
    CAPTURE(info(dtype).name);
    const Impl out = filled({3, 4}, dtype, [](int64_t) { return 1; });
    kernels::matmul(*out, *empty({3, 0}, dtype), *empty({0, 4}, dtype), true);
    CHECK(values(*out) == std::vector<double>(12, 1));
    kernels::matmul(*out, *empty({3, 0}, dtype), *empty({0, 4}, dtype));
    CHECK(values(*out) == std::vector<double>(12, 0));
    const Impl batch = filled({2, 300, 200}, dtype, [](int64_t) { return 1; });
    kernels::matmul(*batch, *empty({2, 300, 0}, dtype), *empty({0, 200}, dtype));
    CHECK(values(*batch) == std::vector<double>(120000, 0));
    kernels::matmul(*empty({0, 4}, dtype), *empty({0, 3}, dtype), *filled({3, 4}, dtype, bit));
    kernels::matmul(*empty({3, 0}, dtype), *filled({3, 2}, dtype, bit), *empty({2, 0}, dtype));
    kernels::matmul(*empty({0, 3, 4}, dtype), *empty({0, 3, 2}, dtype), *filled({2, 4}, dtype, bit));
  }
}

TEST_CASE("matmul: rounding errors stay within k roundoffs") {
  for (DType dtype : kFloatingDTypes) {
    CAPTURE(info(dtype).name);
    for (int64_t size : {20, 100}) {
      const Impl a = filled({size, size}, dtype, wave), b = filled({size, size}, dtype, [](int64_t i) { return wave(3 * i); });
      const Impl out = empty({size, size}, dtype);
      kernels::matmul(*out, *a, *b);
      const double bound = dtype == DType::float32 || dtype == DType::float64 ? 100 * roundoff(dtype) * static_cast<double>(size)
                                                                              : static_cast<double>(size) * roundoff(dtype);
      CHECK(worst(values(*out), reference(*a, *b, out->shape)) <= bound);
    }
  }
  // Half types: one rounding at the end. 2048 + 1 is not a float16, 2048 + 1 + 1 is.
  const Impl a = filled({1, 3}, DType::float16, [](int64_t i) { return i == 0 ? 2048 : 1; });
  const Impl b = filled({3, 1}, DType::float16, [](int64_t) { return 1; }), out = empty({1, 1}, DType::float16);
  kernels::matmul(*out, *a, *b);
  CHECK(values(*out)[0] == 2050);
}

TEST_CASE("matmul: integers wrap modulo 2^bits") {
  const Impl a = filled({1, 2}, DType::uint8, [](int64_t) { return 200; }),
             b = filled({2, 1}, DType::uint8, [](int64_t) { return 3; });
  const Impl out = empty({1, 1}, DType::uint8);
  kernels::matmul(*out, *a, *b);
  CHECK(values(*out)[0] == 1200 % 256);

  const Impl c = empty({1, 2}, DType::int32), d = empty({2, 1}, DType::int32), e = empty({1, 1}, DType::int32);
  c->as<int32_t>()[0] = d->as<int32_t>()[0] = std::numeric_limits<int32_t>::max();  // squared: 1 modulo 2^32
  c->as<int32_t>()[1] = std::numeric_limits<int32_t>::min(), d->as<int32_t>()[1] = 3;
  kernels::matmul(*e, *c, *d);
  CHECK(e->as<int32_t>()[0] == std::numeric_limits<int32_t>::min() + 1);

  const Impl f = empty({1, 1}, DType::int64), g = empty({1, 1}, DType::int64);
  f->as<int64_t>()[0] = std::numeric_limits<int64_t>::min() + 5;
  kernels::matmul(*g, *f, *f);
  CHECK(g->as<int64_t>()[0] == 25);
}

TEST_CASE("matmul: NaN and infinity meet zero, what was in out does not count") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  for (DType dtype : {DType::float32, DType::float64}) {
    for (const auto& [m, n] : {std::pair<int64_t, int64_t>{3, 5}, {100, 100}, {3, 400}, {1, 100}, {100, 1}}) {
      const int64_t k = 100;
      CAPTURE(m);
      CAPTURE(n);
      const Impl zeros = filled({m, k}, dtype, [](int64_t) { return 0; });
      const Impl b = filled({k, n}, dtype, [&](int64_t i) { return i == 0 ? nan : i == n ? inf : 1; });
      const Impl out = filled({m, n}, dtype, [&](int64_t) { return nan; });
      kernels::matmul(*out, *zeros, *b);
      const std::vector<double> v = values(*out);
      for (int64_t i = 0; i < m; ++i) {
        CHECK(std::isnan(v[static_cast<size_t>(i * n)]));
        for (int64_t j = 1; j < n; ++j)
          if (v[static_cast<size_t>(i * n + j)] != 0) FAIL_CHECK("an element saw a NaN that is not its own");
      }
    }
  }
}

TEST_CASE("matmul_block: any size, whatever matmul gives to BLAS") {
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{33, 45, 150}, {5, 64, 64}, {2, 3, 1000}, {1, 200, 130}, {200, 1, 130}}) {
    for (bool transposed : {false, true}) {
      const Layout layout = transposed ? Layout::reversed : Layout::contiguous;
      const Impl a = laid_out({m, k}, DType::float32, layout, small_integer),
                 b = laid_out({k, n}, DType::float32, layout, small_integer);
      const Impl out = empty({m, n}, DType::float32);
      kernels::matmul_block(out->as<float>(), n, {a->as<float>(), a->stride(0), a->stride(1)},
                            {b->as<float>(), b->stride(0), b->stride(1)}, m, n, k, false);
      CHECK(worst(values(*out), reference(*a, *b, out->shape)) == 0);
      const Impl c = laid_out({m, k}, DType::float64, layout, small_integer),
                 d = laid_out({k, n}, DType::float64, layout, small_integer);
      const Impl wide = filled({m, n}, DType::float64, [](int64_t) { return 1; });
      kernels::matmul_block(wide->as<double>(), n, {c->as<double>(), c->stride(0), c->stride(1)},
                            {d->as<double>(), d->stride(0), d->stride(1)}, m, n, k, true);
      std::vector<double> expected = reference(*c, *d, wide->shape);
      for (double& v : expected) v += 1;
      CHECK(worst(values(*wide), expected) == 0);
    }
  }
}

TEST_CASE("matmul: large batches and integer products come out the same for 1 and 2 threads") {
  const Impl a = filled({300, 20, 20}, DType::float32, wave), b = filled({300, 20, 20}, DType::float32, wave);
  const Impl c = filled({200, 100}, DType::int32, small_integer), d = filled({100, 50}, DType::int32, small_integer);
  std::vector<double> first, first_integer;
  for (int threads : {1, 2, 3}) {
    const Threads set(threads);
    const Impl out = empty({300, 20, 20}, DType::float32), integer = empty({200, 50}, DType::int32);
    kernels::matmul(*out, *a, *b);
    kernels::matmul(*integer, *c, *d);
    if (threads == 1) {
      first = values(*out), first_integer = values(*integer);
      CHECK(worst(first, reference(*a, *b, out->shape)) < 1e-5);
      CHECK(worst(first_integer, reference(*c, *d, integer->shape)) == 0);
    } else {
      CHECK(values(*out) == first);
      CHECK(values(*integer) == first_integer);
    }
  }
}

}  // namespace gradus::test
