// Linear algebra beyond what the op table asks: larger matrices by their residuals, second derivatives, singular matrices.
#include <doctest/doctest.h>

#include <functional>

#include "autograd/autograd.h"
#include "tests/support/tensors.h"

namespace gradus::test {
namespace {

Tensor flipped(const Tensor& x) { return swapaxes(x, -1, -2); }
Tensor random_matrices(const Shape& shape, DType dtype, uint64_t seed = 1) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, dtype, generator);
}
/// The largest element of a - b against the largest of b.
double residual(const Tensor& a, const Tensor& b) {
  return max_abs_difference(a, broadcast_to(b, a.shape())) / std::max(1.0, max(abs(b)).item<double>());
}

const DType kDTypes[] = {DType::float64, DType::float32};
double small(DType dtype) { return dtype == DType::float64 ? 1e-11 : 5e-3; }
double tiny(DType dtype) { return dtype == DType::float64 ? 1e-13 : 2e-5; }

TEST_CASE("linalg: systems of 50 equations, in batches") {
  for (const DType dtype : kDTypes) {
    INFO(info(dtype).name);
    const Tensor a = random_matrices({4, 50, 50}, dtype), b = random_matrices({4, 50, 7}, dtype, 2), one = eye(50, -1, 0, dtype);
    CHECK(residual(matmul(a, solve(a, b)), b) < small(dtype));
    CHECK(residual(matmul(a, solve(a, b[0])), b[0]) < small(dtype));
    CHECK(residual(matmul(a[1], solve(a[1], b)), b) < small(dtype));
    CHECK(residual(matmul(a, inverse(a)), one) < small(dtype));
    const Tensor tame = a / 20 + one;
    CHECK(residual(matmul(matrix_power(tame, -3), matrix_power(tame, 3)), one) < small(dtype));

    const Tensor positive = matmul(a, flipped(a)) + 50 * one, l = cholesky(positive);
    CHECK(residual(matmul(l, flipped(l)), positive) < tiny(dtype));
    CHECK(residual(matmul(l, triangular_solve(l, b)), b) < tiny(dtype));
    CHECK(residual(matmul(flipped(l), triangular_solve(l, b, {.transpose = true})), b) < tiny(dtype));

    const SignLogDet d = slogdet(positive);
    CHECK(approx(d.sign, {1, 1, 1, 1}));
    CHECK(residual(d.logabsdet, 2 * sum(log(einsum("bii->bi", {l})), -1)) < tiny(dtype));
    const Tensor scaled = positive / 100;
    CHECK(residual(log(det(scaled)), slogdet(scaled).logabsdet) < tiny(dtype));
  }
}

TEST_CASE("linalg: factors of larger matrices multiply to them and are orthogonal") {
  for (const DType dtype : kDTypes)
    for (const Shape& shape : {Shape{3, 50, 50}, Shape{3, 60, 20}, Shape{2, 20, 60}}) {
      INFO(info(dtype).name, " ", text(shape));
      const Tensor a = random_matrices(shape, dtype);
      const int64_t k = std::min(a.shape(1), a.shape(2));
      const Tensor one = eye(k, -1, 0, dtype);

      const QR f = qr(a);
      CHECK(residual(matmul(f.q, f.r), a) < tiny(dtype));
      CHECK(residual(matmul(flipped(f.q), f.q), one) < tiny(dtype));
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < i; ++j) CHECK(f.r[0][i][j].item<double>() == 0);

      const SVD s = svd(a);
      CHECK(residual(matmul(s.u * expand_dims(s.s, -2), s.vh), a) < tiny(dtype));
      CHECK(residual(matmul(flipped(s.u), s.u), one) < tiny(dtype));
      CHECK(residual(matmul(s.vh, flipped(s.vh)), one) < tiny(dtype));
      CHECK(all(s.s[":, :-1"] >= s.s[":, 1:"]).item<bool>());

      const Tensor p = pinv(a);
      CHECK(residual(matmul(matmul(a, p), a), a) < small(dtype));
      CHECK(residual(matmul(matmul(p, a), p), p) < small(dtype));

      const Tensor b = random_matrices({a.shape(1)}, dtype, 3), x = lstsq(a, b);
      CHECK(residual(x, matmul(p, b)) < small(dtype));

      const Tensor square = matmul(flipped(a), a);
      const Eigh e = eigh(square);
      CHECK(residual(matmul(e.vectors * expand_dims(e.values, -2), flipped(e.vectors)), square) < tiny(dtype));
      CHECK(residual(matmul(flipped(e.vectors), e.vectors), eye(a.shape(2), -1, 0, dtype)) < tiny(dtype));
      CHECK(all(e.values[":, :-1"] <= e.values[":, 1:"]).item<bool>());
    }
}

TEST_CASE("linalg: a wide QR is that of LAPACK's convention, upper trapezoidal") {
  const QR f = qr(random_matrices({3, 5}, DType::float64));
  CHECK(f.q.shape() == Shape{3, 3});
  CHECK(f.r.shape() == Shape{3, 5});
  CHECK(f.r[1][0].item<double>() == 0);
  CHECK(f.r[2][1].item<double>() == 0);
}

TEST_CASE("linalg: derivatives to second order of whole results") {
  const auto spd = [](const Tensor& x) { return matmul(x, flipped(x)) + 3 * eye(3, -1, 0, DType::float64); };
  const Tensor diagonal({{2.0, 0.0, 0.0}, {0.0, 4.0, 0.0}, {0.0, 0.0, 6.0}});
  const Tensor x = 0.5 * random_matrices({2, 3, 3}, DType::float64) + diagonal, b = random_matrices({3, 2}, DType::float64, 2);
  const std::pair<std::string, std::function<Tensor(const Tensor&, const Tensor&)>> functions[] = {
      {"solve", [](const Tensor& a, const Tensor& c) { return solve(a, c); }},
      {"cholesky", [&](const Tensor& a, const Tensor&) { return cholesky(spd(a)); }},
      {"triangular_solve", [](const Tensor& a, const Tensor& c) { return triangular_solve(a, c, {.lower = false}); }},
      {"inverse", [](const Tensor& a, const Tensor&) { return inverse(a); }},
      {"det", [](const Tensor& a, const Tensor&) { return det(a); }},
      {"slogdet", [](const Tensor& a, const Tensor&) { return slogdet(a).logabsdet; }},
      {"qr",
       [](const Tensor& a, const Tensor&) {
         const QR f = qr(a);
         return concat({f.q, f.r}, -1);
       }},
      {"eigh",
       [](const Tensor& a, const Tensor&) {
         const Eigh f = eigh(a + flipped(a));
         return concat({f.vectors, expand_dims(f.values, -2)}, -2);
       }},
      {"svd",
       [](const Tensor& a, const Tensor&) {
         const SVD f = svd(a);
         return concat({square(f.u), expand_dims(f.s, -2), f.u * expand_dims(f.s, -2), square(f.vh)}, -2);
       }},
      {"lstsq",
       [](const Tensor& a, const Tensor& c) {
         return lstsq(concat({a, flipped(a)}, -2), concat({c, square(c)}));
       }},
      {"pinv", [](const Tensor& a, const Tensor&) { return pinv(a[":, :, :2"]); }},
      {"matrix_power", [](const Tensor& a, const Tensor&) { return matrix_power(a, -2); }}};
  for (const auto& [name, f] : functions) {
    INFO(name);
    const GradcheckReport report = gradcheck([&f = f](const std::vector<Tensor>& in) { return f(in[0], in[1]); }, {x, b});
    CHECK_MESSAGE(report.ok(), report.text());
  }
}

TEST_CASE("linalg: third derivatives exist") {
  const TensorFunction first = grad([](const Tensor& x) { return slogdet(x).logabsdet; });
  const TensorFunction second = grad([&](const Tensor& x) { return sum(first(x)); });
  const TensorFunction third = grad([&](const Tensor& x) { return sum(second(x)); });
  CHECK(approx(third(Tensor({{2.0}})), {0.25}, 1e-12));  // log x

  const auto gradient_of_det = [](const std::vector<Tensor>& in) { return grad([](const Tensor& y) { return det(y); })(in[0]); };
  const GradcheckReport report = gradcheck(gradient_of_det, {random_matrices({3, 3}, DType::float64)});
  CHECK_MESSAGE(report.ok(), report.text());
}

TEST_CASE("linalg: the gradient of solve in its matrix") {
  const Tensor a = random_matrices({3, 3}, DType::float64), b = random_matrices({3}, DType::float64, 2);
  const auto [value, gradient] = value_and_grad([&](const Tensor& m) { return sum(solve(m, b)); })(a);
  const Tensor back = solve(flipped(a), ones({3}, DType::float64)), x = solve(a, b);
  CHECK(max_abs_difference(gradient, -expand_dims(back, 1) * expand_dims(x, 0)) < 1e-12);
}

TEST_CASE("linalg: what is read of a matrix, and what is not") {
  const Tensor full({{4.0, 1.0}, {1.0, 3.0}}), rubbish({{4.0, std::nan("")}, {1.0, 3.0}});
  CHECK(max_abs_difference(cholesky(full), cholesky(rubbish)) == 0);
  CHECK(max_abs_difference(eigvalsh(full), eigvalsh(rubbish)) == 0);
  const Tensor b({1.0, 2.0});
  CHECK(approx(triangular_solve(rubbish, b), {0.25, 7.0 / 12}, 1e-15));
  CHECK(approx(triangular_solve(rubbish, b, {.unit_diagonal = true}), {1, 1}, 1e-15));

  const Tensor gradient = grad([](const Tensor& a) { return sum(cholesky(a)); })(full);
  CHECK(max_abs_difference(gradient, flipped(gradient)) == 0);
  const Tensor values = grad([](const Tensor& a) { return eigvalsh(a)[1]; })(full);
  CHECK(max_abs_difference(values, flipped(values)) < 1e-16);
}

TEST_CASE("linalg: gradients of values where they are equal") {
  const Tensor one = eye(3, -1, 0, DType::float64);
  CHECK(max_abs_difference(grad([](const Tensor& a) { return sum(eigvalsh(a)); })(2 * one), one) < 1e-15);
  CHECK(max_abs_difference(grad([](const Tensor& a) { return sum(svdvals(a)); })(2 * one), one) < 1e-15);
  const Tensor zero = grad([](const Tensor& a) { return sum(svdvals(a)); })(zeros({3, 2}, DType::float64));
  CHECK(all(zero * 0 == 0).item<bool>());  // some subgradient
}

TEST_CASE("linalg: determinants of singular matrices") {
  // The rank is 2, 1 and 0; the last two have no cofactors.
  const Tensor a({{{4.0, 1.0, 3.0}, {2.0, 2.0, 0.0}, {2.0, -1.0, 3.0}},
                  {{1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}, {1.0, 1.0, 1.0}},
                  {{0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}, {0.0, 0.0, 0.0}}});
  CHECK(approx(det(a), {0, 0, 0}, 1e-14));
  std::vector<double> expected{6, -6, -6, -6, 6, 6, -6, 6, 6};
  expected.resize(27);
  CHECK(approx(grad([](const Tensor& x) { return sum(det(x)); })(a), expected, 1e-13));
  CHECK(approx(grad([](const Tensor& x) { return det(x); })(Tensor({{0.0}})), {1}, 0));
  CHECK(approx(grad([](const Tensor& x) { return det(x); })(zeros({0, 0}, DType::float64)), {}, 0));

  const GradcheckReport report = gradcheck([](const std::vector<Tensor>& in) { return det(in[0]); }, {a});
  CHECK_MESSAGE(report.ok(), report.text());
  CHECK(approx(hessian([](const Tensor& x) { return det(x); }, zeros({2, 2}, DType::float64)),
               {0, 0, 0, 1, 0, 0, -1, 0, 0, -1, 0, 0, 1, 0, 0, 0}, 1e-15));

  const SignLogDet d = slogdet(a);
  CHECK(approx(d.sign, {0, 0, 0}));
  CHECK(approx(d.logabsdet, std::vector<double>(3, -std::numeric_limits<double>::infinity())));
  CHECK(approx(logdet(Tensor({{-2.0}})), {std::nan("")}));
  CHECK(approx(det(zeros({2, 0, 0})), {1, 1}));
}

TEST_CASE("linalg: determinants out of range") {
  const Tensor a = 1e300 * eye(4, -1, 0, DType::float64);
  CHECK(slogdet(a).logabsdet.item<double>() == doctest::Approx(4 * 300 * std::log(10.0)));
  CHECK(std::isinf(det(a).item<double>()));
  const auto gradient = grad([](const Tensor& x) { return det(x); });
  for (const double scale : {1e-100, 1e100})  // 1e400 is no number, 1e300 is
    CHECK(approx(gradient(scale * eye(4, -1, 0, DType::float64)) / std::pow(scale, 3), eye(4).to_vector<double>(), 1e-12));
}

TEST_CASE("linalg: a linear system differentiated along a parameter") {
  // d/dt of x(t) with (A + t I) x = b at t = 0 is -A^-1 x.
  const Tensor a = random_matrices({5, 5}, DType::float64), b = random_matrices({5}, DType::float64, 2);
  const Tensor one = eye(5, -1, 0, DType::float64), x = solve(a, b);
  const auto [value, slope] = jvp([&](const Tensor& t) { return solve(a + t * one, b); }, Tensor(0.0), Tensor(1.0));
  CHECK(max_abs_difference(value, x) == 0);
  CHECK(max_abs_difference(slope, -solve(a, x)) < 1e-10);
}

TEST_CASE("linalg: NaN in a right-hand side stays in its column") {
  const Tensor a({{2.0, 1.0}, {1.0, 3.0}}), b({{1.0, std::nan("")}, {1.0, 0.0}});
  const Tensor x = solve(a, b);
  CHECK(approx(x[":, 0"], {0.4, 0.2}, 1e-15));
  CHECK(std::isnan(x[0][1].item<double>()));
}

TEST_CASE("linalg: gradients that do not exist are not finite") {
  const Tensor singular({{1.0, 2.0}, {2.0, 4.0}});
  const auto finite = [](const Tensor& x) { return all(x * 0 == 0).item<bool>(); };
  CHECK(!finite(grad([](const Tensor& a) { return slogdet(a).logabsdet; })(singular)));
  const auto corner = [](const Tensor& vectors) { return vectors[0][0] + 2 * vectors[0][1]; };
  CHECK(!finite(grad([&](const Tensor& a) { return corner(eigh(a).vectors); })(eye(2, -1, 0, DType::float64))));
  CHECK(!finite(grad([&](const Tensor& a) { return corner(svd(a).u); })(eye(2, -1, 0, DType::float64))));
}

TEST_CASE("linalg: many matrices give the same bits as one at a time, for any number of threads") {
  const Tensor small = random_matrices({500, 6, 6}, DType::float64), large = random_matrices({3, 90, 90}, DType::float64);
  const auto all_of = [](const Tensor& a) { return std::vector<Tensor>{inverse(a), det(a), svdvals(a), qr(a).r, eigvalsh(a)}; };
  const int before = num_threads();
  for (const Tensor& a : {small, large}) {
    set_num_threads(1);
    const std::vector<Tensor> alone = all_of(a);
    set_num_threads(2);
    const std::vector<Tensor> shared = all_of(a), last = all_of(a[-1]);
    for (size_t k = 0; k < alone.size(); ++k) {
      CHECK(max_abs_difference(alone[k], shared[k]) == 0);
      CHECK(max_abs_difference(alone[k][-1], last[k]) == 0);
    }
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace gradus::test
