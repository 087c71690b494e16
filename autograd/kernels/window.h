// Windows that slide over up to three spatial axes: what convolution and pooling share.
//
// Kernels see images in either layout with any strides as a Grid, and walk the pairs of outputs and inputs that a window brings
// together as Runs along the innermost axis. Tensors with fewer spatial axes have leading axes of size 1.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "autograd/base/parallel.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

struct Span {
  int64_t begin, end;
  friend bool operator==(const Span&, const Span&) = default;
};

/// n / d rounded up, for d > 0.
constexpr int64_t ceil_div(int64_t n, int64_t d) { return n > 0 ? (n - 1) / d + 1 : n / d; }

/// Output o meets input o * stride + k * dilation - before for each k in [0, size), where that lies in [0, in).
struct WindowAxis {
  int64_t in = 1, out = 1, size = 1, stride = 1, dilation = 1, before = 0;

  int64_t input(int64_t o, int64_t k) const { return o * stride + k * dilation - before; }
  /// The outputs that meet an input with their element k.
  Span outputs(int64_t k) const {
    const int64_t from = before - k * dilation;
    return {std::max<int64_t>(0, ceil_div(from, stride)), std::min(out, ceil_div(from + in, stride))};
  }
  /// The elements with which output o meets an input, and those with which any output does.
  Span elements(int64_t o) const { return elements_between(before - o * stride, before - o * stride + in); }
  Span elements() const { return elements_between(before - (out - 1) * stride, before + in); }
  bool padded() const { return before > 0 || input(out - 1, size - 1) >= in; }

 private:
  Span elements_between(int64_t begin, int64_t end) const {
    return {std::max<int64_t>(0, ceil_div(begin, dilation)), std::min(size, ceil_div(end, dilation))};
  }
};

struct Windows {
  std::array<WindowAxis, 3> axes;
  bool channels_first = false;

  int64_t size() const { return axes[0].size * axes[1].size * axes[2].size; }
  int64_t outputs() const { return axes[0].out * axes[1].out * axes[2].out; }
  /// How many images, rows or other parts with this many outputs and channels are worth a thread.
  int64_t grain(int64_t outputs, int64_t channels) const {
    const double work = static_cast<double>(outputs) * static_cast<double>(channels) * static_cast<double>(size());
    return static_cast<int64_t>(std::max(1.0, static_cast<double>(kGrain) / std::max(1.0, work)));
  }
  bool padded() const { return axes[0].padded() || axes[1].padded() || axes[2].padded(); }
  /// Every input is met exactly once.
  bool tiles() const {
    return std::all_of(axes.begin(), axes.end(), [](const WindowAxis& a) {
      return a.size == a.stride && a.dilation == 1 && a.before == 0 && a.out * a.stride == a.in;
    });
  }
  /// One element, which meets every input once and in order.
  bool pointwise() const {
    return std::all_of(axes.begin(), axes.end(),
                       [](const WindowAxis& a) { return a.size == 1 && a.stride == 1 && a.in == a.out && a.before == 0; });
  }
};

/// An image of either layout.
template <class T>
struct Grid {
  T* data;
  int64_t batch, channels;
  int64_t image, channel;         // strides in elements
  std::array<int64_t, 3> step{};  // strides of the spatial axes

  Grid(const detail::TensorImpl& x, bool channels_first) : data(x.as<T>()), batch(x.shape[0]), image(x.stride(0)) {
    const int rank = x.ndim() - 2, at = channels_first ? 1 : x.ndim() - 1;
    channels = x.shape[at];
    channel = x.stride(at);
    for (int i = 0; i < rank; ++i) step[static_cast<size_t>(3 - rank + i)] = x.stride(i + (channels_first ? 2 : 1));
  }
  T* at(int64_t n, const std::array<int64_t, 3>& p) const {
    return data + n * image + p[0] * step[0] + p[1] * step[1] + p[2] * step[2];
  }
};

/// Outputs [first, first + count) along the innermost axis, which meet inputs from `input` on, `stride` apart, with one element.
struct Run {
  int64_t element;  // row-major number
  int64_t first, count;
  std::array<int64_t, 3> input;
};

class Runs {
 public:
  explicit Runs(const Windows& windows) : axes_(windows.axes), first_(axes_[2].elements().begin) {
    const Span elements = axes_[2].elements();
    for (int64_t k = elements.begin; k < elements.end; ++k) inner_.push_back(axes_[2].outputs(k));
  }

  /// Calls f(run) for the outputs [begin, end) of row (d, h), element by element in row-major order.
  template <class F>
  void in_row(int64_t d, int64_t h, int64_t begin, int64_t end, const F& f) const {
    const Span planes = axes_[0].elements(d), rows = axes_[1].elements(h);
    for (int64_t i = planes.begin; i < planes.end; ++i)
      for (int64_t j = rows.begin; j < rows.end; ++j) {
        int64_t k = first_;
        for (const Span& outputs : inner_) {
          const int64_t from = std::max(begin, outputs.begin), to = std::min(end, outputs.end);
          if (from < to)
            f(Run{(i * axes_[1].size + j) * axes_[2].size + k,
                  from,
                  to - from,
                  {axes_[0].input(d, i), axes_[1].input(h, j), axes_[2].input(from, k)}});
          ++k;
        }
      }
  }

  /// Calls f(element, count, input) for output (d, h, w): elements [element, element + count) along the innermost axis meet
  /// inputs from `input` on.
  template <class F>
  void at_output(int64_t d, int64_t h, int64_t w, const F& f) const {
    const Span planes = axes_[0].elements(d), rows = axes_[1].elements(h), columns = axes_[2].elements(w);
    if (columns.begin >= columns.end) return;
    for (int64_t i = planes.begin; i < planes.end; ++i)
      for (int64_t j = rows.begin; j < rows.end; ++j)
        f((i * axes_[1].size + j) * axes_[2].size + columns.begin, columns.end - columns.begin,
          std::array<int64_t, 3>{axes_[0].input(d, i), axes_[1].input(h, j), axes_[2].input(w, columns.begin)});
  }

  /// Calls f(image, d, h, w, end) for the pieces of rows that make up outputs [begin, end) of a batch in row-major order.
  template <class F>
  void rows(int64_t begin, int64_t end, const F& f) const {
    const int64_t width = axes_[2].out, height = axes_[1].out, depth = axes_[0].out;
    while (begin < end) {
      const int64_t row = begin / width, w = begin % width, stop = std::min(width, w + end - begin);
      f(row / height / depth, row / height % depth, row % height, w, stop);
      begin += stop - w;
    }
  }

 private:
  std::array<WindowAxis, 3> axes_;
  int64_t first_;
  std::vector<Span> inner_;  // outputs(k) from k = first_ on
};

/// A tile of pixels and channels: strides in elements.
template <class T>
struct Tile {
  T* data;
  int64_t pixel, channel;
};

/// f(a, b) for each pixel and channel of two tiles, along whichever lies without gaps.
template <class A, class B, class F>
void each_pair(Tile<A> a, Tile<B> b, int64_t pixels, int64_t channels, const F& f) {
  if (a.channel == 1 && b.channel == 1) {
    for (int64_t i = 0; i < pixels; ++i) {
      A* to = a.data + i * a.pixel;
      B* from = b.data + i * b.pixel;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) f(to[c], from[c]);
    }
  } else if (a.pixel == 1) {
    for (int64_t c = 0; c < channels; ++c) {
      A* to = a.data + c * a.channel;
      B* from = b.data + c * b.channel;
      if (b.pixel == 1) {
#pragma omp simd
        for (int64_t i = 0; i < pixels; ++i) f(to[i], from[i]);
      } else {
        for (int64_t i = 0; i < pixels; ++i) f(to[i], from[i * b.pixel]);
      }
    }
  } else {
    for (int64_t i = 0; i < pixels; ++i)
      for (int64_t c = 0; c < channels; ++c) f(a.data[i * a.pixel + c * a.channel], b.data[i * b.pixel + c * b.channel]);
  }
}

}  // namespace gradus::kernels
