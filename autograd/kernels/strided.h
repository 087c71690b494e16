// Moving elements of 1, 2, 4 or 8 bytes between a strided run and a dense block, as bits. Steps are in bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace gradus::kernels {

template <class U>
void gather(const std::byte* from, int64_t step, std::byte* to, int64_t n) {
  for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * static_cast<int64_t>(sizeof(U)), from + i * step, sizeof(U));
}

template <class U>
void scatter(const std::byte* from, std::byte* to, int64_t step, int64_t n) {
  for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * step, from + i * static_cast<int64_t>(sizeof(U)), sizeof(U));
}

/// Calls f.operator()<U>() with the unsigned type of `size` bytes.
template <class F>
void with_size(int64_t size, const F& f) {
  if (size == 1) f.template operator()<uint8_t>();
  else if (size == 2) f.template operator()<uint16_t>();
  else if (size == 4) f.template operator()<uint32_t>();
  else f.template operator()<uint64_t>();
}

}  // namespace gradus::kernels
