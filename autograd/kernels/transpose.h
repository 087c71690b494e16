// Copies between two layouts whose innermost dimensions differ, by square tiles.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "autograd/kernels/loops.h"
#include "autograd/kernels/strided.h"

namespace gradus::kernels {

namespace detail_transpose {

// A tile is one cache line wide on both sides, and at least 8 elements: every line is read once and written once, whatever the
// distance between rows.
template <class U>
inline constexpr int64_t kTile = sizeof(U) > 8 ? 8 : 64 / static_cast<int64_t>(sizeof(U));

/// to[b][a] = from[a][b] for `a` < na, `b` < nb. Elements of `to` are dense along a, those of `from` along b.
template <class U>
void tile(std::byte* to, int64_t to_row, const std::byte* from, int64_t from_row, int64_t na, int64_t nb) {
  U rows[kTile<U>][kTile<U>], column[kTile<U>];
  for (int64_t a = 0; a < na; ++a) std::memcpy(rows[a], from + a * from_row, static_cast<size_t>(nb) * sizeof(U));
  for (int64_t b = 0; b < nb; ++b) {
    for (int64_t a = 0; a < na; ++a) column[a] = rows[a][b];
    std::memcpy(to + b * to_row, column, static_cast<size_t>(na) * sizeof(U));
  }
}
}  // namespace detail_transpose

/// Transposes a whole tile of 32-bit elements.
using WordTile = void (*)(std::byte* to, int64_t to_row, const std::byte* from, int64_t from_row);

/// Does the copy loop.data()[1] -> loop.data()[0] when some other dimension than the innermost is dense in the source and both
/// are long enough for tiles; otherwise returns false and does nothing.
inline bool transpose_copy(const Loop<2>& loop, int64_t size, WordTile words) {
  constexpr int64_t kShortest = 8;
  if (loop.steps(0)[0] != size || loop.steps(0)[1] == size || loop.steps(0)[1] == 0 || loop.size(0) < kShortest) return false;
  int dense = 0;
  for (int d = 1; d < loop.ndim(); ++d)
    if (loop.steps(d)[1] == size && loop.size(d) >= kShortest) dense = d;
  if (dense == 0) return false;

  with_size(size, [&]<class U> {
    constexpr int64_t kSide = detail_transpose::kTile<U>;
    const int64_t na = loop.size(0), nb = loop.size(dense), to_row = loop.steps(dense)[0], from_row = loop.steps(0)[1];
    const int64_t strips = (na + kSide - 1) / kSide, planes = loop.total() / (na * nb);
    // A part is a number of strips of all planes: kSide elements along dimension 0, all of the dense dimension.
    parallel_for(planes * strips, std::max<int64_t>(1, kGrain / (kSide * nb)), [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; ++part) {
        std::byte* to = loop.data()[0];
        const std::byte* from = loop.data()[1];
        int64_t plane = part / strips;
        for (int d = 1; d < loop.ndim(); ++d) {
          if (d == dense) continue;
          const int64_t at = plane % loop.size(d);
          plane /= loop.size(d);
          to += at * loop.steps(d)[0];
          from += at * loop.steps(d)[1];
        }
        const int64_t a = part % strips * kSide, width = std::min(kSide, na - a);
        for (int64_t b = 0; b < nb; b += kSide) {
          std::byte* corner = to + b * to_row + a * size;
          const std::byte* source = from + a * from_row + b * size;
          if (sizeof(U) == 4 && width == kSide && nb - b >= kSide) words(corner, to_row, source, from_row);
          else detail_transpose::tile<U>(corner, to_row, source, from_row, width, std::min(kSide, nb - b));
        }
      }
    });
  });
  return true;
}

}  // namespace gradus::kernels
