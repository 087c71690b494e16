// Append-only memory whose elements never move: a list of equal items and an arena of bytes, both in chunks that are kept when
// the contents are dropped. A reference survives the appends that a recorded backward pass makes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gradus::detail {

template <class T, uint32_t kLogChunk = 10>
class StableList {
 public:
  T& operator[](uint32_t i) { return chunks_[i >> kLogChunk][i & kMask]; }
  const T& operator[](uint32_t i) const { return chunks_[i >> kLogChunk][i & kMask]; }
  uint32_t size() const { return size_; }
  T& push_back(const T& value) {
    if (size_ >> kLogChunk == chunks_.size()) chunks_.push_back(std::make_unique_for_overwrite<T[]>(size_t{1} << kLogChunk));
    return (*this)[size_++] = value;
  }
  void truncate(uint32_t size) { size_ = size; }

 private:
  static constexpr uint32_t kMask = (1u << kLogChunk) - 1;
  std::vector<std::unique_ptr<T[]>> chunks_;
  uint32_t size_ = 0;
};

class Arena {
 public:
  explicit Arena(size_t chunk_bytes = size_t{1} << 16) : chunk_bytes_(chunk_bytes) {}

  /// 8-byte aligned.
  std::byte* allocate(size_t bytes) {
    bytes = (bytes + 7) / 8 * 8;
    while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].size) ++chunk_, used_ = 0;
    if (chunk_ == chunks_.size()) {
      const size_t size = std::max(bytes, chunk_bytes_);
      chunks_.push_back({std::make_unique_for_overwrite<std::byte[]>(size), size});
      used_ = 0;
    }
    std::byte* block = chunks_[chunk_].bytes.get() + used_;
    used_ += bytes;
    return block;
  }
  /// Drops `block` and everything allocated after it.
  void truncate(const std::byte* block) {
    for (size_t c = std::min(chunk_ + 1, chunks_.size()); c-- > 0;) {
      const std::byte* begin = chunks_[c].bytes.get();
      if (block >= begin && block < begin + chunks_[c].size) {
        chunk_ = c;
        used_ = static_cast<size_t>(block - begin);
        return;
      }
    }
  }

 private:
  struct Chunk {
    std::unique_ptr<std::byte[]> bytes;
    size_t size;
  };
  std::vector<Chunk> chunks_;
  size_t chunk_ = 0, used_ = 0, chunk_bytes_;
};

}  // namespace gradus::detail
