#include "autograd/kernels/convolution_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/convolution_rows.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// y for P pixels and C vectors of channels.
template <int64_t P, int64_t C, class D>
HWY_INLINE void pixels_of(D d, const DirectRow& r, int64_t pixel, int64_t o) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  hn::Vec<D> sums[P][C];
  HWY_UNROLL(8)
  for (int64_t p = 0; p < P; ++p) {
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) sums[p][c] = hn::Zero(d);
  }
  const float* x = r.x + pixel * r.step;
  const float* w = r.w + o;
  for (const int64_t tap : r.taps) {
    hn::Vec<D> weights[C];
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) weights[c] = hn::LoadU(d, w + c * lanes);
    HWY_UNROLL(8)
    for (int64_t p = 0; p < P; ++p) {
      const auto value = hn::Set(d, x[p * r.step + tap]);
      HWY_UNROLL(2)
      for (int64_t c = 0; c < C; ++c) sums[p][c] = hn::MulAdd(value, weights[c], sums[p][c]);
    }
    w += r.out;
  }
  HWY_UNROLL(8)
  for (int64_t p = 0; p < P; ++p) {
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) hn::StoreU(sums[p][c], d, r.y + (pixel + p) * r.out + o + c * lanes);
  }
}

/// w += for T taps and C vectors of channels.
template <int64_t T, int64_t C, class D>
HWY_INLINE void taps_of(D d, const DirectRow& r, int64_t first, int64_t o) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  float* w = r.w + first * r.out + o;
  hn::Vec<D> sums[T][C];
  const float* x[T];
  HWY_UNROLL(8)
  for (int64_t t = 0; t < T; ++t) {
    x[t] = r.x + r.taps[static_cast<size_t>(first + t)];
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) sums[t][c] = hn::LoadU(d, w + t * r.out + c * lanes);
  }
  for (int64_t p = 0; p < r.pixels; ++p) {
    hn::Vec<D> outputs[C];
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) outputs[c] = hn::LoadU(d, r.y + p * r.out + o + c * lanes);
    HWY_UNROLL(8)
    for (int64_t t = 0; t < T; ++t) {
      const auto value = hn::Set(d, x[t][p * r.step]);
      HWY_UNROLL(2)
      for (int64_t c = 0; c < C; ++c) sums[t][c] = hn::MulAdd(value, outputs[c], sums[t][c]);
    }
  }
  HWY_UNROLL(8)
  for (int64_t t = 0; t < T; ++t) {
    HWY_UNROLL(2)
    for (int64_t c = 0; c < C; ++c) hn::StoreU(sums[t][c], d, w + t * r.out + c * lanes);
  }
}

/// The same of channels by themselves: y for P pixels of a vector of channels, and w += for T taps.
template <int64_t P, class D>
HWY_INLINE void lone_pixels_of(D d, const DirectRow& r, int64_t pixel, int64_t o) {
  hn::Vec<D> sums[P];
  HWY_UNROLL(8)
  for (int64_t p = 0; p < P; ++p) sums[p] = hn::Zero(d);
  const float* x = r.x + pixel * r.step + o;
  const float* w = r.w + o;
  for (const int64_t tap : r.taps) {
    const auto weight = hn::LoadU(d, w);
    HWY_UNROLL(8)
    for (int64_t p = 0; p < P; ++p) sums[p] = hn::MulAdd(hn::LoadU(d, x + p * r.step + tap), weight, sums[p]);
    w += r.out;
  }
  HWY_UNROLL(8)
  for (int64_t p = 0; p < P; ++p) hn::StoreU(sums[p], d, r.y + (pixel + p) * r.out + o);
}
template <int64_t T, class D>
HWY_INLINE void lone_taps_of(D d, const DirectRow& r, int64_t first, int64_t o) {
  float* w = r.w + first * r.out + o;
  hn::Vec<D> sums[T];
  const float* x[T];
  HWY_UNROLL(8)
  for (int64_t t = 0; t < T; ++t) {
    x[t] = r.x + r.taps[static_cast<size_t>(first + t)] + o;
    sums[t] = hn::LoadU(d, w + t * r.out);
  }
  for (int64_t p = 0; p < r.pixels; ++p) {
    const auto output = hn::LoadU(d, r.y + p * r.out + o);
    HWY_UNROLL(8)
    for (int64_t t = 0; t < T; ++t) sums[t] = hn::MulAdd(hn::LoadU(d, x[t] + p * r.step), output, sums[t]);
  }
  HWY_UNROLL(8)
  for (int64_t t = 0; t < T; ++t) hn::StoreU(sums[t], d, w + t * r.out);
}

/// Calls f.operator()<N>(i) for blocks of N, at most kMost, that make up [0, count).
template <int64_t kMost, class F>
HWY_INLINE void in_blocks(int64_t count, const F& f, int64_t i = 0) {
  for (; i + kMost <= count; i += kMost) f.template operator()<kMost>(i);
  if constexpr (kMost > 1) in_blocks<kMost / 2>(count, f, i);
}

/// Calls f.operator()<C>(d, o) for blocks of C vectors that make up the channels.
template <class D, class F>
HWY_INLINE void over_channels(D d, int64_t out, const F& f) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if constexpr (hn::MaxLanes(D()) > 8) {
    if (out % lanes != 0) return over_channels(hn::Half<D>(), out, f);
  }
  int64_t o = 0;
  for (; o + 2 * lanes <= out; o += 2 * lanes) f.template operator()<2>(d, o);
  for (; o < out; o += lanes) f.template operator()<1>(d, o);
}

// With two vectors of channels, as many sums as there are registers for.
constexpr int64_t kBlock = hn::MaxLanes(hn::ScalableTag<float>()) >= 16 ? 8 : 4;

}  // namespace

void sum_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    in_blocks<kBlock>(r.pixels, [&]<int64_t P>(int64_t p) HWY_ATTR { pixels_of<P, C>(d, r, p, o); });
  });
}
void weigh_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    in_blocks<kBlock>(static_cast<int64_t>(r.taps.size()), [&]<int64_t T>(int64_t t) HWY_ATTR { taps_of<T, C>(d, r, t, o); });
  });
}

void lone_sum_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    for (int64_t c = 0; c < C; ++c, o += static_cast<int64_t>(hn::Lanes(d)))
      in_blocks<8>(r.pixels, [&]<int64_t P>(int64_t p) HWY_ATTR { lone_pixels_of<P>(d, r, p, o); });
  });
}
void lone_weigh_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    for (int64_t c = 0; c < C; ++c, o += static_cast<int64_t>(hn::Lanes(d)))
      in_blocks<8>(static_cast<int64_t>(r.taps.size()), [&]<int64_t T>(int64_t t) HWY_ATTR { lone_taps_of<T>(d, r, t, o); });
  });
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

HWY_EXPORT(sum_row);
HWY_EXPORT(weigh_row);
HWY_EXPORT(lone_sum_row);
HWY_EXPORT(lone_weigh_row);

}  // namespace

void output_row(const DirectRow& row) {
  if (row.lone) HWY_DYNAMIC_DISPATCH(lone_sum_row)(row);
  else HWY_DYNAMIC_DISPATCH(sum_row)(row);
}
void filter_row(const DirectRow& row) {
  if (row.lone) HWY_DYNAMIC_DISPATCH(lone_weigh_row)(row);
  else HWY_DYNAMIC_DISPATCH(weigh_row)(row);
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
