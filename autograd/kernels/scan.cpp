#include "autograd/kernels/scan.h"

#include <algorithm>
#include <concepts>
#include <cstdlib>
#include <type_traits>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/scalar.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

/// Walks all lines of `shape` along `axis`, every array in step, backwards if `reverse`: step(state, k, elements...) for the k-th
/// element of a line, whose state begins as `start`. Threads share out whole lines.
template <class... T, class State, class F>
void along_lines(Shape shape, int axis, bool reverse, std::array<Array, sizeof...(T)> arrays, State start, const F& step) {
  constexpr size_t kArrays = sizeof...(T);
  constexpr int64_t kColumns = 256;
  constexpr std::array<int64_t, kArrays> kSizes{sizeof(T)...};
  using Lines = Loop<kArrays>;
  const int64_t length = shape[axis];
  shape[axis] = 1;
  if (length == 0) return;
  typename Lines::Steps along;
  for (size_t a = 0; a < kArrays; ++a) {
    along[a] = arrays[a].strides[static_cast<size_t>(axis)] * arrays[a].element_size;
    if (!reverse) continue;
    arrays[a].data += (length - 1) * along[a];
    along[a] = -along[a];
  }
  const auto moved = [](typename Lines::Pointers p, const typename Lines::Steps& by, int64_t n) {
    for (size_t a = 0; a < kArrays; ++a) p[a] += n * by[a];
    return p;
  };
  const auto with_elements = [](const typename Lines::Pointers& p, const auto& f) {
    [&]<size_t... A>(std::index_sequence<A...>) { f(reinterpret_cast<T*>(p[A])...); }
    (std::index_sequence_for<T...>());
  };
  const Lines lines(shape, arrays);
  lines.run(std::max<int64_t>(1, kGrain / length),
            [&](const typename Lines::Pointers& p, const typename Lines::Steps& steps, int64_t n) {
              if (n == 1 || std::abs(along[0]) < std::abs(steps[0])) {  // line by line
                for (int64_t i = 0; i < n; ++i) {
                  const auto line = moved(p, steps, i);
                  State state = start;
                  for (int64_t k = 0; k < length; ++k)
                    with_elements(moved(line, along, k), [&](T*... x) { step(state, k, *x...); });
                }
                return;
              }
              for (int64_t first = 0; first < n; first += kColumns) {  // side by side
                const int64_t columns = std::min(kColumns, n - first);
                State states[kColumns];
                std::fill_n(states, columns, start);
                for (int64_t k = 0; k < length; ++k) {
                  const auto row = moved(moved(p, steps, first), along, k);
                  if (steps != kSizes) {
                    for (int64_t i = 0; i < columns; ++i)
                      with_elements(moved(row, steps, i), [&](T*... x) { step(states[i], k, *x...); });
                    continue;
                  }
                  with_elements(row, [&](T*... x) {
#pragma omp simd
                    for (int64_t i = 0; i < columns; ++i) step(states[i], k, x[i]...);
                  });
                }
              }
            });
}

template <class A>
A add(A a, A b) {
  if constexpr (std::integral<A>) return (scalar::Wrapped<A>(a) + scalar::Wrapped<A>(b)).value;
  else return a + b;
}
template <class A>
A multiply(A a, A b) {
  if constexpr (std::integral<A>) return (scalar::Wrapped<A>(a) * scalar::Wrapped<A>(b)).value;
  else return a * b;
}
template <bool kLargest, class T>
bool reaches(T a, T b) {  // nothing but a NaN reaches a NaN
  return (kLargest ? a >= b : a <= b) || a != a;
}

}  // namespace

void cumulate(Running kind, TensorImpl& out, const TensorImpl& in, int axis, bool reverse) {
  visit_dtype(in.dtype, [&]<class T>() {
    using Total = std::conditional_t<std::integral<T>, int64_t, double>;
    using Out = std::conditional_t<std::integral<T>, int64_t, T>;
    const auto run = [&](Total start, const auto& combine) {
      along_lines<Out, const T>(out.shape, axis, reverse, {broadcast(out, out.shape), broadcast(in, out.shape)}, start,
                                [&combine](Total& total, int64_t, Out& to, const T& from) {
                                  total = combine(total, convert<Total>(from));
                                  to = convert<Out>(total);
                                });
    };
    // A sum of nothing but -0 is -0.
    if (kind == Running::sum) run(Total(-0.0), [](Total a, Total b) { return add(a, b); });
    else run(Total(1), [](Total a, Total b) { return multiply(a, b); });
  });
}

void recurrence(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, int axis, bool reverse) {
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (!std::integral<T>) {
      const std::array<Array, 3> arrays{broadcast(out, out.shape), broadcast(a, out.shape), broadcast(b, out.shape)};
      along_lines<T, const T, const T>(out.shape, axis, reverse, arrays, 0.0,
                                       [](double& y, int64_t k, T& to, const T& factor, const T& term) {
                                         y = (k == 0 ? 0.0 : convert<double>(factor) * y) + convert<double>(term);
                                         to = convert<T>(y);
                                       });
    }
  });
}

void running_arg(bool largest, TensorImpl& out, const TensorImpl& in, int axis, bool reverse) {
  const int64_t length = in.shape[axis];
  visit_dtype(in.dtype, [&]<class T>() {
    using Value = std::conditional_t<Half<T>, float, T>;
    struct Best {
      Value value;
      int64_t index;
    };
    const auto run = [&]<bool kLargest>() {
      along_lines<int64_t, const T>(out.shape, axis, reverse, {broadcast(out, out.shape), broadcast(in, out.shape)}, Best{},
                                    [=](Best& best, int64_t k, int64_t& to, const T& from) {
                                      const auto x = static_cast<Value>(from);
                                      if (k == 0 || reaches<kLargest>(x, best.value)) best = {x, reverse ? length - 1 - k : k};
                                      to = best.index;
                                    });
    };
    if (largest) run.template operator()<true>();
    else run.template operator()<false>();
  });
}

}  // namespace gradus::kernels
