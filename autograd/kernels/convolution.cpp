#include "autograd/kernels/convolution.h"

#include "autograd/kernels/convert.h"
#include "autograd/kernels/convolution_direct.h"
#include "autograd/kernels/convolution_onednn.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/depthwise.h"
#include "autograd/kernels/matmul.h"
#include "autograd/kernels/together.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

// Elements of an unfolded block: it should stay in the second-level cache with what it is multiplied by.
constexpr int64_t kBlock = 1 << 16;
constexpr int64_t kLeastPixels = 32;
// As many channels, and an image that has them first is copied so that they are together.
constexpr int64_t kTogether = 4;
// With fewer, outputs are summed directly even where there is oneDNN.
constexpr int64_t kFewChannels = 8;
// Partial sums of a filter's gradient, and how many elements they may take together.
constexpr int64_t kPartialSums = 8, kPartialElements = 1 << 22;

Ref<TensorImpl> dense(const TensorImpl& x, DType dtype) {
  Ref<TensorImpl> result = TensorImpl::make("convolution", x.shape, dtype);
  copy(*result, x);
  return result;
}

/// The filter as [spatial..., in / groups, out], wherever its elements lie.
Ref<TensorImpl> filter_last(const TensorImpl& w, bool filter_first) {
  Shape shape;
  Strides strides{};
  for (int i = 0; i < w.ndim(); ++i) {
    const int from = !filter_first ? i : i + 2 < w.ndim() ? i + 2 : w.ndim() - 1 - i;
    strides[static_cast<size_t>(i)] = w.stride(from);
    shape.push_back(w.shape[from]);
  }
  return TensorImpl::view(w, shape, strides, 0);
}
Ref<TensorImpl> packed(const TensorImpl& w, bool filter_first) {
  Ref<TensorImpl> view = filter_last(w, filter_first);
  return view->contiguous ? view : dense(*view, view->dtype);
}

/// What the three products share: x [.., in] with any strides, y [.., out] contiguous, the filter packed.
template <class T>
class Problem {
 public:
  Problem(const TensorImpl& x, const TensorImpl& y, const Convolution& c)
      : c_(c),
        runs_(c.windows),
        x_(x, c.windows.channels_first),
        y_(y, c.windows.channels_first),
        in_(x_.channels / c.groups),
        out_(y_.channels / c.groups),
        k_(c.windows.size() * in_),
        image_(c.windows.outputs()),
        pixels_(image_ * x_.batch),
        by_rows_(x_.step[2] * c.windows.axes[2].stride == 1),
        by_pixels_(c.groups == 1 && c.windows.axes[2].dilation == 1 && x_.channel == 1 && x_.step[2] == in_),
        direct_(c.windows.pointwise() && x.contiguous),
        block_(std::max(kLeastPixels, kBlock / k_)) {}

  /// y = x * w
  void forward(const T* w) const {
    each_part(block_, [&](int64_t begin, int64_t end) {
      T* scratch = nullptr;
      const Ref<TensorImpl> memory = scratch_for(scratch);
      each_block(begin, end, [&](int64_t from, int64_t to) {
        for (int64_t g = 0; g < c_.groups; ++g)
          multiply(y_block(from, g), unfolded(from, to, g, scratch), {w + g * out_, y_.channels, 1}, to - from, out_, k_, false);
      });
    });
  }

  /// x = the transpose of the same, for x contiguous.
  void input(const T* w) const {
    if (!direct_) std::fill_n(x_.data, x_.batch * x_.channels * inputs(), T(0));
    if (pixels_ == 0) return;
    const int64_t images = std::max<int64_t>(1, block_ / image_);  // windows of one image overlap: it stays with one thread
    each_part(image_ * images, [&](int64_t begin, int64_t end) {
      T* scratch = nullptr;
      const Ref<TensorImpl> memory = scratch_for(scratch);
      each_block(begin, end, [&](int64_t from, int64_t to) {
        for (int64_t g = 0; g < c_.groups; ++g) {
          const Tile<T> columns = direct_ ? x_block(from, g) : tile(scratch, to - from);
          const Tile<T> dy = y_block(from, g);
          multiply(columns, {dy.data, dy.pixel, dy.channel}, {w + g * out_, 1, y_.channels}, to - from, k_, out_, false);
          if (!direct_) unfold(from, to, g, columns, [](T& column, T& x) { x += column; });
        }
      });
    });
  }

  /// w = the transpose in w. The partial sums do not depend on the number of threads.
  void filter(T* w) const {
    const int64_t size = k_ * y_.channels, blocks = ceil_div(pixels_, block_);
    const int64_t wanted = std::clamp<int64_t>(kPartialElements / size, 1, std::min(kPartialSums, std::max<int64_t>(blocks, 1)));
    const int64_t part = ceil_div(blocks, wanted) * block_,
                  parts = std::max<int64_t>(1, ceil_div(pixels_, std::max<int64_t>(part, 1)));
    const Ref<TensorImpl> memory = TensorImpl::make("convolution", {parts, size}, dtype_of<T>);
    T* sums = memory->as<T>();
    std::fill_n(sums, parts * size, T(0));
    each_part(part, [&](int64_t begin, int64_t end) {
      T* scratch = nullptr;
      const Ref<TensorImpl> columns = scratch_for(scratch);
      each_block(begin, end, [&](int64_t from, int64_t to) {
        for (int64_t g = 0; g < c_.groups; ++g) {
          const MatrixView<T> x = unfolded(from, to, g, scratch);
          const Tile<T> dy = y_block(from, g);
          gemm(sums + begin / part * size + g * out_, y_.channels, {x.data, x.column, x.row}, {dy.data, dy.pixel, dy.channel}, k_,
               out_, to - from, true);
        }
      });
    });
    for (int64_t i = 0; i < size; ++i) {
      w[i] = sums[i];
      for (int64_t k = 1; k < parts; ++k) w[i] += sums[k * size + i];
    }
  }

 private:
  int64_t inputs() const { return c_.windows.axes[0].in * c_.windows.axes[1].in * c_.windows.axes[2].in; }

  /// f(begin, end) on parts of `size` outputs each, side by side.
  template <class F>
  void each_part(int64_t size, const F& f) const {
    const auto some = [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) f(i * size, std::min(pixels_, (i + 1) * size));
    };
    if (pixels_ == 0) return;
    const int64_t count = ceil_div(pixels_, size);
    if (!gemm_runs_side_by_side()) return some(0, count);
    parallel_for(count, c_.windows.grain(size, x_.channels), some);
  }
  /// f(begin, end) on parts of [begin, end) that are small enough to unfold, and whose outputs lie in one matrix.
  template <class F>
  void each_block(int64_t begin, int64_t end, const F& f) const {
    while (begin < end) {
      int64_t stop = std::min(end, begin + block_);
      if (c_.windows.channels_first) stop = std::min(stop, (begin / image_ + 1) * image_);
      f(begin, stop);
      begin = stop;
    }
  }

  Ref<TensorImpl> scratch_for(T*& data) const {
    if (direct_) return {};
    Ref<TensorImpl> memory = TensorImpl::make("convolution", {std::min(block_, pixels_), k_}, dtype_of<T>);
    data = memory->template as<T>();
    return memory;
  }
  /// Unfolded outputs are rows of k elements, or columns of k where pixels are what lies together in the image.
  Tile<T> tile(T* data, int64_t pixels) const { return by_rows_ ? Tile<T>{data, 1, pixels} : Tile<T>{data, k_, 1}; }
  Tile<T> x_block(int64_t from, int64_t g) const { return block(x_, from, g * in_); }
  Tile<T> y_block(int64_t from, int64_t g) const { return block(y_, from, g * out_); }
  /// Pixel `from` of the batch, first channel `c`, of a contiguous image with as many pixels as y.
  Tile<T> block(const Grid<T>& grid, int64_t from, int64_t c) const {
    if (c_.windows.channels_first)
      return {grid.data + from / image_ * image_ * grid.channels + from % image_ + c * image_, 1, image_};
    return {grid.data + from * grid.channels + c, grid.channels, 1};
  }

  /// Outputs [from, to) and the k inputs of group g that each of them meets, as a matrix.
  MatrixView<T> unfolded(int64_t from, int64_t to, int64_t g, T* scratch) const {
    const Tile<T> columns = direct_ ? x_block(from, g) : tile(scratch, to - from);
    if (!direct_) {
      if (c_.windows.padded()) std::fill_n(scratch, (to - from) * k_, T(0));
      unfold(from, to, g, columns, [](T& column, T& x) { column = x; });
    }
    return {columns.data, columns.pixel, columns.channel};
  }
  template <class F>
  void unfold(int64_t from, int64_t to, int64_t g, Tile<T> columns, const F& f) const {
    int64_t row = 0;  // of the unfolded block at which the piece begins
    runs_.rows(from, to, [&](int64_t n, int64_t d, int64_t h, int64_t begin, int64_t end) {
      T* first = columns.data + row * columns.pixel;
      if (by_pixels_ && !by_rows_) {
        for (int64_t w = begin; w < end; ++w, first += columns.pixel)
          runs_.at_output(d, h, w, [&](int64_t element, int64_t count, const std::array<int64_t, 3>& input) {
            each_pair(Tile<T>{first + element * in_, 0, 1}, Tile<T>{x_.at(n, input), 0, 1}, 1, count * in_, f);
          });
      } else {
        runs_.in_row(d, h, begin, end, [&](const Run& run) {
          T* column = first + (run.first - begin) * columns.pixel + run.element * in_ * columns.channel;
          each_pair(Tile<T>{column, columns.pixel, columns.channel},
                    Tile<T>{x_.at(n, run.input) + g * in_ * x_.channel, x_.step[2] * c_.windows.axes[2].stride, x_.channel},
                    run.count, in_, f);
        });
      }
      row += end - begin;
    });
  }

  /// out = a b, whichever way out lies.
  static void multiply(Tile<T> out, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k, bool accumulate) {
    if (out.channel == 1) gemm(out.data, out.pixel, a, b, m, n, k, accumulate);
    else gemm(out.data, out.channel, {b.data, b.column, b.row}, {a.data, a.column, a.row}, n, m, k, accumulate);
  }

  const Convolution& c_;
  Runs runs_;
  Grid<T> x_, y_;
  int64_t in_, out_;  // channels of a group
  int64_t k_;         // inputs that an output of a group meets
  int64_t image_, pixels_;
  bool by_rows_;    // neighbouring pixels of one channel lie together in x: the unfolded matrix is written column by column
  bool by_pixels_;  // neighbouring pixels lie together with all their channels
  bool direct_;     // x itself is the unfolded matrix
  int64_t block_;
};

/// Calls f.operator()<T>(out, a, b) with arguments of a type that BLAS knows.
template <class F>
void widened(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, const F& f) {
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (std::floating_point<T>) {
      f.template operator()<T>(out, a, b);
    } else if constexpr (Half<T>) {
      const Ref<TensorImpl> result = TensorImpl::make("convolution", out.shape, DType::float32);
      f.template operator()<float>(*result, *dense(a, DType::float32), *dense(b, DType::float32));
      copy(out, *result);
    } else {
      fail<DTypeError>("convolution", "not a floating dtype; got ", out.dtype, ", expected float32 or the like");
    }
  });
}

Ref<TensorImpl> contiguous(const TensorImpl& x) {
  return x.contiguous ? TensorImpl::view(x, x.shape, x.strides, 0) : dense(x, x.dtype);
}
/// An image that has its channels last, contiguous; one that has them first is Together already.
Ref<TensorImpl> without_gaps(const TensorImpl& x, bool channels_first) {
  return channels_first ? TensorImpl::view(x, x.shape, x.strides, 0) : contiguous(x);
}
bool depthwise(const Convolution& c, const TensorImpl& w) {
  return c.groups > 1 && w.shape[c.filter_first ? 1 : w.ndim() - 2] == 1;
}
/// Whether a copy of x with its channels together pays: it is unfolded in longer runs.
bool worth_moving(const Convolution& c, const TensorImpl& x) {
  return c.windows.channels_first && !c.windows.pointwise() && x.shape[1] / c.groups >= kTogether;
}

/// How a convolution goes where oneDNN does not take it.
enum class Path { depthwise, direct, unfolded };
template <class T>
Path path_of(const Convolution& c, const TensorImpl& x, const TensorImpl& w, const TensorImpl& y) {
  const int axis = c.windows.channels_first ? 1 : x.ndim() - 1;
  if (std::same_as<T, float> && direct_worthwhile(c.windows, x.shape[0], x.shape[axis], y.shape[axis], c.groups))
    return Path::direct;
  return depthwise(c, w) ? Path::depthwise : Path::unfolded;
}

/// Gradients of the image, as outputs of windows the other way round.
void direct_input(const TensorImpl& dx, const TensorImpl& dy, const TensorImpl& w, const Convolution& back) {
  const bool lone = back.groups > 1;
  const Ref<TensorImpl> filter = TensorImpl::make("convolution", {w.size}, w.dtype);
  const int64_t in = w.shape[w.ndim() - 2], out = w.shape.back();
  turn_filter(filter->as<float>(), w.as<float>(), back.windows.size(), lone ? out : in, lone ? 1 : out);
  direct_output(dx, dy, filter->as<float>(), back.windows, lone);
}

}  // namespace

void convolution(TensorImpl& y, const TensorImpl& x, const TensorImpl& w, const Convolution& c) {
  if (y.size == 0) return;
  widened(y, x, w, [&]<class T>(TensorImpl& out, const TensorImpl& image, const TensorImpl& filter) {
    const Path path = path_of<T>(c, image, filter, out);
    const bool first = c.windows.channels_first, together = path != Path::unfolded;
    const bool few = path == Path::direct && c.groups == 1 && image.shape[first ? 1 : image.ndim() - 1] < kFewChannels;
    if (!few && convolution_onednn(ConvolutionResult::output, image, filter, out, c)) return;
    const Ref<TensorImpl> last = packed(filter, c.filter_first);
    const Together in = Together(image, first, together || worth_moving(c, image)).read(image), to(out, first, together);
    if (path == Path::depthwise) depthwise_forward<T>(*to, *in, last->as<T>(), c.windows);
    else if (path == Path::direct) direct_output(*to, *without_gaps(*in, first), last->as<float>(), c.windows, c.groups > 1);
    else Problem<T>(*in, out, c).forward(last->as<T>());
    to.write(out);
  });
}

void convolution_input(TensorImpl& dx, const TensorImpl& dy, const TensorImpl& w, const Convolution& c) {
  if (dx.size == 0) return;
  widened(dx, dy, w, [&]<class T>(TensorImpl& out, const TensorImpl& gradient, const TensorImpl& filter) {
    if (convolution_onednn(ConvolutionResult::input, out, filter, gradient, c)) return;
    Convolution back = c;
    Path path = depthwise(c, filter) ? Path::depthwise : Path::unfolded;
    if (turned(back.windows)) path = path_of<T>(back, gradient, filter, out);
    const bool first = c.windows.channels_first, together = path != Path::unfolded;
    const Ref<TensorImpl> last = packed(filter, c.filter_first);
    const Together from = Together(gradient, first, together).read(gradient), to(out, first, together || worth_moving(c, out));
    if (path == Path::depthwise) depthwise_input<T>(*to, *from, last->as<T>(), c.windows);
    else if (path == Path::direct) direct_input(*to, *without_gaps(*from, first), *last, back);
    else Problem<T>(*to, *contiguous(gradient), c).input(last->as<T>());
    to.write(out);
  });
}

void convolution_filter(TensorImpl& dw, const TensorImpl& x, const TensorImpl& dy, const Convolution& c) {
  widened(dw, x, dy, [&]<class T>(TensorImpl& out, const TensorImpl& image, const TensorImpl& gradient) {
    if (convolution_onednn(ConvolutionResult::filter, image, out, gradient, c)) return;
    const Path path = path_of<T>(c, image, out, gradient);
    const bool first = c.windows.channels_first, together = path != Path::unfolded;
    const Ref<TensorImpl> view = filter_last(out, c.filter_first);
    const Ref<TensorImpl> last = view->contiguous ? view : TensorImpl::make("convolution", view->shape, out.dtype);
    const Together in = Together(image, first, together || worth_moving(c, image)).read(image),
                   from = Together(gradient, first, together).read(gradient);
    if (path == Path::depthwise) depthwise_filter<T>(last->as<T>(), *in, *from, c.windows);
    else if (path == Path::direct)
      direct_filter(last->as<float>(), *without_gaps(*in, first), *without_gaps(*from, first), c.windows, c.groups > 1);
    else Problem<T>(*in, *contiguous(gradient), c).filter(last->as<T>());
    if (!view->contiguous) copy(*view, *last);
  });
}

}  // namespace gradus::kernels
