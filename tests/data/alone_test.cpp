// In a file of its own: where OpenMP has several threads ThreadSanitizer takes libgomp's barriers for races.
#include <doctest/doctest.h>

#include <atomic>
#include <thread>

#include "autograd/base/parallel.h"
#include "autograd/parallel.h"
#include "data/loader.h"

namespace gradus::test {
namespace {

TEST_CASE("workers: what a worker computes stays on its thread") {
  const int threads = num_threads();
  set_num_threads(4);
  std::atomic<int> others = 0;
  const data::Pipeline busy = data::TensorDataset(arange(0, 8), arange(0, 8)).map([&others](const data::Example& e) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_for(100000, 1, [&](int64_t, int64_t) { others += std::this_thread::get_id() != here; });
    return e;
  });
  for (const int workers : {0, 2}) {
    others = 0;
    data::DataLoader loader(busy, {.batch_size = 2, .workers = workers});
    int64_t examples = 0;
    for (const auto& [x, y] : loader) examples += x.size();
    CHECK(examples == 8);
    CHECK((others == 0) == (workers > 0));
  }
  set_num_threads(threads);
}

}  // namespace
}  // namespace gradus::test
