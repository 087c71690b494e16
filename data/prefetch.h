// Prefetch: results 0, 1, 2, ... of a function, computed ahead by threads and taken in order. Internal.
//
// One thread takes; destruction stops and joins the workers. A result that is asked for again after release() was called for a
// later one is computed anew on the spot: the function is expected to give the same for the same number.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "data/example.h"

namespace gradus::data::detail {

class Prefetch {
 public:
  using Make = std::function<Example(int64_t)>;

  /// Results [begin, end), at most `depth` of them made or waiting at a time. `make` is called from all workers.
  Prefetch(Make make, int64_t begin, int64_t end, int workers, int64_t depth);
  ~Prefetch();
  Prefetch(const Prefetch&) = delete;
  Prefetch& operator=(const Prefetch&) = delete;

  /// Result k, waited for if need be; throws what make(k) threw.
  Example get(int64_t k);
  /// Nothing before result k will be asked for again.
  void release(int64_t k);

 private:
  struct Slot {
    int64_t number = -1;
    Example result;
    std::exception_ptr error;
  };
  Slot& slot(int64_t k) { return slots_[static_cast<size_t>(k % static_cast<int64_t>(slots_.size()))]; }
  void work();

  const Make make_;
  const int64_t end_;
  const bool flush_;  // whether subnormal numbers count as zero, as on the thread that began
  std::mutex mutex_;
  std::condition_variable ready_, room_;
  std::vector<Slot> slots_;
  int64_t next_, oldest_;  // the next to be made; the first that may still be taken
  bool stop_ = false;
  std::vector<std::jthread> workers_;  // last: they use everything above
};

}  // namespace gradus::data::detail
