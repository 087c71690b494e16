#include "autograd/kernels/convolution_direct.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/convolution_direct.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>

// Once for all targets: what a kernel works on.
#ifndef GRADUS_CONVOLUTION_DIRECT_ONCE_
#define GRADUS_CONVOLUTION_DIRECT_ONCE_
namespace gradus::kernels {

/// Neighbouring outputs y[pixel][out], of inputs x[pixel * step + taps[t]] weighted by w[t][out]; where channels are by
/// themselves, of x[pixel * step + taps[t] + out].
struct DirectRow {
  const float* x;
  int64_t step;
  std::span<const int64_t> taps;
  float *w, *y;
  int64_t pixels, out;
};

}  // namespace gradus::kernels
#endif

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

void output_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    in_blocks<kBlock>(r.pixels, [&]<int64_t P>(int64_t p) HWY_ATTR { pixels_of<P, C>(d, r, p, o); });
  });
}
void filter_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    in_blocks<kBlock>(static_cast<int64_t>(r.taps.size()), [&]<int64_t T>(int64_t t) HWY_ATTR { taps_of<T, C>(d, r, t, o); });
  });
}

void lone_output_row(const DirectRow& r) {
  over_channels(hn::ScalableTag<float>(), r.out, [&]<int64_t C>(auto d, int64_t o) HWY_ATTR {
    for (int64_t c = 0; c < C; ++c, o += static_cast<int64_t>(hn::Lanes(d)))
      in_blocks<8>(r.pixels, [&]<int64_t P>(int64_t p) HWY_ATTR { lone_pixels_of<P>(d, r, p, o); });
  });
}
void lone_filter_row(const DirectRow& r) {
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

using detail::TensorImpl;

HWY_EXPORT(output_row);
HWY_EXPORT(filter_row);
HWY_EXPORT(lone_output_row);
HWY_EXPORT(lone_filter_row);

// A padded image should stay in the second-level cache; with more than so many inputs to an output GEMM is as fast.
constexpr int64_t kMostPadded = 1 << 18, kMostInputs = 1024;
// Work that should not stay on one thread for want of images.
constexpr int64_t kFewImages = 4;
constexpr double kLargeImage = 1 << 22;
constexpr int64_t kPartialSums = 8;

/// Inputs from the first window's first element to the last window's last.
int64_t covered(const WindowAxis& a) { return a.input(a.out - 1, a.size - 1) + a.before + 1; }
int64_t covered(const Windows& windows) { return covered(windows.axes[0]) * covered(windows.axes[1]) * covered(windows.axes[2]); }

/// One thread's view of images, padded where windows reach beyond them.
class Images {
 public:
  Images(const TensorImpl& x, const Windows& windows, bool lone)
      : windows_(windows), x_(x, windows.channels_first), step_(x_.step) {
    if (windows.padded()) {
      step_ = {covered(windows.axes[1]) * covered(windows.axes[2]) * x_.channels, covered(windows.axes[2]) * x_.channels,
               x_.channels};
      padded_ = TensorImpl::make("convolution", {covered(windows.axes[0]) * step_[0]}, DType::float32);
      std::fill_n(padded_->as<float>(), padded_->size, 0.0F);
    }
    const auto& [planes, rows, columns] = windows.axes;
    for (int64_t i = 0; i < planes.size; ++i)
      for (int64_t j = 0; j < rows.size; ++j)
        for (int64_t k = 0; k < columns.size; ++k)
          for (int64_t c = 0; c < (lone ? 1 : x_.channels); ++c)
            taps_.push_back(i * planes.dilation * step_[0] + j * rows.dilation * step_[1] + k * columns.dilation * step_[2] + c);
  }

  /// Calls f(row) for the rows of outputs of image n, `y` [pixels, out].
  template <class F>
  void each_row(int64_t n, float* w, float* y, int64_t out, const F& f) {
    const auto& [planes, rows, columns] = windows_.axes;
    const float* first = padded_ ? fill(n) : x_.at(n, {0, 0, 0});
    for (int64_t d = 0; d < planes.out; ++d)
      for (int64_t h = 0; h < rows.out; ++h, y += columns.out * out)
        f(DirectRow{first + d * planes.stride * step_[0] + h * rows.stride * step_[1], columns.stride * step_[2], taps_, w, y,
                    columns.out, out});
  }

 private:
  /// What windows reach of image n; the padding stays as it is.
  const float* fill(int64_t n) const {
    const auto& [planes, rows, columns] = windows_.axes;
    const auto reached = [](const WindowAxis& a) { return std::min(a.in, covered(a) - a.before); };
    for (int64_t i = 0; i < reached(planes); ++i)
      for (int64_t j = 0; j < reached(rows); ++j)
        std::copy_n(
            x_.at(n, {i, j, 0}), reached(columns) * x_.channels,
            padded_->as<float>() + (i + planes.before) * step_[0] + (j + rows.before) * step_[1] + columns.before * step_[2]);
    return padded_->as<float>();
  }

  const Windows& windows_;
  Grid<float> x_;
  std::array<int64_t, 3> step_;
  Ref<TensorImpl> padded_;
  std::vector<int64_t> taps_;
};

}  // namespace

bool direct_worthwhile(const Windows& windows, int64_t batch, int64_t in, int64_t out, int64_t groups) {
  const bool lone = groups > 1;
  const int64_t inputs = windows.size() * (lone ? 1 : in);
  for (const WindowAxis& a : windows.axes)
    if (covered(a) > kMostPadded) return false;  // and what follows cannot overflow
  if ((lone && (in != groups || out != groups)) || out % 8 != 0 || inputs > kMostInputs || covered(windows) > kMostPadded / in)
    return false;
  const double image = static_cast<double>(windows.outputs()) * static_cast<double>(out) * static_cast<double>(inputs);
  return batch >= kFewImages || image < kLargeImage;
}

void direct_output(const TensorImpl& y, const TensorImpl& x, const float* w, const Windows& windows, bool lone) {
  const Grid<float> to(y, windows.channels_first);
  parallel_for(to.batch, windows.grain(windows.outputs(), to.channels), [&](int64_t begin, int64_t end) {
    Images images(x, windows, lone);
    const auto row = lone ? HWY_DYNAMIC_DISPATCH(lone_output_row) : HWY_DYNAMIC_DISPATCH(output_row);
    for (int64_t n = begin; n < end; ++n) images.each_row(n, const_cast<float*>(w), to.data + n * to.image, to.channels, row);
  });
}

void direct_filter(float* w, const TensorImpl& x, const TensorImpl& y, const Windows& windows, bool lone) {
  const Grid<float> from(y, windows.channels_first);
  const int64_t in = lone ? 1 : Grid<float>(x, windows.channels_first).channels, size = windows.size() * in * from.channels;
  const int64_t parts = std::clamp<int64_t>(from.batch, 1, kPartialSums);  // whatever the number of threads
  const Ref<TensorImpl> memory = TensorImpl::make("convolution", {parts, size}, DType::float32);
  float* sums = memory->as<float>();
  std::fill_n(sums, parts * size, 0.0F);
  const int64_t grain = windows.grain(windows.outputs() * ceil_div(from.batch, parts), from.channels);
  parallel_for(parts, grain, [&](int64_t first, int64_t last) {
    Images images(x, windows, lone);
    const auto row = lone ? HWY_DYNAMIC_DISPATCH(lone_filter_row) : HWY_DYNAMIC_DISPATCH(filter_row);
    for (int64_t part = first; part < last; ++part)
      for (int64_t n = part * from.batch / parts; n < (part + 1) * from.batch / parts; ++n)
        images.each_row(n, sums + part * size, from.data + n * from.image, from.channels, row);
  });
  for (int64_t i = 0; i < size; ++i) {
    w[i] = sums[i];
    for (int64_t part = 1; part < parts; ++part) w[i] += sums[part * size + i];
  }
}

bool turned(Windows& windows) {
  for (WindowAxis& a : windows.axes) {
    if (a.stride != 1) return false;
    const int64_t before = (a.size - 1) * a.dilation - a.before;
    if (before < 0) return false;
    std::swap(a.in, a.out);
    a.before = before;
  }
  return true;
}

void turn_filter(float* turned, const float* w, int64_t elements, int64_t in, int64_t out) {
  for (int64_t e = 0; e < elements; ++e)
    for (int64_t i = 0; i < in; ++i)
      for (int64_t o = 0; o < out; ++o) turned[((elements - 1 - e) * out + o) * in + i] = w[(e * in + i) * out + o];
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
