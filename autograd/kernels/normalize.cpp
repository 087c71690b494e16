#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/normalize.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
//
#include <algorithm>
#include <cmath>

#include "autograd/kernels/normalize.h"
#include "autograd/kernels/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlock = 1024;  // elements summed up in T before a double takes over

// How a loop body sees its elements: a register full of them, or the last ones of a row one by one.
template <class T>
struct Full {
  using V = Vec<T>;
  static HWY_INLINE V load(const T* p) { return V::load(p); }
  static HWY_INLINE V fill(T x) { return V::fill(x); }
  static HWY_INLINE void store(V v, T* p) { v.store(p); }
  static HWY_INLINE V mul_add(V a, V b, V c) { return {hn::MulAdd(a.raw, b.raw, c.raw)}; }
};
template <class T>
struct Single {
  static HWY_INLINE T load(const T* p) { return *p; }
  static HWY_INLINE T fill(T x) { return x; }
  static HWY_INLINE void store(T v, T* p) { *p = v; }
  static HWY_INLINE T mul_add(T a, T b, T c) { return a * b + c; }
};

template <class T, class F>
HWY_INLINE void for_each(int64_t n, const F& f) {
  int64_t i = 0;
  for (; i + Vec<T>::kLanes <= n; i += Vec<T>::kLanes) f(Full<T>(), i);
  for (; i < n; ++i) f(Single<T>(), i);
}

/// total[k] = sum of what f(lanes, i, sums) adds to sums[k].
template <class T, int kSums, class F>
HWY_INLINE void sum_up(int64_t n, double (&total)[kSums], const F& f) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  constexpr int kAtOnce = 4;  // additions in flight
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t end = std::min(n, first + kBlock);
    int64_t i = first;
    if (end - i >= kLanes) {
      Vec<T> sums[kAtOnce][kSums];
      for (auto& s : sums)
        for (Vec<T>& v : s) v = Vec<T>(0);
      for (; i + kAtOnce * kLanes <= end; i += kAtOnce * kLanes)
        for (int k = 0; k < kAtOnce; ++k) f(Full<T>(), i + k * kLanes, sums[k]);
      for (; i + kLanes <= end; i += kLanes) f(Full<T>(), i, sums[0]);
      for (int s = 0; s < kSums; ++s) {
        const Vec<T> all = (sums[0][s] + sums[1][s]) + (sums[2][s] + sums[3][s]);
        total[s] += static_cast<double>(hn::GetLane(hn::SumOfLanes(typename Vec<T>::Tag(), all.raw)));
      }
    }
    T rest[kSums] = {};
    for (; i < end; ++i) f(Single<T>(), i, rest);
    for (int s = 0; s < kSums; ++s) total[s] += static_cast<double>(rest[s]);
  }
}

/// xhat = (x - middle) * inverse - shift. The mean is middle, which T can hold, and a little more, so that nothing is lost where
/// the mean is large against the deviation.
template <class T>
struct Statistics {
  T middle = 0, inverse = 0, shift = 0;

  template <class L>
  HWY_INLINE auto normalized(L lanes, const T* x) const {
    return lanes.mul_add(lanes.load(x) - lanes.fill(middle), lanes.fill(inverse), lanes.fill(-shift));
  }
};

template <class T>
HWY_INLINE Statistics<T> statistics(const T* x, int64_t n, Normalization how) {
  const double count = static_cast<double>(n);
  Statistics<T> result;
  if (how.centered) {
    double sum[1] = {};
    sum_up<T>(n, sum, [&](auto lanes, int64_t i, auto* sums) HWY_ATTR { sums[0] = sums[0] + lanes.load(x + i); });
    result.middle = static_cast<T>(sum[0] / count);
  }
  double moments[2] = {};
  sum_up<T>(n, moments, [&](auto lanes, int64_t i, auto* sums) HWY_ATTR {
    const auto distance = lanes.load(x + i) - lanes.fill(result.middle);
    sums[0] = sums[0] + distance;
    sums[1] = lanes.mul_add(distance, distance, sums[1]);
  });
  const double rest = how.centered ? moments[0] / count : 0;
  const double variance = std::max(moments[1] / count - rest * rest, 0.0);  // NaN stays NaN
  const double inverse = 1 / std::sqrt(variance + how.epsilon);
  result.inverse = static_cast<T>(inverse);
  result.shift = static_cast<T>(rest * inverse);
  return result;
}

template <class T>
HWY_INLINE void normalize_rows(T* out, const T* x, const T* scale, const T* offset, int64_t rows, int64_t n, Normalization how) {
  for (int64_t r = 0; r < rows; ++r, out += n, x += n) {
    const Statistics<T> row = statistics(x, n, how);
    const auto write = [&](auto affine) HWY_ATTR {
      for_each<T>(n,
                  [&](auto lanes, int64_t i) HWY_ATTR { lanes.store(affine(lanes, i, row.normalized(lanes, x + i)), out + i); });
    };
    if (!scale) write([](auto, int64_t, auto y) HWY_ATTR { return y; });
    else if (!offset) write([&](auto lanes, int64_t i, auto y) HWY_ATTR { return y * lanes.load(scale + i); });
    else
      write([&](auto lanes, int64_t i, auto y)
                HWY_ATTR { return lanes.mul_add(y, lanes.load(scale + i), lanes.load(offset + i)); });
  }
}

/// h(lanes, i) is the gradient that arrives at xhat.
template <class T, class H>
HWY_INLINE void grad_row(T* out, const T* x, int64_t n, Normalization how, const H& h) {
  const Statistics<T> row = statistics(x, n, how);
  double total[2] = {};
  sum_up<T>(n, total, [&](auto lanes, int64_t i, auto* sums) HWY_ATTR {
    const auto g = h(lanes, i);
    sums[0] = sums[0] + g;
    sums[1] = lanes.mul_add(g, row.normalized(lanes, x + i), sums[1]);
  });
  const T mean = how.centered ? static_cast<T>(total[0] / static_cast<double>(n)) : T(0);
  const T along = static_cast<T>(total[1] / static_cast<double>(n));
  for_each<T>(n, [&](auto lanes, int64_t i) HWY_ATTR {
    const auto centered = h(lanes, i) - lanes.fill(mean);
    const auto y = lanes.mul_add(lanes.fill(-along), row.normalized(lanes, x + i), centered);
    lanes.store(y * lanes.fill(row.inverse), out + i);
  });
}

template <class T>
HWY_INLINE void grad_rows(T* out, const T* x, const T* g, const T* scale, int64_t rows, int64_t n, Normalization how) {
  for (int64_t r = 0; r < rows; ++r, out += n, x += n, g += n) {
    if (scale)
      grad_row(out, x, n, how, [&](auto lanes, int64_t i) HWY_ATTR { return lanes.load(g + i) * lanes.load(scale + i); });
    else grad_row(out, x, n, how, [&](auto lanes, int64_t i) HWY_ATTR { return lanes.load(g + i); });
  }
}

template <class T>
HWY_INLINE void scale_grad_rows(T* out, const T* x, const T* g, int64_t rows, int64_t n, Normalization how) {
  std::fill(out, out + n, T(0));
  for (int64_t r = 0; r < rows; ++r, x += n, g += n) {
    const Statistics<T> row = statistics(x, n, how);
    for_each<T>(n, [&](auto lanes, int64_t i) HWY_ATTR {
      lanes.store(lanes.mul_add(lanes.load(g + i), row.normalized(lanes, x + i), lanes.load(out + i)), out + i);
    });
  }
}

void normalize_float(float* out, const float* x, const float* scale, const float* offset, int64_t rows, int64_t n,
                     Normalization how) {
  normalize_rows(out, x, scale, offset, rows, n, how);
}
void normalize_double(double* out, const double* x, const double* scale, const double* offset, int64_t rows, int64_t n,
                      Normalization how) {
  normalize_rows(out, x, scale, offset, rows, n, how);
}
void grad_float(float* out, const float* x, const float* g, const float* scale, int64_t rows, int64_t n, Normalization how) {
  grad_rows(out, x, g, scale, rows, n, how);
}
void grad_double(double* out, const double* x, const double* g, const double* scale, int64_t rows, int64_t n, Normalization how) {
  grad_rows(out, x, g, scale, rows, n, how);
}
void scale_grad_float(float* out, const float* x, const float* g, int64_t rows, int64_t n, Normalization how) {
  scale_grad_rows(out, x, g, rows, n, how);
}
void scale_grad_double(double* out, const double* x, const double* g, int64_t rows, int64_t n, Normalization how) {
  scale_grad_rows(out, x, g, rows, n, how);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "autograd/base/parallel.h"
#include "autograd/kernels/in_float.h"
#include "autograd/kernels/reduce.h"

namespace gradus::kernels {
namespace {

HWY_EXPORT(normalize_float);
HWY_EXPORT(normalize_double);
HWY_EXPORT(grad_float);
HWY_EXPORT(grad_double);
HWY_EXPORT(scale_grad_float);
HWY_EXPORT(scale_grad_double);

using detail::TensorImpl;

constexpr int64_t kWorth = 4;  // an element is as dear as so many of simple arithmetic

/// Calls f.operator()<T>(first, count) for parts of `total` things of `size` elements each.
template <class F>
void in_parts(DType dtype, int64_t total, int64_t size, const F& f) {
  parallel_for(total, std::max<int64_t>(1, kGrain / kWorth / size), [&](int64_t begin, int64_t end) {
    if (dtype == DType::float32) f.template operator()<float>(begin, end - begin);
    else f.template operator()<double>(begin, end - begin);
  });
}

template <class T>
const T* elements_or_null(const TensorImpl& scale) {
  return scale.ndim() == 0 ? nullptr : scale.as<T>();
}

}  // namespace

void normalize_rows(TensorImpl& result, const TensorImpl& input, const TensorImpl& factors, const TensorImpl* terms,
                    Normalization how) {
  if (result.size == 0) return;
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& x, const TensorImpl& scale, const TensorImpl& offset) {
        const int64_t n = x.shape[1];
        in_parts(x.dtype, x.shape[0], n, [&]<class T>(int64_t r, int64_t rows) {
          T* to = out.as<T>() + r * n;
          const T *from = x.as<T>() + r * n, *a = elements_or_null<T>(scale), *b = terms ? offset.as<T>() : nullptr;
          if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(normalize_float)(to, from, a, b, rows, n, how);
          else HWY_DYNAMIC_DISPATCH(normalize_double)(to, from, a, b, rows, n, how);
        });
      },
      input, factors, terms ? *terms : factors);
}

void normalize_rows_grad(TensorImpl& result, const TensorImpl& input, const TensorImpl& gradient, const TensorImpl& factors,
                         Normalization how) {
  if (result.size == 0) return;
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& x, const TensorImpl& g, const TensorImpl& scale) {
        const int64_t n = x.shape[1];
        in_parts(x.dtype, x.shape[0], n, [&]<class T>(int64_t r, int64_t rows) {
          T* to = out.as<T>() + r * n;
          const T *from = x.as<T>() + r * n, *arriving = g.as<T>() + r * n, *a = elements_or_null<T>(scale);
          if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(grad_float)(to, from, arriving, a, rows, n, how);
          else HWY_DYNAMIC_DISPATCH(grad_double)(to, from, arriving, a, rows, n, how);
        });
      },
      input, gradient, factors);
}

void normalize_rows_scale_grad(TensorImpl& result, const TensorImpl& input, const TensorImpl& gradient, Normalization how) {
  if (result.size == 0) return;
  // Blocks of rows, whatever the number of threads; then the sum of the blocks, pairwise.
  constexpr int64_t kRows = 32;
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& x, const TensorImpl& g) {
        const int64_t rows = x.shape[0], n = x.shape[1], blocks = (rows + kRows - 1) / kRows;
        const Ref<TensorImpl> parts = TensorImpl::make("normalize_rows_scale_grad", {blocks, n}, x.dtype);
        in_parts(x.dtype, blocks, kRows * n, [&]<class T>(int64_t block, int64_t count) {
          for (const int64_t last = block + count; block < last; ++block) {
            const int64_t r = block * kRows, some = std::min(kRows, rows - r);
            T* to = parts->as<T>() + block * n;
            const T *from = x.as<T>() + r * n, *arriving = g.as<T>() + r * n;
            if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(scale_grad_float)(to, from, arriving, some, n, how);
            else HWY_DYNAMIC_DISPATCH(scale_grad_double)(to, from, arriving, some, n, how);
          }
        });
        reduce(Reduction::sum, out, *parts, 1);
      },
      input, gradient);
}

}  // namespace gradus::kernels
#endif
