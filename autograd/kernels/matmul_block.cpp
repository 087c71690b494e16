// Blocks of 8 rows (6 where there are 16 registers) by 2 vectors of the result stay in registers while k runs. Columns of b that
// do not lie side by side, or are read by many rows, are packed into panels on the stack first; elements of a are broadcast one
// by one, so that a may have any strides. The columns left over go through shorter vectors, the last one alone: nothing outside
// the matrices is read or written. Bound by multiplications as long as a panel of b stays in the first cache and the rows of a
// in the second, which kDepth and kBand see to. Every kDepth products are summed by themselves, so that long sums drift little.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/matmul_block.cpp"
#include "autograd/kernels/simd.h"
// Highway after simd.h, foreach_target before highway
#include "hwy/foreach_target.h"
//
#include "hwy/highway.h"

#include <algorithm>
#include <utility>

#include "autograd/kernels/matmul_block.h"
#include "autograd/kernels/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET <= HWY_AVX3 || HWY_TARGET >= HWY_NEON
constexpr int64_t kRows = 8;
#else
constexpr int64_t kRows = 6;
#endif
constexpr int64_t kDepth = 192, kBand = 256, kRowsToPack = 4 * kRows, kNearBytes = 16 << 10;

/// The R x (C vectors) block of out at `out`. b: rows of whole vectors, `step` elements apart.
template <int64_t R, int64_t C, class D, class T = hn::TFromD<D>>
HWY_INLINE void block(D d, T* out, int64_t out_row, MatrixView<T> a, const T* b, int64_t step, int64_t k, bool accumulate) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  using V = hn::Vec<D>;
  V sums[R][C];
  HWY_UNROLL(8)
  for (int64_t r = 0; r < R; ++r) {
    HWY_UNROLL(8)
    for (int64_t c = 0; c < C; ++c) sums[r][c] = hn::Zero(d);
  }
  for (int64_t i = 0; i < k; ++i) {
    V columns[C];
    HWY_UNROLL(8)
    for (int64_t c = 0; c < C; ++c) columns[c] = hn::LoadU(d, b + i * step + c * lanes);
    HWY_UNROLL(8)
    for (int64_t r = 0; r < R; ++r) {
      const V factor = hn::Set(d, a.data[r * a.row + i * a.column]);
      HWY_UNROLL(8)
      for (int64_t c = 0; c < C; ++c) sums[r][c] = hn::MulAdd(factor, columns[c], sums[r][c]);
    }
  }
  HWY_UNROLL(8)
  for (int64_t r = 0; r < R; ++r) {
    HWY_UNROLL(8)
    for (int64_t c = 0; c < C; ++c) {
      T* to = out + r * out_row + c * lanes;
      hn::StoreU(accumulate ? hn::Add(hn::LoadU(d, to), sums[r][c]) : sums[r][c], d, to);
    }
  }
}

/// All m rows of one panel, C vectors wide; more than two vectors only for one row.
template <int64_t C, class D, class T = hn::TFromD<D>>
HWY_INLINE void panel(D d, T* out, int64_t out_row, MatrixView<T> a, const T* b, int64_t step, int64_t m, int64_t k,
                      bool accumulate) {
  int64_t i = 0;
  const auto rows = [&]<int64_t R>() {
    for (; i + R <= m; i += R)
      block<R, C>(d, out + i * out_row, out_row, {a.data + i * a.row, a.row, a.column}, b, step, k, accumulate);
  };
  if constexpr (C <= 2) {
    rows.template operator()<kRows>();
    rows.template operator()<4>();
    rows.template operator()<2>();
  }
  rows.template operator()<1>();
}

/// packed[i * width + j] = b[i, j]: in tiles of 16 x 16 where columns of b lie without gaps.
template <class T>
HWY_INLINE void pack(T* packed, int64_t width, MatrixView<T> b, int64_t k) {
  if (b.column == 1) {
    for (int64_t i = 0; i < k; ++i) std::copy_n(b.data + i * b.row, width, packed + i * width);
    return;
  }
  int64_t done = 0;  // rows
  if (sizeof(T) == 4 && b.row == 1 && width % 16 == 0) {
    done = k / 16 * 16;
    for (int64_t j = 0; j < width; j += 16)
      for (int64_t i = 0; i < done; i += 16)
        transpose_words(reinterpret_cast<std::byte*>(packed + i * width + j), width * 4,
                        reinterpret_cast<const std::byte*>(b.data + i + j * b.column), b.column * 4);
  }
  for (int64_t i = done; i < k; ++i)
    for (int64_t j = 0; j < width; ++j) packed[i * width + j] = b.data[i * b.row + j * b.column];
}

/// Whether rows of b are read where they lie: side by side, and few enough of them or near enough to stay in the first cache.
template <class T>
bool direct(MatrixView<T> b, int64_t m, int64_t k) {
  return b.column == 1 && (m < kRowsToPack || k * b.row * static_cast<int64_t>(sizeof(T)) <= kNearBytes);
}

/// Consumes panels of C vectors while whole ones are left; returns the first column not done. k <= kDepth.
template <int64_t C, size_t kLanes, class T>
HWY_INLINE int64_t panels(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k,
                          bool accumulate, int64_t j) {
  const hn::CappedTag<T, kLanes> d;
  const int64_t width = C * static_cast<int64_t>(hn::Lanes(d));
  const bool unpacked = direct(b, m, k);
  HWY_ALIGN T packed[kDepth * C * static_cast<int64_t>(kLanes)];
  for (; j + width <= n; j += width) {
    const T* column = b.data + j * b.column;
    if (!unpacked) pack(packed, width, {column, b.row, b.column}, k);
    panel<C>(d, out + j, out_row, a, unpacked ? column : packed, unpacked ? b.row : width, m, k, accumulate);
  }
  return j;
}

/// The last columns, fewer than a vector: as a vector on the stack, filled up with zeros.
template <size_t kLanes, class T>
HWY_INLINE void rest(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k, bool accumulate,
                     int64_t j) {
  const hn::CappedTag<T, kLanes> d;
  const auto width = static_cast<int64_t>(hn::Lanes(d)), columns = n - j;
  HWY_ALIGN T packed[kDepth * static_cast<int64_t>(kLanes)], tile[kRows * static_cast<int64_t>(kLanes)] = {};
  for (int64_t i = 0; i < k; ++i)
    for (int64_t c = 0; c < width; ++c) packed[i * width + c] = c < columns ? b.data[i * b.row + (j + c) * b.column] : T(0);
  for (int64_t i = 0; i < m; i += kRows) {
    const int64_t rows = std::min(kRows, m - i);
    for (int64_t r = 0; accumulate && r < rows; ++r) std::copy_n(out + (i + r) * out_row + j, columns, tile + r * width);
    panel<1>(d, tile, width, {a.data + i * a.row, a.row, a.column}, packed, width, rows, k, accumulate);
    for (int64_t r = 0; r < rows; ++r) std::copy_n(tile + r * width, columns, out + (i + r) * out_row + j);
  }
}

/// One row of out from columns of b without gaps: dot products, eight at a time. Bound by reading b.
template <class T>
HWY_INLINE void dots(T* out, const T* x, const T* b, int64_t column, int64_t n, int64_t k, bool accumulate) {
  const hn::CappedTag<T, 64 / sizeof(T)> d;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto some = [&]<int64_t R>(int64_t j) HWY_ATTR {
    hn::Vec<decltype(d)> sums[R];
    HWY_UNROLL(8)
    for (int64_t r = 0; r < R; ++r) sums[r] = hn::Zero(d);
    int64_t i = 0;
    for (; i + lanes <= k; i += lanes) {
      const auto factors = hn::LoadU(d, x + i);
      HWY_UNROLL(8)
      for (int64_t r = 0; r < R; ++r) sums[r] = hn::MulAdd(factors, hn::LoadU(d, b + (j + r) * column + i), sums[r]);
    }
    for (int64_t r = 0; r < R; ++r) {
      T sum = hn::GetLane(hn::SumOfLanes(d, sums[r]));
      for (int64_t l = i; l < k; ++l) sum += x[l] * b[(j + r) * column + l];
      out[j + r] = accumulate ? out[j + r] + sum : sum;
    }
  };
  int64_t j = 0;
  for (; j + 8 <= n; j += 8) some.template operator()<8>(j);
  for (; j < n; ++j) some.template operator()<1>(j);
}

template <class T>
HWY_INLINE void multiply(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, int64_t m, int64_t n, int64_t k,
                         bool accumulate) {
  constexpr size_t kFull = 64 / sizeof(T), kSixteenBytes = 16 / sizeof(T);
  if (m == 1 && b.row == 1 && b.column != 1 && a.column == 1) return dots(out, a.data, b.data, b.column, n, k, accumulate);
  for (int64_t l = 0; l == 0 || l < k; l += kDepth) {  // k = 0 still clears out
    const int64_t depth = std::min(k - l, kDepth);
    const MatrixView<T> right{b.data + l * b.row, b.row, b.column};
    for (int64_t i = 0; i < m; i += kBand) {
      const int64_t rows = std::min(kBand, m - i);
      const MatrixView<T> left{a.data + i * a.row + l * a.column, a.row, a.column};
      T* to = out + i * out_row;
      const bool add = accumulate || l > 0;
      int64_t j = rows == 1 ? panels<8, kFull>(to, out_row, left, right, 1, n, depth, add, 0) : 0;
      j = panels<2, kFull>(to, out_row, left, right, rows, n, depth, add, j);
      j = panels<1, kFull>(to, out_row, left, right, rows, n, depth, add, j);
      if (n - j == static_cast<int64_t>(kSixteenBytes))
        panels<1, kSixteenBytes>(to, out_row, left, right, rows, n, depth, add, j);
      else if (n - j > static_cast<int64_t>(kSixteenBytes)) rest<kFull>(to, out_row, left, right, rows, n, depth, add, j);
      else if (j < n) rest<kSixteenBytes>(to, out_row, left, right, rows, n, depth, add, j);
    }
  }
}

void multiply_float(float* out, int64_t out_row, const MatrixView<float>& a, const MatrixView<float>& b, int64_t m, int64_t n,
                    int64_t k, bool accumulate) {
  multiply<float>(out, out_row, a, b, m, n, k, accumulate);
}
void multiply_double(double* out, int64_t out_row, const MatrixView<double>& a, const MatrixView<double>& b, int64_t m, int64_t n,
                     int64_t k, bool accumulate) {
  multiply<double>(out, out_row, a, b, m, n, k, accumulate);
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

/// A single column is computed as a single row: its elements lie side by side.
template <class T>
void column_as_row(int64_t& out_row, MatrixView<T>& a, MatrixView<T>& b, int64_t& m, int64_t& n) {
  if (n != 1 || (out_row != 1 && m != 1)) return;
  const MatrixView<T> row{b.data, b.column, b.row};
  b = {a.data, a.column, a.row};
  a = row;
  std::swap(m, n);
  out_row = n;
}
}  // namespace

void matmul_block(float* out, int64_t out_row, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate) {
  column_as_row(out_row, a, b, m, n);
  HWY_DYNAMIC_DISPATCH(multiply_float)(out, out_row, a, b, m, n, k, accumulate);
}
void matmul_block(double* out, int64_t out_row, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate) {
  column_as_row(out_row, a, b, m, n);
  HWY_DYNAMIC_DISPATCH(multiply_double)(out, out_row, a, b, m, n, k, accumulate);
}

}  // namespace gradus::kernels
#endif
