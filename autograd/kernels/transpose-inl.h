// Transposing tiles of 16 x 16 words, per target: with scalar loads and stores that takes longer than the memory does.
#if defined(GRADUS_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_TRANSPOSE_INL_H_
#undef GRADUS_TRANSPOSE_INL_H_
#else
#define GRADUS_TRANSPOSE_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "autograd/kernels/transpose.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_SCALAR

inline void transpose_words(std::byte* to, int64_t to_row, const std::byte* from, int64_t from_row) {
  detail_transpose::tile<uint32_t>(to, to_row, from, from_row, 16, 16);
}

#else

/// Four words from each of as many rows as a vector has room for, four rows apart.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> four_of_rows(D d, const std::byte* from, int64_t row) {
  namespace hn = hwy::HWY_NAMESPACE;
  if constexpr (hn::MaxLanes(D()) <= 4) {
    return hn::LoadU(d, reinterpret_cast<const uint32_t*>(from));
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, four_of_rows(half, from + static_cast<int64_t>(hn::MaxLanes(half)) * row, row),
                       four_of_rows(half, from, row));
  }
}

/// to[b][a] = from[a][b] for 16 of each.
inline void transpose_words(std::byte* to, int64_t to_row, const std::byte* from, int64_t from_row) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<uint32_t, 16> words;
  const hn::Repartition<uint64_t, decltype(words)> pairs;
  constexpr int64_t kRows = hn::MaxLanes(words);
  for (int64_t a = 0; a < 16; a += kRows)
    for (int64_t b = 0; b < 16; b += 4) {
      const std::byte* corner = from + a * from_row + b * 4;
      const auto r0 = four_of_rows(words, corner, from_row), r1 = four_of_rows(words, corner + from_row, from_row);
      const auto r2 = four_of_rows(words, corner + 2 * from_row, from_row),
                 r3 = four_of_rows(words, corner + 3 * from_row, from_row);
      const auto left = hn::BitCast(pairs, hn::InterleaveLower(words, r0, r1));
      const auto left_below = hn::BitCast(pairs, hn::InterleaveLower(words, r2, r3));
      const auto right = hn::BitCast(pairs, hn::InterleaveUpper(words, r0, r1));
      const auto right_below = hn::BitCast(pairs, hn::InterleaveUpper(words, r2, r3));
      const auto put = [&](int64_t i, auto x) HWY_ATTR {
        hn::StoreU(hn::BitCast(words, x), words, reinterpret_cast<uint32_t*>(to + (b + i) * to_row + a * 4));
      };
      put(0, hn::InterleaveLower(pairs, left, left_below));
      put(1, hn::InterleaveUpper(pairs, left, left_below));
      put(2, hn::InterleaveLower(pairs, right, right_below));
      put(3, hn::InterleaveUpper(pairs, right, right_below));
    }
}

#endif

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();
#endif
