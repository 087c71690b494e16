#include "autograd/tensor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/tensors.h"

using namespace gradus;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN(), kInf = std::numeric_limits<double>::infinity();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min(), kMax = std::numeric_limits<int64_t>::max();
constexpr DType kAll[] = {DType::boolean, DType::uint8,    DType::int32,   DType::int64,
                          DType::float16, DType::bfloat16, DType::float32, DType::float64};

// [[0, 3], [1, 4], [2, 5]]: the transpose of [2, 3], without an op.
Tensor transposed() {
  Strides strides{};
  strides[0] = 1, strides[1] = 3;
  return test::strided(Tensor({{0, 1, 2}, {3, 4, 5}}), {3, 2}, strides);
}

}  // namespace

TEST_CASE("tensors from numbers take the dtype of C++") {
  CHECK(Tensor(true).dtype() == DType::boolean);
  CHECK(Tensor(uint8_t{1}).dtype() == DType::uint8);
  CHECK(Tensor(12).dtype() == DType::int32);
  CHECK(Tensor(int64_t{12}).dtype() == DType::int64);
  CHECK(Tensor(12LL).dtype() == DType::int64);
  CHECK(Tensor(float16(1)).dtype() == DType::float16);
  CHECK(Tensor(bfloat16(1)).dtype() == DType::bfloat16);
  CHECK(Tensor(12.0f).dtype() == DType::float32);
  CHECK(Tensor(12.0).dtype() == DType::float64);
  CHECK((Tensor(12.0).shape() == Shape{}));
  CHECK(Tensor(12.0).size() == 1);
  CHECK(Tensor(12.5).item<double>() == 12.5);
}

TEST_CASE("tensors from nested lists") {
  CHECK((Tensor({1, 2, 3}).shape() == Shape{3}));
  CHECK((Tensor({{1, 2, 3}, {4, 5, 6}}).shape() == Shape{2, 3}));
  CHECK((Tensor({{{1, 2}}, {{3, 4}}, {{5, 6}}}).shape() == Shape{3, 1, 2}));
  const Tensor deep({{{{1.f, 2.f}, {3.f, 4.f}}}, {{{5.f, 6.f}, {7.f, 8.f}}}});
  CHECK((deep.shape() == Shape{2, 1, 2, 2}));
  CHECK((deep.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8}));
  CHECK((Tensor({{true, false}, {false, true}}).to_vector<int>() == std::vector<int>{1, 0, 0, 1}));
  CHECK(Tensor({{true, false}}).dtype() == DType::boolean);
  CHECK_THROWS_WITH_AS(Tensor({{1, 2, 3}, {4, 5}}), doctest::Contains("ragged"), ShapeError);
  CHECK_THROWS_AS(Tensor({{{1, 2}, {3, 4}}, {{5, 6}}}), ShapeError);
}

TEST_CASE("tensors from spans and vectors copy their values") {
  std::vector<float> values{1, 2, 3, 4, 5, 6};
  const Tensor matrix(values, {2, 3}), vector(values), part(std::span<const float>(values).subspan(1, 2));
  values.assign(6, 0);
  CHECK((matrix.shape() == Shape{2, 3}));
  CHECK((matrix.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6}));
  CHECK((vector.shape() == Shape{6}));
  CHECK((part.to_vector<int>() == std::vector<int>{2, 3}));
  CHECK((Tensor(std::vector<float>{}, {0, 4}).shape() == Shape{0, 4}));
  CHECK((Tensor(std::vector<bool>{true, false, true}).to_vector<int>() == std::vector<int>{1, 0, 1}));
  CHECK(Tensor(std::vector<bool>{true}).dtype() == DType::boolean);

  CHECK_THROWS_WITH_AS(Tensor(values, {2, 4}),
                       "Tensor: number of values does not fit the shape; got 6 values for shape [2, 4], expected 8", ShapeError);
  CHECK_THROWS_AS(Tensor(values, {}), ShapeError);
  CHECK_THROWS_AS(Tensor(values, {-2, -3}), ShapeError);
  CHECK_THROWS_AS(Tensor(values, {kMax, kMax}), ShapeError);
  CHECK_THROWS_AS(Tensor(std::vector<float>{}, {}), ShapeError);
}

TEST_CASE("tensors tell their shape") {
  const Tensor x = zeros({2, 3, 4});
  CHECK(x.ndim() == 3);
  CHECK(x.size() == 24);
  CHECK(x.shape(0) == 2);
  CHECK(x.shape(-1) == 4);
  CHECK(x.is_contiguous());
  CHECK(x.strides()[0] == 12);
  CHECK_THROWS_AS(x.shape(3), ShapeError);
  CHECK_THROWS_AS(x.shape(-4), ShapeError);
  CHECK_THROWS_AS(x.shape(kMin), ShapeError);
  CHECK(!transposed().is_contiguous());
}

TEST_CASE("item and to_vector convert") {
  CHECK(Tensor(3.75).item<int>() == 3);
  CHECK(Tensor({{7}}).item<double>() == 7);
  CHECK(Tensor(float16(0.5f)).item<float>() == 0.5f);
  CHECK(Tensor(bfloat16(-2)).item<int64_t>() == -2);
  CHECK(Tensor(true).item<int>() == 1);
  CHECK(Tensor(2).item<bool>());
  CHECK_THROWS_WITH_AS(Tensor({1, 2}).item<int>(), "item: not one element; got shape [2], expected exactly one element",
                       ShapeError);
  CHECK_THROWS_AS(zeros({0}).item<int>(), ShapeError);

  const Tensor x = transposed();
  CHECK((x.to_vector<int32_t>() == std::vector<int32_t>{0, 3, 1, 4, 2, 5}));
  CHECK((x.to_vector<double>() == std::vector<double>{0, 3, 1, 4, 2, 5}));
  CHECK((x.to_vector<uint8_t>() == std::vector<uint8_t>{0, 3, 1, 4, 2, 5}));
  CHECK((x.to_vector<int16_t>() == std::vector<int16_t>{0, 3, 1, 4, 2, 5}));
  CHECK((x.to_vector<bool>() == std::vector<bool>{false, true, true, true, true, true}));
  CHECK((Tensor({1.5, -2.5}).to_vector<int>() == std::vector<int>{1, -2}));
  CHECK((Tensor({kNan, 1e300, -1e300}).to_vector<int64_t>() == std::vector<int64_t>{0, kMax, kMin}));
  CHECK(zeros({2, 0}).to_vector<float>().empty());
}

TEST_CASE("data gives the elements as they are") {
  const Tensor x({1.5f, 2.5f});
  CHECK(x.data<float>()[1] == 2.5f);
  CHECK_THROWS_WITH_AS(x.data<double>(), "data: wrong element type; got float64, expected float32; convert with astype()",
                       DTypeError);
  CHECK_THROWS_AS(transposed().data<int32_t>(), ValueError);
  CHECK(transposed().contiguous().data<int32_t>()[1] == 3);
  const Tensor copy = x;
  CHECK(copy.data<float>() == x.data<float>());
}

TEST_CASE("undefined tensors throw and say why") {
  const Tensor none;
  CHECK(!none.defined());
  CHECK(none.missing_reason().empty());
  CHECK_THROWS_WITH_AS(none.shape(), doctest::Contains("default-constructed"), ValueError);
  CHECK_THROWS_AS(none.item<float>(), ValueError);
  CHECK_THROWS_AS(none.to_vector<float>(), ValueError);
  CHECK_THROWS_AS(none.data<float>(), ValueError);
  CHECK_THROWS_AS(zeros_like(none), ValueError);

  const Tensor missing = detail::missing("x: not watched by this tape");
  CHECK(!missing.defined());
  CHECK(missing.missing_reason() == "x: not watched by this tape");
  CHECK_THROWS_WITH_AS(missing.size(), doctest::Contains("x: not watched by this tape"), ValueError);
  CHECK_THROWS_AS(missing.dtype(), ValueError);
  CHECK(detail::missing("").missing_reason().empty());
  CHECK(!detail::missing("").defined());
  CHECK(Tensor(1).defined());
  CHECK(Tensor(1).missing_reason().empty());
}

TEST_CASE("zeros, ones and full in every dtype") {
  for (DType dtype : kAll) {
    CAPTURE(info(dtype).name);
    CHECK(zeros({2, 3}, dtype).dtype() == dtype);
    CHECK(test::approx(zeros({2, 3}, dtype), std::vector<double>(6, 0.0), 0));
    CHECK(test::approx(ones({7}, dtype), std::vector<double>(7, 1.0), 0));
    CHECK(test::approx(full({2, 2}, 3, dtype), std::vector<double>(4, dtype == DType::boolean ? 1.0 : 3.0), 0));
    CHECK(zeros_like(ones({3, 0, 2}, dtype)).dtype() == dtype);
    CHECK((zeros_like(ones({3, 0, 2}, dtype)).shape() == Shape{3, 0, 2}));
    CHECK(test::approx(ones_like(zeros({2}, dtype)), {1, 1}, 0));
    CHECK(test::approx(zeros_like(ones({2}, dtype)), {0, 0}, 0));
  }
  CHECK(zeros({2}).dtype() == DType::float32);
  CHECK(full({}, -1.5).item<float>() == -1.5f);
  CHECK(full({}, 300, DType::uint8).item<int>() == 255);
  CHECK(ones_like(transposed()).is_contiguous());
  CHECK_THROWS_WITH_AS(zeros({2, -1}), doctest::Contains("zeros: negative dimension"), ShapeError);
  CHECK_THROWS_AS(ones({kMax, 4}), ShapeError);
  CHECK_THROWS_AS(ones({kMax}), ShapeError);
  CHECK_THROWS_AS(full({kMax, 0, kMax}, 1), ShapeError);
}

TEST_CASE("eye") {
  const auto naive = [](int64_t rows, int64_t columns, int64_t k) {
    std::vector<double> out;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j) out.push_back(j - i == k ? 1 : 0);
    return out;
  };
  for (int64_t rows = 0; rows <= 4; ++rows)
    for (int64_t columns = 0; columns <= 4; ++columns)
      for (int64_t k = -6; k <= 6; ++k) {
        const Tensor x = eye(rows, columns, k, DType::float64);
        if (!(x.shape() == Shape{rows, columns}) || !test::approx(x, naive(rows, columns, k), 0))
          FAIL(rows, " ", columns, " ", k);
      }
  for (DType dtype : kAll) CHECK(test::approx(eye(2, -1, 0, dtype), {1, 0, 0, 1}, 0));
  for (int64_t k : {kMin, kMin + 1, kMax}) CHECK(test::approx(eye(2, 3, k), std::vector<double>(6, 0.0), 0));
  CHECK((eye(3).shape() == Shape{3, 3}));
  CHECK_THROWS_AS(eye(-1), ShapeError);
  CHECK_THROWS_AS(eye(2, -2), ShapeError);
}

TEST_CASE("linspace") {
  CHECK(test::approx(linspace(0, 1, 5), {0, 0.25, 0.5, 0.75, 1}));
  CHECK(test::approx(linspace(3, -1, 3, DType::float64), {3, 1, -1}, 0));
  CHECK(test::approx(linspace(2, 5, 1), {2}, 0));
  CHECK((linspace(2, 5, 0).shape() == Shape{0}));
  CHECK(test::approx(linspace(0, 4, 5, DType::int32), {0, 1, 2, 3, 4}, 0));
  for (int64_t count : {2, 3, 7, 49, 1000}) {  // both ends are met exactly
    const std::vector<double> x = linspace(0.1, 0.7, count, DType::float64).to_vector<double>();
    CHECK(x.front() == 0.1);
    CHECK(x.back() == 0.7);
  }
  CHECK_THROWS_AS(linspace(0, 1, -1), ValueError);
  CHECK_THROWS_AS(linspace(0, kInf, 3), ValueError);
  CHECK_THROWS_AS(linspace(kNan, 1, 3), ValueError);
  CHECK_THROWS_AS(linspace(-1e308, 1e308, 3), ValueError);
  CHECK_THROWS_AS(linspace(0, 1, kMax), ShapeError);
}

TEST_CASE("arange of integers") {
  CHECK(test::approx(arange(5), {0, 1, 2, 3, 4}, 0));
  CHECK(arange(5).dtype() == DType::int32);
  CHECK(arange(int64_t{5}).dtype() == DType::int64);
  CHECK(test::approx(arange(2, 9, 3), {2, 5, 8}, 0));
  CHECK(test::approx(arange(2, 8, 3), {2, 5}, 0));
  CHECK(test::approx(arange(5, -5, -4), {5, 1, -3}, 0));
  CHECK(arange(5, 5).size() == 0);
  CHECK(arange(5, 2).size() == 0);
  CHECK(arange(2, 5, -1).size() == 0);
  CHECK(test::approx(arange(uint8_t{250}, uint8_t{255}, uint8_t{2}), {250, 252, 254}, 0));
  CHECK_THROWS_AS(arange(0, 5, 0), ValueError);

  CHECK((arange(kMin, kMax, kMax).to_vector<int64_t>() == std::vector<int64_t>{kMin, -1, kMax - 1}));
  CHECK((arange(kMax, kMin, kMin).to_vector<int64_t>() == std::vector<int64_t>{kMax, -1}));
  CHECK((arange(kMax - 2, kMax, int64_t{5}).to_vector<int64_t>() == std::vector<int64_t>{kMax - 2}));
  CHECK_THROWS_AS(arange(kMin, kMax), ShapeError);
  CHECK_THROWS_AS(arange(int64_t{0}, kMax), ShapeError);
}

TEST_CASE("arange of floats stays below stop") {
  CHECK(test::approx(arange(0.0, 1.0, 0.25), {0, 0.25, 0.5, 0.75}, 0));
  CHECK(arange(0.0, 1.0, 0.25).dtype() == DType::float64);
  CHECK(arange(0.f, 1.f, 0.1f).dtype() == DType::float32);
  CHECK(test::approx(arange(0.f, 1.f, 0.1f), {0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}));
  CHECK(test::approx(arange(1.0, -1.0, -0.5), {1, 0.5, 0, -0.5}, 0));
  CHECK(test::approx(arange(1.0, 1.3, 0.1), {1, 1.1, 1.2}));  // (1.3 - 1) / 0.1 is a little more than 3
  CHECK(test::approx(arange(2.5), {0, 1, 2}, 0));
  CHECK(arange(1.0, 0.0).size() == 0);
  CHECK(arange(0.0, 0.0).size() == 0);
  CHECK_THROWS_AS(arange(0.0, 1.0, 0.0), ValueError);
  CHECK_THROWS_AS(arange(0.0, 1.0, kNan), ValueError);
  CHECK_THROWS_AS(arange(0.0, 1.0, kInf), ValueError);
  CHECK_THROWS_AS(arange(0.0, kInf), ValueError);
  CHECK_THROWS_AS(arange(kNan, 1.0), ValueError);
  CHECK_THROWS_AS(arange(0.0, 1.0, 1e-300), ShapeError);
  CHECK_THROWS_AS(arange(0.0, 1e18), ShapeError);
}
