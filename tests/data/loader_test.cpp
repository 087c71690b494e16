#include "data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "autograd/ops.h"
#include "autograd/random.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::DataLoader;
using data::TensorDataset;

// n examples: x = [10 i, 10 i + 1], y = i.
TensorDataset numbered(int64_t n) {
  std::vector<float> x;
  std::vector<int32_t> y;
  for (int i = 0; i < n; ++i) {
    x.push_back(10.f * static_cast<float>(i)), x.push_back(x.back() + 1);
    y.push_back(i);
  }
  return {Tensor(x, {n, 2}), Tensor(y)};
}

// The labels of one epoch, batch after batch; checks that every row of x belongs to its label.
std::vector<std::vector<int>> epoch(DataLoader& loader) {
  std::vector<std::vector<int>> out;
  for (auto [x, y] : loader) {
    out.push_back(y.to_vector<int>());
    const std::vector<float> rows = x.to_vector<float>();
    REQUIRE((x.shape() == Shape{static_cast<int64_t>(out.back().size()), 2}));
    for (size_t i = 0; i < out.back().size(); ++i) {
      CHECK(rows[2 * i] == 10.f * static_cast<float>(out.back()[i]));
      CHECK(rows[2 * i + 1] == rows[2 * i] + 1);
    }
  }
  return out;
}

std::vector<int> joined(const std::vector<std::vector<int>>& batches) {
  std::vector<int> out;
  for (const auto& batch : batches) out.insert(out.end(), batch.begin(), batch.end());
  return out;
}

std::vector<int> counted(int n) {
  std::vector<int> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

TEST_CASE("dataset: examples, ranges, batches and all of it") {
  const TensorDataset set = numbered(5);
  CHECK(set.size() == 5);
  const auto [x, y] = set.get(3);
  CHECK((x.shape() == Shape{2}));
  CHECK(x.to_vector<int>() == std::vector<int>{30, 31});
  CHECK(y.item<int>() == 3);
  const auto [bx, by] = set.batch(Tensor(std::vector<int64_t>{4, 0, 4}));
  CHECK(bx.to_vector<int>() == std::vector<int>{40, 41, 0, 1, 40, 41});
  CHECK(by.to_vector<int>() == std::vector<int>{4, 0, 4});
  auto [ax, ay] = set.all();
  CHECK((ax.shape() == Shape{5, 2}));
  CHECK(ay.to_vector<int>() == counted(5));
}

TEST_CASE("dataset: split is in order, complete, and exact for decimal fractions") {
  auto [head, tail] = numbered(10).split(0.8);
  CHECK(head.all().y.to_vector<int>() == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
  CHECK(tail.all().y.to_vector<int>() == std::vector<int>{8, 9});
  CHECK(numbered(512).split(0.8).first.size() == 409);
  CHECK(numbered(100).split(0.29).first.size() == 29);
  CHECK(numbered(3).split(0).first.size() == 0);
  CHECK(numbered(3).split(1).second.size() == 0);
  for (const double wrong : {-0.1, 1.1, std::nan("")}) CHECK_THROWS_AS(numbered(3).split(wrong), ValueError);
}

TEST_CASE("dataset: tensors that do not belong together") {
  CHECK_THROWS_AS(TensorDataset(Tensor({1, 2}), Tensor({1, 2, 3})), ShapeError);
  CHECK_THROWS_AS(TensorDataset(Tensor(1), Tensor({1})), ShapeError);
  CHECK_THROWS_AS(TensorDataset(Tensor({1}), Tensor(1)), ShapeError);
}

TEST_CASE("loader: in order, the last batch smaller or dropped") {
  DataLoader loader(numbered(10), {.batch_size = 4});
  CHECK(loader.size() == 3);
  for (int e = 0; e < 2; ++e) CHECK(epoch(loader) == std::vector<std::vector<int>>{{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}});
  DataLoader full(numbered(10), {.batch_size = 4, .drop_last = true});
  CHECK(full.size() == 2);
  CHECK(epoch(full) == std::vector<std::vector<int>>{{0, 1, 2, 3}, {4, 5, 6, 7}});
  DataLoader large(numbered(3), {.batch_size = 100});
  CHECK(epoch(large) == std::vector<std::vector<int>>{{0, 1, 2}});
  DataLoader none(numbered(0));
  CHECK(none.size() == 0);
  CHECK(epoch(none).empty());
}

TEST_CASE("loader: batches in order are views") {
  const TensorDataset set = numbered(10);
  DataLoader loader(set, {.batch_size = 4});
  const auto [x, y] = *++loader.begin();
  CHECK(x.data<float>() == set.all().x.data<float>() + 8);
  CHECK(y.data<int32_t>() == set.all().y.data<int32_t>() + 4);
}

TEST_CASE("loader: shuffling gives every example once per epoch, another order each, the same again for the same seed") {
  const int n = 103;
  DataLoader a(numbered(n), {.batch_size = 10, .shuffle = true, .seed = 7});
  DataLoader b(numbered(n), {.batch_size = 25, .shuffle = true, .seed = 7});
  DataLoader c(numbered(n), {.batch_size = 10, .shuffle = true, .seed = 8});
  std::set<std::vector<int>> orders;
  for (int e = 0; e < 3; ++e) {
    const auto batches = epoch(a);
    CHECK(batches.size() == 11);
    CHECK(batches.back().size() == 3);
    std::vector<int> order = joined(batches);
    CHECK(order == joined(epoch(b)));  // the order does not depend on the batch size
    CHECK(order != joined(epoch(c)));
    orders.insert(order);
    std::sort(order.begin(), order.end());
    CHECK(order == counted(n));
  }
  CHECK(orders.size() == 3);
  CHECK(orders.count(counted(n)) == 0);
}

TEST_CASE("loader: an epoch can be taken up again") {
  DataLoader a(numbered(50), {.shuffle = true, .seed = 3}), b(numbered(50), {.shuffle = true, .seed = 3});
  epoch(a), epoch(a);
  CHECK(a.epoch() == 2);
  b.set_epoch(2);
  CHECK(epoch(a) == epoch(b));
}

TEST_CASE("loader: without a seed the order follows random::seed; with one the default generator is left alone") {
  auto order = [] {
    DataLoader loader(numbered(50), {.shuffle = true});
    return joined(epoch(loader));
  };
  random::seed(42);
  const auto first = order(), second = order();
  random::seed(42);
  CHECK(order() == first);
  CHECK(order() == second);
  CHECK(first != second);

  random::seed(42);
  DataLoader seeded(numbered(50), {.shuffle = true, .seed = 1}), plain(numbered(50));
  epoch(seeded), epoch(plain);
  CHECK(random::default_generator().stream() == 0);
}

TEST_CASE("loader: from a pair of tensors, as a temporary, over a dataset of one's own") {
  const Tensor x = numbered(6).all().x, y = numbered(6).all().y;
  DataLoader batches({x, y}, {.batch_size = 4, .shuffle = true, .seed = 1});
  std::vector<int> seen = joined(epoch(batches));
  std::sort(seen.begin(), seen.end());
  CHECK(seen == counted(6));

  int64_t count = 0;
  for (auto [bx, by] : DataLoader(numbered(6), {.batch_size = 4})) count += bx.shape(0) == by.shape(0) ? by.size() : 100;
  CHECK(count == 6);

  struct Squares : data::Dataset {
    int64_t size() const override { return 7; }
    data::Example get(int64_t i) const override {
      return {Tensor({10.f * static_cast<float>(i), 10.f * static_cast<float>(i) + 1}), Tensor(static_cast<int32_t>(i))};
    }
  };
  DataLoader own(Squares(), {.batch_size = 3});
  CHECK(epoch(own) == std::vector<std::vector<int>>{{0, 1, 2}, {3, 4, 5}, {6}});
  DataLoader shared(std::make_shared<const Squares>(), {.batch_size = 3, .shuffle = true});
  seen = joined(epoch(shared));
  std::sort(seen.begin(), seen.end());
  CHECK(seen == counted(7));
}

TEST_CASE("loader: iterators stand on their own") {
  auto loader = std::make_unique<DataLoader>(numbered(8), data::LoaderOptions{.batch_size = 2, .shuffle = true, .seed = 5});
  auto a = loader->begin();
  std::vector<int> first = (*a).y.to_vector<int>();
  auto b = loader->begin();  // the next epoch, while the first is not over
  ++b;
  CHECK((*a).y.to_vector<int>() == first);
  loader.reset();
  int batches = 0;
  for (; a != std::default_sentinel; ++a) batches += static_cast<int>((*a).y.size() == 2);
  CHECK(batches == 4);
}

TEST_CASE("loader: options out of range") {
  CHECK_THROWS_AS(DataLoader(numbered(3), {.batch_size = 0}), ValueError);
  CHECK_THROWS_AS(DataLoader(numbered(3), {.batch_size = -1}), ValueError);
  CHECK(contains(message<ValueError>([] { DataLoader(numbered(3), {.batch_size = 4, .drop_last = true}); }), "got 3 examples"));
  CHECK_THROWS_AS(DataLoader(std::shared_ptr<const data::Dataset>()), ValueError);
  DataLoader huge(numbered(3), {.batch_size = INT64_MAX});
  CHECK(epoch(huge).size() == 1);
}

}  // namespace
}  // namespace gradus::test
