#include "autograd/kernels/pooling.h"

#include <concepts>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/copy.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

/// Calls f(begin, end) on outputs of a batch, whole rows, side by side.
template <class F>
void each_rows(const Windows& windows, int64_t batch, int64_t channels, const F& f) {
  const int64_t width = windows.axes[2].out, rows = width > 0 ? windows.outputs() / width * batch : 0;
  parallel_for(rows, windows.grain(width, channels), [&](int64_t begin, int64_t end) { f(begin * width, end * width); });
}

/// Whether v takes the place of the best so far.
template <class T>
bool exceeds(T v, T best) {
  if constexpr (Half<T>) return exceeds(static_cast<float>(v), static_cast<float>(best));
  else if constexpr (std::floating_point<T>) return v > best || (v != v && best == best);
  else return v > best;
}

/// Two nested loops: how often, and how far on each time.
struct Nest {
  int64_t outer, inner;
};
/// Keeps the larger of x and best, and the position where it was found (-1: none yet).
template <class T>
void keep_larger(const T* x, Nest x_step, T* best, int64_t* found, Nest y_step, int64_t position, Nest position_step,
                 Nest count) {
  for (int64_t o = 0; o < count.outer; ++o)
    for (int64_t i = 0; i < count.inner; ++i) {
      const T value = x[o * x_step.outer + i * x_step.inner];
      const int64_t at = o * y_step.outer + i * y_step.inner;
      const bool larger = found[at] < 0 || exceeds(value, best[at]);
      best[at] = larger ? value : best[at];
      found[at] = larger ? position + o * position_step.outer + i * position_step.inner : found[at];
    }
}

/// y divided by the number of elements that its windows have.
template <class T>
void divide(const Grid<T>& y, const Windows& windows, bool whole, const Runs& runs, int64_t begin, int64_t end) {
  const auto count = [&](int axis, int64_t o) {
    const WindowAxis& a = windows.axes[static_cast<size_t>(axis)];
    const Span met = a.elements(o);
    return static_cast<T>(whole ? a.size : met.end - met.begin);
  };
  runs.rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t from, int64_t to) {
    const T area = count(0, d) * count(1, h);
    for (int64_t w = from; w < to; ++w) {
      const T all = area * count(2, w);
      T* pixel = y.at(n, {d, h, w});
      for (int64_t c = 0; c < y.channels; ++c) pixel[c * y.channel] /= all;
    }
  });
}

/// Calls f(x, y) for each output and the element of the image that the index names. Images stay with one thread each.
template <class T, class F>
void each_picked(TensorImpl& x, const TensorImpl& y, const TensorImpl& index, bool channels_first, const F& f) {
  const int64_t batch = y.shape[0], channels = y.shape[channels_first ? 1 : y.ndim() - 1];
  if (y.size == 0) return;
  const int64_t inputs = x.size / batch, outputs = y.size / batch;
  parallel_for(batch, std::max<int64_t>(1, kGrain / outputs), [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      T *image = x.as<T>() + n * inputs, *out = y.as<T>() + n * outputs;
      const int64_t* at = index.as<int64_t>() + n * outputs;
      if (channels_first) {
        for (int64_t c = 0; c < channels; ++c, image += inputs / channels)
          for (const int64_t* stop = at + outputs / channels; at < stop; ++at) f(image[*at], *out++);
      } else {
        for (const int64_t* stop = at + outputs; at < stop;)
          for (int64_t c = 0; c < channels; ++c) f(image[*at++ * channels + c], *out++);
      }
    }
  });
}

/// Calls f.operator()<T>(out, in) with float or double tensors.
template <class F>
void widened(TensorImpl& out, const TensorImpl& in, const F& f) {
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (std::floating_point<T>) {
      f.template operator()<T>(out, in);
    } else if constexpr (Half<T>) {
      const Ref<TensorImpl> result = TensorImpl::make("avg_pool", out.shape, DType::float32),
                            wide = TensorImpl::make("avg_pool", in.shape, DType::float32);
      copy(*wide, in);
      f.template operator()<float>(*result, *wide);
      copy(out, *result);
    } else {
      fail<DTypeError>("avg_pool", "not a floating dtype; got ", out.dtype, ", expected float32 or the like");
    }
  });
}

}  // namespace

void max_pool(TensorImpl& out, TensorImpl& index, const TensorImpl& in, const Windows& windows) {
  const Runs runs(windows);
  const auto& [planes, rows, columns] = windows.axes;
  visit_dtype(out.dtype, [&]<class T>() {
    const Grid<T> y(out, windows.channels_first), x(in, windows.channels_first);
    const Grid<int64_t> at(index, windows.channels_first);
    const int64_t step = x.step[2] * columns.stride;
    std::fill_n(index.as<int64_t>(), index.size, int64_t{-1});
    each_rows(windows, y.batch, y.channels, [&](int64_t begin, int64_t end) {
      runs.rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t from, int64_t to) {
        runs.in_row(d, h, from, to, [&](const Run& run) {
          const int64_t position = (run.input[0] * rows.in + run.input[1]) * columns.in + run.input[2];
          const T* value = x.at(n, run.input);
          T* best = y.at(n, {d, h, run.first});
          int64_t* found = at.at(n, {d, h, run.first});
          if (windows.channels_first)
            keep_larger(value, {x.channel, step}, best, found, {y.channel, 1}, position, {0, columns.stride},
                        {y.channels, run.count});
          else
            keep_larger(value, {step, x.channel}, best, found, {y.channels, 1}, position, {columns.stride, 0},
                        {run.count, y.channels});
        });
      });
    });
  });
}

void pick(TensorImpl& y, const TensorImpl& x, const TensorImpl& index, bool channels_first) {
  visit_dtype(y.dtype, [&]<class T>() {
    const Ref<TensorImpl> image = TensorImpl::view(x, x.shape, x.strides, 0);
    each_picked<T>(*image, y, index, channels_first, [](T& from, T& to) { to = from; });
  });
}

void put_back(TensorImpl& x, const TensorImpl& y, const TensorImpl& index, bool channels_first) {
  widened(x, y, [&]<class T>(TensorImpl& image, const TensorImpl& from) {
    std::fill_n(image.as<T>(), image.size, T(0));
    each_picked<T>(image, from, index, channels_first, [](T& sum, T& value) { sum += value; });
  });
}

void avg_pool(TensorImpl& out, const TensorImpl& in, const Windows& windows, bool whole) {
  const Runs runs(windows);
  widened(out, in, [&]<class T>(TensorImpl& to, const TensorImpl& from) {
    const Grid<T> y(to, windows.channels_first), x(from, windows.channels_first);
    std::fill_n(to.as<T>(), to.size, T(0));
    each_rows(windows, y.batch, y.channels, [&](int64_t begin, int64_t end) {
      runs.rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t first, int64_t last) {
        runs.in_row(d, h, first, last, [&](const Run& run) {
          each_pair(Tile<T>{y.at(n, {d, h, run.first}), y.step[2], y.channel},
                    Tile<T>{x.at(n, run.input), x.step[2] * windows.axes[2].stride, x.channel}, run.count, y.channels,
                    [](T& sum, T& value) { sum += value; });
        });
      });
      divide(y, windows, whole, runs, begin, end);
    });
  });
}

void avg_pool_input(TensorImpl& dx, const TensorImpl& dy, const Windows& windows, bool whole) {
  const Runs runs(windows);
  widened(dx, dy, [&]<class T>(TensorImpl& to, const TensorImpl& from) {
    const Ref<TensorImpl> shares = TensorImpl::make("avg_pool", from.shape, from.dtype);
    copy(*shares, from);
    const Grid<T> x(to, windows.channels_first), y(*shares, windows.channels_first);
    std::fill_n(to.as<T>(), to.size, T(0));
    // Windows of one image may overlap: it stays with one thread.
    parallel_for(x.batch, windows.grain(windows.outputs(), x.channels), [&](int64_t first, int64_t last) {
      const int64_t begin = first * windows.outputs(), end = last * windows.outputs();
      divide(y, windows, whole, runs, begin, end);
      runs.rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t left, int64_t right) {
        runs.in_row(d, h, left, right, [&](const Run& run) {
          each_pair(Tile<T>{x.at(n, run.input), x.step[2] * windows.axes[2].stride, x.channel},
                    Tile<T>{y.at(n, {d, h, run.first}), y.step[2], y.channel}, run.count, x.channels,
                    [](T& sum, T& share) { sum += share; });
        });
      });
    });
  });
}

}  // namespace gradus::kernels
