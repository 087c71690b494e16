// Bad input to the operations of the headers that ops.h gathers: what rearranges, writes by index, convolves, pools, scans and
// sorts; named as in bad_input_test.cpp.
#include <functional>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "tests/autograd/bad_input.h"

namespace gradus::test {
namespace {

TEST_CASE("CVE-2021-41198: tile, repeat and pad beyond 2^63 elements are refused before anything is allocated") {
  const Tensor x = zeros({4});
  for (const int64_t n : {kMost, kMost / 2, int64_t{1} << 61}) {
    INFO(n);
    refuses<ShapeError>("tile", [&] { tile(x, {n}); });
    refuses<ShapeError>("tile", [&] { tile(x, {n, n}); });
    refuses<ShapeError>("repeat", [&] { repeat(x, n); });
    refuses<ShapeError>("repeat", [&] { repeat(x, n, 0); });
    refuses<ShapeError>("repeat", [&] { repeat(x, Tensor({n, n, n, n})); });
    refuses<ShapeError>("pad", [&] { pad(x, {{n, n}}); });
    refuses<ShapeError>("pad", [&] { pad(x, {{0, n}}); });
    refuses<ShapeError>("pad", [&] { pad(x, {{n, 0}}, PadMode::wrap); });
    refuses<ShapeError>("diag", [&] { diag(x, n); });
    refuses<ShapeError>("diag", [&] { diag(x, -n); });
  }
  for (const int64_t n : {int64_t{-1}, kLeast, kLeast + 1}) {
    INFO(n);
    CHECK_THROWS_AS(tile(x, {n}), Error);
    CHECK_THROWS_AS(repeat(x, n), Error);
    CHECK_THROWS_AS(repeat(x, n, 0), Error);
    CHECK_THROWS_AS(repeat(x, Tensor({n, int64_t{1}, int64_t{1}, int64_t{1}})), Error);
    CHECK_THROWS_AS(pad(x, {{n, 0}}), Error);
    CHECK_THROWS_AS(pad(x, {{0, n}}), Error);
  }
  refuses<ShapeError>("broadcast_tensors", [] { meshgrid({wide({int64_t{1} << 40}), wide({int64_t{1} << 40})}); });
  for (const int64_t k : {kLeast, kLeast + 1, kMost, int64_t{-9}, int64_t{9}}) {
    INFO(k);
    const Tensor square_matrix = ones({3, 3});
    CHECK(sum(tril(square_matrix, k)).item<float>() == (k > 0 ? 9 : 0));
    CHECK(sum(triu(square_matrix, k)).item<float>() == (k > 0 ? 0 : 9));
    CHECK(diagonal(square_matrix, k).size() == 0);
    CHECK(trace(square_matrix, k).item<float>() == 0);
    CHECK(sum(roll(square_matrix, k)).item<float>() == 9);
    CHECK(sum(roll(square_matrix, k, 0)).item<float>() == 9);
  }
}

TEST_CASE("CVE-2019-16778: segments are counted in 64 bits, and never by a negative number") {
  const Tensor values = ones({3, 2}), ids({0, 1, 1});
  for (const auto& [name, segments] :
       {std::pair{"segment_sum", &segment_sum}, {"segment_mean", &segment_mean}, {"segment_max", &segment_max}}) {
    INFO(name);
    for (const int64_t count : {int64_t{-1}, kLeast, -(int64_t{1} << 32)}) CHECK_THROWS_AS(segments(values, ids, count), Error);
    for (const int64_t count : {kMost, int64_t{1} << 62}) CHECK_THROWS_AS(segments(values, ids, count), ShapeError);
    CHECK_THROWS_AS(segments(values, ids, 1), ValueError);
    CHECK_THROWS_AS(segments(values, ids, 0), ValueError);
    for (const int64_t id : {int64_t{-1}, int64_t{2}, kLeast, kMost, int64_t{1} << 32})
      CHECK_THROWS_AS(segments(values, Tensor({int64_t{0}, id, int64_t{1}}), 2), ValueError);
    CHECK_THROWS_AS(segments(values, Tensor({0, 1}), 2), ShapeError);
    CHECK_THROWS_AS(segments(Tensor(1.0f), Tensor(0), 2), ShapeError);
  }
}

TEST_CASE("CVE-2021-37687: indices far out of range, where something is written or looked up") {
  const Tensor x = zeros({4, 3});
  for (const int64_t index : {int64_t{-5}, int64_t{4}, kLeast, kMost, int64_t{1} << 32}) {
    INFO(index);
    const Tensor row(std::vector<int64_t>{0, index, 1}, {1, 3});
    refuses<ValueError>("take_along_axis", [&] { take_along_axis(x, row, 0); });
    refuses<ValueError>("scatter", [&] { scatter(x, row, ones({1, 3}), 0); });
    refuses<ValueError>("scatter_add", [&] { scatter_add(x, row, ones({1, 3}), 0); });
    refuses<ValueError>("embedding", [&] { embedding(x, row); });
  }
  refuses<ValueError>("embedding", [&] { embedding(x, Tensor({-1})); });
  refuses<ValueError>("embedding", [] { embedding(zeros({0, 3}), Tensor({0})); });
  CHECK_THROWS_AS(embedding(zeros({3}), Tensor({0})), ShapeError);
  CHECK_THROWS_AS(boolean_mask(x, ones({5, 3}, DType::boolean)), ShapeError);
  CHECK_THROWS_AS(boolean_mask(x, ones({4, 3, 2}, DType::boolean)), ShapeError);
}

TEST_CASE("CVE-2022-21728: axes far out of range, in what moves and writes") {
  const Tensor x = zeros({2, 3}), indices = zeros({2, 3}, DType::int64);
  for (const int64_t axis : {int64_t{-3}, int64_t{2}, kLeast, kMost, int64_t{1} << 32}) {
    INFO(axis);
    refuses<ShapeError>("roll", [&] { roll(x, 1, axis); });
    refuses<ShapeError>("repeat", [&] { repeat(x, 2, axis); });
    refuses<ShapeError>("repeat", [&] { repeat(x, Tensor({1, 2}), axis); });
    refuses<ShapeError>("moveaxis", [&] { moveaxis(x, axis, 0); });
    refuses<ShapeError>("moveaxis", [&] { moveaxis(x, 0, axis); });
    refuses<ShapeError>("diagonal", [&] { diagonal(x, 0, axis, 1); });
    refuses<ShapeError>("diagonal", [&] { diagonal(x, 0, 0, axis); });
    refuses<ShapeError>("trace", [&] { trace(x, 0, 0, axis); });
    refuses<ShapeError>("take_along_axis", [&] { take_along_axis(x, indices, axis); });
    refuses<ShapeError>("scatter", [&] { scatter(x, indices, x, axis); });
    refuses<ShapeError>("scatter_add", [&] { scatter_add(x, indices, x, axis); });
    refuses<ShapeError>("norm", [&] { norm(x, 2, axis); });
    refuses<ShapeError>("normalize", [&] { normalize(x, 2, axis); });
  }
}

TEST_CASE("CVE-2021-41209: convolutions with a filter, channels, groups or a batch of 0") {
  const auto filter = [](Shape shape) { return zeros(shape); };
  CHECK((conv2d(zeros({0, 5, 5, 2}), filter({3, 3, 2, 4})).shape() == Shape{0, 3, 3, 4}));
  const std::vector<std::function<void()>> calls{
      [&] {
        conv2d(zeros({1, 5, 5, 2}), filter({0, 3, 2, 4}));
      },
      [&] {
        conv2d(zeros({1, 5, 5, 2}), filter({3, 3, 2, 0}));
      },
      [&] {
        conv2d(zeros({1, 5, 5, 0}), filter({3, 3, 0, 4}));
      },
      [&] {
        conv2d(zeros({1, 5, 5, 2}), filter({3, 0, 2, 4}));
      },
      [&] {
        conv2d(zeros({1, 5, 5, 0}), filter({3, 3, 2, 4}));
      },
      [&] {
        conv2d(zeros({1, 0, 5, 2}), filter({3, 3, 2, 4}));
      },
      [&] {
        conv2d(zeros({1, 5, 5, 2}), filter({6, 3, 2, 4}));
      },
      [&] {
        conv1d_transpose(zeros({1, 5, 2}), filter({0, 4, 2}));
      },
      [&] {
        depthwise_conv2d(zeros({1, 5, 5, 2}), filter({0, 0, 2, 1}));
      },
  };
  for (size_t i = 0; i < calls.size(); ++i) {
    INFO("call ", i);
    CHECK_THROWS_AS(calls[i](), Error);
  }
  for (const int64_t n : {int64_t{0}, int64_t{-1}, kLeast}) {
    INFO(n);
    const Tensor x = zeros({1, 5, 5, 2}), f = filter({3, 3, 2, 4});
    CHECK_THROWS_AS(conv2d(x, f, {.stride = n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.dilation = n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.groups = n}), Error);
    CHECK_THROWS_AS(conv2d_transpose(zeros({1, 5, 5, 4}), f, {.stride = n}), Error);
    CHECK_THROWS_AS(conv2d_transpose(zeros({1, 5, 5, 4}), f, {.groups = n}), Error);
  }
  // Sizes whose sums and products pass 2^63.
  for (const int64_t n : {kMost, kMost / 2, int64_t{1} << 61}) {
    INFO(n);
    const Tensor x = zeros({1, 5, 5, 2}), f = filter({3, 3, 2, 4});
    CHECK_THROWS_AS(conv2d(x, f, {.padding = n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.padding = -n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.dilation = n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.groups = n}), Error);
    CHECK_THROWS_AS(conv2d(x, f, {.stride = n}), Error);
    CHECK_THROWS_AS(conv2d_transpose(zeros({1, 5, 5, 4}), f, {.stride = n}), Error);
    CHECK_THROWS_AS(conv2d_transpose(zeros({1, 5, 5, 4}), f, {.dilation = n}), Error);
    CHECK_THROWS_AS(conv2d_transpose(zeros({1, 5, 5, 4}), f, {.output_padding = n}), Error);
  }
}

TEST_CASE("CVE-2022-21735: pooling with windows and strides of 0, and beyond any size") {
  const Tensor x = zeros({1, 5, 5, 2});
  for (const auto& pool : {max_pool2d, avg_pool2d}) {
    for (const int64_t n : {int64_t{0}, int64_t{-1}, kLeast}) {
      INFO(n);
      CHECK_THROWS_AS(pool(x, {.window = n}), Error);
      CHECK_THROWS_AS(pool(x, {.stride = n}), Error);
    }
    for (const int64_t n : {kMost, kMost / 2, int64_t{1} << 61}) {
      INFO(n);
      CHECK_THROWS_AS(pool(x, {.window = n}), Error);
      CHECK_THROWS_AS(pool(x, {.padding = n}), Error);
      CHECK_THROWS_AS(pool(x, {.padding = -n}), Error);
      CHECK_THROWS_AS(pool(x, {.stride = n}), Error);
    }
    CHECK_THROWS_AS(pool(zeros({1, 0, 5, 2}), {}), Error);
    CHECK((pool(zeros({0, 5, 5, 2}), {}).shape() == Shape{0, 2, 2, 2}));
    CHECK((pool(zeros({1, 5, 5, 0}), {}).shape() == Shape{1, 2, 2, 0}));
  }
  CHECK_THROWS_AS(global_max_pool(zeros({1, 0, 5, 2})), Error);
}

TEST_CASE("CVE-2022-21728: axes far out of range, in scans and sorts") {
  const Tensor x = zeros({2, 3});
  struct Taker {
    std::string_view op;
    std::function<void(int64_t)> call;
  };
  const std::vector<Taker> takers{
      {"cumsum", [&](int64_t a) { cumsum(x, a); }},
      {"cumprod", [&](int64_t a) { cumprod(x, a); }},
      {"cummax", [&](int64_t a) { cummax(x, a); }},
      {"cummin", [&](int64_t a) { cummin(x, a); }},
      {"logcumsumexp", [&](int64_t a) { logcumsumexp(x, a); }},
      {"linear_scan", [&](int64_t a) { linear_scan(x, x, a); }},
      {"diff", [&](int64_t a) { diff(x, 1, a); }},
      {"sort", [&](int64_t a) { sort(x, a); }},
      {"argsort", [&](int64_t a) { argsort(x, a); }},
      {"quantile", [&](int64_t a) { quantile(x, 0.5, a); }},
      {"median", [&](int64_t a) { median(x, a); }},
      {"topk", [&](int64_t a) { topk(x, 1, a); }},
  };
  for (const Taker& taker : takers)
    for (const int64_t axis : {int64_t{-3}, int64_t{2}, kLeast, kMost, int64_t{1} << 32}) {
      INFO(taker.op, ", axis ", axis);
      refuses<ShapeError>(taker.op, [&] { taker.call(axis); });
    }
  for (const int64_t n : {int64_t{-1}, int64_t{4}, kLeast, kMost}) CHECK_THROWS_AS(topk(x, n), Error);
  for (const int64_t n : {int64_t{-1}, kLeast}) CHECK_THROWS_AS(diff(x, n), Error);
  CHECK(diff(x, kMost).size() == 0);
  for (const int64_t n : {int64_t{-1}, kLeast, kMost}) CHECK_THROWS_AS(bincount(Tensor({0, 1}), n), Error);
  for (const int64_t value : {int64_t{-1}, kLeast, kMost}) CHECK_THROWS_AS(bincount(Tensor({value})), Error);
}

}  // namespace
}  // namespace gradus::test
