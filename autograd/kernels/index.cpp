#include "autograd/kernels/index.h"

#include <algorithm>
#include <concepts>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "autograd/base/parallel.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/scalar.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

Ref<TensorImpl> dense(const TensorImpl& x, DType dtype) {
  Ref<TensorImpl> result = TensorImpl::make("index", x.shape, dtype);
  copy(*result, x);
  return result;
}

/// The indices in row-major order, without gaps.
class Indices {
 public:
  explicit Indices(const TensorImpl& x)
      : copy_(x.contiguous ? Ref<TensorImpl>() : dense(x, x.dtype)), data_((copy_ ? *copy_ : x).as<int64_t>()) {}
  const int64_t& operator[](int64_t i) const { return data_[i]; }

 private:
  Ref<TensorImpl> copy_;
  const int64_t* data_;
};

/// Dimensions [first, last) of x as a loop in row-major order.
Loop<1> dimensions(const TensorImpl& x, int first, int last) {
  Shape shape;
  Array array{x.data, {}, size_of(x.dtype)};
  for (int d = first; d < last; ++d) {
    array.strides[static_cast<size_t>(d - first)] = x.stride(d);
    shape.push_back(x.shape[d]);
  }
  return Loop<1>(shape, {array}, LoopOrder::row_major);
}

template <class T>
T sum(T a, T b) {
  if constexpr (std::integral<T>) return (scalar::Wrapped<T>(a) + scalar::Wrapped<T>(b)).value;
  else return a + b;
}

/// Calls f.operator()<T>(out, grad) for the type in which gradients are added: half types in float32, rounded once at the end.
template <class F>
void accumulate(TensorImpl& out, const TensorImpl& grad, const F& f) {
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (Half<T>) {
      const Ref<TensorImpl> wide = dense(out, DType::float32), wide_grad = dense(grad, DType::float32);
      f.template operator()<float>(*wide, *wide_grad);
      copy(out, *wide);
    } else {
      f.template operator()<T>(out, grad);
    }
  });
}

/// `x` over `shape`, standing still along `axis`.
Array without(const TensorImpl& x, int axis) {
  Array array{x.data, x.strides, size_of(x.dtype)};
  array.strides[static_cast<size_t>(axis)] = 0;
  return array;
}

/// f(element of out, element of in) for whole rows of the contiguous `in`, in the order of the indices. out contiguous.
template <class T, class F>
void fold_rows(TensorImpl& out, const TensorImpl& in, const TensorImpl& indices, int axis, const F& f) {
  const Indices index(indices);
  int64_t block = 1;
  for (int d = axis + 1; d < out.ndim(); ++d) block *= out.shape[d];
  const int64_t rows = out.shape[axis], count = indices.size, outer = out.size / (rows * block);
  // Threads share out columns, never indices: each element meets its rows in the order of the indices.
  constexpr int64_t kColumns = 256;
  const int64_t parts = (block + kColumns - 1) / kColumns;
  parallel_for(outer * parts, std::max<int64_t>(1, kGrain / (count * std::min(block, kColumns))),
               [&](int64_t begin, int64_t end) {
                 for (int64_t part = begin; part < end; ++part) {
                   const int64_t first = part % parts * kColumns, n = std::min(kColumns, block - first);
                   T* target = out.as<T>() + part / parts * rows * block + first;
                   const T* source = in.as<T>() + part / parts * count * block + first;
                   for (int64_t k = 0; k < count; ++k, source += block) {
                     T* row = target + index[k] * block;
                     for (int64_t i = 0; i < n; ++i) f(row[i], source[i]);
                   }
                 }
               });
}

/// f(element of out, element of in) for single elements, along each line in the order of the indices. out contiguous.
template <class T, class F>
void fold_elements(TensorImpl& out, const TensorImpl& in, const TensorImpl& indices, int axis, const F& f) {
  Shape lines = in.shape;  // one for each line along the axis: no two touch the same elements of out
  lines[axis] = 1;
  constexpr auto kSize = static_cast<int64_t>(sizeof(T));
  const int64_t length = in.shape[axis], index_step = indices.stride(axis) * size_of(DType::int64);
  const int64_t along = out.stride(axis) * kSize, in_step = in.stride(axis) * kSize;
  const Loop<3> loop(lines, {without(out, axis), without(in, axis), without(indices, axis)});
  loop.run(std::max<int64_t>(1, kGrain / length), [&](const Loop<3>::Pointers& p, const Loop<3>::Steps& steps, int64_t n) {
    for (int64_t k = 0; k < length; ++k) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = *reinterpret_cast<const int64_t*>(p[2] + k * index_step + i * steps[2]);
        f(*reinterpret_cast<T*>(p[0] + index * along + i * steps[0]),
          *reinterpret_cast<const T*>(p[1] + k * in_step + i * steps[1]));
      }
    }
  });
}

}  // namespace

int64_t wrap_indices(TensorImpl& out, const TensorImpl& indices, int64_t size, bool allow_negative) {
  const Loop<2> loop(out.shape, {broadcast(out, out.shape), broadcast(indices, out.shape)}, LoopOrder::row_major);
  int64_t bad = -1;
  visit_dtype(indices.dtype, [&]<class T>() {
    if constexpr (std::integral<T>) {
      loop.walk(0, loop.total(), [&](const Loop<2>::Pointers& p, const Loop<2>::Steps& steps, int64_t n) {
        auto* to = reinterpret_cast<int64_t*>(p[0]);
        for (int64_t i = 0; i < n; ++i) {
          auto index = static_cast<int64_t>(*reinterpret_cast<const T*>(p[1] + i * steps[1]));
          if (index < 0 && allow_negative) index += size;
          if ((index < 0 || index >= size) && bad < 0) bad = to + i - out.as<int64_t>();
          to[i] = index;
        }
      });
    } else {
      fail<DTypeError>("index", "indices must be integers; got ", indices.dtype, ", expected int64");
    }
  });
  return bad;
}

void take(TensorImpl& out, const TensorImpl& in, const TensorImpl& indices, int axis) {
  const Loop<1> outer = dimensions(in, 0, axis), inner = dimensions(in, axis + 1, in.ndim());
  const int64_t count = indices.size, block = inner.total(), step = inner.steps(0)[0];
  if (out.size == 0) return;
  const Indices index(indices);
  visit_dtype(out.dtype, [&]<class T>() {
    const int64_t size = static_cast<int64_t>(sizeof(T)), along = in.stride(axis) * size;
    const auto copy_block = [&](std::byte* to, const std::byte* from) {
      if (step == size && inner.ndim() == 1) {
        std::memcpy(to, from, static_cast<size_t>(block * size));
        return;
      }
      auto* target = reinterpret_cast<T*>(to);
      const auto run = [&](const Loop<1>::Pointers& p, const Loop<1>::Steps&, int64_t n) {
        const std::byte* source = from + (p[0] - in.data);
        for (int64_t i = 0; i < n; ++i) *target++ = *reinterpret_cast<const T*>(source + i * step);
      };
      if (inner.ndim() == 1) run({in.data}, {}, block);
      else inner.walk(0, block, run);
    };
    parallel_for(outer.total() * count, std::max<int64_t>(1, kGrain / block), [&](int64_t begin, int64_t end) {
      int64_t at = begin;
      outer.walk(begin / count, (end - 1) / count + 1, [&](const Loop<1>::Pointers& p, const Loop<1>::Steps& steps, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          const int64_t stop = std::min(end, (at / count + 1) * count);
          const std::byte* from = p[0] + i * steps[0];
          if (block == 1) {
            for (int64_t k = at % count; at < stop; ++k, ++at)
              out.as<T>()[at] = *reinterpret_cast<const T*>(from + index[k] * along);
          }
          for (int64_t k = at % count; at < stop; ++k, ++at) copy_block(out.data + at * block * size, from + index[k] * along);
        }
      });
    });
  });
}

void take_add(TensorImpl& out, const TensorImpl& grad, const TensorImpl& indices, int axis) {
  if (grad.size == 0) return;
  if (!grad.contiguous) return take_add(out, *dense(grad, grad.dtype), indices, axis);
  accumulate(out, grad, [&]<class T>(TensorImpl& to, const TensorImpl& from) {
    fold_rows<T>(to, from, indices, axis, [](T& a, T b) { a = sum(a, b); });
  });
}

void take_max(TensorImpl& out, const TensorImpl& in, const TensorImpl& indices, int axis) {
  if (in.size == 0) return;
  if (!in.contiguous) return take_max(out, *dense(in, in.dtype), indices, axis);
  visit_dtype(out.dtype, [&]<class T>() {
    fold_rows<T>(out, in, indices, axis, [](T& a, T b) {
      using Wide = std::conditional_t<Half<T>, float, T>;
      const auto x = static_cast<Wide>(a), y = static_cast<Wide>(b);
      if (x < y || y != y) a = b;
    });
  });
}

void gather(TensorImpl& out, const TensorImpl& in, const TensorImpl& indices, int axis) {
  const Loop<3> loop(out.shape, {broadcast(out, out.shape), without(in, axis), broadcast(indices, out.shape)});
  visit_dtype(out.dtype, [&]<class T>() {
    const int64_t along = in.stride(axis) * static_cast<int64_t>(sizeof(T));
    loop.run(kGrain, [&](const Loop<3>::Pointers& p, const Loop<3>::Steps& steps, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        const int64_t index = *reinterpret_cast<const int64_t*>(p[2] + i * steps[2]);
        *reinterpret_cast<T*>(p[0] + i * steps[0]) = *reinterpret_cast<const T*>(p[1] + i * steps[1] + index * along);
      }
    });
  });
}

void gather_add(TensorImpl& out, const TensorImpl& grad, const TensorImpl& indices, int axis) {
  if (grad.size == 0) return;
  accumulate(out, grad, [&]<class T>(TensorImpl& to, const TensorImpl& from) {
    fold_elements<T>(to, from, indices, axis, [](T& a, T b) { a = sum(a, b); });
  });
}

void scatter(TensorImpl& out, const TensorImpl& updates, const TensorImpl& indices, int axis) {
  if (updates.size == 0) return;
  visit_dtype(out.dtype, [&]<class T>() { fold_elements<T>(out, updates, indices, axis, [](T& a, T b) { a = b; }); });
}

void one_hot(TensorImpl& out, const TensorImpl& indices) {
  if (out.size == 0) return;
  const int64_t depth = out.shape.back();
  const Indices index(indices);
  visit_dtype(out.dtype, [&]<class T>() {
    parallel_for(indices.size, std::max<int64_t>(1, kGrain / depth), [&](int64_t begin, int64_t end) {
      std::fill(out.as<T>() + begin * depth, out.as<T>() + end * depth, static_cast<T>(0.0f));
      for (int64_t i = begin; i < end; ++i) out.as<T>()[i * depth + index[i]] = static_cast<T>(1.0f);
    });
  });
}

Ref<TensorImpl> nonzero(const TensorImpl& x) {
  if (x.dtype != DType::boolean || !x.contiguous) return nonzero(*dense(x, DType::boolean));
  constexpr int64_t kBlock = kGrain;
  const int64_t blocks = (x.size + kBlock - 1) / kBlock;
  const bool* set = x.as<bool>();
  std::vector<int64_t> start(static_cast<size_t>(blocks) + 1);  // how many are set before each block
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b)
      start[static_cast<size_t>(b) + 1] = std::count(set + b * kBlock, set + std::min(x.size, (b + 1) * kBlock), true);
  });
  std::partial_sum(start.begin(), start.end(), start.begin());
  const int64_t ndim = x.ndim();
  Ref<TensorImpl> out = TensorImpl::make("nonzero", {start.back(), ndim}, DType::int64);
  parallel_for(blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      int64_t* to = out->as<int64_t>() + start[static_cast<size_t>(b)] * ndim;
      Shape at = x.shape;  // where element i stands
      int64_t rest = b * kBlock;
      for (int d = x.ndim(); d-- > 0; rest /= x.shape[d]) at[d] = rest % x.shape[d];
      for (int64_t i = b * kBlock; i < std::min(x.size, (b + 1) * kBlock); ++i) {
        if (set[i]) to = std::copy(at.begin(), at.end(), to);
        for (int d = x.ndim(); d-- > 0;) {
          if (++at[d] < x.shape[d]) break;
          at[d] = 0;
        }
      }
    }
  });
  return out;
}

}  // namespace gradus::kernels
