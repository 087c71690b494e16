#include "autograd/storage/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace gradus::memory {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPooled = false;  // let the sanitizer see every block
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif
#else
constexpr bool kPooled = true;
#endif

constexpr size_t kAlignment = 64, kSlab = size_t{1} << 20, kHugePage = size_t{2} << 20;
constexpr size_t kSmallest = 64;
constexpr uint32_t kClasses = 4 * 42, kSmallClasses = 4 * 9 + 1;  // small: up to 32 KiB
constexpr int64_t kThreadCacheBytes = 256 << 10;                  // per class and thread, before half goes back

constexpr size_t kLargestSmall = size_t{32} << 10, kHeader = 256;

// Class c holds blocks of kSmallest * 2^(c/4) * (1 + (c%4)/4) bytes, rounded up to the alignment; large ones have room for a
// tensor's headers besides, so that powers of two, which are the commonest sizes, do not spill into the next class.
constexpr size_t class_bytes(uint32_t c) {
  const size_t base = kSmallest << (c / 4);
  return (base + base / 4 * (c % 4) + kAlignment - 1) / kAlignment * kAlignment + (c < kSmallClasses ? 0 : kHeader);
}
constexpr uint32_t class_of(size_t bytes) {
  if (bytes <= kSmallest) return 0;
  if (bytes > kLargestSmall) bytes = std::max(bytes - kHeader, kLargestSmall + 1);
  const auto log = static_cast<uint32_t>(std::bit_width(bytes - 1)) - 1;  // 2^log < bytes <= 2^(log+1)
  const size_t base = size_t{1} << log, quarter = base / 4;
  return (log - 6) * 4 + static_cast<uint32_t>((bytes - base + quarter - 1) / quarter);
}
static_assert(class_bytes(kSmallClasses - 1) == kLargestSmall && class_of(kLargestSmall + 1) == kSmallClasses);

// By bytes / 64, rounded up; and how many blocks of a class a thread keeps.
constexpr auto kSmallClassOf = [] {
  std::array<uint8_t, kLargestSmall / kSmallest + 1> table{};
  for (size_t i = 0; i < table.size(); ++i) table[i] = static_cast<uint8_t>(class_of(i * kSmallest));
  return table;
}();
constexpr auto kMostKept = [] {
  std::array<int64_t, kSmallClasses> table{};
  for (uint32_t c = 0; c < kSmallClasses; ++c) table[c] = kThreadCacheBytes / static_cast<int64_t>(class_bytes(c));
  return table;
}();

struct FreeBlock {
  FreeBlock* next;
};
// One thread writes it; any thread may read the count.
struct FreeList {
  FreeBlock* head = nullptr;
  std::atomic<int64_t> count{0};

  int64_t size() const { return count.load(std::memory_order_relaxed); }
  void push(void* block) {
    head = new (block) FreeBlock{head};
    count.store(size() + 1, std::memory_order_relaxed);
  }
  void* pop() {
    FreeBlock* block = head;
    if (block) head = block->next, count.store(size() - 1, std::memory_order_relaxed);
    return block;
  }
};

struct ThreadCache {
  std::array<FreeList, kSmallClasses> lists;
};

// What all threads share. Never destroyed: tensors may outlive every static object.
struct Central {
  std::mutex mutex;
  std::array<FreeList, kClasses> lists;
  std::array<int64_t, kClasses> last_use{};  // by the clock of large requests
  int64_t clock = 0;
  std::vector<ThreadCache*> threads;
  std::array<int64_t, kSmallClasses> made{};  // blocks that exist; those on no free list are in use
  int64_t large_blocks = 0, large_live = 0, large_peak = 0, cached = 0, system_allocations = 0;
  std::byte *slab = nullptr, *slab_end = nullptr;

  void* from_slab(uint32_t c) {
    const size_t bytes = class_bytes(c);
    if (static_cast<size_t>(slab_end - slab) < bytes) {  // the rest of the old slab is at most one small block
      slab = static_cast<std::byte*>(from_system(kSlab));
      slab_end = slab + kSlab;
    }
    void* block = slab;
    slab += bytes;
    ++made[c];
    return block;
  }
  void* from_system(size_t bytes) {
    const bool huge = bytes >= kHugePage;
    const size_t alignment = huge ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (!block) throw std::bad_alloc();
    if (huge) madvise(block, bytes, MADV_HUGEPAGE);  // only a hint
    ++system_allocations;
    return block;
  }
  void add_thread(ThreadCache* cache) {
    const std::lock_guard lock(mutex);
    threads.push_back(cache);
  }
  void retire(ThreadCache* cache) {
    const std::lock_guard lock(mutex);
    for (uint32_t c = 0; c < kSmallClasses; ++c)
      while (void* block = cache->lists[c].pop()) lists[c].push(block);
    std::erase(threads, cache);
  }
  // Frees what has been idle longest: sizes of a phase that is over must not push out those of the present one.
  void trim(int64_t target) {
    while (cached > target) {
      uint32_t oldest = kClasses;
      for (uint32_t c = kSmallClasses; c < kClasses; ++c)
        if (lists[c].head && (oldest == kClasses || last_use[c] < last_use[oldest])) oldest = c;
      if (oldest == kClasses) return;
      std::free(lists[oldest].pop());
      cached -= static_cast<int64_t>(class_bytes(oldest));
    }
  }
};

Central& central() {
  static Central* const instance = new Central;
  return *instance;
}

constinit thread_local ThreadCache* this_cache = nullptr;
constinit thread_local bool this_thread_ended = false;

struct Janitor {
  ThreadCache cache;
  Janitor() { central().add_thread(&cache), this_cache = &cache; }
  ~Janitor() {
    this_cache = nullptr;
    this_thread_ended = true;
    central().retire(&cache);
  }
};

ThreadCache* thread_cache() {
  if (this_cache || this_thread_ended) [[likely]]
    return this_cache;
  thread_local Janitor janitor;
  return this_cache;
}

[[gnu::noinline]] void* refill(ThreadCache* cache, uint32_t c) {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  if (!kPooled) {
    void* block = std::aligned_alloc(kAlignment, class_bytes(c));
    shared.made[c] += block != nullptr;
    return block;
  }
  const auto batch = static_cast<int64_t>(std::max<size_t>(1, 4096 / class_bytes(c)));
  for (int64_t i = 1; cache && i < batch; ++i) {
    void* block = shared.lists[c].pop();
    cache->lists[c].push(block ? block : shared.from_slab(c));
  }
  void* block = shared.lists[c].pop();
  return block ? block : shared.from_slab(c);
}

[[gnu::noinline]] void give_back_half(ThreadCache* cache, uint32_t c) {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  for (int64_t n = cache->lists[c].size() / 2; n > 0; --n) shared.lists[c].push(cache->lists[c].pop());
}

// A block that no thread's cache takes.
[[gnu::noinline]] void give_back(void* block, uint32_t c) {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  if (kPooled) return shared.lists[c].push(block);
  --shared.made[c];
  std::free(block);
}

[[gnu::noinline]] void* allocate_large(uint32_t c) {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  const auto bytes = static_cast<int64_t>(class_bytes(c));
  shared.last_use[c] = ++shared.clock;
  void* block = kPooled ? shared.lists[c].pop() : nullptr;
  if (block) shared.cached -= bytes;
  else block = shared.from_system(static_cast<size_t>(bytes));
  ++shared.large_blocks;
  shared.large_live += bytes;
  shared.large_peak = std::max(shared.large_peak, shared.large_live);
  return block;
}

[[gnu::noinline]] void deallocate_large(void* block, uint32_t c) {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  const auto bytes = static_cast<int64_t>(class_bytes(c));
  --shared.large_blocks;
  shared.large_live -= bytes;
  if (!kPooled) return std::free(block);
  shared.lists[c].push(block);
  shared.cached += bytes;
  // A step that goes through several size classes needs its maximum of each: more than the peak of the sum.
  if (shared.cached > 2 * shared.large_peak) shared.trim(2 * shared.large_peak);
}

}  // namespace

namespace detail {

int64_t block_bytes(uint32_t size_class) { return static_cast<int64_t>(class_bytes(size_class)); }

void* allocate(size_t bytes, uint32_t& size_class) {
  if (bytes <= kLargestSmall) [[likely]] {
    const uint32_t c = size_class = kSmallClassOf[(bytes + kSmallest - 1) / kSmallest];
    ThreadCache* cache = kPooled ? thread_cache() : nullptr;
    void* block = cache ? cache->lists[c].pop() : nullptr;
    if (!block) [[unlikely]]
      block = refill(cache, c);
    if (!block) throw std::bad_alloc();
    return block;
  }
  if (bytes > (size_t{1} << 46)) throw std::bad_alloc();
  return allocate_large(size_class = class_of(bytes));
}

void deallocate(void* block, uint32_t c) noexcept {
  if (c >= kSmallClasses) return deallocate_large(block, c);
  ThreadCache* cache = kPooled ? thread_cache() : nullptr;
  if (!cache) return give_back(block, c);
  FreeList& list = cache->lists[c];
  list.push(block);
  if (list.size() > kMostKept[c]) [[unlikely]]
    give_back_half(cache, c);
}

}  // namespace detail

Stats stats() {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  Stats s{.live_bytes = shared.large_live, .live_blocks = shared.large_blocks};
  for (uint32_t c = 0; c < kSmallClasses; ++c) {
    int64_t blocks = shared.made[c] - shared.lists[c].size();
    for (const ThreadCache* t : shared.threads) blocks -= t->lists[c].size();
    s.live_bytes += blocks * static_cast<int64_t>(class_bytes(c));
    s.live_blocks += blocks;
  }
  s.peak_bytes = shared.large_peak + s.live_bytes - shared.large_live;
  s.cached_bytes = shared.cached;
  s.system_allocations = shared.system_allocations;
  return s;
}

void reset_peak() {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  shared.large_peak = shared.large_live;
}

void release_cached() {
  Central& shared = central();
  const std::lock_guard lock(shared.mutex);
  shared.trim(0);
}

}  // namespace gradus::memory
