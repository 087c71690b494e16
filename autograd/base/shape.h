// Shapes, strides and axes: fixed capacity, trivially copyable, no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>

#include "autograd/base/error.h"

namespace gradus {

inline constexpr int kMaxRank = 8;

/// Strides in elements, one per dimension; may be zero (broadcast) or negative (flip).
using Strides = std::array<int64_t, kMaxRank>;

/// The dimensions of a tensor, rank 0 to 8. Also carries requests such as {-1, 784} for reshape.
class Shape {
 public:
  constexpr Shape() = default;
  constexpr Shape(std::initializer_list<int64_t> dims) : Shape(std::span<const int64_t>(dims.begin(), dims.size())) {}
  /// ShapeError beyond rank 8.
  constexpr explicit Shape(std::span<const int64_t> dims) {
    if (dims.size() > kMaxRank) fail<ShapeError>("Shape", "too many dimensions; got ", dims.size(), ", expected at most 8");
    for (int64_t d : dims) dims_[static_cast<size_t>(ndim_++)] = d;
  }
  /// `ndim` dimensions of size `value`.
  static constexpr Shape filled(int ndim, int64_t value) {
    Shape s;
    for (int i = 0; i < ndim; ++i) s.push_back(value);
    return s;
  }

  constexpr int ndim() const { return ndim_; }
  constexpr int64_t operator[](int axis) const { return dims_[static_cast<size_t>(axis)]; }
  constexpr int64_t& operator[](int axis) { return dims_[static_cast<size_t>(axis)]; }
  constexpr int64_t back() const { return dims_[static_cast<size_t>(ndim_ - 1)]; }
  constexpr const int64_t* begin() const { return dims_.data(); }
  constexpr const int64_t* end() const { return dims_.data() + ndim_; }
  constexpr void push_back(int64_t dim) {
    if (ndim_ == kMaxRank) fail<ShapeError>("Shape", "too many dimensions; got 9, expected at most 8");
    dims_[static_cast<size_t>(ndim_++)] = dim;
  }

  friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.ndim_ != b.ndim_) return false;
    for (int i = 0; i < a.ndim_; ++i)
      if (a[i] != b[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, kMaxRank> dims_{};
  int ndim_ = 0;
};

void append_text(std::string& out, const Shape& shape);  // "[2, 3]"
std::ostream& operator<<(std::ostream& out, const Shape& shape);

/// Number of elements. ShapeError naming `op` for a negative dimension or a product beyond 2^63 - 1.
int64_t numel(std::string_view op, const Shape& shape);

/// Row-major strides.
Strides contiguous_strides(const Shape& shape);

/// NumPy's broadcast of two shapes. ShapeError naming `op` when they do not fit.
Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b);

/// `axis` counted from the front; ShapeError naming `op` unless -ndim <= axis < ndim.
int normalize_axis(std::string_view op, int64_t axis, int ndim);

/// Axes of a reduction: one, several, or (default) all of them. Negative axes count from the back.
class Axes {
 public:
  constexpr Axes() = default;  // all
  constexpr Axes(int64_t axis) : axes_{axis}, all_(false) {}
  constexpr Axes(std::initializer_list<int64_t> axes) : axes_(axes), all_(false) {}
  constexpr explicit Axes(const Shape& axes) : axes_(axes), all_(false) {}

  constexpr bool all() const { return all_; }
  constexpr const Shape& list() const { return axes_; }
  /// Bit k set: axis k is reduced. ShapeError naming `op` for an axis out of range or given twice.
  uint32_t mask(std::string_view op, int ndim) const;

 private:
  Shape axes_;
  bool all_ = true;
};

/// The shape after reducing the axes in `mask`.
Shape reduced_shape(const Shape& shape, uint32_t mask, bool keepdims);

}  // namespace gradus
