// Basic indexing, as in NumPy: by text ("10:90", ":, 14:, ::2", "..., -1") or by objects (Slice, integers, newaxis, ellipsis).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "autograd/base/shape.h"

namespace gradus {

/// An absent bound of a slice: `Slice(14, none)` is `14:`.
inline constexpr std::nullopt_t none = std::nullopt;

/// start:stop:step. Negative bounds count from the end, bounds beyond it are clamped; the step is not zero.
struct Slice {
  std::optional<int64_t> start, stop, step;
  constexpr Slice(std::optional<int64_t> from = none, std::optional<int64_t> to = none, std::optional<int64_t> by = none)
      : start(from), stop(to), step(by) {}
};

/// One entry of an index: an integer (drops the axis), a slice, `newaxis` (adds an axis of 1) or `ellipsis` (all axes left out).
struct Index {
  enum class Kind : uint8_t { integer, slice, newaxis, ellipsis };
  Kind kind;
  Slice slice{};
  int64_t integer = 0;

  constexpr Index(Slice s) : kind(Kind::slice), slice(s) {}
  constexpr Index(std::integral auto i) : kind(Kind::integer), integer(static_cast<int64_t>(i)) {}
  constexpr explicit Index(Kind k) : kind(k) {}
};
inline constexpr Index newaxis{Index::Kind::newaxis};
inline constexpr Index ellipsis{Index::Kind::ellipsis};

/// Which part of a tensor an index selects: a view's shape, strides and first element, given the source's.
struct ViewSpec {
  Shape shape;
  Strides strides{};
  int64_t offset = 0;  // elements
};

/// ShapeError for too many entries or an integer out of range, ValueError for a zero step.
ViewSpec resolve_index(std::span<const Index> index, const Shape& shape, const Strides& strides);

/// The same for text. ValueError for text that is no index, with the position of the first wrong character.
ViewSpec resolve_index(std::string_view index, const Shape& shape, const Strides& strides);

}  // namespace gradus
