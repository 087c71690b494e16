// Textbook linear algebra on small matrices of doubles, for holding LAPACK against.
#pragma once

#include <cstddef>

#include "tests/support/reference.h"

namespace gradus::test {

struct Matrix {
  int64_t rows = 0, columns = 0;
  std::vector<double> values = {};

  Matrix(int64_t m, int64_t n) : rows(m), columns(n), values(static_cast<size_t>(m * n)) {}
  double& operator()(int64_t i, int64_t j) { return values[static_cast<size_t>(i * columns + j)]; }
  double operator()(int64_t i, int64_t j) const { return values[static_cast<size_t>(i * columns + j)]; }
};

/// The matrix whose element at row i, column j is f(i, j).
template <class F>
Matrix matrix(int64_t rows, int64_t columns, const F& f) {
  Matrix out(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) out(i, j) = f(i, j);
  return out;
}
inline Matrix transposed(const Matrix& a) {
  return matrix(a.columns, a.rows, [&](int64_t i, int64_t j) { return a(j, i); });
}
inline Matrix times(const Matrix& a, const Matrix& b) {
  return matrix(a.rows, b.columns, [&](int64_t i, int64_t j) {
    double sum = 0;
    for (int64_t k = 0; k < a.columns; ++k) sum += a(i, k) * b(k, j);
    return sum;
  });
}
inline Matrix identity(int64_t n) {
  return matrix(n, n, [](int64_t i, int64_t j) { return i == j ? 1.0 : 0.0; });
}

/// Gauss and Jordan's elimination with the largest pivot of the column.
inline Matrix eliminated(Matrix a, Matrix b) {
  const int64_t n = a.rows;
  for (int64_t k = 0; k < n; ++k) {
    int64_t best = k;
    for (int64_t i = k; i < n; ++i)
      if (std::abs(a(i, k)) > std::abs(a(best, k))) best = i;
    for (int64_t j = 0; j < n; ++j) std::swap(a(k, j), a(best, j));
    for (int64_t j = 0; j < b.columns; ++j) std::swap(b(k, j), b(best, j));
    for (int64_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = a(i, k) / a(k, k);
      for (int64_t j = 0; j < n; ++j) a(i, j) -= factor * a(k, j);
      for (int64_t j = 0; j < b.columns; ++j) b(i, j) -= factor * b(k, j);
    }
  }
  return matrix(n, b.columns, [&](int64_t i, int64_t j) { return b(i, j) / a(i, i); });
}
inline Matrix inverted(const Matrix& a) { return eliminated(a, identity(a.rows)); }

/// a without row i and column j.
inline Matrix minor_of(const Matrix& a, int64_t i, int64_t j) {
  return matrix(a.rows - 1, a.columns - 1, [&](int64_t r, int64_t c) { return a(r < i ? r : r + 1, c < j ? c : c + 1); });
}
/// Laplace's expansion along the first row.
inline double determinant(const Matrix& a) {
  if (a.rows == 0) return 1;
  double sum = 0;
  for (int64_t j = 0; j < a.columns; ++j) sum += (j % 2 == 0 ? 1 : -1) * a(0, j) * determinant(minor_of(a, 0, j));
  return sum;
}
inline Matrix cofactors(const Matrix& a) {
  return matrix(a.rows, a.columns,
                [&](int64_t i, int64_t j) { return ((i + j) % 2 == 0 ? 1 : -1) * determinant(minor_of(a, i, j)); });
}

/// Cholesky and Crout's recurrence, column by column.
inline Matrix cholesky_factor(const Matrix& a) {
  Matrix l(a.rows, a.rows);
  for (int64_t j = 0; j < a.rows; ++j)
    for (int64_t i = j; i < a.rows; ++i) {
      double rest = a(i, j);
      for (int64_t k = 0; k < j; ++k) rest -= l(i, k) * l(j, k);
      l(i, j) = i == j ? std::sqrt(rest) : rest / l(j, j);
    }
  return l;
}

/// Modified Gram and Schmidt on the first min(m, n) columns, with a positive diagonal of R.
inline std::pair<Matrix, Matrix> gram_schmidt(const Matrix& a) {
  const int64_t k = std::min(a.rows, a.columns);
  Matrix q(a.rows, k), r(k, a.columns), rest = a;
  for (int64_t j = 0; j < k; ++j) {
    double square = 0;
    for (int64_t i = 0; i < a.rows; ++i) square += rest(i, j) * rest(i, j);
    r(j, j) = std::sqrt(square);
    for (int64_t i = 0; i < a.rows; ++i) q(i, j) = rest(i, j) / r(j, j);
    for (int64_t c = j + 1; c < a.columns; ++c) {
      for (int64_t i = 0; i < a.rows; ++i) r(j, c) += q(i, j) * rest(i, c);
      for (int64_t i = 0; i < a.rows; ++i) rest(i, c) -= q(i, j) * r(j, c);
    }
  }
  return {q, r};
}

/// Jacobi's rotations: the eigenvalues of a symmetric matrix, ascending, and the eigenvectors as columns.
inline std::pair<std::vector<double>, Matrix> jacobi(Matrix a) {
  const int64_t n = a.rows;
  Matrix v = identity(n);
  for (int sweep = 0; sweep < 30; ++sweep)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        if (a(p, q) == 0) continue;
        const double angle = 0.5 * std::atan2(2 * a(p, q), a(q, q) - a(p, p)), c = std::cos(angle), s = std::sin(angle);
        Matrix turn = identity(n);
        turn(p, p) = turn(q, q) = c;
        turn(p, q) = s;
        turn(q, p) = -s;
        a = times(times(transposed(turn), a), turn);
        v = times(v, turn);
      }
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int64_t i, int64_t j) { return a(i, i) < a(j, j); });
  const auto from = [&](int64_t j) { return order[static_cast<size_t>(j)]; };
  std::vector<double> values;
  for (int64_t j = 0; j < n; ++j) values.push_back(a(from(j), from(j)));
  return {values, matrix(n, n, [&](int64_t i, int64_t j) { return v(i, from(j)); })};
}

/// f of the matrices in the last two axes; leading dimensions broadcast. Each result, a vector of numbers, has the shape `tail`.
template <class F>
Array for_each_matrix(const Arrays& in, const Shape& tail, const F& f) {
  Arrays batches;
  for (const Array& x : in) batches.push_back({Shape(std::span(x.shape.begin(), static_cast<size_t>(x.shape.ndim() - 2)))});
  Array out{broadcast_shape(batches)};
  for_each_index(Shape(out.shape), [&](const Shape& at) {
    std::vector<Matrix> matrices;
    for (size_t k = 0; k < in.size(); ++k) {
      const Array& x = in[k];
      const Shape& batch = batches[k].shape;
      const int64_t m = x.shape[batch.ndim()], n = x.shape.back();
      int64_t which = 0;
      for (int i = 0; i < batch.ndim(); ++i) which = which * batch[i] + (batch[i] == 1 ? 0 : at[at.ndim() - batch.ndim() + i]);
      matrices.push_back(
          matrix(m, n, [&](int64_t i, int64_t j) { return x.values[static_cast<size_t>(which * m * n + i * n + j)]; }));
    }
    const std::vector<double> values = f(matrices);
    out.values.insert(out.values.end(), values.begin(), values.end());
  });
  for (const int64_t d : tail) out.shape.push_back(d);
  return out;
}

}  // namespace gradus::test
