// Pooled memory: a block for the headers and the elements of a tensor together, one for the header of a view.
//
// Blocks are 64-byte aligned and come in size classes, four per doubling. Small blocks are kept in a cache per thread, large ones
// in one list for the process; both are reused instead of returned, so that a training step in its steady state asks the system
// for nothing. Large blocks kept for reuse never exceed twice the peak of those in use; small ones are never returned. Safe to
// call from any thread; a block may be freed on another thread than the one that asked for it. Under sanitizers every block is
// its own allocation.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gradus::memory {

struct Stats {
  int64_t live_bytes = 0;          // blocks in use, headers included
  int64_t live_blocks = 0;         // their number
  int64_t peak_bytes = 0;          // highest live_bytes of large blocks (over 32 KiB) plus all small blocks in use now
  int64_t cached_bytes = 0;        // large blocks kept for reuse
  int64_t system_allocations = 0;  // requests to the operating system's allocator since the start
};

/// A snapshot of all threads' counters; exact when no other thread allocates meanwhile.
Stats stats();
/// Starts a new peak at what is in use now.
void reset_peak();
/// Returns cached large blocks to the system.
void release_cached();

namespace detail {
/// At least `bytes` bytes; `size_class` receives what deallocate wants back. Throws std::bad_alloc.
void* allocate(size_t bytes, uint32_t& size_class);
void deallocate(void* block, uint32_t size_class) noexcept;
/// Size of a block.
int64_t block_bytes(uint32_t size_class);
}  // namespace detail

}  // namespace gradus::memory
