#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "autograd/kernels/reduce.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using detail::TensorImpl;
using kernels::reduce;
using kernels::Reduction;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();

/// Elements whose sums and products are exact in float16.
double element(Reduction op, DType dtype, int64_t i) {
  const auto hash = static_cast<uint64_t>(i + 3) * 2654435761u % 1000003;
  const bool has_sign = dtype != DType::boolean && dtype != DType::uint8;
  switch (op) {
    case Reduction::prod: return hash % 7 == 0 ? 2 : hash % 11 == 0 && has_sign ? -1 : hash % 29 == 0 ? 0 : 1;
    case Reduction::any: return hash % 5 == 0 ? 1 : 0;
    case Reduction::all: return hash % 5 == 0 ? 0 : 1;
    default: return static_cast<double>(hash % 9) - (has_sign ? 4 : 0);
  }
}

double fold(Reduction op, const std::vector<double>& x) {
  double r = x[0];
  size_t at = 0;
  for (size_t i = 1; i < x.size(); ++i) {
    if (op == Reduction::sum) r += x[i];
    if (op == Reduction::prod) r *= x[i];
    if (op == Reduction::max && !(x[i] <= r) && r == r) r = x[i];
    if (op == Reduction::min && !(x[i] >= r) && r == r) r = x[i];
    if (op == Reduction::argmax && !(x[i] <= x[at]) && x[at] == x[at]) at = i;
    if (op == Reduction::argmin && !(x[i] >= x[at]) && x[at] == x[at]) at = i;
    if (op == Reduction::any) r = r != 0 || x[i] != 0;
    if (op == Reduction::all) r = r != 0 && x[i] != 0;
  }
  if (op == Reduction::argmax || op == Reduction::argmin) return static_cast<double>(at);
  return op == Reduction::any || op == Reduction::all ? (r != 0) : r;
}

/// The elements that each element of the result reduces, in row-major order.
std::vector<std::vector<double>> groups(const TensorImpl& x, uint32_t mask) {
  const std::vector<double> all = values(x);
  int64_t count = 1;
  for (int d = 0; d < x.ndim(); ++d)
    if (!(mask >> d & 1)) count *= x.shape[d];
  std::vector<std::vector<double>> result(static_cast<size_t>(count));
  for (int64_t i = 0; i < x.size; ++i) {
    int64_t rest = i, group = 0, step = 1;
    for (int d = x.ndim() - 1; d >= 0; --d) {
      if (!(mask >> d & 1)) group += rest % x.shape[d] * step, step *= x.shape[d];
      rest /= x.shape[d];
    }
    result[static_cast<size_t>(group)].push_back(all[static_cast<size_t>(i)]);
  }
  return result;
}

DType result_dtype(Reduction op, DType dtype) {
  if (op == Reduction::argmax || op == Reduction::argmin) return DType::int64;
  if (op == Reduction::any || op == Reduction::all) return DType::boolean;
  return (op == Reduction::sum || op == Reduction::prod) && !is_floating(dtype) ? DType::int64 : dtype;
}

Impl reduced(Reduction op, const TensorImpl& x, uint32_t mask) {
  const Impl out = filled(reduced_shape(x.shape, mask, true), result_dtype(op, x.dtype), [](int64_t) { return 1; });
  reduce(op, *out, x, mask);
  return out;
}

void check(Reduction op, const TensorImpl& x, uint32_t mask) {
  CAPTURE(static_cast<int>(op));
  CAPTURE(info(x.dtype).name);
  CAPTURE(text(x.shape));
  CAPTURE(mask);
  std::vector<double> expected;
  for (const std::vector<double>& group : groups(x, mask)) expected.push_back(fold(op, group));
  CHECK(values(*reduced(op, x, mask)) == expected);
}

constexpr std::initializer_list<Reduction> kOps{Reduction::sum, Reduction::prod, Reduction::max,
                                                Reduction::min, Reduction::any,  Reduction::all};
constexpr std::initializer_list<Reduction> kArgs{Reduction::argmax, Reduction::argmin};

}  // namespace

TEST_CASE("reduce: every operation, dtype, layout and set of axes") {
  for (Reduction op : kOps)
    for (DType dtype : kAllDTypes)
      for (Layout layout : kLayouts)
        for (uint32_t mask = 0; mask < 8; ++mask)
          check(op, *laid_out({3, 4, 5}, dtype, layout, [&](int64_t i) { return element(op, dtype, i); }), mask);
  for (Reduction op : kArgs)
    for (DType dtype : kAllDTypes)
      for (Layout layout : kLayouts)
        for (uint32_t mask : {1u, 2u, 4u})
          check(op, *laid_out({3, 4, 5}, dtype, layout, [&](int64_t i) { return element(op, dtype, i); }), mask);
}

TEST_CASE("reduce: longer rows and columns, tails included") {
  for (Reduction op : {Reduction::sum, Reduction::max, Reduction::min}) {
    for (DType dtype : {DType::bfloat16, DType::float32, DType::float64, DType::int32}) {
      for (Layout layout : {Layout::contiguous, Layout::reversed, Layout::gaps}) {
        for (int64_t n : {1, 2, 7, 8, 9, 31, 33, 67, 130, 1025}) {
          const auto at = [&](int64_t i) {
            return static_cast<double>((i * i + 7 * i) % 3 - (dtype == DType::bfloat16 ? 1 : 0));
          };
          if (dtype == DType::bfloat16 && n > 130) continue;  // the sum would no longer be exact
          check(op, *laid_out({3, n}, dtype, layout, at), 2);
          check(op, *laid_out({n, 3}, dtype, layout, at), 1);
          check(op, *laid_out({n, 7}, dtype, layout, at), 1);
          check(op, *laid_out({70, n}, dtype, layout, at), 1);
          check(op, *laid_out({n}, dtype, layout, at), 1);
        }
      }
    }
  }
}

TEST_CASE("reduce: several segments, panels and dimensions that do not merge") {
  const auto at = [](int64_t i) { return static_cast<double>(i * 48271 % 101 - 50); };
  for (DType dtype : {DType::float32, DType::int64}) {
    for (Layout layout : {Layout::contiguous, Layout::flipped, Layout::gaps}) {
      check(Reduction::sum, *laid_out({150001}, dtype, layout, at), 1);
      check(Reduction::sum, *laid_out({2, 70000}, dtype, layout, at), 2);
      check(Reduction::sum, *laid_out({70000, 5}, dtype, layout, at), 1);
      check(Reduction::max, *laid_out({140000, 2}, dtype, layout, at), 1);
      check(Reduction::min, *laid_out({3, 1100}, dtype, layout, at), 1);
      check(Reduction::sum, *laid_out({40, 6, 50, 12}, dtype, layout, at), 0b0101);
      check(Reduction::sum, *laid_out({40, 6, 50, 12}, dtype, layout, at), 0b1010);
      check(Reduction::sum, *laid_out({300, 2, 300}, dtype, layout, at), 0b101);
      check(Reduction::argmax, *laid_out({30, 700}, dtype, layout, at), 1);
      check(Reduction::argmin, *laid_out({30, 700}, dtype, layout, at), 2);
    }
  }
}

TEST_CASE("reduce: repeated elements (zero strides)") {
  const Impl row = filled({5}, DType::float32, [](int64_t i) { return static_cast<double>(i - 1); });
  const Impl rows = TensorImpl::view(*row, {4, 5}, {0, 1}, 0), columns = TensorImpl::view(*row, {5, 4}, {1, 0}, 0);
  const Impl one = TensorImpl::view(*row, {300, 500}, {0, 0}, 4);
  for (Reduction op : {Reduction::sum, Reduction::prod, Reduction::max}) {
    for (uint32_t mask = 0; mask < 4; ++mask) {
      check(op, *rows, mask);
      check(op, *columns, mask);
    }
  }
  for (uint32_t mask = 0; mask < 4; ++mask) check(Reduction::sum, *one, mask);
}

TEST_CASE("reduce: of nothing, and of one") {
  for (DType dtype : kAllDTypes) {
    const Impl none = empty({3, 0, 2}, dtype);
    CHECK(values(*reduced(Reduction::sum, *none, 2)) == std::vector<double>(6, 0));
    CHECK(values(*reduced(Reduction::prod, *none, 2)) == std::vector<double>(6, 1));
    CHECK(values(*reduced(Reduction::any, *none, 2)) == std::vector<double>(6, 0));
    CHECK(values(*reduced(Reduction::all, *none, 2)) == std::vector<double>(6, 1));
    CHECK(values(*reduced(Reduction::sum, *none, 7)) == std::vector<double>(1, 0));
    for (Reduction op : {Reduction::sum, Reduction::prod, Reduction::max, Reduction::min, Reduction::any, Reduction::argmax})
      CHECK(reduced(op, *none, 1)->size == 0);
    for (Reduction op : kOps) {
      check(op, *filled({}, dtype, [](int64_t) { return 1; }), 0);
      check(op, *filled({1, 1}, dtype, [](int64_t) { return 1; }), 3);
      check(op, *filled({1, 1}, dtype, [](int64_t) { return 0; }), 1);
    }
    for (Reduction op : kArgs) check(op, *filled({1}, dtype, [](int64_t) { return 1; }), 1);
  }
  const Impl large = filled({1}, DType::uint8, [](int64_t) { return 200; });
  CHECK(reduced(Reduction::any, *large, 1)->as<uint8_t>()[0] == 1);
  CHECK(values(*reduced(Reduction::sum, *large, 1))[0] == 200);
}

TEST_CASE("reduce: NaN and infinity") {
  for (DType dtype : kFloatingDTypes) {
    CAPTURE(info(dtype).name);
    for (int64_t n : {1, 5, 40, 200}) {
      for (int64_t where : {int64_t{0}, n / 2, n - 1}) {
        for (uint32_t mask : {1u, 2u}) {
          const Impl x = filled(mask == 1 ? Shape{n, 6} : Shape{6, n}, dtype, [&](int64_t i) {
            const int64_t k = mask == 1 ? i / 6 : i % n, line = mask == 1 ? i % 6 : i / n;
            if (k == where && line % 2 == 0) return line == 0 ? kNan : line == 2 ? kInf : -kInf;
            return static_cast<double>(k % 3);
          });
          for (Reduction op : {Reduction::sum, Reduction::max, Reduction::min, Reduction::argmax, Reduction::argmin}) {
            const std::vector<double> y = values(*reduced(op, *x, mask));
            const auto expected = groups(*x, mask);
            for (size_t i = 0; i < 6; ++i) {
              const double want = fold(op, expected[i]);
              CAPTURE(static_cast<int>(op));
              CAPTURE(n);
              CAPTURE(where);
              CAPTURE(mask);
              CAPTURE(y[i]);
              if (std::isnan(want)) CHECK(std::isnan(y[i]));
              else CHECK(y[i] == want);
            }
          }
          CHECK(values(*reduced(Reduction::any, *x, mask))[0] == 1);  // NaN is not 0
        }
      }
    }
  }
  const Impl two = filled({4}, DType::float32, [](int64_t i) { return i == 0 ? 7 : kNan; });
  CHECK(values(*reduced(Reduction::argmax, *two, 1))[0] == 1);  // the first NaN
  const Impl opposite = filled({2}, DType::float32, [](int64_t i) { return i == 0 ? kInf : -kInf; });
  CHECK(std::isnan(values(*reduced(Reduction::sum, *opposite, 1))[0]));
}

TEST_CASE("reduce: integers wrap, and sums of small ones do not") {
  const Impl bytes = filled({100000}, DType::uint8, [](int64_t) { return 255; });
  CHECK(values(*reduced(Reduction::sum, *bytes, 1))[0] == 25500000);
  const Impl x = empty({2}, DType::int64);
  x->as<int64_t>()[0] = x->as<int64_t>()[1] = std::numeric_limits<int64_t>::max();
  CHECK(reduced(Reduction::sum, *x, 1)->as<int64_t>()[0] == -2);
  CHECK(reduced(Reduction::prod, *x, 1)->as<int64_t>()[0] == 1);
  const Impl extremes = empty({3}, DType::int64);
  extremes->as<int64_t>()[0] = std::numeric_limits<int64_t>::max() - 1;
  extremes->as<int64_t>()[1] = std::numeric_limits<int64_t>::max();
  extremes->as<int64_t>()[2] = std::numeric_limits<int64_t>::min();
  CHECK(reduced(Reduction::max, *extremes, 1)->as<int64_t>()[0] == std::numeric_limits<int64_t>::max());
  CHECK(reduced(Reduction::min, *extremes, 1)->as<int64_t>()[0] == std::numeric_limits<int64_t>::min());
  CHECK(reduced(Reduction::argmax, *extremes, 1)->as<int64_t>()[0] == 1);
}

TEST_CASE("reduce: long float32 sums are as good as double ones, in every direction") {
  const auto at = [](int64_t i) { return 0.1 + 0.05 * static_cast<double>(i * 48271 % 1009) / 1009; };
  const auto check_accuracy = [&](const Shape& shape, Layout layout) {
    const Impl x = laid_out(shape, DType::float32, layout, at);
    for (uint32_t mask = 1; mask < (1u << shape.ndim()); ++mask) {
      const std::vector<double> y = values(*reduced(Reduction::sum, *x, mask));
      const std::vector<std::vector<double>> exact = groups(*x, mask);
      double worst = 0;
      for (size_t i = 0; i < y.size(); ++i) worst = std::max(worst, std::abs(y[i] / fold(Reduction::sum, exact[i]) - 1));
      CHECK(worst < 1e-6);
    }
  };
  check_accuracy({1 << 22}, Layout::contiguous);
  check_accuracy({1 << 20}, Layout::flipped);
  for (Layout layout : {Layout::contiguous, Layout::flipped})
    for (const Shape& shape : {Shape{1 << 18, 4}, Shape{1 << 18, 3}, Shape{1 << 15, 32}, Shape{2, 1 << 18}})
      check_accuracy(shape, layout);
  // Half types: one rounding, at the end.
  for (DType dtype : {DType::float16, DType::bfloat16}) {
    const Impl x = filled({5000, 6}, dtype, [](int64_t) { return 1; });
    for (double y : values(*reduced(Reduction::sum, *x, 1))) CHECK(y == (dtype == DType::float16 ? 5000 : 4992));
    for (double y : values(*reduced(Reduction::sum, *TensorImpl::view(*x, {6, 5000}, {1, 6}, 0), 2)))
      CHECK(y == (dtype == DType::float16 ? 5000 : 4992));
  }
}

TEST_CASE("reduce: the same bits for any number of threads") {
  const auto at = [](int64_t i) { return static_cast<double>(i * 48271 % 1009) / 1009 - 0.3; };
  for (DType dtype : {DType::float16, DType::float32, DType::float64}) {
    for (Layout layout : {Layout::contiguous, Layout::reversed, Layout::gaps}) {
      for (const Shape& shape : {Shape{200001}, Shape{300, 400}, Shape{70000, 5}, Shape{3, 70000}, Shape{60, 7, 300}}) {
        const Impl x = laid_out(shape, dtype, layout, at);
        for (uint32_t mask = 1; mask < (1u << shape.ndim()); ++mask) {
          Impl first;
          for (int threads : {1, 2, 3, 5}) {
            const Threads set(threads);
            const Impl y = reduced(Reduction::sum, *x, mask);
            if (threads == 1) first = y;
            else CHECK(std::memcmp(first->data, y->data, static_cast<size_t>(y->size * size_of(dtype))) == 0);
          }
        }
      }
    }
  }
}

}  // namespace gradus::test
