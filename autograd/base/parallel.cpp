#include "autograd/base/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "autograd/base/alone.h"
#include "autograd/base/denormals.h"

namespace gradus {
namespace {

// OpenMP keeps its own setting per calling thread; ours holds for the process.
std::atomic<int>& pool_size() {
  static std::atomic<int> size{omp_get_max_threads()};
  return size;
}

// The first exception of a team, carried out of the parallel region.
class FirstError {
 public:
  void keep(std::exception_ptr error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = std::move(error);
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

int num_threads() { return pool_size().load(std::memory_order_relaxed); }

namespace detail {

bool& Alone::current() {
  static thread_local bool alone = false;
  return alone;
}

void flush_pool_denormals(bool flush) {
  flush_denormals(flush);
  // parallel_run tells its threads by itself; what follows is for the libraries.
  if (num_threads() == 1 || omp_in_parallel() || Alone::current()) return;
#pragma omp parallel num_threads(num_threads())
  flush_denormals(flush);
}

void set_pool_size(int n) { pool_size().store(n, std::memory_order_relaxed); }

void parallel_run(int64_t n, int64_t grain, int64_t align, RangeFn fn, const void* context) {
  const int64_t worthwhile = (n - 1) / std::max<int64_t>(grain, 1) + 1;
  const int64_t wanted = std::min<int64_t>(num_threads(), worthwhile);
  if (wanted <= 1 || omp_in_parallel() || Alone::current()) return fn(context, 0, n);  // a team inside a team would only queue

  // Nothing here passes n, which may be the largest there is.
  const int64_t even = (n - 1) / wanted + 1, part = even + std::min((align - even % align) % align, n - even);
  FirstError error;
  const bool flush = flushes_denormals();
#pragma omp parallel num_threads(static_cast <int>(wanted))
  {
    if (flushes_denormals() != flush) flush_denormals(flush);  // the same numbers as on the calling thread
    // The team may come out smaller than asked for, hence the loop.
    const int64_t parts = (n - 1) / part + 1;
    try {
      for (int64_t i = omp_get_thread_num(); i < parts; i += omp_get_num_threads()) {
        const int64_t begin = i * part;
        fn(context, begin, begin + std::min(part, n - begin));
      }
    } catch (...) {
      error.keep(std::current_exception());
    }
  }
  error.rethrow();
}

}  // namespace detail
}  // namespace gradus
