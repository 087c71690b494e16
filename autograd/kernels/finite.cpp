#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/finite.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
//
#include <algorithm>
#include <atomic>

#include "autograd/kernels/finite.h"
#include "autograd/kernels/loops.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Without its sign a float orders like an integer: finite < infinity < NaN. So the largest pattern tells, for every float type.
template <class U>
uint64_t largest(const std::byte* data, int64_t step, int64_t n) {
  const hn::ScalableTag<U> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d)), size = static_cast<int64_t>(sizeof(U));
  constexpr U kMagnitude = U(~U(0)) >> 1;
  U most = 0;
  int64_t i = 0;
  if (step == size && n >= 2 * lanes) {
    const auto* p = reinterpret_cast<const U*>(data);
    const auto at = [&](int64_t k) { return hn::And(hn::LoadU(d, p + k), hn::Set(d, kMagnitude)); };
    auto a = hn::Zero(d), b = a;
    for (; i + 2 * lanes <= n; i += 2 * lanes) a = hn::Max(a, at(i)), b = hn::Max(b, at(i + lanes));
    alignas(64) U all[64 / sizeof(U)];
    hn::Store(hn::Max(a, b), d, all);
    most = *std::max_element(all, all + lanes);
  }
  for (; i < n; ++i) most = std::max(most, static_cast<U>(*reinterpret_cast<const U*>(data + i * step) & kMagnitude));
  return most;
}

}  // namespace

uint64_t largest_pattern(int64_t element_size, const std::byte* data, int64_t step, int64_t n) {
  return element_size == 2   ? largest<uint16_t>(data, step, n)
         : element_size == 4 ? largest<uint32_t>(data, step, n)
                             : largest<uint64_t>(data, step, n);
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

HWY_EXPORT(largest_pattern);

uint64_t infinity_pattern(DType dtype) {
  switch (dtype) {
    case DType::float16: return 0x7c00;
    case DType::bfloat16: return 0x7f80;
    case DType::float32: return 0x7f800000;
    default: return 0x7ff0000000000000;
  }
}

}  // namespace

Worst worst(const detail::TensorImpl& x) {
  if (!is_floating(x.dtype)) return Worst::finite;
  Shape shape;  // an element that is repeated is looked at once
  Array array{x.data, {}, size_of(x.dtype)};
  for (int i = 0; i < x.ndim(); ++i) {
    if (x.stride(i) == 0 && x.shape[i] > 1) continue;
    array.strides[static_cast<size_t>(shape.ndim())] = x.stride(i);
    shape.push_back(x.shape[i]);
  }
  const uint64_t infinity = infinity_pattern(x.dtype);
  std::atomic<uint64_t> most{0};
  Loop<1>(shape, {array}).run(kGrain, [&](const auto& p, const auto& steps, int64_t n) {
    const uint64_t found = HWY_DYNAMIC_DISPATCH(largest_pattern)(array.element_size, p[0], steps[0], n);
    if (found < infinity) return;
    uint64_t seen = most.load(std::memory_order_relaxed);
    while (seen < found && !most.compare_exchange_weak(seen, found, std::memory_order_relaxed)) {
    }
  });
  return most < infinity ? Worst::finite : most == infinity ? Worst::infinite : Worst::nan;
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
