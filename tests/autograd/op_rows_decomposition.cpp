// Factorisations. Signs of vectors are arbitrary: rows fix them, or ask for what does not depend on them.
#include "tests/autograd/op_rows.h"
#include "tests/support/naive_linalg.h"

namespace gradus::test {
namespace {

using Matrices = std::vector<Matrix>;

Tensor flipped(const Tensor& x) { return swapaxes(x, -1, -2); }

// Well conditioned matrices: x plus a diagonal, all the same (step 0) or growing, so that no two singular values are near.
Tensor conditioned(const Tensor& x, int step = 0) {
  const int64_t m = x.shape(-2), n = x.shape(-1);
  const DType dtype = is_floating(x.dtype()) ? x.dtype() : DType::int64;
  return eye(m, n, 0, dtype) * (3 + step * gradus::arange(n).astype(dtype)) + x;
}
Matrix conditioned(const Matrix& x, int64_t step = 0) {
  return matrix(x.rows, x.columns,
                [&](int64_t i, int64_t j) { return x(i, j) + (i == j ? 3 + static_cast<double>(step * i) : 0.0); });
}
Tensor symmetric(const Tensor& x) { return conditioned(x, 4) + flipped(x); }
Matrix symmetric(const Matrix& x) {
  return matrix(x.rows, x.rows, [a = conditioned(x, 4), &x](int64_t i, int64_t j) { return a(i, j) + x(j, i); });
}

Row factored(std::string name, Shape shape, Call call, std::function<Array(const Arrays&)> reference,
             std::vector<std::vector<Shape>> more) {
  Row row{.name = std::move(name), .inputs = {{.shape = shape, .low = -0.5, .high = 0.5}}, .shapes = std::move(more)};
  row.call = std::move(call);
  row.reference = std::move(reference);
  row.reduces = true;
  return row;
}

/// A function of matrices with matrices of rows(m, n) x columns(m, n) for results.
Row of_matrices(std::string name, Shape shape, Tensor (*call)(const Tensor&), Matrix (*reference)(const Matrix&),
                std::vector<std::vector<Shape>> more) {
  return factored(
      std::move(name), shape, [call](const std::vector<Tensor>& in) { return call(in[0]); },
      [reference](const Arrays& in) {
        const Matrix like = reference(Matrix(in[0].shape[in[0].shape.ndim() - 2], in[0].shape.back()));
        return for_each_matrix(in, {like.rows, like.columns}, [&](const Matrices& a) { return reference(a[0]).values; });
      },
      std::move(more));
}

const std::vector<std::vector<Shape>> kTall{{{1, 1}}, {{3, 1}},    {{2, 2}},    {{0, 0}},
                                            {{3, 0}}, {{2, 3, 2}}, {{0, 2, 2}}, {{2, 2, 0}}},
    kWide{{{1, 3}}, {{0, 3}}, {{2, 2, 3}}, {{0, 2, 3}}, {{2, 0, 3}}},
    kSquare{{{1, 1}}, {{2, 2}}, {{0, 0}}, {{2, 3, 3}}, {{0, 2, 2}}};

// QR with a positive diagonal of R.
QR positive_qr(const Tensor& x) {
  const QR f = qr(conditioned(x));
  const int64_t k = f.q.shape(-1);
  const Tensor signs = sign(sum(f.r * eye(k, f.r.shape(-1), 0, f.r.dtype()), -1));
  return {f.q * expand_dims(signs, -2), f.r * expand_dims(signs, -1)};
}
Tensor q_of(const Tensor& x) { return positive_qr(x).q; }
Tensor r_of(const Tensor& x) { return positive_qr(x).r; }
Matrix naive_q(const Matrix& x) { return gram_schmidt(conditioned(x)).first; }
Matrix naive_r(const Matrix& x) { return gram_schmidt(conditioned(x)).second; }

Matrix column(const std::vector<double>& values) {
  return matrix(static_cast<int64_t>(values.size()), 1, [&](int64_t i, int64_t) { return values[static_cast<size_t>(i)]; });
}
Matrix squared(const Matrix& a) {
  return matrix(a.rows, a.columns, [&](int64_t i, int64_t j) { return a(i, j) * a(i, j); });
}

Tensor exponential(const Tensor& x) {
  const Eigh f = eigh(0.1 * symmetric(x));
  return matmul(f.vectors * expand_dims(exp(f.values), -2), flipped(f.vectors));
}
Matrix exponential_series(const Matrix& x) {
  const Matrix a = symmetric(x);
  Matrix out = identity(a.rows), term = out;
  for (int k = 1; k < 40; ++k) {
    term = times(term, a);
    for (double& v : term.values) v *= 0.1 / k;
    for (size_t i = 0; i < out.values.size(); ++i) out.values[i] += term.values[i];
  }
  return out;
}

/// U, the singular values and V by Jacobi's rotations of the smaller of transpose(a) a and a transpose(a).
struct NaiveSvd {
  explicit NaiveSvd(const Matrix& a) : u(0, 0), v(0, 0) {
    const bool tall = a.rows >= a.columns;
    auto [squares, vectors] = jacobi(tall ? times(transposed(a), a) : times(a, transposed(a)));
    const int64_t k = vectors.rows;
    for (int64_t i = k; i-- > 0;) s.push_back(std::sqrt(squares[static_cast<size_t>(i)]));
    Matrix known = matrix(k, k, [&, &w = vectors](int64_t i, int64_t j) { return w(i, k - 1 - j); });
    Matrix other = times(tall ? a : transposed(a), known);
    for (int64_t i = 0; i < other.rows; ++i)
      for (int64_t j = 0; j < k; ++j) other(i, j) /= s[static_cast<size_t>(j)];
    u = tall ? other : known;
    v = tall ? known : other;
  }
  Matrix u;
  std::vector<double> s;
  Matrix v;
};
Tensor spread(const Tensor& x) { return conditioned(x, 3); }
Matrix spread(const Matrix& x) { return conditioned(x, 3); }
Tensor singular_values(const Tensor& x) { return expand_dims(svdvals(spread(x)), -1); }
Matrix naive_singular_values(const Matrix& x) { return column(NaiveSvd(spread(x)).s); }
Tensor u_squared(const Tensor& x) { return square(svd(spread(x)).u); }
Matrix naive_u_squared(const Matrix& x) { return squared(NaiveSvd(spread(x)).u); }
Tensor vh_squared(const Tensor& x) { return square(svd(spread(x)).vh); }
Matrix naive_vh_squared(const Matrix& x) { return squared(transposed(NaiveSvd(spread(x)).v)); }
Tensor polar(const Tensor& x) {
  const SVD f = svd(spread(x));
  return matmul(f.u, f.vh);
}
Matrix naive_polar(const Matrix& x) {
  const NaiveSvd f(spread(x));
  return times(f.u, transposed(f.v));
}

// By the normal equations.
Matrix naive_pinv(const Matrix& a) {
  const Matrix t = transposed(a);
  return a.rows >= a.columns ? times(inverted(times(t, a)), t) : times(t, inverted(times(a, t)));
}

Row least_squares(std::string name, Shape a, Shape b, std::vector<std::vector<Shape>> more) {
  Row row = factored(
      std::move(name), a, [](const std::vector<Tensor>& in) { return lstsq(conditioned(in[0]), in[1]); },
      [](const Arrays& in) {
        const bool vector = in[1].shape.ndim() == 1;
        const Array rhs = vector ? Array{{in[1].shape[0], 1}, in[1].values} : in[1];
        Shape tail{in[0].shape.back()};
        if (!vector) tail.push_back(rhs.shape.back());
        return for_each_matrix({in[0], rhs}, tail,
                               [](const Matrices& x) { return times(naive_pinv(conditioned(x[0])), x[1]).values; });
      },
      std::move(more));
  row.inputs.push_back({.shape = b, .low = -1, .high = 1});
  return row;
}

Tensor of(std::initializer_list<std::initializer_list<double>> rows) { return Tensor(rows); }

/// What every factorisation refuses.
template <class F>
std::vector<ErrorCase> refused_by(F f, std::vector<ErrorCase> more = {}) {
  std::vector<ErrorCase> out{raises<ShapeError>("not a matrix; got shape [3], expected rank 2 or more", [f] { f(zeros({3})); }),
                             raises<ShapeError>("matrix too large for LAPACK; got shape",
                                                [f] {
                                                  f(broadcast_to(zeros({1, 1}), {int64_t{1} << 31, int64_t{1} << 31}));
                                                }),
                             raises<ValueError>("matrix is not finite; got nan at row 1, column 0, expected finite elements",
                                                [f] {
                                                  f(of({{1, 0}, {kNaN, 1}}));
                                                }),
                             raises<ValueError>("matrix is not finite; got inf at row 0, column 0 in batch 1", [f] {
                               f(stack({of({{1, 0}, {0, 1}}), of({{kInf, 0}, {0, 1}})}));
                             })};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}
ErrorCase refuses_rectangles(void (*f)(const Tensor&)) {
  return raises<ShapeError>("matrix is not square; got shape [2, 3], expected [..., n, n]", [f] { f(zeros({2, 3})); });
}

}  // namespace

std::vector<Row> decomposition_rows() {
  std::vector<Row> rows;
  const auto add = [&](Row row, std::vector<ErrorCase> errors = {}) -> Row& {
    row.errors = std::move(errors);
    return rows.emplace_back(std::move(row));
  };

  add(of_matrices("qr q", {4, 3}, q_of, naive_q, kTall), refused_by([](const Tensor& x) { qr(x); }));
  add(of_matrices("qr r", {4, 3}, r_of, naive_r, kTall));
  add(of_matrices("qr q of a wide matrix", {2, 4}, q_of, naive_q, kWide),
      {raises<ValueError>("matrix is not finite; got nan at row 0, column 1", [] {
        qr(of({{1, kNaN}}));
      })});
  add(of_matrices("qr r of a wide matrix", {2, 4}, r_of, naive_r, kWide));

  add(of_matrices(
          "eigh values", {3, 3}, [](const Tensor& x) { return expand_dims(eigh(symmetric(x)).values, -1); },
          [](const Matrix& x) { return column(jacobi(symmetric(x)).first); }, kSquare),
      refused_by([](const Tensor& x) { eigh(x); }, {refuses_rectangles([](const Tensor& x) { eigh(x); }),
                                                    raises<ShapeError>("expected an order of at most 32766", [] {
                                                      eigh(broadcast_to(zeros({1, 1}), {32767, 32767}));
                                                    })}));
  add(of_matrices(
      "eigh vectors", {3, 3}, [](const Tensor& x) { return square(eigh(symmetric(x)).vectors); },
      [](const Matrix& x) { return squared(jacobi(symmetric(x)).second); }, kSquare));
  add(of_matrices("eigh as a function of matrices", {3, 3}, exponential, exponential_series, kSquare));
  add(of_matrices(
          "eigvalsh", {3, 3}, [](const Tensor& x) { return expand_dims(eigvalsh(symmetric(x)), -1); },
          [](const Matrix& x) { return column(jacobi(symmetric(x)).first); }, kSquare),
      {raises<ShapeError>(
          "not a matrix", [] { eigvalsh(zeros({3})); }, "eigh")});

  for (const bool wide : {false, true}) {
    const std::string which = wide ? " of a wide matrix" : "";
    const Shape shape = wide ? Shape{2, 3} : Shape{4, 3};
    const auto& more = wide ? kWide : kTall;
    // The position is that in the matrix given, whichever way round it is factored.
    add(of_matrices("svd u" + which, shape, u_squared, naive_u_squared, more),
        refused_by([](const Tensor& x) { svd(x); }, {raises<ValueError>("got nan at row 0, column 1,", [] {
                     svd(of({{1, kNaN}}));
                   })}));
    add(of_matrices("svd vh" + which, shape, vh_squared, naive_vh_squared, more));
    add(of_matrices("svd as a polar decomposition" + which, shape, polar, naive_polar, more));
    add(of_matrices("svdvals" + which, shape, singular_values, naive_singular_values, more),
        {raises<ShapeError>(
            "not a matrix", [] { svdvals(zeros({3})); }, "svd")});
    add(of_matrices(
            "pinv" + which, shape, [](const Tensor& x) { return pinv(conditioned(x)); },
            [](const Matrix& x) { return naive_pinv(conditioned(x)); }, more),
        refused_by([](const Tensor& x) { pinv(x); }, {raises<ValueError>("bad tolerance; got nan", [] { pinv(eye(2), kNaN); })}));
  }

  Row deficient = factored(
      "pinv of a matrix of rank 2", {4, 2},
      [](const std::vector<Tensor>& in) {
        return pinv(
            matmul(conditioned(in[0].astype(floating(in[0].dtype()))), conditioned(in[1].astype(floating(in[1].dtype())))), 0.1);
      },
      [](const Arrays& in) {
        return for_each_matrix(in, {in[1].shape.back(), in[0].shape[in[0].shape.ndim() - 2]}, [](const Matrices& x) {
          return times(naive_pinv(conditioned(x[1])), naive_pinv(conditioned(x[0]))).values;
        });
      },
      {{{3, 1}, {1, 2}}, {{2, 3, 2}, {2, 2, 3}}});
  deficient.inputs.push_back({.shape = {2, 3}, .low = -0.5, .high = 0.5});
  add(std::move(deficient));

  add(least_squares("lstsq", {4, 3}, {4, 2},
                    {{{1, 1}, {1, 1}}, {{2, 2}, {2, 2}}, {{2, 3, 2}, {3, 1}}, {{3, 0}, {3, 2}}, {{0, 0}, {0, 1}}}),
      refused_by(
          [](const Tensor& x) { lstsq(x, ones({2})); },
          {raises<ValueError>("matrix is rank deficient; got a column 1 that depends on those before it, expected full rank; or",
                              [] {
                                lstsq(ones({3, 2}), ones({3}));
                              }),
           raises<ValueError>("matrix is rank deficient; got a row 1 that depends on those before it in batch 1",
                              [] {
                                lstsq(stack({eye(2, 3), ones({2, 3})}), ones({2}));
                              }),
           raises<ShapeError>("right-hand side does not fit; got [2] for a matrix of shape [3, 2]", [] {
             lstsq(ones({3, 2}), ones({2}));
           })}));
  add(least_squares("lstsq for a vector", {4, 2}, {4}, {{{3, 1}, {3}}}));
  add(least_squares("lstsq of a wide matrix", {2, 4}, {2, 2}, {{{1, 2}, {1, 1}}, {{2, 2, 3}, {2, 2, 1}}, {{0, 3}, {0, 2}}}));
  return rows;
}

}  // namespace gradus::test
