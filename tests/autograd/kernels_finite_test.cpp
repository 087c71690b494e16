#include <doctest/doctest.h>

#include <limits>

#include "autograd/kernels/finite.h"
#include "autograd/tensor.h"
#include "tests/autograd/kernel_layouts.h"

namespace gradus::test {
namespace {

using kernels::Worst, kernels::worst;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr DType kFloats[] = {DType::float16, DType::bfloat16, DType::float32, DType::float64};

}  // namespace

TEST_CASE("one bad element is found wherever it is, in every float dtype and layout") {
  for (const DType dtype : kFloats)
    for (const Layout layout : kLayouts)
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{7}, Shape{67}, Shape{3, 45}, Shape{2, 3, 19}}) {
        CAPTURE(info(dtype).name);
        CAPTURE(text(shape));
        const int64_t n = numel("test", shape);
        bool right =
            worst(*laid_out(shape, dtype, layout, [](int64_t i) { return static_cast<double>(i % 7) - 3; })) == Worst::finite;
        for (int64_t bad = 0; bad < n; ++bad)
          for (const double value : {kInf, -kInf, kNan, -kNan}) {
            const Impl x = laid_out(shape, dtype, layout, [&](int64_t i) { return i == bad ? value : -2.0; });
            right &= worst(*x) == (value != value ? Worst::nan : Worst::infinite);
          }
        CHECK(right);
      }
}

TEST_CASE("the largest finite value is finite, NaN is worse than infinity") {
  const auto pair = [](double a, double b, DType dtype) { return worst(Tensor({a, b}).astype(dtype).impl()); };
  CHECK(pair(65504, -65504, DType::float16) == Worst::finite);
  CHECK(pair(std::numeric_limits<float>::max(), 0, DType::float32) == Worst::finite);
  CHECK(pair(std::numeric_limits<double>::max(), std::numeric_limits<double>::denorm_min(), DType::float64) == Worst::finite);
  for (const DType dtype : kFloats) {
    CHECK(pair(kNan, kInf, dtype) == Worst::nan);
    CHECK(pair(-kInf, kNan, dtype) == Worst::nan);
  }
}

TEST_CASE("integers and empty tensors are finite; large and repeated ones are covered") {
  CHECK(worst(*laid_out({3}, DType::int64, Layout::contiguous, [](int64_t) { return -1.0; })) == Worst::finite);
  CHECK(worst(*laid_out({3, 0}, DType::float32, Layout::contiguous, [](int64_t) { return kNan; })) == Worst::finite);
  const int64_t n = 3 * kGrain + 5;
  for (const int64_t bad : {int64_t{0}, kGrain, n - 1})
    CHECK(worst(*laid_out({n}, DType::float32, Layout::contiguous, [&](int64_t i) { return i == bad ? kNan : 1; })) ==
          Worst::nan);
  const Impl one = laid_out({1}, DType::float32, Layout::contiguous, [](int64_t) { return kInf; });
  CHECK(worst(*detail::TensorImpl::view(*one, {int64_t{1} << 40, 3}, {}, 0)) == Worst::infinite);  // at once
}

}  // namespace gradus::test
