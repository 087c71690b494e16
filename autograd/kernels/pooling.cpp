#include "autograd/kernels/pooling.h"

#include <concepts>
#include <span>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/pooling_rows.h"
#include "autograd/kernels/together.h"

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

/// The inputs that the windows of an image meet, row by row of outputs, wherever its elements lie.
class MeetingRows {
 public:
  /// A piece of a row whose windows meet the image with the same elements. The first begins at `origin` elements from the image,
  /// and at `position` in row-major order.
  struct Piece {
    int64_t image, d, h, begin, end, origin, position;
    std::span<const Meeting> met;  // marks: elements, or positions relative to the first
  };

  MeetingRows(const Windows& windows, const std::array<int64_t, 3>& step, bool elements)
      : axes_(windows.axes), step_(step), elements_(elements) {
    // Outputs whose window lies inside along the innermost axis.
    inside_ = {axes_[2].outputs(0).begin, axes_[2].outputs(axes_[2].size - 1).end};
  }

  /// Calls f(piece) for the outputs [begin, end) of row (d, h) of an image.
  template <class F>
  void in_row(int64_t image, int64_t d, int64_t h, int64_t begin, int64_t end, const F& f) {
    const Span planes = axes_[0].elements(d), rows = axes_[1].elements(h);
    while (begin < end) {
      const int64_t stop = begin >= inside_.begin && begin < inside_.end ? std::min(end, inside_.end) : begin + 1;
      list({planes, rows, axes_[2].elements(begin)});
      const std::array<int64_t, 3> first{axes_[0].input(d, 0), axes_[1].input(h, 0), axes_[2].input(begin, 0)};
      f(Piece{image, d, h, begin, stop, first[0] * step_[0] + first[1] * step_[1] + first[2] * step_[2],
              (first[0] * axes_[1].in + first[1]) * axes_[2].in + first[2], met_});
      begin = stop;
    }
  }

 private:
  void list(const std::array<Span, 3>& spans) {
    if (spans == listed_) return;
    listed_ = spans;
    met_.clear();
    for (int64_t i = spans[0].begin; i < spans[0].end; ++i)
      for (int64_t j = spans[1].begin; j < spans[1].end; ++j)
        for (int64_t k = spans[2].begin; k < spans[2].end; ++k) {
          const int64_t a = i * axes_[0].dilation, b = j * axes_[1].dilation, c = k * axes_[2].dilation;
          met_.push_back({a * step_[0] + b * step_[1] + c * step_[2],
                          elements_ ? (i * axes_[1].size + j) * axes_[2].size + k : (a * axes_[1].in + b) * axes_[2].in + c});
        }
  }

  std::array<WindowAxis, 3> axes_;
  std::array<int64_t, 3> step_;
  bool elements_;
  Span inside_;
  std::array<Span, 3> listed_{};
  std::vector<Meeting> met_;
};

/// Calls f(piece) for the outputs [begin, end) of a batch.
template <class T, class F>
void each_piece(const Windows& windows, const Grid<T>& x, bool elements, int64_t begin, int64_t end, const F& f) {
  MeetingRows meetings(windows, x.step, elements);
  Runs(windows).rows(begin, end, [&](int64_t n, int64_t d, int64_t h, int64_t left, int64_t right) {
    meetings.in_row(n, d, h, left, right, f);
  });
}

/// Calls f(i, pixel, channel) for the elements of a piece, in the order of an index, which has its channels last.
template <class F>
void each_element(int64_t pixels, int64_t channels, const F& f) {
  for (int64_t p = 0, i = 0; p < pixels; ++p)
    for (int64_t c = 0; c < channels; ++c, ++i) f(i, p, c);
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

/// Where the index of a piece begins.
int64_t first_mark(const Windows& windows, int64_t channels, const MeetingRows::Piece& p) {
  const auto& [planes, rows, columns] = windows.axes;
  return (((p.image * planes.out + p.d) * rows.out + p.h) * columns.out + p.begin) * channels;
}

/// Whether a vector of channels at a time is the way for images like y, channels first or not.
template <class T>
bool worth_vectors(const TensorImpl& y, const Windows& windows) {
  const int axis = windows.channels_first ? 1 : y.ndim() - 1;
  return std::same_as<T, float> && y.shape[axis] >= 2 * kLeastPoolChannels;
}

/// Where a row-major position among the inputs of a channel lies.
template <class T>
int64_t place(const Grid<T>& x, const Windows& windows, int64_t position) {
  const auto& [planes, rows, columns] = windows.axes;
  const int64_t line = position / columns.in;
  return line / rows.in * x.step[0] + line % rows.in * x.step[1] + position % columns.in * x.step[2];
}

/// Calls f(x, y) for each output and the element of the image that the index names. Images stay with one thread each.
template <class T, class F>
void each_picked(TensorImpl& image, const TensorImpl& out, const TensorImpl& index, const Windows& windows, const F& f) {
  const Grid<T> x(image, windows.channels_first), y(out, windows.channels_first);
  const auto& [planes, rows, columns] = windows.axes;
  const bool elements = index.dtype == DType::uint8;
  std::vector<int64_t> offsets;  // of a window's elements in the image
  if (elements)
    for (int64_t i = 0; i < planes.size; ++i)
      for (int64_t j = 0; j < rows.size; ++j)
        for (int64_t k = 0; k < columns.size; ++k)
          offsets.push_back(i * planes.dilation * x.step[0] + j * rows.dilation * x.step[1] + k * columns.dilation * x.step[2]);
  parallel_for(x.batch, windows.grain(windows.outputs(), x.channels), [&](int64_t begin, int64_t end) {
    int64_t i = begin * windows.outputs() * y.channels;
    for (int64_t n = begin; n < end; ++n)
      for (int64_t d = 0; d < planes.out; ++d)
        for (int64_t h = 0; h < rows.out; ++h)
          for (int64_t w = 0; w < columns.out; ++w) {
            T *pixel = y.at(n, {d, h, w}), *first = x.data + n * x.image;
            if (elements) first = x.at(n, {planes.input(d, 0), rows.input(h, 0), columns.input(w, 0)});
            for (int64_t c = 0; c < y.channels; ++c, ++i) {
              const int64_t at = elements ? offsets[index.as<uint8_t>()[i]] : place(x, windows, index.as<int64_t>()[i]);
              f(first[at + c * x.channel], pixel[c * y.channel]);
            }
          }
  });
}

/// Calls f(row, divisor of a mean) for float images with their channels together; `unit` outputs at a time stay with one thread.
template <class F>
void each_pool_row(const TensorImpl& image, const TensorImpl& out, const TensorImpl* index, const Windows& windows, bool whole,
                   int64_t unit, const F& f) {
  if (out.size == 0) return;
  const Grid<float> x(image, windows.channels_first), y(out, windows.channels_first);
  const int64_t units = x.batch * (windows.outputs() / unit);
  parallel_for(units, windows.grain(unit, x.channels), [&](int64_t first, int64_t last) {
    const int64_t begin = first * unit, end = last * unit;
    each_piece(windows, x, true, begin, end, [&](const MeetingRows::Piece& p) {
      uint8_t* marks = index == nullptr ? nullptr : index->as<uint8_t>() + first_mark(windows, y.channels, p);
      f(PoolRow{x.data + p.image * x.image + p.origin, x.step[2] * windows.axes[2].stride, y.at(p.image, {p.d, p.h, p.begin}),
                marks, p.end - p.begin, y.channels, p.met},
        whole ? static_cast<float>(windows.size()) : static_cast<float>(p.met.size()));
    });
  });
}

}  // namespace

DType pool_index(const Windows& windows) {
  constexpr int64_t kMost = 256;
  const auto& [planes, rows, columns] = windows.axes;
  return planes.size <= kMost && rows.size <= kMost && columns.size <= kMost && windows.size() <= kMost ? DType::uint8
                                                                                                        : DType::int64;
}

void max_pool(TensorImpl& out, TensorImpl* index, const TensorImpl& in, const Windows& windows) {
  const bool elements = pool_index(windows) == DType::uint8;
  visit_dtype(out.dtype, [&]<class T>() {
    const bool vectors = elements && worth_vectors<T>(out, windows);
    const Together to(out, windows.channels_first, vectors), from = Together(in, windows.channels_first, vectors).read(in);
    const Grid<T> y(*to, windows.channels_first), x(*from, windows.channels_first);
    if (vectors && x.channel == 1) {
      each_pool_row(*from, *to, index, windows, false, windows.axes[2].out,
                    [](const PoolRow& row, float) { largest_in_row(row); });
      return to.write(out);
    }
    const int64_t stride = windows.axes[2].stride, step = x.step[2] * stride;
    each_rows(windows, y.batch, y.channels, [&](int64_t begin, int64_t end) {
      each_piece(windows, x, elements, begin, end, [&](const MeetingRows::Piece& piece) {
        const T* image = x.data + piece.image * x.image + piece.origin;
        T* best = y.at(piece.image, {piece.d, piece.h, piece.begin});
        const int64_t at = index == nullptr ? 0 : first_mark(windows, y.channels, piece);
        each_element(piece.end - piece.begin, y.channels, [&](int64_t i, int64_t p, int64_t c) {
          const T* window = image + p * step + c * x.channel;
          T largest = window[piece.met[0].offset];
          int64_t mark = piece.met[0].mark;
          for (const Meeting& m : piece.met.subspan(1))
            if (exceeds(window[m.offset], largest)) largest = window[m.offset], mark = m.mark;
          best[p * y.step[2] + c * y.channel] = largest;
          if (index == nullptr) return;
          if (elements) index->as<uint8_t>()[at + i] = static_cast<uint8_t>(mark);
          else index->as<int64_t>()[at + i] = piece.position + p * stride + mark;
        });
      });
    });
    to.write(out);
  });
}

void pick(TensorImpl& y, const TensorImpl& x, const TensorImpl& index, const Windows& windows) {
  visit_dtype(y.dtype, [&]<class T>() {
    const Ref<TensorImpl> image = TensorImpl::view(x, x.shape, x.strides, 0);
    each_picked<T>(*image, y, index, windows, [](T& from, T& to) { to = from; });
  });
}

void put_back(TensorImpl& x, const TensorImpl& y, const TensorImpl& index, const Windows& windows) {
  if (!y.contiguous) {
    const Ref<TensorImpl> dense = TensorImpl::make("max_pool", y.shape, y.dtype);
    copy(*dense, y);
    return put_back(x, *dense, index, windows);
  }
  widened(x, y, [&]<class T>(TensorImpl& image, const TensorImpl& from) {
    const bool vectors = index.dtype == DType::uint8 && worth_vectors<T>(from, windows);
    const Together to(image, windows.channels_first, vectors), g = Together(from, windows.channels_first, vectors).read(from);
    const bool add = !windows.tiles();
    if (!vectors || add) std::fill_n((*to).template as<T>(), image.size, T(0));
    if (vectors)
      each_pool_row(*to, *g, &index, windows, false, windows.outputs(),
                    [&](const PoolRow& row, float) { put_row_back(row, add); });
    else each_picked<T>(image, from, index, windows, [](T& sum, T& value) { sum += value; });
    to.write(image);
  });
}

void avg_pool(TensorImpl& out, const TensorImpl& in, const Windows& windows, bool whole) {
  const Runs runs(windows);
  widened(out, in, [&]<class T>(TensorImpl& to, const TensorImpl& from) {
    if (worth_vectors<T>(to, windows)) {
      const Together result(to, windows.channels_first, true), image = Together(from, windows.channels_first, true).read(from);
      if ((*image).stride(windows.channels_first ? 1 : from.ndim() - 1) == 1) {
        each_pool_row(*image, *result, nullptr, windows, whole, windows.axes[2].out, mean_of_row);
        return result.write(to);
      }
    }
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
    if (worth_vectors<T>(from, windows)) {
      const Together image(to, windows.channels_first, true), g = Together(*shares, windows.channels_first, true).read(*shares);
      const bool add = !windows.tiles();
      if (add) std::fill_n((*image).template as<float>(), to.size, 0.0F);
      each_pool_row(*image, *g, nullptr, windows, whole, windows.outputs(),
                    [&](const PoolRow& row, float n) { share_row_back(row, n, add); });
      return image.write(to);
    }
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
