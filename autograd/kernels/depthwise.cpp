#include "autograd/kernels/depthwise.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

// Partial sums of a filter's gradient.
constexpr int64_t kPartialSums = 8;

/// Calls f(y, x, w, channels) for each run and each of the `multiplier` outputs of a channel: a tile of y, one of x, and the
/// first of the weights, `multiplier` apart. Outputs [begin, end) of the batch.
template <class T, class F>
void each_tile(const Windows& windows, const Runs& runs, Grid<T> x, Grid<T> y, int64_t begin, int64_t end, const F& f) {
  const int64_t multiplier = y.channels / x.channels;
  runs.rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t from, int64_t to) {
    runs.in_row(d, h, from, to, [&](const Run& run) {
      for (int64_t j = 0; j < multiplier; ++j)
        f(Tile<T>{y.at(n, {d, h, run.first}) + j * y.channel, y.step[2], y.channel * multiplier},
          Tile<T>{x.at(n, run.input), x.step[2] * windows.axes[2].stride, x.channel}, run.element * y.channels + j, run.count);
    });
  });
}

/// f(a, b, w) for each pixel and channel; w is one weight per channel, `step` apart.
template <class A, class B, class W, class F>
void each_triple(Tile<A> a, Tile<B> b, W* w, int64_t step, int64_t pixels, int64_t channels, const F& f) {
  if (a.channel == 1 && b.channel == 1 && step == 1) {
    for (int64_t i = 0; i < pixels; ++i) {
      A* to = a.data + i * a.pixel;
      B* from = b.data + i * b.pixel;
#pragma omp simd
      for (int64_t c = 0; c < channels; ++c) f(to[c], from[c], w[c]);
    }
  } else {
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < pixels; ++i)
        f(a.data[i * a.pixel + c * a.channel], b.data[i * b.pixel + c * b.channel], w[c * step]);
  }
}

}  // namespace

template <class T>
void depthwise_forward(TensorImpl& out, const TensorImpl& in, const T* w, const Windows& windows) {
  const Runs runs(windows);
  const Grid<T> x(in, windows.channels_first), y(out, windows.channels_first);
  const int64_t width = windows.axes[2].out, rows = windows.outputs() / width * y.batch;
  std::fill_n(out.as<T>(), out.size, T(0));
  parallel_for(rows, windows.grain(width, y.channels), [&](int64_t begin, int64_t end) {
    each_tile<T>(windows, runs, x, y, begin * width, end * width, [&](Tile<T> to, Tile<T> from, int64_t k, int64_t count) {
      each_triple(to, from, w + k, y.channels / x.channels, count, x.channels,
                  [](T& sum, const T& value, const T& weight) { sum += value * weight; });
    });
  });
}

template <class T>
void depthwise_input(TensorImpl& dx, const TensorImpl& dy, const T* w, const Windows& windows) {
  const Runs runs(windows);
  const Grid<T> x(dx, windows.channels_first), y(dy, windows.channels_first);
  const int64_t image = windows.outputs();
  std::fill_n(dx.as<T>(), dx.size, T(0));
  // Windows of one image overlap: it stays with one thread.
  parallel_for(x.batch, windows.grain(image, y.channels), [&](int64_t begin, int64_t end) {
    each_tile<T>(windows, runs, x, y, begin * image, end * image, [&](Tile<T> from, Tile<T> to, int64_t k, int64_t count) {
      each_triple(to, from, w + k, y.channels / x.channels, count, x.channels,
                  [](T& sum, const T& value, const T& weight) { sum += value * weight; });
    });
  });
}

template <class T>
void depthwise_filter(T* dw, const TensorImpl& in, const TensorImpl& dy, const Windows& windows) {
  const Runs runs(windows);
  const Grid<T> x(in, windows.channels_first), y(dy, windows.channels_first);
  // Sums in double, in parts that do not depend on the number of threads.
  const int64_t size = windows.size() * y.channels, parts = std::min(kPartialSums, x.batch);
  const int64_t pixels = windows.outputs() * x.batch, image = windows.outputs();
  std::vector<double> sums(static_cast<size_t>(std::max<int64_t>(1, parts) * size));
  parallel_for(parts, windows.grain(pixels / std::max<int64_t>(parts, 1), y.channels), [&](int64_t first, int64_t last) {
    for (int64_t part = first; part < last; ++part) {
      double* sum = sums.data() + part * size;
      const int64_t begin = part * x.batch / parts * image, end = std::min(pixels, (part + 1) * x.batch / parts * image);
      each_tile<T>(windows, runs, x, y, begin, end, [&](Tile<T> gradient, Tile<T> value, int64_t k, int64_t count) {
        each_triple(gradient, value, sum + k, y.channels / x.channels, count, x.channels,
                    [](const T& g, const T& v, double& total) { total += static_cast<double>(g) * static_cast<double>(v); });
      });
    }
  });
  for (int64_t i = 0; i < size; ++i) {
    double total = 0;
    for (int64_t part = 0; part < parts; ++part) total += sums[static_cast<size_t>(part * size + i)];
    dw[i] = static_cast<T>(total);
  }
}

template void depthwise_forward(TensorImpl&, const TensorImpl&, const float*, const Windows&);
template void depthwise_forward(TensorImpl&, const TensorImpl&, const double*, const Windows&);
template void depthwise_input(TensorImpl&, const TensorImpl&, const float*, const Windows&);
template void depthwise_input(TensorImpl&, const TensorImpl&, const double*, const Windows&);
template void depthwise_filter(float*, const TensorImpl&, const TensorImpl&, const Windows&);
template void depthwise_filter(double*, const TensorImpl&, const TensorImpl&, const Windows&);

}  // namespace gradus::kernels
