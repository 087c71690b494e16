#include "data/pipeline.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <set>
#include <thread>

#include "autograd/ops.h"
#include "data/loader.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::Example;
using data::Pipeline;
using data::TensorDataset;
using Ints = std::vector<int>;

// x = i, y = 100 + i.
TensorDataset numbered(int n) {
  Tensor x = arange(0, n);
  return {x, x + 100};
}

Ints xs(const data::Dataset& set) {
  Ints out;
  for (int64_t i = 0; i < set.size(); ++i) out.push_back(set.get(i).x.item<int>());
  return out;
}

// get, batch and range agree, and y belongs to x.
Ints checked(const data::Dataset& set) {
  const Ints out = xs(set);
  const auto n = static_cast<int64_t>(out.size());
  for (int64_t i = 0; i < n; ++i) CHECK(set.get(i).y.item<int>() == out[static_cast<size_t>(i)] + 100);
  for (int64_t a = 0; a < n; ++a)
    for (int64_t b = a + 1; b <= n; ++b) {
      const auto [x, y] = set.range(a, b);
      CHECK(x.to_vector<int>() == Ints(out.begin() + a, out.begin() + b));
      CHECK(y.to_vector<int>() == (x + 100).to_vector<int>());
    }
  if (n > 0) {
    const auto [x, y] = set.batch(Tensor(std::vector<int64_t>{n - 1, 0, n - 1}));
    CHECK(x.to_vector<int>() == Ints{out.back(), out.front(), out.back()});
    CHECK(y.to_vector<int>() == (x + 100).to_vector<int>());
  }
  return out;
}

TEST_CASE("pipeline: take, skip, subset, concat and shuffle against lists") {
  const TensorDataset ten = numbered(10);
  CHECK(checked(ten.take(3)) == Ints{0, 1, 2});
  CHECK(checked(ten.skip(7)) == Ints{7, 8, 9});
  CHECK(checked(ten.skip(2).take(3).skip(1)) == Ints{3, 4});
  CHECK(ten.take(99).size() == 10);
  CHECK(ten.skip(99).size() == 0);
  CHECK(ten.take(0).size() == 0);
  CHECK(checked(ten.subset(Tensor({7, 7, 0}))) == Ints{7, 7, 0});
  CHECK(ten.subset(Tensor(std::vector<int32_t>{})).size() == 0);
  CHECK(checked(ten.take(2).concat(ten.skip(8)).concat(ten.take(1))) == Ints{0, 1, 8, 9, 0});

  const Ints shuffled = checked(ten.shuffle(3));
  CHECK(std::is_permutation(shuffled.begin(), shuffled.end(), xs(ten).begin()));
  CHECK(shuffled != xs(ten));
  CHECK(shuffled == xs(ten.shuffle(3)));
  CHECK(shuffled != xs(ten.shuffle(4)));
}

TEST_CASE("pipeline: parts of a tensor dataset are views") {
  const TensorDataset ten = numbered(10);
  const Tensor x = ten.skip(2).take(5).range(1, 3).x;
  CHECK(x.data<int32_t>() == ten.all().x.data<int32_t>() + 3);
}

TEST_CASE("pipeline: map and filter, lazily, with every kind of function") {
  std::atomic<int> calls = 0;
  const TensorDataset ten = numbered(10);
  const Pipeline doubled = ten.map([&calls](const Tensor& x, const Tensor& y) {
    ++calls;
    return Example{x * 2, y + x};
  });
  CHECK(calls == 0);
  CHECK(checked(doubled) == Ints{0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
  CHECK(xs(ten.map([](const Example& e) { return Example{-e.x, e.y}; }).take(3)) == Ints{0, -1, -2});
  const Tensor first = ten.map([](const Example& e, random::Generator& g) {
                            return Example{random::uniform({}, 0, 1, DType::float32, g), e.y};
                          })
                           .get(4)
                           .x;
  CHECK(first.item<float>() == ten.map([](const Tensor&, const Tensor& y, random::Generator& g) {
                                    return Example{random::uniform({}, 0, 1, DType::float32, g), y};
                                  })
                                   .get(4)
                                   .x.item<float>());

  calls = 0;
  const Pipeline even = ten.filter([&calls](const Tensor& x, const Tensor&) { return ++calls, x.item<int>() % 2 == 0; });
  CHECK(calls == 0);
  CHECK(checked(even) == Ints{0, 2, 4, 6, 8});
  CHECK(calls == 10);
  CHECK(ten.filter([](const Example&) { return false; }).size() == 0);
  CHECK(xs(ten.filter([](const Example& e) { return e.x.item<int>() > 6; }).shuffle(1).map([](const Example& e) {
          return e;
        })).size() == 3);
}

TEST_CASE("pipeline: zip, batch, cache, iteration") {
  const TensorDataset ten = numbered(10);
  const auto [a, b] = ten.zip(ten.shuffle(1)).get(3);
  CHECK(a.item<int>() == 3);
  CHECK(b.item<int>() == xs(ten.shuffle(1))[3]);
  const Pipeline sums = ten.zip(ten, [](const Example& p, const Example& q) { return Example{p.x + q.y, p.y}; });
  CHECK(sums.get(5).x.item<int>() == 110);
  CHECK_THROWS_AS(ten.zip(ten.take(9)), ValueError);

  const Pipeline batches = ten.batch(4);
  CHECK(batches.size() == 3);
  CHECK(batches.get(2).x.to_vector<int>() == Ints{8, 9});
  CHECK(ten.batch(4, true).size() == 2);
  CHECK(ten.batch(INT64_MAX).get(0).x.size() == 10);
  std::vector<Ints> seen;
  for (auto [x, y] : ten.map([](const Example& e) { return e; }).batch(5)) seen.push_back(x.to_vector<int>());
  CHECK(seen == std::vector<Ints>{{0, 1, 2, 3, 4}, {5, 6, 7, 8, 9}});

  std::atomic<int> calls = 0;
  const Pipeline cached = ten.map([&calls](const Example& e) { return ++calls, e; }).cache();
  for (int round = 0; round < 3; ++round) CHECK(xs(cached) == xs(ten));
  CHECK(calls == 10);
}

TEST_CASE("pipeline: splits are complete, disjoint, in order or shuffled, stratified on request") {
  const TensorDataset ten = numbered(10);
  const auto parts = ten.split({0.5, 0.3, 0.2});
  CHECK(checked(parts[0]) == Ints{0, 1, 2, 3, 4});
  CHECK(xs(parts[1]) == Ints{5, 6, 7});
  CHECK(xs(parts[2]) == Ints{8, 9});
  CHECK(ten.split(std::vector<double>{0.5}).at(0).size() == 5);
  auto [head, tail] = ten.shuffle(2).split(0.7);
  Ints all = xs(head.concat(tail));
  CHECK(head.size() == 7);
  CHECK(all == xs(ten.shuffle(2)));
  auto [mixed, rest] = ten.split(0.7, {.seed = 5});
  all = checked(mixed.concat(rest));
  CHECK(all != xs(ten));
  std::sort(all.begin(), all.end());
  CHECK(all == xs(ten));

  // 90 of class 0 and then 10 of class 1.
  std::vector<int32_t> labels(100, 0);
  std::fill(labels.begin() + 90, labels.end(), 1);
  const TensorDataset skewed(arange(0, 100), Tensor(labels));
  for (const std::optional<uint64_t> seed : {std::optional<uint64_t>(), std::optional<uint64_t>(3)}) {
    const auto split = skewed.split({0.8, 0.2}, {.seed = seed, .stratified = true});
    std::set<int> numbers;
    for (size_t k = 0; k < 2; ++k) {
      int ones = 0;
      for (const auto& [x, y] : split[k]) ones += y.item<int>(), numbers.insert(x.item<int>());
      CHECK(split[k].size() == (k == 0 ? 80 : 20));
      CHECK(ones == (k == 0 ? 8 : 2));
    }
    CHECK(numbers.size() == 100);
    const Ints order = xs(split[0]);
    CHECK(std::is_sorted(order.begin(), order.end()) == !seed);
    // Not one class after the other: the tenth of class 1 is spread over a shuffled part.
    if (seed) CHECK(std::find_if(order.begin(), order.end(), [](int i) { return i >= 90; }) - order.begin() < 60);
  }
}

TEST_CASE("pipeline: random steps draw by epoch and example, independently of each other") {
  const auto draw = [](const Example& e, random::Generator& g) {
    return Example{stack({e.x, random::uniform({}, 0, 1, DType::float32, g)}), e.y};
  };
  const TensorDataset zeros3(zeros({3}), zeros({3}));
  const Pipeline once = zeros3.map(draw);
  CHECK(identical(once.get(1).x, once.get(1).x));
  CHECK_FALSE(identical(once.get(0).x, once.get(1).x));
  // A second random step does not repeat the first one's numbers.
  const Pipeline twice = zeros3
                             .map([](const Example& e, random::Generator& g) {
                               return Example{random::uniform({}, 0, 1, DType::float32, g), e.y};
                             })
                             .map([](const Example& e, random::Generator& g) {
                               return Example{e.x - random::uniform({}, 0, 1, DType::float32, g), e.y};
                             });
  CHECK(twice.get(1).x.item<float>() != 0);

  // Loaders: another epoch or seed gives other numbers; cache() stops that.
  const auto epoch = [](const Pipeline& set, uint64_t seed, uint64_t e) {
    data::DataLoader loader(set, {.batch_size = 3, .seed = seed});
    loader.set_epoch(e);
    return (*loader.begin()).x.to_vector<float>();
  };
  CHECK(epoch(once, 1, 0) == epoch(once, 1, 0));
  CHECK(epoch(once, 1, 0) != epoch(once, 1, 1));
  CHECK(epoch(once, 1, 0) != epoch(once, 2, 0));
  CHECK(epoch(once.cache(), 1, 0) == epoch(once.cache(), 2, 5));

  // Roughly uniform over many examples: mean 1/2 within five standard errors.
  const TensorDataset many(zeros({4000}), zeros({4000}));
  const Pipeline uniform = many.map([](const Example& e, random::Generator& g) {
    return Example{random::uniform({}, 0, 1, DType::float32, g), e.y};
  });
  CHECK(std::abs(mean(uniform.range(0, 4000).x).item<double>() - 0.5) < 5 * std::sqrt(1 / 12.0 / 4000));
}

TEST_CASE("pipeline: filter and cache are read by several threads at once") {
  const Pipeline set = numbered(200).filter([](const Example& e) { return e.x.item<int>() % 3 == 0; }).cache();
  std::vector<Ints> seen(4);
  {
    std::vector<std::jthread> threads;
    for (Ints& out : seen) threads.emplace_back([&] { out = xs(set); });
  }
  for (const Ints& out : seen) CHECK(out == seen[0]);
  CHECK(seen[0].size() == 67);
}

TEST_CASE("pipeline: examples without labels, datasets of one's own") {
  struct Plain : data::Chain<Plain> {
    int64_t size() const override { return 4; }
    Example get(int64_t i) const override { return {Tensor(static_cast<int32_t>(i)), Tensor()}; }
  };
  const Plain plain;
  const auto [x, y] = plain.shuffle(1).range(0, 4);
  CHECK(x.size() == 4);
  CHECK_FALSE(y.defined());
  CHECK(xs(plain.skip(1)) == Ints{1, 2, 3});
  CHECK(Pipeline(std::make_shared<const Plain>()).size() == 4);
}

TEST_CASE("pipeline: what is refused, and how") {
  const TensorDataset ten = numbered(10);
  CHECK(message<ValueError>([&] { ten.take(3).get(3); }) ==
        "Dataset: no such example; got 3, expected at least 0 and less than 3");
  CHECK(contains(message<ValueError>([&] { ten.subset(Tensor({0, 10})); }), "got 10 at position 1"));
  CHECK_THROWS_AS(ten.subset(Tensor({-1})), ValueError);
  CHECK_THROWS_AS(ten.subset(Tensor({1.0f})), ValueError);
  CHECK_THROWS_AS(ten.subset(Tensor(1)), ValueError);
  CHECK_THROWS_AS(ten.take(-1), ValueError);
  CHECK_THROWS_AS(ten.skip(-1), ValueError);
  CHECK_THROWS_AS(ten.batch(0), ValueError);
  CHECK_THROWS_AS(ten.split({0.6, 0.6}), ValueError);
  CHECK_THROWS_AS(ten.split({-0.1}), ValueError);
  CHECK_THROWS_AS(ten.shuffle(1).split(std::nan("")), ValueError);
  const TensorDataset wide(zeros({4, 2}), zeros({4, 2}));
  CHECK(contains(message<ValueError>([&] { wide.split(0.5, {.stratified = true}); }), "got y of shape [2]"));
  CHECK_THROWS_AS(Pipeline(std::shared_ptr<const data::Dataset>()), ValueError);
}

}  // namespace
}  // namespace gradus::test
