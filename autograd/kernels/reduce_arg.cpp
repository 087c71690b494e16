#include "autograd/kernels/reduce_arg.h"

#include <algorithm>
#include <bit>
#include <concepts>
#include <type_traits>

#include "autograd/base/parallel.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/reduce_leaves.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

template <bool kLargest, class T>
bool better(T a, T b) {  // a NaN beats all but a NaN
  return (kLargest ? a > b : a < b) || (a != a && b == b);
}

template <bool kLargest, class T>
void typed(TensorImpl& out, const TensorImpl& in, int axis) {
  using Value = std::conditional_t<sizeof(T) == 2, float, T>;
  constexpr int64_t kColumns = 256;
  Shape shape = in.shape;
  shape[axis] = 1;
  const int64_t length = in.shape[axis], step = in.stride(axis) * static_cast<int64_t>(sizeof(T));
  const Array to{out.data, contiguous_strides(shape), static_cast<int64_t>(sizeof(int64_t))},
      from{in.data, in.strides, sizeof(T)};
  const Loop<2> loop(shape, {to, from}, LoopOrder::row_major);
  const auto value = [](const std::byte* p) { return static_cast<Value>(*reinterpret_cast<const T*>(p)); };
  loop.run(std::max<int64_t>(1, kGrain / length), [&](const Loop<2>::Pointers& p, const Loop<2>::Steps& steps, int64_t n) {
    auto* index = reinterpret_cast<int64_t*>(p[0]);
    if (step == static_cast<int64_t>(sizeof(T)) || n == 1) {  // line by line
      for (int64_t i = 0; i < n; ++i) {
        const std::byte* line = p[1] + i * steps[1];
        if constexpr (std::same_as<T, float> || std::same_as<T, double>) {
          if (length >= 32 && step == static_cast<int64_t>(sizeof(T))) {  // the extreme by vectors, then where it is
            const T* row = reinterpret_cast<const T*>(line);
            T best;
            reduce_rows(kLargest ? Reduction::max : Reduction::min, &best, row, 0, 1, length);
            const T* found =
                best == best ? std::find(row, row + length, best) : std::find_if(row, row + length, [](T x) { return x != x; });
            index[i] = found - row;
            continue;
          }
        }
        Value best = value(line);
        index[i] = 0;
        for (int64_t k = 1; k < length; ++k)
          if (const Value v = value(line + k * step); better<kLargest>(v, best)) best = v, index[i] = k;
      }
      return;
    }
    for (int64_t first = 0; first < n; first += kColumns) {  // side by side
      const int64_t columns = std::min(kColumns, n - first);
      Value best[kColumns];
      for (int64_t k = 0; k < length; ++k) {
        for (int64_t i = 0; i < columns; ++i) {
          const Value v = value(p[1] + (first + i) * steps[1] + k * step);
          if (k == 0 || better<kLargest>(v, best[i])) best[i] = v, index[first + i] = k;
        }
      }
    }
  });
}

}  // namespace

void reduce_arg(bool largest, TensorImpl& out, const TensorImpl& in, uint32_t mask) {
  const int axis = std::countr_zero(mask);
  if (in.size == 0) return;
  visit_dtype(in.dtype, [&]<class T>() { largest ? typed<true, T>(out, in, axis) : typed<false, T>(out, in, axis); });
}

}  // namespace gradus::kernels
