#include "autograd/kernels/lapack.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "autograd/base/parallel.h"

// The routines, as Fortran sees them: everything by address, and at the end the lengths of the texts. Not every compiler wants
// those, and none minds them.
template <class T>
using Potrf = void(const char* uplo, const int* n, T* a, const int* lda, int* info, size_t);
template <class T>
using Getrf = void(const int* m, const int* n, T* a, const int* lda, int* pivots, int* info);
template <class T>
using Getrs = void(const char* trans, const int* n, const int* k, const T* a, const int* lda, const int* pivots, T* b,
                   const int* ldb, int* info, size_t);
template <class T>
using Trsm = void(const char* side, const char* uplo, const char* trans, const char* diag, const int* m, const int* n,
                  const T* alpha, const T* a, const int* lda, T* b, const int* ldb, size_t, size_t, size_t, size_t);
template <class T>
using Gelqf = void(const int* m, const int* n, T* a, const int* lda, T* tau, T* work, const int* lwork, int* info);
template <class T>
using Orglq = void(const int* m, const int* n, const int* k, T* a, const int* lda, const T* tau, T* work, const int* lwork,
                   int* info);
template <class T>
using Syevd = void(const char* jobz, const char* uplo, const int* n, T* a, const int* lda, T* w, T* work, const int* lwork,
                   int* iwork, const int* liwork, int* info, size_t, size_t);
template <class T>
using Gesdd = void(const char* jobz, const int* m, const int* n, T* a, const int* lda, T* s, T* u, const int* ldu, T* vt,
                   const int* ldvt, T* work, const int* lwork, int* iwork, int* info, size_t);

extern "C" {
Potrf<float> spotrf_;
Potrf<double> dpotrf_;
Getrf<float> sgetrf_;
Getrf<double> dgetrf_;
Getrs<float> sgetrs_;
Getrs<double> dgetrs_;
Trsm<float> strsm_;
Trsm<double> dtrsm_;
Gelqf<float> sgelqf_;
Gelqf<double> dgelqf_;
Orglq<float> sorglq_;
Orglq<double> dorglq_;
Syevd<float> ssyevd_;
Syevd<double> dsyevd_;
Gesdd<float> sgesdd_;
Gesdd<double> dgesdd_;
}

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

/// The routine for T.
template <class T, class Single, class Double>
constexpr auto* pick(Single* single, Double* twice) {
  if constexpr (std::is_same_v<T, float>) return single;
  else return twice;
}

template <class F>
decltype(auto) visit_real(DType dtype, const F& f) {
  return dtype == DType::float64 ? f.template operator()<double>() : f.template operator()<float>();
}

int extent(int64_t n) { return static_cast<int>(n); }
int64_t rows(const TensorImpl& a) { return a.shape[a.ndim() - 2]; }
int64_t columns(const TensorImpl& a) { return a.shape.back(); }
/// Matrices in a tensor that is not empty.
int64_t batches(const TensorImpl& a) { return a.size / (rows(a) * columns(a)); }

// Multiplications up to which a second thread costs LAPACK more than it saves. Measured with OpenBLAS, which would start its team
// even for a 3 x 3 matrix.
constexpr double kSmall = 256 * 256 * 256;

/// While it lives, OpenMP regions opened from this thread, by whichever library, have one thread.
class OneThread {
 public:
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

/// Calls f(i, work) -> info for the matrices [0, count), each of so many elements and about that times `order` multiplications.
/// `work` is scratch of one thread, empty at first.
template <class T, class F>
Failure for_each_matrix(int64_t count, int64_t elements, int64_t order, const F& f) {
  std::vector<int> info(static_cast<size_t>(count));
  const double products = static_cast<double>(elements) * static_cast<double>(order);
  const auto grain = static_cast<int64_t>(std::max(1.0, static_cast<double>(kGrain) / products));
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    std::optional<OneThread> alone;
    if (products <= kSmall) alone.emplace();
    std::vector<T> work;
    for (int64_t i = begin; i < end; ++i) info[static_cast<size_t>(i)] = f(i, work);
  });
  const auto first = std::find_if(info.begin(), info.end(), [](int code) { return code != 0; });
  return first == info.end() ? Failure{} : Failure{first - info.begin(), *first};
}

/// Calls a routine with work space of the size it asks for.
template <class T, class Routine>
int with_workspace(std::vector<T>& work, const Routine& routine) {
  int info = 0, length = -1;
  if (work.empty()) {
    T best = 0;
    routine(&best, &length, &info);
    // A float may have been rounded down.
    work.resize(static_cast<size_t>(std::nextafter(std::max<T>(best, 1), std::numeric_limits<T>::infinity())) + 1);
  }
  length = extent(std::min<int64_t>(std::ssize(work), kMaxExtent));
  routine(work.data(), &length, &info);
  return info;
}

/// First element of the matrix of `a` that stands for matrix i of a batch shaped like `whole`, where a's batch broadcasts.
int64_t broadcast_offset(const TensorImpl& a, int per_matrix, const TensorImpl& whole, int64_t i) {
  int64_t offset = 0;
  const int extra = (whole.ndim() - 2) - (a.ndim() - per_matrix);
  for (int d = whole.ndim() - 3; d >= extra; --d) {
    if (a.shape[d - extra] != 1) offset += i % whole.shape[d] * a.stride(d - extra);
    i /= whole.shape[d];
  }
  return offset;
}

}  // namespace

int64_t first_not_finite(const TensorImpl& x) {
  return visit_real(x.dtype, [&]<class T>() {
    const T* values = x.as<T>();
    const T* bad = std::find_if(values, values + x.size, [](T v) { return !std::isfinite(v); });
    return bad == values + x.size ? int64_t{-1} : static_cast<int64_t>(bad - values);
  });
}

// Row-major lower triangles are LAPACK's upper ones.
Failure cholesky(TensorImpl& a) {
  if (a.size == 0) return {};
  const int n = extent(columns(a));
  const int64_t size = int64_t{n} * n;
  return visit_real(a.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(a), size, n, [&](int64_t i, std::vector<T>&) {
      int info = 0;
      pick<T>(spotrf_, dpotrf_)("U", &n, a.as<T>() + i * size, &n, &info, 1);
      return info;
    });
  });
}

Failure lu(TensorImpl& a, TensorImpl& pivots) {
  if (a.size == 0) return {};
  const int n = extent(columns(a));
  const int64_t size = int64_t{n} * n;
  return visit_real(a.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(a), size, n, [&](int64_t i, std::vector<T>&) {
      int info = 0;
      pick<T>(sgetrf_, dgetrf_)(&n, &n, a.as<T>() + i * size, &n, pivots.as<int32_t>() + i * n, &info);
      return info;
    });
  });
}

void lu_solve(TensorImpl& b, const TensorImpl& lu, const TensorImpl& pivots, bool transpose) {
  if (b.size == 0) return;
  const int n = extent(columns(b)), k = extent(rows(b));
  const char* trans = transpose ? "N" : "T";  // the factors are those of the transpose
  visit_real(b.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(b), int64_t{n} * n, k, [&](int64_t i, std::vector<T>&) {
      int info = 0;
      pick<T>(sgetrs_, dgetrs_)(trans, &n, &k, lu.as<T>() + broadcast_offset(lu, 2, b, i), &n,
                                pivots.as<int32_t>() + broadcast_offset(pivots, 1, b, i), b.as<T>() + i * n * k, &n, &info, 1);
      return info;
    });
  });
}

// To BLAS the row-major a x = b reads transpose(x) a = transpose(b), with the triangles exchanged.
void triangular_solve(TensorImpl& b, const TensorImpl& a, Triangle triangle) {
  if (b.size == 0) return;
  const int n = extent(rows(b)), k = extent(columns(b));
  visit_real(b.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(b), int64_t{n} * n, k, [&](int64_t i, std::vector<T>&) {
      const T one = 1;
      pick<T>(strsm_, dtrsm_)("R", triangle.lower ? "U" : "L", triangle.transpose ? "T" : "N", triangle.unit_diagonal ? "U" : "N",
                              &k, &n, &one, a.as<T>() + broadcast_offset(a, 2, b, i), &n, b.as<T>() + i * n * k, &k, 1, 1, 1, 1);
      return 0;
    });
  });
}

// QR of the rows is LQ of the columns.
void qr(TensorImpl& packed) {
  if (packed.size == 0) return;
  const int n = extent(columns(packed)), m = extent(rows(packed) - n);
  const int64_t block = (int64_t{m} + n) * n;
  visit_real(packed.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(packed), int64_t{m} * n, n, [&](int64_t i, std::vector<T>& work) {
      T *a = packed.as<T>() + i * block, *r = a + int64_t{m} * n;
      std::vector<T> tau(static_cast<size_t>(n)), more;
      with_workspace<T>(work, [&](T* space, const int* length, int* info) {
        pick<T>(sgelqf_, dgelqf_)(&n, &m, a, &n, tau.data(), space, length, info);
      });
      for (int64_t row = 0; row < n; ++row)
        for (int64_t column = 0; column < n; ++column) r[row * n + column] = column < row ? T(0) : a[row * n + column];
      with_workspace<T>(more, [&](T* space, const int* length, int* info) {
        pick<T>(sorglq_, dorglq_)(&n, &m, &n, a, &n, tau.data(), space, length, info);
      });
      return 0;
    });
  });
}

// To LAPACK the lower triangle is the upper one, and its columns of eigenvectors are our rows.
Failure eigh(TensorImpl& packed) {
  if (packed.size == 0) return {};
  const int n = extent(columns(packed)), integers = 3 + 5 * n;
  const int64_t size = int64_t{n} * n;
  return visit_real(packed.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(packed), size, n, [&](int64_t i, std::vector<T>& work) {
      T* a = packed.as<T>() + i * (size + n);
      std::vector<int> iwork(static_cast<size_t>(integers));
      return with_workspace<T>(work, [&](T* space, const int* length, int* info) {
        pick<T>(ssyevd_, dsyevd_)("V", "U", &n, a, &n, a + size, space, length, iwork.data(), &integers, info, 1, 1);
      });
    });
  });
}

// To LAPACK a is V S transpose(U): it writes V column by column, which is transpose(V) row by row, and likewise U.
Failure svd(TensorImpl& packed, TensorImpl& a) {
  if (packed.size == 0) return {};
  const int m = extent(rows(a)), n = extent(columns(a));
  const int64_t size = int64_t{m} * n, block = size + n + int64_t{n} * n;
  return visit_real(a.dtype, [&]<class T>() {
    return for_each_matrix<T>(batches(a), size, n, [&](int64_t i, std::vector<T>& work) {
      T *u = packed.as<T>() + i * block, *s = u + size, *vh = s + n;
      std::vector<int> iwork(static_cast<size_t>(n) * 8);
      return with_workspace<T>(work, [&](T* space, const int* length, int* info) {
        pick<T>(sgesdd_, dgesdd_)("S", &n, &m, a.as<T>() + i * size, &n, s, vh, &n, u, &n, space, length, iwork.data(), info, 1);
      });
    });
  });
}

}  // namespace gradus::kernels
