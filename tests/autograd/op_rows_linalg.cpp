// Solving and determinants. Matrices are made well conditioned inside the calls, and in the same way inside the references.
#include "tests/autograd/op_rows.h"
#include "tests/support/naive_linalg.h"

namespace gradus::test {
namespace {

Tensor flipped(const Tensor& x) { return swapaxes(x, -1, -2); }

// Diagonally dominant, and symmetric too. The identity comes first: boolean + boolean would stay boolean.
Tensor dominant(const Tensor& x, int weight = 4) { return weight * eye(x.shape(-2), -1, 0, x.dtype()) + x; }
Tensor positive(const Tensor& x) { return dominant(x, 8) + flipped(x); }
Matrix dominant(const Matrix& x, double weight = 4) {
  return matrix(x.rows, x.rows, [&](int64_t i, int64_t j) { return x(i, j) + (i == j ? weight : 0); });
}
Matrix positive(const Matrix& x) {
  return matrix(x.rows, x.rows, [&](int64_t i, int64_t j) { return x(i, j) + x(j, i) + (i == j ? 8 : 0); });
}

using Matrices = std::vector<Matrix>;

Row linear(std::string name, std::vector<Shape> shapes, Call call, Reference reference, std::vector<std::vector<Shape>> more) {
  Row row{.name = std::move(name)};
  row.inputs.clear();
  for (const Shape& shape : shapes) row.inputs.push_back({.shape = shape, .low = -1, .high = 1});
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.shapes = std::move(more);
  row.reduces = true;
  return row;
}

/// A function of square matrices, with matrices or numbers for results.
Row of_squares(std::string name, Tensor (*call)(const Tensor&), Matrix (*reference)(const Matrix&)) {
  return linear(
      std::move(name), {{3, 3}}, [call](const std::vector<Tensor>& in) { return call(in[0]); },
      [reference](const Arrays& in) {
        const int64_t n = in[0].shape.back();
        return for_each_matrix(in, {n, n}, [&](const Matrices& a) { return reference(a[0]).values; });
      },
      {{{1, 1}}, {{0, 0}}, {{2, 2, 2}}, {{2, 1, 3, 3}}, {{0, 2, 2}}, {{2, 0, 0}}});
}
Row to_numbers(std::string name, Tensor (*call)(const Tensor&), double (*reference)(const Matrix&)) {
  return linear(
      std::move(name), {{3, 3}}, [call](const std::vector<Tensor>& in) { return call(in[0]); },
      [reference](const Arrays& in) {
        return for_each_matrix(in, {}, [&](const Matrices& a) { return std::vector<double>{reference(a[0])}; });
      },
      {{{1, 1}}, {{0, 0}}, {{4, 4}}, {{2, 2, 2}}, {{0, 2, 2}}, {{2, 0, 0}}});
}

/// a x = b for a matrix b. `a` makes the matrix of the reference.
Row system(std::string name, Call call, Matrix (*a)(const Matrix&)) {
  return linear(std::move(name), {{3, 3}, {3, 2}}, std::move(call),
                [a](const Arrays& in) {
                  return for_each_matrix(in, {in[0].shape.back(), in[1].shape.back()},
                                         [a](const Matrices& x) { return eliminated(a(x[0]), x[1]).values; });
                },
                {{{1, 1}, {1, 1}},
                 {{2, 3, 3}, {2, 3, 2}},
                 {{2, 2}, {3, 2, 1}},
                 {{2, 2, 2}, {2, 3}},
                 {{2, 1, 2, 2}, {1, 3, 2, 2}},
                 {{0, 0}, {0, 2}},
                 {{2, 2}, {2, 0}},
                 {{0, 2, 2}, {2, 1}}});
}

// The triangles as triangular_solve reads them.
Matrix lower_of(const Matrix& x) {
  return matrix(x.rows, x.rows, [a = dominant(x)](int64_t i, int64_t j) { return i >= j ? a(i, j) : 0; });
}
Matrix upper_of(const Matrix& x) {
  return matrix(x.rows, x.rows, [a = dominant(x)](int64_t i, int64_t j) { return i <= j ? a(i, j) : 0; });
}
Matrix unit_lower_of(const Matrix& x) {
  return matrix(x.rows, x.rows, [&](int64_t i, int64_t j) { return i == j ? 1 : i > j ? x(i, j) : 0; });
}
Matrix unit_upper_of(const Matrix& x) { return transposed(unit_lower_of(transposed(x))); }

Row triangular(std::string name, TriangularOptions options, Matrix (*a)(const Matrix&)) {
  return system(
      "triangular_solve" + name,
      [options](const std::vector<Tensor>& in) { return triangular_solve(dominant(in[0]), in[1], options); }, a);
}

Tensor of(std::initializer_list<std::initializer_list<double>> rows) { return Tensor(rows); }
const Tensor& singular_in_batch_1() {
  static const Tensor a = stack({eye(2), ones({2, 2}), eye(2)});
  return a;
}
Tensor huge() { return broadcast_to(zeros({1, 1}), {int64_t{1} << 31, int64_t{1} << 31}); }

/// What every function of square matrices refuses.
template <class F>
std::vector<ErrorCase> refused_by(F f, std::vector<ErrorCase> more = {}) {
  std::vector<ErrorCase> out{
      raises<ShapeError>("not a matrix; got shape [3], expected rank 2 or more", [f] { f(zeros({3})); }),
      raises<ShapeError>("matrix is not square; got shape [2, 2, 3], expected [..., n, n]",
                         [f] {
                           f(zeros({2, 2, 3}));
                         }),
      raises<ShapeError>("matrix too large for LAPACK; got shape [2147483648, 2147483648]", [f] { f(huge()); }),
      raises<ValueError>("matrix is not finite; got nan at row 1, column 0, expected finite elements",
                         [f] {
                           f(of({{1, 0}, {kNaN, 1}}));
                         }),
      raises<ValueError>("matrix is not finite; got -inf at row 0, column 0 in batch 1", [f] {
        f(stack({of({{1, 0}, {0, 1}}), of({{-kInf, 0}, {0, 1}})}));
      })};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

}  // namespace

std::vector<Row> linalg_rows() {
  std::vector<Row> rows;
  const auto add = [&](Row row, std::vector<ErrorCase> errors = {}) -> Row& {
    row.errors = std::move(errors);
    return rows.emplace_back(std::move(row));
  };

  add(of_squares(
          "cholesky", [](const Tensor& x) { return cholesky(positive(x)); },
          [](const Matrix& x) { return cholesky_factor(positive(x)); }),
      refused_by([](const Tensor& x) { cholesky(x); },
                 {raises<ValueError>("matrix is not positive definite; got a leading minor of order 2 that is not positive, "
                                     "expected positive minors",
                                     [] {
                                       cholesky(of({{1, 2}, {2, 1}}));
                                     }),
                  raises<ValueError>("that is not positive in batch 1", [] { cholesky(singular_in_batch_1()); })}));
  add(of_squares(
      "cholesky upper", [](const Tensor& x) { return cholesky(positive(x), true); },
      [](const Matrix& x) { return transposed(cholesky_factor(positive(x))); }));

  add(system(
          "solve", [](const std::vector<Tensor>& in) { return solve(dominant(in[0]), in[1]); },
          [](const Matrix& x) { return dominant(x); }),
      refused_by(
          [](const Tensor& x) {
            solve(x, ones({2, 1}));
          },
          {raises<ValueError>("matrix is singular; got zero pivot 1 in batch 1, expected an invertible matrix",
                              [] { solve(singular_in_batch_1(), ones({2})); }),
           raises<ValueError>("matrix is singular; got zero pivot 0, expected",
                              [] {
                                solve(zeros({2, 2}), ones({2}));
                              }),
           raises<ShapeError>("right-hand side does not fit; got [3] for a matrix of shape [2, 2], expected [2] or [..., 2, k]",
                              [] { solve(eye(2), ones({3})); }),
           raises<ShapeError>("right-hand side does not fit; got []", [] { solve(eye(2), Tensor(1.0f)); }),
           raises<ShapeError>("do not broadcast; got [2] and [3]", [] {
             solve(stack({eye(2), eye(2)}), ones({3, 2, 1}));
           })}));
  add(linear(
      "solve for a vector", {{3, 3}, {3}}, [](const std::vector<Tensor>& in) { return solve(dominant(in[0]), in[1]); },
      [](const Arrays& in) {
        const Array column{{in[1].shape[0], 1}, in[1].values};
        return for_each_matrix({in[0], column}, {in[1].shape[0]},
                               [](const Matrices& x) { return eliminated(dominant(x[0]), x[1]).values; });
      },
      {{{1, 1}, {1}}, {{0, 0}, {0}}, {{2, 2, 2}, {2}}}));

  add(triangular("", {}, lower_of),
      {raises<ValueError>("matrix is singular; got 0 at position 1 of the diagonal, expected",
                          [] {
                            triangular_solve(of({{1, 0}, {3, 0}}), ones({2}));
                          }),
       raises<ValueError>("got 0 at position 0 of the diagonal in batch 1",
                          [] {
                            triangular_solve(stack({eye(2), zeros({2, 2})}), ones({2}));
                          }),
       raises<ShapeError>("matrix is not square; got shape [2, 3]",
                          [] {
                            triangular_solve(zeros({2, 3}), ones({2}));
                          }),
       raises<ShapeError>("not a matrix; got shape []", [] { triangular_solve(Tensor(1.0f), ones({2})); }),
       raises<ShapeError>("right-hand side does not fit; got [2, 1]", [] {
         triangular_solve(eye(3), ones({2, 1}));
       })});
  add(triangular(" upper", {.lower = false}, upper_of));
  add(triangular(" transposed", {.transpose = true}, [](const Matrix& x) { return transposed(lower_of(x)); }));
  add(triangular(" upper transposed", {.lower = false, .transpose = true},
                 [](const Matrix& x) { return transposed(upper_of(x)); }));
  add(triangular(" unit", {.unit_diagonal = true}, unit_lower_of));
  add(triangular(" unit upper", {.lower = false, .unit_diagonal = true}, unit_upper_of));

  add(of_squares(
          "inverse", [](const Tensor& x) { return inverse(dominant(x)); }, [](const Matrix& x) { return inverted(dominant(x)); }),
      refused_by([](const Tensor& x) { inverse(x); }, {raises<ValueError>("matrix is singular; got zero pivot 1", [] {
                   inverse(ones({2, 2}));
                 })}));

  add(of_squares(
          "matrix_power 5", [](const Tensor& x) { return matrix_power(dominant(x, 1), 5); },
          [](const Matrix& x) {
            const Matrix a = dominant(x, 1), square = times(a, a);
            return times(times(square, square), a);
          }),
      {raises<ShapeError>("matrix is not square; got shape [2, 3]",
                          [] {
                            matrix_power(zeros({2, 3}), 2);
                          }),
       raises<ShapeError>("matrix is not square; got shape [2]", [] { matrix_power(zeros({2}), 2); }),
       raises<ValueError>("exponent out of range", [] { matrix_power(eye(2), std::numeric_limits<int64_t>::min()); }),
       raises<ValueError>(
           "matrix is singular",
           [] {
             matrix_power(zeros({2, 2}), -1);
           },
           "inverse")})
      .result = [](DType dtype) { return dtype == DType::boolean ? DType::int64 : dtype; };
  add(of_squares(
          "matrix_power 1", [](const Tensor& x) { return matrix_power(x, 1); }, [](const Matrix& x) { return x; }))
      .result = kept;
  add(of_squares(
      "matrix_power -2", [](const Tensor& x) { return matrix_power(dominant(x), -2); },
      [](const Matrix& x) {
        const Matrix a = dominant(x);
        return inverted(times(a, a));
      }));
  Row& zeroth = add(of_squares(
      "matrix_power 0", [](const Tensor& x) { return matrix_power(x, 0); }, [](const Matrix& x) { return identity(x.rows); }));
  zeroth.result = kept;

  // A singular matrix less 4 I, which the call adds: what the determinant depends on there are products of the other values.
  Row& det_row = add(to_numbers(
                         "det", [](const Tensor& x) { return det(dominant(x, 2)); },
                         [](const Matrix& x) { return determinant(dominant(x, 2)); }),
                     refused_by([](const Tensor& x) { det(x); }));
  det_row.covers = {"cofactors"};
  Row& cofactor_row = add(of_squares(
      "det differentiated",
      [](const Tensor& x) {
        return grad([](const Tensor& a) { return sum(det(a)); })(dominant(x.astype(floating(x.dtype())), 2));
      },
      [](const Matrix& x) { return cofactors(dominant(x, 2)); }));
  cofactor_row.covers = {"cofactors", "cofactors_along"};
  add(linear(
          "det of a singular matrix", {{9}},
          [](const std::vector<Tensor>& in) {
            return det(dominant(reshape(in[0], {3, 3})));
          },
          [](const Arrays& in) {
            return for_each_matrix({{{3, 3}, in[0].values}}, {},
                                   [](const Matrices& x) { return std::vector<double>{determinant(dominant(x[0]))}; });
          },
          {}))
      .specials = {{{{0, 1, 3, 2, -2, 0, 2, -1, -1}}, {0}, {{6, -6, -6, -6, 6, 6, -6, 6, 6}}}};

  add(to_numbers(
          "slogdet", [](const Tensor& x) { return slogdet(dominant(x)).logabsdet; },
          [](const Matrix& x) { return std::log(determinant(dominant(x))); }),
      refused_by([](const Tensor& x) { slogdet(x); }))
      .covers = {"slogdet_sign"};
  add(to_numbers(
          "slogdet sign", [](const Tensor& x) { return slogdet(dominant(x.astype(floating(x.dtype())), -4)).sign; },
          [](const Matrix& x) { return x.rows % 2 == 0 ? 1.0 : -1.0; }))
      .differentiable = false;
  add(to_numbers(
          "logdet", [](const Tensor& x) { return logdet(dominant(x)); },
          [](const Matrix& x) { return std::log(determinant(dominant(x))); }),
      {raises<ShapeError>(
          "matrix is not square",
          [] {
            logdet(zeros({2, 3}));
          },
          "slogdet")});
  return rows;
}

}  // namespace gradus::test
