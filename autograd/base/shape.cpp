#include "autograd/base/shape.h"

#include <algorithm>
#include <ostream>

#include "autograd/base/dtype.h"

namespace gradus {

void append_text(std::string& out, const Shape& shape) {
  out += '[';
  for (int i = 0; i < shape.ndim(); ++i) append_text(out, i ? ", " : ""), append_text(out, shape[i]);
  out += ']';
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << text(shape); }
std::ostream& operator<<(std::ostream& out, DType dtype) { return out << info(dtype).name; }

int64_t numel(std::string_view op, const Shape& shape) {
  // A zero anywhere makes the product zero, but the other dimensions must still be representable together.
  int64_t product = 1, n = 1;
  for (int64_t d : shape) {
    if (d < 0) fail<ShapeError>(op, "negative dimension; got shape ", shape, ", expected dimensions of at least 0");
    if (__builtin_mul_overflow(product, std::max<int64_t>(d, 1), &product))
      fail<ShapeError>(op, "too many elements; got shape ", shape, ", expected a product below 2^63");
    n *= d;
  }
  return n;
}

Strides contiguous_strides(const Shape& shape) {
  Strides strides{};
  int64_t step = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    strides[static_cast<size_t>(i)] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return strides;
}

Shape broadcast_shapes(std::string_view op, const Shape& a, const Shape& b) {
  const int ndim = std::max(a.ndim(), b.ndim());
  Shape out = Shape::filled(ndim, 1);
  for (int i = 1; i <= ndim; ++i) {
    const int64_t x = i <= a.ndim() ? a[a.ndim() - i] : 1, y = i <= b.ndim() ? b[b.ndim() - i] : 1;
    if (x != y && x != 1 && y != 1)
      fail<ShapeError>(op, "shapes do not broadcast; got ", a, " and ", b,
                       ", expected equal dimensions or 1, aligned from the right");
    out[ndim - i] = x == 1 ? y : x;
  }
  return out;
}

int normalize_axis(std::string_view op, int64_t axis, int ndim) {
  if (axis < -ndim || axis >= ndim)
    fail<ShapeError>(op, "axis out of range; got ", axis, ", expected ", -ndim, " <= axis < ", ndim);
  return static_cast<int>(axis < 0 ? axis + ndim : axis);
}

uint32_t Axes::mask(std::string_view op, int ndim) const {
  if (all_) return (1u << ndim) - 1;
  uint32_t mask = 0;
  for (int64_t axis : axes_) {
    const uint32_t bit = 1u << normalize_axis(op, axis, ndim);
    if (mask & bit) fail<ShapeError>(op, "axis given twice; got ", axes_, ", expected different axes");
    mask |= bit;
  }
  return mask;
}

Shape reduced_shape(const Shape& shape, uint32_t mask, bool keepdims) {
  Shape out;
  for (int i = 0; i < shape.ndim(); ++i)
    if (!(mask >> i & 1u)) out.push_back(shape[i]);
    else if (keepdims) out.push_back(1);
  return out;
}

}  // namespace gradus
