// Long sums of float32 do not drift: four million elements within 1e-6 of the sum in double, whatever they are.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "autograd/kernels/dot.h"
#include "autograd/ops.h"
#include "autograd/parallel.h"
#include "autograd/tape.h"

namespace gradus {
namespace {

constexpr int64_t kCount = 4'000'000;

struct Input {
  std::string name;
  std::function<double(int64_t)> element;
};

const std::vector<Input>& inputs() {
  static const std::vector<Input> all{
      {"a tenth", [](int64_t) { return 0.1; }},
      {"uniform", [](int64_t i) { return static_cast<double>(static_cast<uint64_t>(i + 1) * 2654435761u % 1000003) / 1000003; }},
      {"sine", [](int64_t i) { return std::sin(0.001 * static_cast<double>(i % 1000003)) + 0.01; }},
      {"large and small",
       [](int64_t i) { return i % 2 ? 1e-3 * static_cast<double>(1 + i % 7) : 1e4 + static_cast<double>(i % 5); }},
      {"falling", [](int64_t i) { return 1 / static_cast<double>(1 + i); }},
  };
  return all;
}

std::vector<float> elements(const Input& input, int64_t n) {
  std::vector<float> x(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) x[static_cast<size_t>(i)] = static_cast<float>(input.element(i));
  return x;
}

double relative(const Tensor& got, double expected) { return std::abs(got.item<double>() - expected) / std::abs(expected); }

TEST_CASE("sums, means, norms and dot products of four million float32") {
  for (const Input& input : inputs()) {
    CAPTURE(input.name);
    const std::vector<float> values = elements(input, kCount);
    const auto n = static_cast<double>(kCount);
    double sum_ = 0, sizes = 0, squares = 0, largest = 0;
    for (const double v : values) sum_ += v, sizes += std::abs(v), squares += v * v, largest = std::max(largest, v);
    double variance = 0, exponentials = 0;
    for (const double v : values) variance += (v - sum_ / n) * (v - sum_ / n), exponentials += std::exp(v - largest);

    const Tensor x(values);
    CHECK(relative(sum(x), sum_) < 1e-6);
    CHECK(relative(mean(x), sum_ / n) < 1e-6);
    CHECK(relative(sum(x * x), squares) < 1e-6);
    CHECK(relative(norm(x), std::sqrt(squares)) < 1e-6);
    CHECK(relative(norm(x, 1), sizes) < 1e-6);
    CHECK(relative(matmul(x, x), squares) < 1e-6);
    CHECK(relative(tensordot(x, x, 1), squares) < 1e-6);
    CHECK(relative(matmul(ones({kCount}), x), sum_) < 1e-6);
    CHECK(relative(logsumexp(x), largest + std::log(exponentials)) < 1e-6);
    if (input.name != "a tenth") CHECK(relative(var(x), variance / n) < 1e-6);
  }
}

TEST_CASE("tall matrices summed over their rows: by sum, as a product, as the gradient of a bias") {
  for (const Input& input : inputs()) {
    for (const int64_t columns : {1, 2, 10, 129}) {
      CAPTURE(input.name);
      CAPTURE(columns);
      const int64_t rows = kCount / columns;
      const std::vector<float> values = elements(input, rows * columns);
      std::vector<double> expected(static_cast<size_t>(columns)), sizes(static_cast<size_t>(columns));
      for (size_t i = 0; i < values.size(); ++i) {
        expected[i % static_cast<size_t>(columns)] += static_cast<double>(values[i]);
        sizes[i % static_cast<size_t>(columns)] += std::abs(static_cast<double>(values[i]));
      }
      const auto worst = [&](const Tensor& got) {
        const std::vector<double> v = got.to_vector<double>();
        double result = 0;
        for (size_t c = 0; c < v.size(); ++c) result = std::max(result, std::abs(v[c] - expected[c]) / sizes[c]);
        return result;
      };
      const Tensor x = Tensor(values).reshape({rows, columns});
      CHECK(worst(sum(x, 0)) < 1e-6);
      CHECK(worst(matmul(ones({rows}), x)) < 1e-6);
      CHECK(worst(matmul(transpose(x), ones({rows}))) < 1e-6);
      CHECK(worst(matmul(transpose(x).contiguous(), ones({rows}))) < 1e-6);
      const Variable bias(zeros({columns}));
      GradientTape tape;
      const Tensor y = x + bias;
      CHECK(worst(tape.gradient(y, bias, {.output_gradients = {x}})) < 1e-6);
    }
  }
}

template <class T>
void compare_layouts() {
  const auto element = [](int64_t i) { return static_cast<T>(static_cast<double>((i * 7 + i / 5) % 9 - 4)); };  // exact sums
  for (const int64_t k : {int64_t{1}, int64_t{1023}, kernels::kLongDot, kernels::kLongDot + 1, int64_t{66000}}) {
    for (const int64_t n : {1, 2, 5, 17, 600}) {
      if (k * n > 20'000'000) continue;
      std::vector<T> a(static_cast<size_t>(k * n)), x(static_cast<size_t>(3 * k));
      for (int64_t i = 0; i < k * n; ++i) a[static_cast<size_t>(i)] = element(i);
      for (int64_t i = 0; i < 3 * k; ++i) x[static_cast<size_t>(i)] = element(i + 2);
      for (const bool flipped : {false, true}) {
        const kernels::MatrixView<T> view{a.data(), flipped ? 1 : n, flipped ? k : 1};
        for (const int64_t step : {1, 3}) {
          std::vector<double> expected(static_cast<size_t>(n), 2);
          for (int64_t r = 0; r < k; ++r)
            for (int64_t c = 0; c < n; ++c)
              expected[static_cast<size_t>(c)] += static_cast<double>(x[static_cast<size_t>(r * step)]) *
                                                  static_cast<double>(view.data[r * view.row + c * view.column]);
          std::vector<T> out(static_cast<size_t>(n), T(2));
          kernels::long_dot(out.data(), x.data(), step, view, n, k, true);
          CAPTURE(k);
          CAPTURE(n);
          CAPTURE(flipped);
          CAPTURE(step);
          CHECK(std::vector<double>(out.begin(), out.end()) == expected);
          kernels::long_dot(out.data(), x.data(), step, view, n, k, false);
          CHECK(static_cast<double>(out.back()) == expected.back() - 2);
        }
      }
    }
  }
}

TEST_CASE("long dot products in every layout") {
  compare_layouts<float>();
  compare_layouts<double>();
}

TEST_CASE("long dot products have the same bits for any number of threads") {
  const Tensor x(elements(inputs()[2], kCount));
  const Tensor tall = x.reshape({-1, 5});
  const auto all = [&] {
    std::vector<float> out = matmul(x, x).to_vector<float>();
    for (const float v : matmul(ones({tall.shape(0)}), tall).to_vector<float>()) out.push_back(v);
    return out;
  };
  const int before = num_threads();
  set_num_threads(1);
  const std::vector<float> alone = all();
  set_num_threads(3);
  CHECK(all() == alone);
  set_num_threads(before);
}

TEST_CASE("long dot products: infinity and NaN come through") {
  std::vector<float> values(20000, 1.0f);
  values[777] = std::numeric_limits<float>::infinity();
  CHECK(std::isinf(matmul(Tensor(values), ones({20000})).item<float>()));
  values[778] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(matmul(Tensor(values), ones({20000})).item<float>()));
}

}  // namespace
}  // namespace gradus
