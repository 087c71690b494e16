#include "data/windows.h"

#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "data/loader.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::TimeSeries;
using data::WindowOptions;
using Ints = std::vector<int>;

TEST_CASE("windows: every option against a plain loop") {
  const int n = 23;
  const Tensor series = arange(0, 2 * n).reshape({n, 2}), targets = arange(100, 100 + n);
  int checked = 0;
  for (const int64_t length : {1, 3, 5})
    for (const int64_t stride : {1, 2, 7})
      for (const int64_t rate : {1, 3})
        for (const int64_t start : {0, 4})
          for (const int64_t end : {n, n - 6}) {
            const TimeSeries set(series, targets,
                                 {.sequence_length = length,
                                  .sequence_stride = stride,
                                  .sampling_rate = rate,
                                  .start_index = start,
                                  .end_index = end});
            int64_t i = 0;
            for (int64_t s = start; s + (length - 1) * rate < end; s += stride, ++i) {
              Ints expected;
              for (int64_t k = 0; k < length; ++k) {
                const int step = static_cast<int>(s + k * rate);
                expected.push_back(2 * step), expected.push_back(2 * step + 1);
              }
              REQUIRE(i < set.size());
              const auto [x, y] = set.get(i);
              CHECK((x.shape() == Shape{length, 2}));
              CHECK(x.to_vector<int>() == expected);
              CHECK(y.item<int>() == 100 + s);
              const auto [bx, by] = set.batch(Tensor(std::vector<int64_t>{i, 0}));
              CHECK((bx.shape() == Shape{2, length, 2}));
              CHECK(bx[0].to_vector<int>() == expected);
              CHECK(by.to_vector<int>() == Ints{static_cast<int>(100 + s), static_cast<int>(100 + start)});
              ++checked;
            }
            CHECK(set.size() == i);
          }
  CHECK(checked > 100);
}

TEST_CASE("windows: targets ahead shorten the series, none at all are left out") {
  const Tensor series = arange(0, 10);
  const TimeSeries ahead(series, series["4:"], {.sequence_length = 3});
  CHECK(ahead.size() == 6);
  CHECK(ahead.get(5).x.to_vector<int>() == Ints{5, 6, 7});
  CHECK(ahead.get(5).y.item<int>() == 9);
  const TimeSeries plain(series, Tensor(), {.sequence_length = 8});
  CHECK(plain.size() == 3);
  CHECK_FALSE(plain.get(0).y.defined());
  CHECK_FALSE(plain.batch(Tensor(std::vector<int64_t>{0})).y.defined());
  CHECK(TimeSeries(series, Tensor(), {.sequence_length = 10}).size() == 1);
  CHECK(TimeSeries(series, Tensor(), {.sequence_length = 6, .sampling_rate = 2}).size() == 0);
  int64_t windows = 0;
  for (auto [x, y] : data::DataLoader(ahead, {.batch_size = 4, .shuffle = true, .seed = 1, .workers = 1})) windows += x.shape(0);
  CHECK(windows == 6);
  CHECK(ahead.take(2).size() == 2);
}

TEST_CASE("windows: options out of range") {
  const Tensor series = arange(0, 10);
  for (const WindowOptions& wrong :
       {WindowOptions{}, WindowOptions{.sequence_length = 11}, WindowOptions{.sequence_length = 2, .sequence_stride = 0},
        WindowOptions{.sequence_length = 2, .sampling_rate = 0}, WindowOptions{.sequence_length = 2, .start_index = -1},
        WindowOptions{.sequence_length = 2, .start_index = 11}, WindowOptions{.sequence_length = 2, .end_index = 11},
        WindowOptions{.sequence_length = 2, .start_index = 5, .end_index = 4}, WindowOptions{.sequence_length = INT64_MAX}})
    CHECK_THROWS_AS(TimeSeries(series, Tensor(), wrong), ValueError);
  CHECK_THROWS_AS(TimeSeries(Tensor(1), Tensor(), {.sequence_length = 1}), ShapeError);
  CHECK_THROWS_AS(TimeSeries(series, Tensor(1), {.sequence_length = 1}), ShapeError);
  CHECK(message<ValueError>([&] { TimeSeries(series, Tensor(), {}); }) ==
        "TimeSeries: sequence_length out of range; got 0, expected 1 to 10");
}

}  // namespace
}  // namespace gradus::test
