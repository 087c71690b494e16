// parallel_for: splits a range over the OpenMP pool when it is worth it. No other file starts threads.
//
// Below `grain` elements everything runs on the calling thread. Results must not depend on where the range is cut;
// reductions therefore split by data (fixed blocks) and combine the blocks in order.
#pragma once

#include <cstdint>
#include <exception>

namespace gradus {

/// Elements of simple arithmetic below which a second thread costs more than it saves.
inline constexpr int64_t kGrain = 32768;

int num_threads();

namespace detail {
using RangeFn = void (*)(const void* context, int64_t begin, int64_t end);
/// Cuts [0, n) into one part per thread, multiples of `align` where possible; exceptions of parts are rethrown here.
void parallel_run(int64_t n, int64_t grain, int64_t align, RangeFn fn, const void* context);
/// Our half of set_num_threads (autograd/parallel.h), n >= 1.
void set_pool_size(int n);
}  // namespace detail

/// Calls f(begin, end) on disjoint parts that cover [0, n).
template <class F>
void parallel_for(int64_t n, int64_t grain, const F& f, int64_t align = 1) {
  if (n <= 0) return;
  if (n <= grain) return f(int64_t{0}, n);
  detail::parallel_run(
      n, grain, align, [](const void* context, int64_t begin, int64_t end) { (*static_cast<const F*>(context))(begin, end); },
      &f);
}

}  // namespace gradus
