// DataLoader with workers: the same batches as without, errors in their place, no thread left behind.
#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "autograd/flush_denormals.h"
#include "autograd/ops.h"
#include "data/loader.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::DataLoader;
using data::Example;
using data::Pipeline;
using data::TensorDataset;

TensorDataset rows(int n) { return {arange(0, 3 * n).reshape({n, 3}).astype(DType::float32), arange(0, n)}; }

Pipeline noisy(int n) {
  return rows(n).map([](const Tensor& x, const Tensor& y, random::Generator& g) {
    return Example{x + random::normal({3}, 0, 1, DType::float32, g), y};
  });
}

std::vector<Example> epoch(DataLoader& loader) {
  std::vector<Example> out;
  for (const Example& batch : loader) out.push_back(batch);
  return out;
}

void check_same(const std::vector<Example>& a, const std::vector<Example>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(identical(a[i].x, b[i].x));
    CHECK(identical(a[i].y, b[i].y));
  }
}

TEST_CASE("workers: the same batches for any number of them") {
  for (const bool shuffle : {false, true}) {
    const data::LoaderOptions plain{.batch_size = 7, .shuffle = shuffle, .seed = 3};
    DataLoader alone(noisy(50), plain);
    const std::vector<Example> first = epoch(alone), second = epoch(alone);
    CHECK_FALSE(identical(first[0].x, second[0].x));
    for (const int workers : {1, 2, 5, 40})
      for (const int64_t prefetch : {int64_t{1}, int64_t{3}, INT64_MAX}) {
        data::LoaderOptions options = plain;
        options.workers = workers, options.prefetch = prefetch;
        DataLoader loader(noisy(50), options);
        check_same(epoch(loader), first);
        check_same(epoch(loader), second);
      }
  }
}

TEST_CASE("workers: an epoch taken up in the middle") {
  for (const int workers : {0, 3}) {
    DataLoader whole(noisy(50), {.batch_size = 7, .shuffle = true, .seed = 3});
    whole.set_epoch(4);
    std::vector<Example> expected = epoch(whole);
    const std::vector<Example> after = epoch(whole);
    DataLoader resumed(noisy(50), {.batch_size = 7, .shuffle = true, .seed = 3, .workers = workers});
    resumed.set_epoch(4);
    resumed.skip_batches(5);
    expected.erase(expected.begin(), expected.begin() + 5);
    check_same(epoch(resumed), expected);
    check_same(epoch(resumed), after);  // only the one epoch
    resumed.skip_batches(100);
    CHECK(epoch(resumed).empty());
  }
  DataLoader loader(rows(5));
  CHECK_THROWS_AS(loader.skip_batches(-1), ValueError);
}

TEST_CASE("workers: an error arrives at the batch it belongs to, and the others still come") {
  const Pipeline broken = rows(20).map([](const Example& e) {
    if (e.y.item<int>() == 11) fail<IoError>("broken", "no such thing; got 11, expected another");
    return e;
  });
  for (const int workers : {0, 1, 3}) {
    DataLoader loader(broken, {.batch_size = 4, .workers = workers});
    int good = 0, bad = 0;
    for (auto it = loader.begin(); it != loader.end(); ++it) {
      try {
        good += static_cast<int>((*it).y.size() == 4);
      } catch (const IoError& error) {
        CHECK(good == 2);
        CHECK(contains(error.what(), "got 11"));
        ++bad;
      }
    }
    CHECK(good == 4);
    CHECK(bad == 1);
  }
}

TEST_CASE("workers: leaving early, passing over batches, looking back") {
  for (int round = 0; round < 20; ++round) {
    DataLoader loader(noisy(64), {.batch_size = 4, .workers = 3});
    int seen = 0;
    for (const auto& [x, y] : loader)
      if (++seen == round) break;
  }
  DataLoader loader(rows(40), {.batch_size = 4, .workers = 2});
  auto it = loader.begin();
  auto behind = it;
  for (int i = 0; i < 7; ++i) ++it;  // without asking for any
  CHECK((*it).y.to_vector<int>() == std::vector<int>{28, 29, 30, 31});
  CHECK((*it).y.to_vector<int>() == std::vector<int>{28, 29, 30, 31});
  CHECK((*behind).y.to_vector<int>() == std::vector<int>{0, 1, 2, 3});
  auto ahead = it;
  ++ahead, ++ahead;
  CHECK((*ahead).y.to_vector<int>() == std::vector<int>{36, 37, 38, 39});
  CHECK((*it).y.to_vector<int>() == std::vector<int>{28, 29, 30, 31});
}

TEST_CASE("workers: an epoch outlives its loader and may be dropped while batches are made") {
  std::atomic<int> running = 0;
  const Pipeline slow = rows(64).map([&running](const Example& e) {
    ++running;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --running;
    return e;
  });
  auto loader = std::make_unique<DataLoader>(slow, data::LoaderOptions{.batch_size = 4, .workers = 3});
  {
    auto it = loader->begin();
    loader.reset();
    CHECK((*it).y.to_vector<int>() == std::vector<int>{0, 1, 2, 3});
  }
  CHECK(running == 0);
}

TEST_CASE("workers: no more than asked for is made ahead") {
  std::atomic<int> made = 0;
  const Pipeline counted = rows(100).map([&made](const Example& e) { return ++made, e; });
  DataLoader loader(counted, {.batch_size = 1, .workers = 2, .prefetch = 3});
  auto it = loader.begin();
  (void)*it;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(made == 6);
  ++it;
  (void)*it;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(made == 7);
}

TEST_CASE("collate: batches made by hand, of examples that differ in size") {
  struct Ragged : data::Dataset {
    int64_t size() const override { return 5; }
    Example get(int64_t i) const override { return {ones({i + 1}), Tensor(static_cast<int32_t>(i))}; }
  };
  for (const int workers : {0, 2}) {
    DataLoader loader(Ragged(), {.batch_size = 2, .workers = workers, .collate = [](const std::vector<Example>& examples) {
                                   std::vector<Tensor> lengths;
                                   for (const Example& e : examples) lengths.push_back(sum(e.x));
                                   return Example{stack(lengths), Tensor()};
                                 }});
    std::vector<std::vector<int>> seen;
    for (const auto& [x, y] : loader) seen.push_back(x.to_vector<int>());
    CHECK(seen == std::vector<std::vector<int>>{{1, 2}, {3, 4}, {5}});
    DataLoader stacked(Ragged(), {.batch_size = 2, .workers = workers});
    CHECK_THROWS_AS((void)*stacked.begin(), ShapeError);
  }
}

TEST_CASE("workers: subnormal numbers count as they do on the thread that reads") {
  const TensorDataset tiny(full({4}, 1e-39), zeros({4}));
  const Pipeline scaled = tiny.map([](const Tensor& x, const Tensor& y) { return Example{x * 1e30f, y}; });
  for (const bool flush : {false, true}) {
    const FlushDenormals scope(flush);
    DataLoader a(scaled), b(scaled, {.workers = 1});
    const Tensor x = (*a.begin()).x;
    CHECK(identical(x, (*b.begin()).x));
    INFO(x.to_vector<float>()[0]);
#if defined(__x86_64__) || defined(__aarch64__)
    CHECK((x.to_vector<float>()[0] == 0) == flush);
#endif
  }
}

TEST_CASE("workers: options out of range") {
  CHECK(contains(message<ValueError>([] { DataLoader(rows(3), {.workers = -1}); }), "number of workers too small; got -1"));
  CHECK_THROWS_AS(DataLoader(rows(3), {.prefetch = 0}), ValueError);
  DataLoader none(rows(0), {.workers = 2});
  CHECK(epoch(none).empty());
}

}  // namespace
}  // namespace gradus::test
