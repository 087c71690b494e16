#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/softmax.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
//
#include <algorithm>
#include <limits>

#include "autograd/kernels/math-inl.h"
#include "autograd/kernels/softmax.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kBlock = 1024;  // elements summed up in T before a double takes over
constexpr int64_t kShort = 32;    // shorter rows are done together
constexpr int64_t kGroup = 64;    // so many at most

/// Added up in double: what the lanes gained in accuracy is kept.
HWY_INLINE double sum_of(Vec<double> v) { return hn::GetLane(hn::SumOfLanes(Vec<double>::Tag(), v.raw)); }
HWY_INLINE double sum_of(Vec<float> v) {
  const Vec<double>::Tag wide;
  const hn::Rebind<float, Vec<double>::Tag> narrow;
  alignas(64) float lanes[Vec<float>::kLanes];
  v.store(lanes);
  Vec<double> sum(0);
  for (int64_t i = 0; i < Vec<float>::kLanes; i += Vec<double>::kLanes)
    sum = sum + Vec<double>(hn::PromoteTo(wide, hn::LoadU(narrow, lanes + i)));
  return sum_of(sum);
}

/// out[i] = f(inputs[i]...) for i < n. out may be an input.
template <class T, class F, class... In>
HWY_INLINE void map(int64_t n, T* out, const F& f, const In*... in) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  int64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) f(Vec<T>::load(in + i)...).store(out + i);
  if (i < n) store_some(f(load_some(in + i, n - i)...), out + i, n - i);
}

/// out[i] = f(inputs[i]...) for i < n; lanes past the end see `rest`. out may be an input, or null: then nothing is stored.
/// Returns the sum of the second thing that f returns, in blocks.
template <class T, class F, class... In>
HWY_INLINE double map_sum(int64_t n, T rest, T* out, const F& f, const In*... in) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  double total = 0;
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t end = std::min(n, first + kBlock);
    Vec<T> sum(0);
    int64_t i = first;
    for (; i + kLanes <= end; i += kLanes) {
      const Vec<T> v = f(sum, Vec<T>::load(in + i)...);
      if (out) v.store(out + i);
    }
    if (i < end) {
      const Vec<T> v = f(sum, load_some(in + i, end - i, rest)...);
      if (out) store_some(v, out + i, end - i);
    }
    total += sum_of(sum);
  }
  return total;
}

template <class T>
HWY_INLINE T largest(const T* p, int64_t n) {
  constexpr int64_t kLanes = Vec<T>::kLanes;
  const typename Vec<T>::Tag d;
  const Vec<T> least(-std::numeric_limits<double>::infinity());
  auto a = least.raw, b = a, c = a, e = a;
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    a = hn::Max(a, hn::LoadU(d, p + i)), b = hn::Max(b, hn::LoadU(d, p + i + kLanes));
    c = hn::Max(c, hn::LoadU(d, p + i + 2 * kLanes)), e = hn::Max(e, hn::LoadU(d, p + i + 3 * kLanes));
  }
  for (; i + kLanes <= n; i += kLanes) a = hn::Max(a, hn::LoadU(d, p + i));
  if (i < n) b = hn::Max(b, load_some(p + i, n - i, -std::numeric_limits<T>::infinity()).raw);
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(hn::Max(a, b), hn::Max(c, e))));
}

/// Sum of e^(x - most), the terms stored in out unless it is null. A NaN in the row comes through the terms, whatever `most` is.
template <class T>
HWY_INLINE double exponentials(T* out, const T* in, T most, int64_t n) {
  const Vec<T> shift(static_cast<double>(most));
  return map_sum(
      n, -std::numeric_limits<T>::infinity(), out,
      [&](Vec<T>& sum, Vec<T> x) HWY_ATTR {
        const Vec<T> term = exp_term(x - shift);
        sum = sum + term;
        return term;
      },
      in);
}

/// Largest element and sum of the exponentials above for some rows. The exponentials of short rows are taken together, so that no
/// lane stays empty.
template <class T>
struct Rows {
  static constexpr int64_t kElements = 512;
  T most[kGroup];
  double sum[kGroup];

  static HWY_INLINE int64_t count(int64_t rows, int64_t n) { return std::min({rows, kGroup, kElements / n}); }

  HWY_INLINE void read(T* out, const T* in, int64_t rows, int64_t n) {
    if (n >= kShort) {
      for (int64_t r = 0; r < rows; ++r) {
        most[r] = largest(in + r * n, n);
        sum[r] = exponentials(out ? out + r * n : nullptr, in + r * n, most[r], n);
      }
      return;
    }
    T scratch[kElements];
    T* terms = out ? out : scratch;
    for (int64_t r = 0; r < rows; ++r) {
      const T* row = in + r * n;
      T m = row[0];
      for (int64_t i = 1; i < n; ++i) m = row[i] > m ? row[i] : m;
      for (int64_t i = 0; i < n; ++i) terms[r * n + i] = row[i] - m;
      most[r] = m;
    }
    exponentials<T>(terms, terms, 0, rows * n);
    for (int64_t r = 0; r < rows; ++r) {
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += static_cast<double>(terms[r * n + i]);
      sum[r] = total;
    }
  }
};

/// out = x * factor.
template <class T>
HWY_INLINE void scale(T* x, T factor, int64_t n) {
  if (n < kShort) {
    for (int64_t i = 0; i < n; ++i) x[i] *= factor;
    return;
  }
  const Vec<T> v = Vec<T>::fill(factor);
  map(
      n, x, [&](Vec<T> a) HWY_ATTR { return a * v; }, static_cast<const T*>(x));
}

// Bound by the exponentials; a row is read from memory once, and then from the first cache.
template <class T>
HWY_INLINE void softmax_rows(T* out, const T* in, int64_t rows, int64_t n, bool logarithm) {
  Rows<T> group;
  for (int64_t count; rows > 0; rows -= count, in += count * n, out += count * n) {
    count = n >= kShort ? 1 : Rows<T>::count(rows, n);
    group.read(logarithm ? nullptr : out, in, count, n);
    for (int64_t r = 0; r < count; ++r) {
      if (!logarithm) {
        scale(out + r * n, static_cast<T>(1 / group.sum[r]), n);
        continue;
      }
      const T most = group.most[r], log_sum = static_cast<T>(std::log(group.sum[r]));
      if (n < kShort) {
        for (int64_t i = r * n; i < r * n + n; ++i) out[i] = (in[i] - most) - log_sum;
        continue;
      }
      const Vec<T> a = Vec<T>::fill(most), b = Vec<T>::fill(log_sum);
      map(
          n, out, [&](Vec<T> x) HWY_ATTR { return (x - a) - b; }, in);
    }
  }
}

// Bound by memory, for the logarithm by the exponentials.
template <class T>
HWY_INLINE void grad_rows(T* out, const T* y, const T* g, int64_t rows, int64_t n, bool logarithm) {
  const auto nowhere = static_cast<T*>(nullptr);
  const bool all_at_once = n < kShort;
  if (logarithm && all_at_once)
    map(
        rows * n, out, [](Vec<T> a) HWY_ATTR { return exp(a); }, y);
  for (int64_t r = 0; r < rows; ++r, out += n, y += n, g += n) {
    if (all_at_once) {
      double total = 0;
      for (int64_t i = 0; i < n; ++i) total += static_cast<double>(g[i]) * (logarithm ? 1.0 : static_cast<double>(y[i]));
      const T sum = static_cast<T>(total);
      for (int64_t i = 0; i < n; ++i) out[i] = logarithm ? g[i] - out[i] * sum : y[i] * (g[i] - sum);
    } else if (logarithm) {
      const auto add = [](Vec<T>& sum, Vec<T> b) HWY_ATTR { return sum = sum + b; };
      const Vec<T> total(map_sum(n, T(0), nowhere, add, g));
      map(
          n, out, [&](Vec<T> a, Vec<T> b) HWY_ATTR { return b - exp(a) * total; }, y, g);
    } else {
      const auto add = [](Vec<T>& sum, Vec<T> a, Vec<T> b) HWY_ATTR { return sum = sum + a * b; };
      const Vec<T> total(map_sum(n, T(0), nowhere, add, y, g));
      map(
          n, out, [&](Vec<T> a, Vec<T> b) HWY_ATTR { return a * (b - total); }, y, g);
    }
  }
}

// Bound by the exponentials, one per logit; the logits come from memory once.
template <class T>
HWY_INLINE void entropy_rows(T* out, T* statistics, const T* logits, const int64_t* labels, int64_t rows, int64_t n) {
  Rows<T> group;
  double log_sum[kGroup];
  for (int64_t count; rows > 0; rows -= count) {
    count = n >= kShort ? std::min(rows, kGroup) : Rows<T>::count(rows, n);
    group.read(nullptr, logits, count, n);
    map(
        count, log_sum, [](Vec<double> x) HWY_ATTR { return log(x); }, static_cast<const double*>(group.sum));
    for (int64_t r = 0; r < count; ++r) {
      out[r] = static_cast<T>(log_sum[r] + static_cast<double>(group.most[r] - logits[r * n + labels[r]]));
      if (statistics) statistics[2 * r] = group.most[r], statistics[2 * r + 1] = static_cast<T>(group.sum[r]);
    }
    out += count, labels += count, logits += count * n;
    if (statistics) statistics += 2 * count;
  }
}

// Bound by the exponentials, one per logit; logits are read once and the gradient is written once.
template <class T>
HWY_INLINE void entropy_grad_rows(T* out, const T* statistics, const T* logits, const int64_t* labels, const T* g, int64_t rows,
                                  int64_t n) {
  const auto factor = [&](int64_t r) {
    return static_cast<T>(static_cast<double>(g[r]) / static_cast<double>(statistics[2 * r + 1]));
  };
  if (n < kShort) {
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t i = r * n; i < r * n + n; ++i) out[i] = logits[i] - statistics[2 * r];
    map(
        rows * n, out, [](Vec<T> x) HWY_ATTR { return exp_term(x); }, static_cast<const T*>(out));
  }
  for (int64_t r = 0; r < rows; ++r, out += n, logits += n) {
    if (n < kShort) {
      scale(out, factor(r), n);
    } else {
      const Vec<T> most = Vec<T>::fill(statistics[2 * r]), share = Vec<T>::fill(factor(r));
      map(
          n, out, [&](Vec<T> x) HWY_ATTR { return exp_term(x - most) * share; }, logits);
    }
    out[labels[r]] -= g[r];
  }
}

void softmax_float(float* out, const float* in, int64_t rows, int64_t n, bool logarithm) {
  softmax_rows(out, in, rows, n, logarithm);
}
void softmax_double(double* out, const double* in, int64_t rows, int64_t n, bool logarithm) {
  softmax_rows(out, in, rows, n, logarithm);
}
void grad_float(float* out, const float* y, const float* g, int64_t rows, int64_t n, bool logarithm) {
  grad_rows(out, y, g, rows, n, logarithm);
}
void grad_double(double* out, const double* y, const double* g, int64_t rows, int64_t n, bool logarithm) {
  grad_rows(out, y, g, rows, n, logarithm);
}
void entropy_float(float* out, float* statistics, const float* logits, const int64_t* labels, int64_t rows, int64_t n) {
  entropy_rows(out, statistics, logits, labels, rows, n);
}
void entropy_double(double* out, double* statistics, const double* logits, const int64_t* labels, int64_t rows, int64_t n) {
  entropy_rows(out, statistics, logits, labels, rows, n);
}
void entropy_grad_float(float* out, const float* statistics, const float* logits, const int64_t* labels, const float* g,
                        int64_t rows, int64_t n) {
  entropy_grad_rows(out, statistics, logits, labels, g, rows, n);
}
void entropy_grad_double(double* out, const double* statistics, const double* logits, const int64_t* labels, const double* g,
                         int64_t rows, int64_t n) {
  entropy_grad_rows(out, statistics, logits, labels, g, rows, n);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "autograd/base/parallel.h"
#include "autograd/kernels/in_float.h"

namespace gradus::kernels {
namespace {

HWY_EXPORT(softmax_float);
HWY_EXPORT(softmax_double);
HWY_EXPORT(grad_float);
HWY_EXPORT(grad_double);
HWY_EXPORT(entropy_float);
HWY_EXPORT(entropy_double);
HWY_EXPORT(entropy_grad_float);
HWY_EXPORT(entropy_grad_double);

using detail::TensorImpl;

/// Calls f.operator()<T>(first, count) for parts of the rows of `x`.
template <class F>
void by_rows(const TensorImpl& x, const F& f) {
  constexpr int64_t kWorth = 8;  // an exponential is as dear as so many elements of simple arithmetic
  if (x.size == 0) return;
  const int64_t n = x.shape.back();
  parallel_for(x.size / n, std::max<int64_t>(1, kGrain / kWorth / n), [&](int64_t begin, int64_t end) {
    if (x.dtype == DType::float32) f.template operator()<float>(begin, end - begin);
    else f.template operator()<double>(begin, end - begin);
  });
}

}  // namespace

void softmax(TensorImpl& result, const TensorImpl& input, bool logarithm) {
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& in) {
        const int64_t n = in.shape.back();
        by_rows(in, [&]<class T>(int64_t r, int64_t rows) {
          T* to = out.as<T>() + r * n;
          const T* from = in.as<T>() + r * n;
          if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(softmax_float)(to, from, rows, n, logarithm);
          else HWY_DYNAMIC_DISPATCH(softmax_double)(to, from, rows, n, logarithm);
        });
      },
      input);
}

void softmax_grad(TensorImpl& result, const TensorImpl& output, const TensorImpl& gradient, bool logarithm) {
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& y, const TensorImpl& g) {
        const int64_t n = y.shape.back();
        by_rows(y, [&]<class T>(int64_t r, int64_t rows) {
          T* to = out.as<T>() + r * n;
          if constexpr (sizeof(T) == 4)
            HWY_DYNAMIC_DISPATCH(grad_float)(to, y.as<T>() + r * n, g.as<T>() + r * n, rows, n, logarithm);
          else HWY_DYNAMIC_DISPATCH(grad_double)(to, y.as<T>() + r * n, g.as<T>() + r * n, rows, n, logarithm);
        });
      },
      output, gradient);
}

void sparse_cross_entropy(TensorImpl& result, TensorImpl* statistics, const TensorImpl& input, const TensorImpl& labels) {
  const auto* label = labels.as<int64_t>();
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& x) {
        const int64_t n = x.shape.back();
        by_rows(x, [&]<class T>(int64_t r, int64_t rows) {
          T* kept = statistics ? statistics->as<T>() + 2 * r : nullptr;
          const T* from = x.as<T>() + r * n;
          if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(entropy_float)(out.as<T>() + r, kept, from, label + r, rows, n);
          else HWY_DYNAMIC_DISPATCH(entropy_double)(out.as<T>() + r, kept, from, label + r, rows, n);
        });
      },
      input);
}

void sparse_cross_entropy_grad(TensorImpl& result, const TensorImpl& statistics, const TensorImpl& input,
                               const TensorImpl& labels, const TensorImpl& gradient) {
  const auto* label = labels.as<int64_t>();
  in_float(
      result,
      [&](TensorImpl& out, const TensorImpl& x, const TensorImpl& g) {
        const int64_t n = x.shape.back();
        by_rows(x, [&]<class T>(int64_t r, int64_t rows) {
          T* to = out.as<T>() + r * n;
          const T *kept = statistics.as<T>() + 2 * r, *from = x.as<T>() + r * n, *scale = g.as<T>() + r;
          if constexpr (sizeof(T) == 4) HWY_DYNAMIC_DISPATCH(entropy_grad_float)(to, kept, from, label + r, scale, rows, n);
          else HWY_DYNAMIC_DISPATCH(entropy_grad_double)(to, kept, from, label + r, scale, rows, n);
        });
      },
      input, gradient);
}

}  // namespace gradus::kernels
#endif
