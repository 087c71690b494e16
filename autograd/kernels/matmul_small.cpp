// Blocks of 4 rows by 2 vectors of the result stay in registers while k runs. Columns of b that do not lie side by side are
// packed into panels on the stack first; elements of a are broadcast one by one, so that a may have any strides. The columns left
// over go through shorter vectors, the last one alone: nothing outside the matrices is read or written.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/matmul_small.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before highway
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

#include <algorithm>

#include "autograd/kernels/matmul_small.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t kRows = 4, kDepth = 64;

/// The R x (C vectors) block of out at `out`. b: rows of whole vectors, `step` elements apart.
template <int64_t R, int64_t C, class D, class T = hn::TFromD<D>>
HWY_INLINE void block(D d, T* out, int64_t out_row, MatrixView<T> a, const T* b, int64_t step, int64_t k, bool accumulate) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using V = hn::Vec<D>;
  V sums[R][C];
  HWY_UNROLL(4)
  for (int64_t r = 0; r < R; ++r) {
    HWY_UNROLL(4)
    for (int64_t c = 0; c < C; ++c) sums[r][c] = accumulate ? hn::LoadU(d, out + r * out_row + c * lanes) : hn::Zero(d);
  }
  for (int64_t i = 0; i < k; ++i) {
    V columns[C];
    HWY_UNROLL(4)
    for (int64_t c = 0; c < C; ++c) columns[c] = hn::LoadU(d, b + i * step + c * lanes);
    HWY_UNROLL(4)
    for (int64_t r = 0; r < R; ++r) {
      const V factor = hn::Set(d, a.data[r * a.row + i * a.column]);
      HWY_UNROLL(4)
      for (int64_t c = 0; c < C; ++c) sums[r][c] = hn::MulAdd(factor, columns[c], sums[r][c]);
    }
  }
  HWY_UNROLL(4)
  for (int64_t r = 0; r < R; ++r) {
    HWY_UNROLL(4)
    for (int64_t c = 0; c < C; ++c) hn::StoreU(sums[r][c], d, out + r * out_row + c * lanes);
  }
}

/// All m rows of one panel, C vectors wide.
template <int64_t C, class D, class T = hn::TFromD<D>>
HWY_INLINE void panel(D d, T* out, int64_t out_row, MatrixView<T> a, const T* b, int64_t step, int64_t m, int64_t k,
                      bool accumulate) {
  int64_t i = 0;
  for (; i + kRows <= m; i += kRows)
    block<kRows, C>(d, out + i * out_row, out_row, {a.data + i * a.row, a.row, a.column}, b, step, k, accumulate);
  for (; i < m; ++i) block<1, C>(d, out + i * out_row, out_row, {a.data + i * a.row, a.row, a.column}, b, step, k, accumulate);
}

/// packed[i * width + j] = b[i, j]: b transposed in squares of 4 x 4 where that is its layout.
template <class T>
HWY_INLINE void pack(T* packed, int64_t width, MatrixView<T> b, int64_t k) {
  int64_t done = 0;  // rows
#if HWY_TARGET != HWY_SCALAR
  if constexpr (sizeof(T) == 4) {
    if (b.row == 1 && width % 4 == 0) {
      const hn::Full128<T> d;
      const hn::Full128<double> pairs;
      for (; done + 4 <= k; done += 4) {
        for (int64_t j = 0; j < width; j += 4) {
          const T* column = b.data + done + j * b.column;
          const auto c0 = hn::LoadU(d, column), c1 = hn::LoadU(d, column + b.column);
          const auto c2 = hn::LoadU(d, column + 2 * b.column), c3 = hn::LoadU(d, column + 3 * b.column);
          const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, c0, c1)),
                     high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, c0, c1));
          const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, c2, c3)),
                     high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, c2, c3));
          T* to = packed + done * width + j;
          hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, to);
          hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, to + width);
          hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, to + 2 * width);
          hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, to + 3 * width);
        }
      }
    }
  }
#endif
  for (int64_t i = done; i < k; ++i)
    for (int64_t j = 0; j < width; ++j) packed[i * width + j] = b.data[i * b.row + j * b.column];
}

/// Consumes panels of C vectors while whole ones are left; returns the first column not done.
template <int64_t C, size_t kLanes, class T>
HWY_INLINE int64_t panels(T* out, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k, bool accumulate, int64_t j) {
  const hn::CappedTag<T, kLanes> d;
  const int64_t width = C * static_cast<int64_t>(hn::Lanes(d));
  for (; j + width <= n; j += width) {
    const T* column = b.data + j * b.column;
    if (b.column == 1 || width == 1) {
      panel<C>(d, out + j, n, a, column, b.row, m, k, accumulate);
      continue;
    }
    HWY_ALIGN T packed[kDepth * C * static_cast<int64_t>(kLanes)];
    for (int64_t i = 0; i == 0 || i < k; i += kDepth) {  // k = 0 still clears out
      const int64_t depth = std::min(k - i, kDepth);
      pack(packed, width, {column + i * b.row, b.row, b.column}, depth);
      panel<C>(d, out + j, n, {a.data + i * a.column, a.row, a.column}, packed, width, m, depth, accumulate || i > 0);
    }
  }
  return j;
}

template <class T>
HWY_INLINE void multiply(T* out, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k, bool accumulate) {
  constexpr size_t kFull = 64 / sizeof(T), kSixteenBytes = 16 / sizeof(T);
  int64_t j = panels<2, kFull>(out, a, b, m, n, k, accumulate, 0);
  j = panels<1, kFull>(out, a, b, m, n, k, accumulate, j);
  if (j < n && kFull > kSixteenBytes) j = panels<1, kSixteenBytes>(out, a, b, m, n, k, accumulate, j);
  if (j < n) panels<1, 1>(out, a, b, m, n, k, accumulate, j);
}

void multiply_float(float* out, const MatrixView<float>& a, const MatrixView<float>& b, int64_t m, int64_t n, int64_t k,
                    bool accumulate) {
  multiply<float>(out, a, b, m, n, k, accumulate);
}
void multiply_double(double* out, const MatrixView<double>& a, const MatrixView<double>& b, int64_t m, int64_t n, int64_t k,
                     bool accumulate) {
  multiply<double>(out, a, b, m, n, k, accumulate);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace gradus::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {
HWY_EXPORT(multiply_float);
HWY_EXPORT(multiply_double);
}  // namespace

void matmul_small(float* out, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k, bool accumulate) {
  // A single column is computed as a single row: its elements lie side by side.
  if (n == 1)
    return HWY_DYNAMIC_DISPATCH(multiply_float)(out, {b.data, b.column, b.row}, {a.data, a.column, a.row}, 1, m, k, accumulate);
  HWY_DYNAMIC_DISPATCH(multiply_float)(out, a, b, m, n, k, accumulate);
}
void matmul_small(double* out, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k, bool accumulate) {
  if (n == 1)
    return HWY_DYNAMIC_DISPATCH(multiply_double)(out, {b.data, b.column, b.row}, {a.data, a.column, a.row}, 1, m, k, accumulate);
  HWY_DYNAMIC_DISPATCH(multiply_double)(out, a, b, m, n, k, accumulate);
}

}  // namespace gradus::kernels
#endif
