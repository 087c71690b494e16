#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/reduce_leaves.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
//
#include <algorithm>

#include "autograd/kernels/reduce_leaves.h"
#include "autograd/kernels/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

struct Sum {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return a + b;
  }
};
struct Product {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return a * b;
  }
};
template <class T>
HWY_INLINE T select(bool condition, T a, T b) {
  return condition ? a : b;
}
// A NaN on either side wins.
struct Maximum {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return select((a > b) | (a != a), a, b);
  }
};
struct Minimum {
  template <class V>
  HWY_INLINE V operator()(V a, V b) const {
    return select((a < b) | (a != a), a, b);
  }
};

template <class T, class F>
HWY_INLINE T row(F f, const T* p, int64_t n) {
  using V = Vec<T>;
  constexpr int64_t kLanes = V::kLanes;
  int64_t i = 1;
  T result = p[0];
  if (n >= std::max<int64_t>(kLanes, 24)) {  // shorter rows: one after the other, but several rows at once in the processor
    V all = V::load(p);
    i = kLanes;
    if (n >= 4 * kLanes) {
      V b = V::load(p + kLanes), c = V::load(p + 2 * kLanes), d = V::load(p + 3 * kLanes);
      for (i = 4 * kLanes; i + 4 * kLanes <= n; i += 4 * kLanes) {
        all = f(all, V::load(p + i)), b = f(b, V::load(p + i + kLanes));
        c = f(c, V::load(p + i + 2 * kLanes)), d = f(d, V::load(p + i + 3 * kLanes));
      }
      all = f(f(all, b), f(c, d));
    }
    for (; i + kLanes <= n; i += kLanes) all = f(all, V::load(p + i));
    alignas(64) T lanes[kLanes];
    all.store(lanes);
    HWY_UNROLL(4)
    for (int64_t half = kLanes / 2; half > 0; half /= 2)
      for (int64_t k = 0; k < half; ++k) lanes[k] = f(lanes[k], lanes[k + half]);
    result = lanes[0];
  }
  for (; i < n; ++i) result = f(result, p[i]);
  return result;
}

/// Rows r to r + kRows as a balanced tree; `load` gives one of them.
template <int64_t kRows, class F, class Load>
HWY_INLINE auto tree(F f, int64_t r, const Load& load) {
  if constexpr (kRows == 1) return load(r);
  else return f(tree<kRows / 2>(f, r, load), tree<kRows / 2>(f, r + kRows / 2, load));
}

template <int64_t kRows, class T, class F>
HWY_INLINE void add_rows(F f, T* out, const T* p, int64_t step, int64_t n, bool first) {
  using V = Vec<T>;
  int64_t c = 0;
  for (; c + V::kLanes <= n; c += V::kLanes) {
    const V v = tree<kRows>(f, 0, [&](int64_t r) HWY_ATTR { return V::load(p + r * step + c); });
    (first ? v : f(V::load(out + c), v)).store(out + c);
  }
  for (; c < n; ++c) {
    const T v = tree<kRows>(f, 0, [&](int64_t r) { return p[r * step + c]; });
    out[c] = first ? v : f(out[c], v);
  }
}

template <class T, class F>
HWY_INLINE void columns(F f, T* out, const T* p, int64_t step, int64_t rows, int64_t n) {
  int64_t r = 0;
  for (; r + 8 <= rows; r += 8) add_rows<8>(f, out, p + r * step, step, n, r == 0);
  if (rows - r >= 4) add_rows<4>(f, out, p + r * step, step, n, r == 0), r += 4;
  if (rows - r >= 2) add_rows<2>(f, out, p + r * step, step, n, r == 0), r += 2;
  if (r < rows) add_rows<1>(f, out, p + r * step, step, n, r == 0);
}

template <class F>
HWY_INLINE void choose(Reduction op, const F& f) {
  if (op == Reduction::sum) f(Sum());
  else if (op == Reduction::prod) f(Product());
  else if (op == Reduction::max) f(Maximum());
  else f(Minimum());
}

template <class T>
HWY_INLINE void all_rows(Reduction op, T* out, const T* p, int64_t step, int64_t rows, int64_t n) {
  choose(op, [&](auto f) HWY_ATTR {
    for (int64_t r = 0; r < rows; ++r) out[r] = row(f, p + r * step, n);
  });
}

void rows_float(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n) {
  all_rows(op, out, p, step, rows, n);
}
void rows_double(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n) {
  all_rows(op, out, p, step, rows, n);
}
void columns_float(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n) {
  choose(op, [&](auto f) HWY_ATTR { columns(f, out, p, step, rows, n); });
}
void columns_double(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n) {
  choose(op, [&](auto f) HWY_ATTR { columns(f, out, p, step, rows, n); });
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {
HWY_EXPORT(rows_float);
HWY_EXPORT(rows_double);
HWY_EXPORT(columns_float);
HWY_EXPORT(columns_double);
}  // namespace

void reduce_rows(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n) {
  HWY_DYNAMIC_DISPATCH(rows_float)(op, out, p, step, rows, n);
}
void reduce_rows(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n) {
  HWY_DYNAMIC_DISPATCH(rows_double)(op, out, p, step, rows, n);
}
void reduce_columns(Reduction op, float* out, const float* p, int64_t step, int64_t rows, int64_t n) {
  HWY_DYNAMIC_DISPATCH(columns_float)(op, out, p, step, rows, n);
}
void reduce_columns(Reduction op, double* out, const double* p, int64_t step, int64_t rows, int64_t n) {
  HWY_DYNAMIC_DISPATCH(columns_double)(op, out, p, step, rows, n);
}

}  // namespace gradus::kernels
#endif
