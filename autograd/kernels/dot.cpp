// Bound by memory: every element of a is read once, and at most two vectors are loaded for each that is multiplied.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/dot.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before the rest
#include "hwy/foreach_target.h"
//
#include <algorithm>

#include "autograd/base/parallel.h"
#include "autograd/kernels/dot.h"
#include "autograd/kernels/vec-inl.h"
#include "autograd/storage/tensor_impl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kLeaf = 1024, kLeafRows = 128, kPanel = 512, kNarrow = 8;

/// At most kLeaf products: four sums in turn, each over every fourth vector.
template <class T>
HWY_INLINE double leaf(const T* x, const T* y, int64_t n) {
  using V = Vec<T>;
  constexpr int64_t kLanes = V::kLanes;
  V a(0), b(0), c(0), d(0);
  int64_t i = 0;
  const auto add = [&](V& sum, int64_t at) HWY_ATTR { sum = mul_add(V::load(x + at), V::load(y + at), sum); };
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) add(a, i), add(b, i + kLanes), add(c, i + 2 * kLanes), add(d, i + 3 * kLanes);
  for (; i + kLanes <= n; i += kLanes) add(a, i);
  double sum = static_cast<double>(hn::GetLane(hn::SumOfLanes(typename V::Tag(), ((a + b) + (c + d)).raw)));
  for (; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  return sum;
}

/// One dot product of two vectors with any steps; those with gaps are gathered.
template <class T>
double dot(const T* x, int64_t x_step, const T* y, int64_t y_step, int64_t n) {
  T gathered[2][kLeaf];
  const auto dense = [&](T* to, const T* from, int64_t step, int64_t count) {
    if (step == 1) return from;
    for (int64_t i = 0; i < count; ++i) to[i] = from[i * step];
    return static_cast<const T*>(to);
  };
  double sum = 0;
  for (int64_t i = 0; i < n; i += kLeaf) {
    const int64_t count = std::min(kLeaf, n - i);
    sum += leaf(dense(gathered[0], x + i * x_step, x_step, count), dense(gathered[1], y + i * y_step, y_step, count), count);
  }
  return sum;
}

/// The sum of kRows rows of a, each times its element of x, as a balanced tree.
template <int64_t kRows, class V, class T>
HWY_INLINE V tree(const T* x, int64_t x_step, const T* a, int64_t a_step) {
  if constexpr (kRows == 1) {
    if constexpr (std::is_same_v<V, T>) return x[0] * a[0];
    else return V::fill(x[0]) * V::load(a);
  } else {
    return tree<kRows / 2, V>(x, x_step, a, a_step) +
           tree<kRows / 2, V>(x + kRows / 2 * x_step, x_step, a + kRows / 2 * a_step, a_step);
  }
}

template <int64_t kRows, class T>
HWY_INLINE void add_rows(T* sums, const T* x, int64_t x_step, const T* a, int64_t a_step, int64_t n) {
  using V = Vec<T>;
  int64_t c = 0;
  for (; c + V::kLanes <= n; c += V::kLanes) (V::load(sums + c) + tree<kRows, V>(x, x_step, a + c, a_step)).store(sums + c);
  for (; c < n; ++c) sums[c] += tree<kRows, T>(x, x_step, a + c, a_step);
}

/// out[c] = the sum over `rows` rows of x[r] a[r, c], for n <= kNarrow columns without gaps, x too: each vector of a holds
/// several rows, each of a different element of x.
template <class T>
void narrow_columns(double* out, const T* x, const T* a, int64_t rows, int64_t n) {
  using V = Vec<T>;
  using Index = hwy::MakeSigned<T>;
  constexpr int64_t kLanes = V::kLanes, kRows = 16 * kLanes;
  const typename V::Tag d;
  decltype(hn::SetTableIndices(d, static_cast<const Index*>(nullptr))) row_of[kNarrow];
  for (int64_t j = 0; j < n; ++j) {
    alignas(64) Index index[kLanes];
    for (int64_t lane = 0; lane < kLanes; ++lane) index[lane] = static_cast<Index>((j * kLanes + lane) / n);
    row_of[j] = hn::SetTableIndices(d, index);
  }
  std::fill_n(out, n, 0.0);
  int64_t r = 0;
  while (r + kLanes <= rows) {
    V sums[kNarrow];
    for (int64_t j = 0; j < n; ++j) sums[j] = V(0);
    for (const int64_t last = std::min(rows, r + kRows); r + kLanes <= last; r += kLanes) {
      const V factors = V::load(x + r);
      for (int64_t j = 0; j < n; ++j)
        sums[j] = mul_add(V(hn::TableLookupLanes(factors.raw, row_of[j])), V::load(a + r * n + j * kLanes), sums[j]);
    }
    alignas(64) T lanes[kNarrow * kLanes];
    for (int64_t j = 0; j < n; ++j) sums[j].store(lanes + j * kLanes);
    for (int64_t row = 0; row < kLanes; ++row)
      for (int64_t c = 0; c < n; ++c) out[c] += static_cast<double>(lanes[row * n + c]);
  }
  for (; r < rows; ++r)
    for (int64_t c = 0; c < n; ++c) out[c] += static_cast<double>(x[r]) * static_cast<double>(a[r * n + c]);
}

/// The same for n <= kPanel columns, with any distance of rows.
template <class T>
void columns(double* out, const T* x, int64_t x_step, const T* a, int64_t a_step, int64_t rows, int64_t n) {
  if (n <= kNarrow && a_step == n && x_step == 1) return narrow_columns(out, x, a, rows, n);
  std::fill_n(out, n, 0.0);
  for (int64_t first = 0; first < rows; first += kLeafRows) {
    T sums[kPanel] = {};
    const int64_t last = std::min(rows, first + kLeafRows);
    int64_t r = first;
    for (; r + 8 <= last; r += 8) add_rows<8>(sums, x + r * x_step, x_step, a + r * a_step, a_step, n);
    for (; r < last; ++r) add_rows<1>(sums, x + r * x_step, x_step, a + r * a_step, a_step, n);
    for (int64_t c = 0; c < n; ++c) out[c] += static_cast<double>(sums[c]);
  }
}

double dot_float(const float* x, int64_t x_step, const float* y, int64_t y_step, int64_t n) {
  return dot(x, x_step, y, y_step, n);
}
double dot_double(const double* x, int64_t x_step, const double* y, int64_t y_step, int64_t n) {
  return dot(x, x_step, y, y_step, n);
}
void columns_float(double* out, const float* x, int64_t x_step, const float* a, int64_t a_step, int64_t rows, int64_t n) {
  columns(out, x, x_step, a, a_step, rows, n);
}
void columns_double(double* out, const double* x, int64_t x_step, const double* a, int64_t a_step, int64_t rows, int64_t n) {
  columns(out, x, x_step, a, a_step, rows, n);
}

}  // namespace
}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

HWY_EXPORT(dot_float);
HWY_EXPORT(dot_double);
HWY_EXPORT(columns_float);
HWY_EXPORT(columns_double);

constexpr int64_t kPanelColumns = 512, kSegment = 65536, kSegmentElements = int64_t{1} << 18;

/// Segments of a fixed length are summed on any thread and added up in order.
template <class T, class Dot, class Columns>
void typed(T* out, const T* x, int64_t step, MatrixView<T> a, int64_t n, int64_t k, bool accumulate, Dot dot, Columns columns) {
  const bool side_by_side = a.column == 1 && n > 1 && a.row != 1;
  const int64_t panel = side_by_side ? kPanelColumns : 1, panels = (n - 1) / panel + 1;
  const int64_t segment = side_by_side ? std::clamp<int64_t>(kSegmentElements / n / 1024 * 1024, 1024, kSegment) : kSegment;
  const int64_t segments = (k - 1) / segment + 1;
  const auto memory = detail::TensorImpl::make("matmul", {segments, n}, DType::float64);
  auto* const partial = memory->as<double>();
  parallel_for(segments * panels, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t s = i / panels, first = s * segment, length = std::min(segment, k - first), c = i % panels * panel;
      double* to = partial + s * n + c;
      const T* from = a.data + first * a.row + c * a.column;
      if (side_by_side) columns(to, x + first * step, step, from, a.row, length, std::min(panel, n - c));
      else *to = dot(x + first * step, step, from, a.row, length);
    }
  });
  for (int64_t c = 0; c < n; ++c) {
    double sum = accumulate ? static_cast<double>(out[c]) : 0;
    for (int64_t s = 0; s < segments; ++s) sum += partial[s * n + c];
    out[c] = static_cast<T>(sum);
  }
}

}  // namespace

void long_dot(float* out, const float* x, int64_t step, MatrixView<float> a, int64_t n, int64_t k, bool accumulate) {
  typed(
      out, x, step, a, n, k, accumulate, [](auto... args) { return HWY_DYNAMIC_DISPATCH(dot_float)(args...); },
      [](auto... args) { return HWY_DYNAMIC_DISPATCH(columns_float)(args...); });
}
void long_dot(double* out, const double* x, int64_t step, MatrixView<double> a, int64_t n, int64_t k, bool accumulate) {
  typed(
      out, x, step, a, n, k, accumulate, [](auto... args) { return HWY_DYNAMIC_DISPATCH(dot_double)(args...); },
      [](auto... args) { return HWY_DYNAMIC_DISPATCH(columns_double)(args...); });
}

}  // namespace gradus::kernels
#endif
