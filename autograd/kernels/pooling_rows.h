// Maxima and means under a row of windows, for images whose channels lie together: a vector of channels at a time, kept in
// registers. Bounded by memory.
#pragma once

#include <cstdint>
#include <span>

namespace gradus::kernels {

/// An input that every window of a row meets with one of its elements.
struct Meeting {
  int64_t offset;  // from the window's first element, in elements of the image
  int64_t mark;    // how an index names it
};

/// Neighbouring outputs, dense, and the image from where the first window begins (which padding may put outside).
struct PoolRow {
  float* image;
  int64_t step;  // from one window to the next
  float* out;
  uint8_t* index;  // marks; null: not wanted
  int64_t pixels, channels;
  std::span<const Meeting> met;
};

inline constexpr int64_t kLeastPoolChannels = 4;

/// out and index = the largest, the first of equals, NaN above all.
void largest_in_row(const PoolRow& row);
/// out = the sum / divisor.
void mean_of_row(const PoolRow& row, float divisor);
/// image = out / divisor, or image += that, for every meeting.
void share_row_back(const PoolRow& row, float divisor, bool add);
/// image = out where the index says so and 0 elsewhere, or image += that.
void put_row_back(const PoolRow& row, bool add);

}  // namespace gradus::kernels
