// Elements are reduced in leaves (about a thousand elements of a row, 128 rows of columns), leaves pairwise within a segment,
// segments pairwise. All bounds are counted in elements, never in threads.
#include "autograd/kernels/reduce.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <type_traits>

#include "autograd/base/parallel.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/reduce_arg.h"
#include "autograd/kernels/reduce_leaves.h"
#include "autograd/kernels/scalar.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

constexpr int64_t kLeaf = 1024, kLeafRows = 128, kSegment = 65536;
constexpr int64_t kPanelBytes = 2048;  // of columns: as many as stay in the first cache together with their partial results
constexpr int64_t kFewColumns = 4;     // fewer are gathered one by one

template <class T>
constexpr bool kVector = std::same_as<T, float> || std::same_as<T, double>;

/// The scalar side of a reduction: which type it accumulates in and which it gives.
template <Reduction kOp, class T>
struct Rule {
  static constexpr Reduction kOperation = kOp;
  static constexpr bool kLogical = kOp == Reduction::any || kOp == Reduction::all;
  static constexpr bool kAdds = kOp == Reduction::sum || kOp == Reduction::prod;
  using Value = std::conditional_t<kLogical, bool,
                                   std::conditional_t<Half<T>, float, std::conditional_t<kAdds && std::integral<T>, int64_t, T>>>;
  using Out = std::conditional_t<kLogical, bool, std::conditional_t<kAdds && std::integral<T>, int64_t, T>>;

  static Value load(T x) {
    if constexpr (kLogical && Half<T>) return static_cast<float>(x) != 0;
    else if constexpr (kLogical) return x != T(0);
    else return static_cast<Value>(x);
  }
  /// Of nothing; callers reject the reductions that have none.
  static Value identity() { return static_cast<Value>(kOp == Reduction::prod || kOp == Reduction::all); }
  static Value combine(Value a, Value b) {
    if constexpr (kOp == Reduction::any) return a || b;
    else if constexpr (kOp == Reduction::all) return a && b;
    else if constexpr (kOp == Reduction::max) return a > b || a != a ? a : b;
    else if constexpr (kOp == Reduction::min) return a < b || a != a ? a : b;
    else if constexpr (std::integral<Value>) {
      using scalar::Wrapped;
      return (kOp == Reduction::sum ? Wrapped<Value>(a) + Wrapped<Value>(b) : Wrapped<Value>(a) * Wrapped<Value>(b)).value;
    } else {
      return kOp == Reduction::sum ? a + b : a * b;
    }
  }

  /// n >= 1 elements in a row.
  static Value leaf(const Value* p, int64_t n) {
    Value result = p[0];
    if constexpr (kVector<Value>) reduce_rows(kOp, &result, p, 0, 1, n);
    else
      for (int64_t i = 1; i < n; ++i) result = combine(result, p[i]);
    return result;
  }
  /// out[c] = column c of `rows` >= 1 rows; out may be the first.
  template <class X>
  static void columns(Value* out, const X* p, int64_t step, int64_t rows, int64_t n) {
    if constexpr (kVector<Value> && std::same_as<X, Value>) {
      reduce_columns(kOp, out, p, step, rows, n);
    } else {
      const auto value = [](X x) {
        if constexpr (std::same_as<X, Value>) return x;
        else return load(x);
      };
      for (int64_t c = 0; c < n; ++c) out[c] = value(p[c]);
      for (int64_t r = 1; r < rows; ++r)
        for (int64_t c = 0; c < n; ++c) out[c] = combine(out[c], value(p[r * step + c]));
    }
  }
};

/// Combines values pairwise as they come: in the manner of a binary counter, with one partial result for each of its ones.
template <class R>
class Cascade {
 public:
  using Value = typename R::Value;
  void add(Value v) {
    for (uint64_t bit = count_++; bit & 1; bit >>= 1) v = R::combine(partial_[--used_], v);
    partial_[used_++] = v;
  }
  Value total() const {
    if (used_ == 0) return R::identity();
    Value v = partial_[used_ - 1];
    for (size_t i = used_ - 1; i-- > 0;) v = R::combine(partial_[i], v);
    return v;
  }

 private:
  std::array<Value, 64> partial_;
  size_t used_ = 0;
  uint64_t count_ = 0;
};

template <class R, class T>
class Reducer {
 public:
  using Value = typename R::Value;
  using Out = typename R::Out;

  Reducer(TensorImpl& out, const TensorImpl& in, uint32_t mask)
      : out_(out), in_(in), kept_(kept(out, in, mask)), reduced_(reduced(in, mask)) {
    direct_ = std::same_as<T, Value> && reduced_.steps(0)[0] == kSize && (reduced_.ndim() == 1 || reduced_.size(0) >= kLeaf / 16);
    columns_ = reduced_.steps(0)[0] != kSize && kept_.steps(0)[1] == kSize && kept_.size(0) >= kFewColumns;
  }

  void run() {
    const int64_t n = kept_.total(), length = reduced_.total();
    // A multiple of the leaves; for columns about a million elements, so that whole rows stay together.
    const int64_t segment =
        columns_ ? std::clamp((kSegment << 4) / kept_.size(0), kSegment >> 6, kSegment) / kLeafRows * kLeafRows : kSegment;
    if (length <= segment) {
      // Parts of whole cache lines, where there are enough of them for that not to matter.
      parallel_for(
          n, std::max<int64_t>(1, kGrain / length),
          [&](int64_t begin, int64_t end) { part(out_.as<Out>(), begin, end, 0, length); }, n >= 1024 ? 64 : 1);
      return;
    }
    const int64_t segments = (length - 1) / segment + 1;
    const Ref<detail::Buffer> buffer = detail::Buffer::allocate(segments * n * static_cast<int64_t>(sizeof(Value)));
    auto* partial = reinterpret_cast<Value*>(buffer->data());
    parallel_for(segments * n, std::max<int64_t>(1, kGrain / segment), [&](int64_t begin, int64_t end) {
      for (int64_t s = begin / n; s * n < end; ++s)
        part(partial + s * n, std::max<int64_t>(begin - s * n, 0), std::min(end - s * n, n), s * segment,
             std::min((s + 1) * segment, length));
    });
    for (int64_t i = 0; i < n; ++i) {
      Cascade<R> total;
      for (int64_t s = 0; s < segments; ++s) total.add(partial[s * n + i]);
      out_.as<Out>()[i] = static_cast<Out>(total.total());
    }
  }

 private:
  static constexpr int64_t kSize = static_cast<int64_t>(sizeof(T)), kPanel = kPanelBytes / static_cast<int64_t>(sizeof(Value));

  static Loop<2> kept(const TensorImpl& out, const TensorImpl& in, uint32_t mask) {
    Shape shape;
    Array from{in.data, {}, kSize};
    for (int d = 0; d < in.ndim(); ++d) {
      if (mask >> d & 1) continue;
      from.strides[static_cast<size_t>(shape.ndim())] = in.stride(d);
      shape.push_back(in.shape[d]);
    }
    return Loop<2>(shape, {Array{out.data, contiguous_strides(shape), static_cast<int64_t>(sizeof(Out))}, from},
                   LoopOrder::row_major);
  }
  static Loop<1> reduced(const TensorImpl& in, uint32_t mask) {
    Shape shape;
    Array from{in.data, {}, kSize};
    for (int d = 0; d < in.ndim(); ++d) {
      if (!(mask >> d & 1)) continue;
      from.strides[static_cast<size_t>(shape.ndim())] = in.stride(d);
      shape.push_back(in.shape[d]);
    }
    return Loop<1>(shape, {from});
  }

  /// Elements [begin, end) of the result, from elements [first, last) of what each of them reduces. `to` is element 0.
  template <class To>
  void part(To* to, int64_t begin, int64_t end, int64_t first, int64_t last) const {
    kept_.walk(begin, end, [&](const Loop<2>::Pointers& p, const Loop<2>::Steps& steps, int64_t n) {
      To* target = to + (p[0] - out_.data) / static_cast<int64_t>(sizeof(Out));
      if (columns_) {
        for (int64_t c = 0; c < n; c += kPanel)
          panel(target + c, p[1] - in_.data + c * kSize, std::min(kPanel, n - c), first, last);
        return;
      }
      if constexpr (kVector<T> && std::same_as<To, T>) {
        if (direct_ && reduced_.ndim() == 1 && last - first <= kLeaf)
          return reduce_rows(R::kOperation, target, reinterpret_cast<const T*>(p[1]) + first, steps[1] / kSize, n, last - first);
      }
      for (int64_t i = 0; i < n; ++i) target[i] = static_cast<To>(one(p[1] - in_.data + i * steps[1], first, last));
    });
  }

  Value one(int64_t offset, int64_t first, int64_t last) const {
    Cascade<R> sums;
    if constexpr (std::same_as<T, Value>) {
      if (direct_) {
        reduced_.walk(first, last, [&](const Loop<1>::Pointers& p, const Loop<1>::Steps&, int64_t n) {
          const T* from = reinterpret_cast<const T*>(p[0] + offset);
          for (int64_t i = 0; i < n; i += kLeaf) sums.add(R::leaf(from + i, std::min(kLeaf, n - i)));
        });
        return sums.total();
      }
    }
    Value leaf[kLeaf];
    int64_t filled = 0;
    reduced_.walk(first, last, [&](const Loop<1>::Pointers& p, const Loop<1>::Steps& steps, int64_t n) {
      const std::byte* from = p[0] + offset;
      while (n > 0) {
        const int64_t m = std::min(n, kLeaf - filled);
        for (int64_t i = 0; i < m; ++i) leaf[filled + i] = R::load(*reinterpret_cast<const T*>(from + i * steps[0]));
        from += m * steps[0], n -= m, filled += m;
        if (filled == kLeaf) sums.add(R::leaf(leaf, filled)), filled = 0;
      }
    });
    if (filled > 0) sums.add(R::leaf(leaf, filled));
    return sums.total();
  }

  /// n <= kPanel columns; the cascade again, of whole panels.
  template <class To>
  void panel(To* to, int64_t offset, int64_t n, int64_t first, int64_t last) const {
    Value partial[18][kPanel];  // a segment has at most 2^16 leaves
    size_t used = 0;
    uint64_t count = 0;
    const auto merge = [&] {
      --used;
      R::columns(partial[used - 1], partial[used - 1], kPanel, 2, n);
    };
    reduced_.walk(first, last, [&](const Loop<1>::Pointers& p, const Loop<1>::Steps& steps, int64_t rows) {
      for (int64_t r = 0; r < rows; r += kLeafRows) {
        const T* from = reinterpret_cast<const T*>(p[0] + offset + r * steps[0]);
        R::columns(partial[used++], from, steps[0] / kSize, std::min(kLeafRows, rows - r), n);
        for (uint64_t bit = count++; bit & 1; bit >>= 1) merge();
      }
    });
    while (used > 1) merge();
    for (int64_t c = 0; c < n; ++c) to[c] = static_cast<To>(partial[0][c]);
  }

  TensorImpl& out_;
  const TensorImpl& in_;
  const Loop<2> kept_;
  const Loop<1> reduced_;
  bool direct_, columns_;  // where: rows lie without gaps; columns lie side by side
};

/// Leading or trailing axes of a small contiguous tensor need no plan: they are one leaf each.
template <class T>
bool planless(Reduction op, TensorImpl& out, const TensorImpl& in, uint32_t mask) {
  if (!in.contiguous || in.size > kGrain) return false;
  const int64_t n = out.size, length = in.size / n;
  const uint32_t kept = ~mask & ((1u << in.ndim()) - 1);
  if ((kept & (kept + 1)) == 0 && length <= kLeaf) {
    reduce_rows(op, out.as<T>(), in.as<T>(), length, n, length);
    return true;
  }
  if ((mask & (mask + 1)) == 0 && length <= kLeafRows) {
    reduce_columns(op, out.as<T>(), in.as<T>(), n, length, n);
    return true;
  }
  return false;
}

template <Reduction kOp, class T>
void typed(TensorImpl& out, const TensorImpl& in, uint32_t mask) {
  using R = Rule<kOp, T>;
  using Value = typename R::Value;
  using Out = typename R::Out;
  if (in.size == 0) {
    std::fill_n(out.as<Out>(), out.size, static_cast<Out>(R::identity()));
    return;
  }
  if (in.size == 1) {
    *out.as<Out>() = static_cast<Out>(R::load(*in.as<T>()));
    return;
  }
  if constexpr (kVector<T> && std::same_as<Value, T>)
    if (planless<T>(kOp, out, in, mask)) return;
  Reducer<R, T>(out, in, mask).run();
}

template <Reduction kOp>
void any_dtype(TensorImpl& out, const TensorImpl& in, uint32_t mask) {
  visit_dtype(in.dtype, [&]<class T>() { typed<kOp, T>(out, in, mask); });
}

}  // namespace

void reduce(Reduction op, TensorImpl& out, const TensorImpl& in, uint32_t mask) {
  switch (op) {
    case Reduction::sum: return any_dtype<Reduction::sum>(out, in, mask);
    case Reduction::prod: return any_dtype<Reduction::prod>(out, in, mask);
    case Reduction::max: return any_dtype<Reduction::max>(out, in, mask);
    case Reduction::min: return any_dtype<Reduction::min>(out, in, mask);
    case Reduction::any: return any_dtype<Reduction::any>(out, in, mask);
    case Reduction::all: return any_dtype<Reduction::all>(out, in, mask);
    case Reduction::argmax:
    case Reduction::argmin: return reduce_arg(op == Reduction::argmax, out, in, mask);
  }
}

}  // namespace gradus::kernels
