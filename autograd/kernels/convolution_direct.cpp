#include "autograd/kernels/convolution_direct.h"

#include <algorithm>

#include "autograd/kernels/convolution_rows.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

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
      : windows_(windows), lone_(lone), x_(x, windows.channels_first), step_(x_.step) {
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
                    columns.out, out, lone_});
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
  bool lone_;
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
    if (a.out == 0 || covered(a) > kMostPadded) return false;  // and what follows cannot overflow
  if ((lone && (in != groups || out != groups)) || out % 8 != 0 || inputs > kMostInputs || covered(windows) > kMostPadded / in)
    return false;
  const double image = static_cast<double>(windows.outputs()) * static_cast<double>(out) * static_cast<double>(inputs);
  return batch >= kFewImages || image < kLargeImage;
}

void direct_output(const TensorImpl& y, const TensorImpl& x, const float* w, const Windows& windows, bool lone) {
  const Grid<float> to(y, windows.channels_first);
  parallel_for(to.batch, windows.grain(windows.outputs(), to.channels), [&](int64_t begin, int64_t end) {
    Images images(x, windows, lone);
    for (int64_t n = begin; n < end; ++n)
      images.each_row(n, const_cast<float*>(w), to.data + n * to.image, to.channels, output_row);
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
    for (int64_t part = first; part < last; ++part)
      for (int64_t n = part * from.batch / parts; n < (part + 1) * from.batch / parts; ++n)
        images.each_row(n, sums + part * size, from.data + n * from.image, from.channels, filter_row);
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
