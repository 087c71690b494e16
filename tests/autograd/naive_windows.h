// Sliding windows straight from the definition, on arrays of doubles.
#pragma once

#include "tests/support/reference.h"

namespace gradus::test {

/// One number per spatial axis, given by hand: nothing here computes a padding.
struct NaiveWindow {
  Shape stride = {1}, dilation = {1}, before = {0}, after = {0};
  bool channels_first = false;
};

/// One of a list with a single number for all axes.
inline int64_t along(const Shape& numbers, int axis) { return numbers[numbers.ndim() == 1 ? 0 : axis]; }

/// The position of an element of an image: batch, spatial, channel.
inline Shape image_at(int64_t n, const Shape& p, int64_t c, bool channels_first) {
  Shape at{n};
  if (channels_first) at.push_back(c);
  for (const int64_t i : p) at.push_back(i);
  if (!channels_first) at.push_back(c);
  return at;
}
/// The same of a filter: spatial, in, out.
inline Shape filter_at(const Shape& k, int64_t in, int64_t out, bool filter_first) {
  Shape at = filter_first ? Shape{out, in} : Shape{};
  for (const int64_t i : k) at.push_back(i);
  if (!filter_first) at.push_back(in), at.push_back(out);
  return at;
}
inline Shape spatial_of(const Shape& image, bool channels_first) {
  return Shape(std::span(image.begin() + (channels_first ? 2 : 1), static_cast<size_t>(image.ndim() - 2)));
}
inline int64_t channels_of(const Shape& image, bool channels_first) { return channels_first ? image[1] : image.back(); }

/// How many windows of this size fit, counted one by one.
inline Shape fitting(const Shape& in, const Shape& size, const NaiveWindow& w) {
  Shape out;
  for (int i = 0; i < in.ndim(); ++i) {
    const int64_t last = in[i] + along(w.before, i) + along(w.after, i) - 1, reach = (size[i] - 1) * along(w.dilation, i);
    int64_t count = 0;
    while (count * along(w.stride, i) + reach <= last) ++count;
    out.push_back(count);
  }
  return out;
}

/// Calls f(o, k, p) for every output o and element k of the window whose input p lies in the image.
template <class F>
void for_each_meeting(const Shape& in, const Shape& out, const Shape& size, const NaiveWindow& w, const F& f) {
  for_each_index(out, [&](const Shape& o) {
    for_each_index(size, [&](const Shape& k) {
      Shape p;
      bool inside = true;
      for (int i = 0; i < in.ndim(); ++i) {
        p.push_back(o[i] * along(w.stride, i) + k[i] * along(w.dilation, i) - along(w.before, i));
        inside = inside && p[i] >= 0 && p[i] < in[i];
      }
      if (inside) f(o, k, p);
    });
  });
}

}  // namespace gradus::test
