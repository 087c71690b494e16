#include "autograd/kernels/matmul.h"

#include <cblas.h>

#include <algorithm>
#include <array>
#include <concepts>
#include <limits>
#include <optional>

#include "autograd/base/parallel.h"
#include "autograd/kernels/convert.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/dot.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/matmul_block.h"
#include "autograd/kernels/matmul_onednn.h"
#include "autograd/kernels/scalar.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

// Where our own kernel replaces BLAS: products of matrices up to about 512^3, beyond which BLAS gains more by packing both
// operands than that costs, and of vectors with matrices that the caches hold.
constexpr double kOwnProduct = 512.0 * 512 * 512, kOwnVector = 1 << 20;
constexpr int64_t kThin = 4;  // rows or columns below which a product is bound by memory
// Multiplications below which everything happens on the calling thread, however the operands lie; and how many are worth a
// thread: more where both operands stay in the caches, for a second thread has to fetch them first.
constexpr double kSmallProduct = 32 * 32 * 32, kPerThread = 1 << 21, kPerThreadOfVector = 1 << 18;
// Multiplications that take about as long as one element of simple arithmetic.
constexpr double kProductsPerElement = 8;
// Above this a single product is worth splitting by itself.
constexpr double kLargeProduct = 128 * 128 * 128;

/// m x k times k x n.
struct Extents {
  int64_t m, n, k;
  double products() const {
    return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(std::max<int64_t>(k, 1));
  }
  /// Ours, on the calling thread.
  bool small() const { return products() <= kSmallProduct; }
  /// Ours.
  bool own() const { return small() || products() <= (m == 1 ? kOwnVector : std::min(m, n) < kThin ? 0 : kOwnProduct); }
};

template <class T>
inline constexpr bool kBlas = std::same_as<T, float> || std::same_as<T, double>;

// BLAS

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, const float* a, blasint lda, const float* b,
          blasint ldb, float beta, float* c, blasint ldc) {
  cblas_sgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, blasint m, blasint n, blasint k, const double* a, blasint lda, const double* b,
          blasint ldb, double beta, double* c, blasint ldc) {
  cblas_dgemm(CblasRowMajor, ta, tb, m, n, k, 1, a, lda, b, ldb, beta, c, ldc);
}
void gemv(CBLAS_TRANSPOSE ta, blasint rows, blasint columns, const float* a, blasint lda, const float* x, blasint incx,
          float* y) {
  cblas_sgemv(CblasRowMajor, ta, rows, columns, 1, a, lda, x, incx, 1, y, 1);
}
void gemv(CBLAS_TRANSPOSE ta, blasint rows, blasint columns, const double* a, blasint lda, const double* x, blasint incx,
          double* y) {
  cblas_dgemv(CblasRowMajor, ta, rows, columns, 1, a, lda, x, incx, 1, y, 1);
}

struct Layout {
  CBLAS_TRANSPOSE transpose;
  int64_t leading;  // distance of rows, or of columns when transposed
};

/// How BLAS can read the matrix in place, if it can: unit stride one way, no overlap the other way.
template <class T>
std::optional<Layout> blas_layout(MatrixView<T> x, int64_t rows, int64_t columns) {
  if ((x.column == 1 || columns <= 1) && (rows <= 1 || x.row >= std::max<int64_t>(columns, 1)))
    return Layout{CblasNoTrans, rows <= 1 ? std::max<int64_t>(columns, 1) : x.row};
  if ((x.row == 1 || rows <= 1) && (columns <= 1 || x.column >= std::max<int64_t>(rows, 1)))
    return Layout{CblasTrans, columns <= 1 ? std::max<int64_t>(rows, 1) : x.column};
  return std::nullopt;
}

blasint blas_int(int64_t value) {
  if (value > std::numeric_limits<blasint>::max())
    fail<ShapeError>("matmul", "too large for BLAS; got a dimension or stride of ", value, ", expected at most ",
                     std::numeric_limits<blasint>::max());
  return static_cast<blasint>(value);
}

/// One product whose extents fit BLAS' integers; both operands have a layout.
template <class T>
void blas_block(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  const Layout la = *blas_layout(a, e.m, e.k);
  const blasint m = blas_int(e.m), n = blas_int(e.n), k = blas_int(e.k), lda = blas_int(la.leading);
  if (e.n == 1 && out_row == 1) {
    // beta = 0 lets a NaN left in memory survive in some versions of gemv
    if (!accumulate) std::fill_n(out, e.m, T(0));
    const bool plain = la.transpose == CblasNoTrans;
    return gemv(la.transpose, plain ? m : k, plain ? k : m, a.data, lda, b.data, e.k <= 1 ? 1 : blas_int(b.row), out);
  }
  const Layout lb = *blas_layout(b, e.k, e.n);
  gemm(la.transpose, lb.transpose, m, n, k, a.data, lda, b.data, blas_int(lb.leading), accumulate ? T(1) : T(0), out,
       blas_int(out_row));
}

template <class T>
void blas_product(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  if (e.m == 1 && e.n > 1)  // a row times a matrix: the transposed problem has the same memory
    return blas_product<T>(out, 1, {b.data, b.column, b.row}, {a.data, a.column, a.row}, {e.n, 1, e.k}, accumulate);
  constexpr int64_t kLimit = int64_t{1} << 30;  // beyond BLAS' 32-bit integers: in parts
  if (std::max({e.m, e.n, e.k}) <= kLimit) return blas_block(out, out_row, a, b, e, accumulate);
  for (int64_t i = 0; i < e.m; i += kLimit)
    for (int64_t j = 0; j < e.n; j += kLimit)
      for (int64_t l = 0; l < e.k; l += kLimit)
        blas_block<T>(out + i * out_row + j, out_row, {a.data + i * a.row + l * a.column, a.row, a.column},
                      {b.data + l * b.row + j * b.column, b.row, b.column},
                      {std::min(kLimit, e.m - i), std::min(kLimit, e.n - j), std::min(kLimit, e.k - l)}, accumulate || l > 0);
}

// Integers and booleans

/// Row by row of out, adding multiples of the rows of b.
template <class T>
void integer_product(T* out, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  using scalar::Wrapped;
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, e.n * e.k));
  parallel_for(e.m, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      T* row = out + i * e.n;
      if (!accumulate) std::fill_n(row, e.n, T(0));
      for (int64_t l = 0; l < e.k; ++l) {
        const Wrapped<T> factor = a.data[i * a.row + l * a.column];
        const T* from = b.data + l * b.row;
        for (int64_t j = 0; j < e.n; ++j) row[j] = (Wrapped<T>(row[j]) + factor * Wrapped<T>(from[j * b.column])).value;
      }
    }
  });
}

// Ours

/// Split by whole panels of columns, or of rows where there are few columns: an element is the same whoever computes it.
template <class T>
void own_product(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  if (e.small()) return matmul_block(out, out_row, a, b, e.m, e.n, e.k, accumulate);
  if (e.m <= 32 && e.m >= 8 && e.n >= 4 * e.m && b.column != 1) {
    // Few rows do not repay packing all of b: the transposed product packs a, and adds in the same order.
    const Ref<TensorImpl> memory = TensorImpl::make("matmul", {e.n, e.m}, dtype_of<T>);
    T* transposed = memory->as<T>();
    own_product<T>(transposed, e.m, {b.data, b.column, b.row}, {a.data, a.column, a.row}, {e.n, e.m, e.k}, false);
    for (int64_t j = 0; j < e.n; ++j)
      for (int64_t i = 0; i < e.m; ++i) {
        const T sum = transposed[j * e.m + i];
        out[i * out_row + j] = accumulate ? out[i * out_row + j] + sum : sum;
      }
    return;
  }
  constexpr int64_t kColumns = 32, kRows = 8;
  const bool by_columns = e.n >= 4 * kColumns;
  const int64_t width = by_columns ? kColumns : kRows, length = by_columns ? e.n : e.m;
  const double work = e.products() / static_cast<double>(length) * static_cast<double>(width);
  const auto grain = static_cast<int64_t>(std::max(1.0, (e.m == 1 ? kPerThreadOfVector : kPerThread) / work));
  parallel_for((length + width - 1) / width, grain, [&](int64_t begin, int64_t end) {
    begin *= width, end = std::min(end * width, length);
    if (by_columns)
      matmul_block(out + begin, out_row, a, {b.data + begin * b.column, b.row, b.column}, e.m, end - begin, e.k, accumulate);
    else
      matmul_block(out + begin * out_row, out_row, {a.data + begin * a.row, a.row, a.column}, b, end - begin, e.n, e.k,
                   accumulate);
  });
}

// Batches

template <class T>
void strided_product(T* out, int64_t out_row, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  if constexpr (kBlas<T>) {
    if (e.n == 1 && e.m > 1 && out_row == 1)  // a column is a row of the transposed problem, in the same memory
      return strided_product<T>(out, e.m, {b.data, b.column, b.row}, {a.data, a.column, a.row}, {1, e.m, e.k}, accumulate);
    if (e.m == 1 && e.k >= kLongDot) return long_dot(out, a.data, a.column, b, e.n, e.k, accumulate);
    if (e.own()) return own_product(out, out_row, a, b, e, accumulate);
    if (e.k > 0) return blas_product(out, out_row, a, b, e, accumulate);
    for (int64_t i = 0; i < e.m && !accumulate; ++i) std::fill_n(out + i * out_row, e.n, T(0));
  } else {
    integer_product(out, a, b, e, accumulate);
  }
}

template <class T>
void product(T* out, MatrixView<T> a, MatrixView<T> b, Extents e, bool accumulate) {
  strided_product(out, e.n, a, b, e, accumulate);
}

template <class T>
MatrixView<T> matrix(const TensorImpl& x) {
  return {x.as<const T>(), x.stride(x.ndim() - 2), x.stride(x.ndim() - 1)};
}

Ref<TensorImpl> converted(const TensorImpl& x, DType dtype) {
  Ref<TensorImpl> result = TensorImpl::make("matmul", x.shape, dtype);
  copy(*result, x);
  return result;
}

/// Whether `product` reads these matrices fast where they lie.
template <class T>
bool readable(MatrixView<T> x, int64_t rows, int64_t columns) {
  return kBlas<T> ? blas_layout(x, rows, columns).has_value() : x.column == 1 || columns <= 1;
}

/// Calls f with a and b, or with dense copies of them where that is what a product of these extents needs.
template <class T, class F>
void with_readable(const TensorImpl& a, const TensorImpl& b, Extents e, const F& f) {
  const bool keep_a = e.own() || !kBlas<T> || readable(matrix<T>(a), e.m, e.k);
  const bool keep_b = (e.own() && kBlas<T>) || e.small() || readable(matrix<T>(b), e.k, e.n);
  if (keep_a && keep_b) return f(a, b);
  const Ref<TensorImpl> dense_a = keep_a ? Ref<TensorImpl>() : converted(a, a.dtype);
  const Ref<TensorImpl> dense_b = keep_b ? Ref<TensorImpl>() : converted(b, b.dtype);
  f(keep_a ? a : *dense_a, keep_b ? b : *dense_b);
}

/// Several matrices of size e.m x e.k in a, e.k x e.n in b, either repeated where the other has more.
template <class T>
void batched(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, Extents e, bool accumulate) {
  Shape batch = out.shape;
  batch[out.ndim() - 2] = batch[out.ndim() - 1] = 1;
  const Loop<3> loop(batch, {broadcast(out, batch), broadcast(a, batch), broadcast(b, batch)}, LoopOrder::row_major);
  const MatrixView<T> left = matrix<T>(a), right = matrix<T>(b);

  const auto walk = [&](int64_t begin, int64_t end) {
    loop.walk(begin, end, [&](Loop<3>::Pointers p, const Loop<3>::Steps& steps, int64_t n) {
      for (int64_t i = 0; i < n; ++i) {
        product(reinterpret_cast<T*>(p[0]), {reinterpret_cast<const T*>(p[1]), left.row, left.column},
                {reinterpret_cast<const T*>(p[2]), right.row, right.column}, e, accumulate);
        for (size_t k = 0; k < p.size(); ++k) p[k] += steps[k];
      }
    });
  };
  const bool split = e.products() <= kLargeProduct && (!kBlas<T> || e.own() || gemm_runs_side_by_side());
  if (!split) return walk(0, loop.total());
  parallel_for(loop.total(), std::max<int64_t>(1, static_cast<int64_t>(kGrain * kProductsPerElement / e.products())), walk);
}

/// The rows of all matrices of a as one matrix, where their layout permits and b is the same for all.
Ref<TensorImpl> folded(const TensorImpl& a, const TensorImpl& b) {
  for (int i = 0; i < b.ndim() - 2; ++i)
    if (b.shape[i] != 1 && b.stride(i) != 0) return {};
  int64_t rows = 1, step = 0;  // from the inside out: rows so far, and the distance between them
  for (int i = a.ndim() - 2; i >= 0; --i) {
    if (a.shape[i] == 1) continue;
    if (rows == 1) step = a.stride(i);
    else if (a.stride(i) != rows * step) return {};
    rows *= a.shape[i];
  }
  return TensorImpl::view(a, {rows, a.shape.back()}, {step, a.stride(a.ndim() - 1)}, 0);
}

template <class T>
void typed(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, Extents e, bool accumulate) {
  if (e.m * e.n == out.size) {  // one matrix
    return with_readable<T>(a, b, e, [&](const TensorImpl& x, const TensorImpl& y) {
      product(out.as<T>(), matrix<T>(x), matrix<T>(y), e, accumulate);
    });
  }
  if (a.size > 0 && a.ndim() == out.ndim() && out.size == a.size / std::max<int64_t>(e.k, 1) * e.n) {
    if (const Ref<TensorImpl> rows = folded(a, b)) {
      const Extents all{out.size / e.n, e.n, e.k};
      return with_readable<T>(*rows, b, all, [&](const TensorImpl& x, const TensorImpl& y) {
        product(out.as<T>(), matrix<T>(x), matrix<T>(y), all, accumulate);
      });
    }
  }
  with_readable<T>(a, b, e, [&](const TensorImpl& x, const TensorImpl& y) { batched<T>(out, x, y, e, accumulate); });
}

}  // namespace

void matmul(TensorImpl& out, const TensorImpl& a, const TensorImpl& b, bool accumulate) {
  if (out.size == 0) return;
  const Extents e{a.shape[a.ndim() - 2], b.shape.back(), a.shape.back()};
  if (out.dtype == DType::float32 && e.m * e.n == out.size && e.small())  // the commonest case, without a detour
    return strided_product(out.as<float>(), e.n, matrix<float>(a), matrix<float>(b), e, accumulate);
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (Half<T>) {
      if (matmul_onednn(out, a, b, accumulate)) return;
      const Ref<TensorImpl> x = converted(a, DType::float32), y = converted(b, DType::float32);
      const Ref<TensorImpl> z =
          accumulate ? converted(out, DType::float32) : TensorImpl::make("matmul", out.shape, DType::float32);
      typed<float>(*z, *x, *y, e, accumulate);
      copy(out, *z);
    } else {
      typed<T>(out, a, b, e, accumulate);
    }
  });
}

void gemm(float* out, int64_t out_row, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k,
          bool accumulate) {
  strided_product(out, out_row, a, b, {m, n, k}, accumulate);
}
void gemm(double* out, int64_t out_row, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k,
          bool accumulate) {
  strided_product(out, out_row, a, b, {m, n, k}, accumulate);
}

bool gemm_runs_side_by_side() { return openblas_get_parallel() != OPENBLAS_THREAD; }

void set_blas_threads(int n) { openblas_set_num_threads(n); }

}  // namespace gradus::kernels
