#include "autograd/tensor.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "autograd/kernels/copy.h"

namespace gradus {
namespace {

// A header for memory that no Tensor owns: a caller's array, or one element of a tensor under construction.
struct Borrowed : detail::TensorImpl {
  Borrowed(void* memory, const Shape& dims, DType type) : TensorImpl(type, dims) {
    data = static_cast<std::byte*>(memory);
    strides = contiguous_strides(dims);
    size = numel("read", dims);
  }
};

template <class T>
Tensor filled(std::string_view op, const Shape& shape, T value, DType dtype) {
  Tensor out = detail::empty(op, shape, dtype);
  kernels::fill(*out.ref(), value);
  return out;
}

void check_finite(std::string_view op, double start, double stop) {
  if (!std::isfinite(stop - start))
    fail<ValueError>(op, "range is not finite; got start ", start, " and stop ", stop, ", expected a finite stop - start");
}

}  // namespace

Tensor::Tensor(const void* values, const Shape& shape, DType dtype) : impl_(detail::TensorImpl::make("Tensor", shape, dtype)) {
  if (impl_->size > 0) std::memcpy(impl_->data, values, static_cast<size_t>(impl_->size * size_of(dtype)));
}

Tensor::Tensor(const void* values, int64_t count, const Shape& shape, DType dtype) {
  if (const int64_t n = numel("Tensor", shape); n != count)
    fail<ShapeError>("Tensor", "number of values does not fit the shape; got ", count, " values for shape ", shape, ", expected ",
                     n);
  *this = Tensor(values, shape, dtype);
}

std::string Tensor::missing_reason() const {
  if (!impl_ || !impl_->missing) return {};
  return {impl_->as<char>(), static_cast<size_t>(impl_->size)};
}

int64_t Tensor::shape(int64_t axis) const { return shape()[normalize_axis("shape", axis, ndim())]; }

void Tensor::fail_undefined() const {
  if (impl_)
    fail<ValueError>("Tensor", "has no value; got ", missing_reason(), ", expected a defined tensor; ask defined() first");
  fail<ValueError>("Tensor", "has no value; got a default-constructed tensor, expected a defined one");
}

const void* Tensor::checked_data(DType dtype) const {
  const detail::TensorImpl& x = impl();
  if (x.dtype != dtype)
    fail<DTypeError>("data", "wrong element type; got ", dtype, ", expected ", x.dtype, "; convert with astype()");
  if (!x.contiguous)
    fail<ValueError>("data", "not contiguous; got shape ", x.shape, " with gaps or reordered axes, expected row-major",
                     "; copy with contiguous()");
  return x.data;
}

Tensor zeros(const Shape& shape, DType dtype) { return filled("zeros", shape, int64_t{0}, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return filled("ones", shape, int64_t{1}, dtype); }
Tensor full(const Shape& shape, double value, DType dtype) { return filled("full", shape, value, dtype); }
Tensor zeros_like(const Tensor& x) { return filled("zeros_like", x.shape(), int64_t{0}, x.dtype()); }
Tensor ones_like(const Tensor& x) { return filled("ones_like", x.shape(), int64_t{1}, x.dtype()); }

Tensor eye(int64_t rows, int64_t columns, int64_t k, DType dtype) {
  if (columns == -1) columns = rows;
  Tensor out = filled("eye", {rows, columns}, int64_t{0}, dtype);
  if (k <= -rows || k >= columns) return out;  // also keeps the sums below in range
  const int64_t first = std::max<int64_t>(0, -k), last = std::min(rows, columns - k);
  visit_dtype(dtype, [&]<class T> {
    T* diagonal = out.ref()->as<T>();
    for (int64_t i = first; i < last; ++i) diagonal[i * columns + i + k] = static_cast<T>(1.0f);
  });
  return out;
}

Tensor linspace(double start, double stop, int64_t count, DType dtype) {
  if (count < 0) fail<ValueError>("linspace", "negative count; got ", count, ", expected at least 0");
  check_finite("linspace", start, stop);
  Tensor out = detail::empty("linspace", {count}, dtype);
  if (count == 0) return out;
  kernels::fill_range(*out.ref(), start, count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0.0);
  if (count > 1) {  // the last value is `stop` itself, not the sum of rounded steps
    Borrowed last(out.ref()->data + (count - 1) * size_of(dtype), {}, dtype);
    kernels::fill(last, stop);
  }
  return out;
}

namespace detail {

Tensor arange(double start, double stop, double step, DType dtype) {
  if (step == 0 || !std::isfinite(step))
    fail<ValueError>("arange", "bad step; got ", step, ", expected a finite number that is not 0");
  check_finite("arange", start, stop);
  double count = std::max(0.0, std::ceil((stop - start) / step));
  if (const double last = start + (count - 1) * step; count > 0 && (step > 0 ? last >= stop : last <= stop))
    --count;  // by rounding
  if (count >= 0x1p62) fail<ShapeError>("arange", "too many elements; got ", count, ", expected fewer than 2^62");
  Tensor out = empty("arange", {static_cast<int64_t>(count)}, dtype);
  kernels::fill_range(*out.ref(), start, step);
  return out;
}

Tensor arange(int64_t start, int64_t stop, int64_t step, DType dtype) {
  if (step == 0) fail<ValueError>("arange", "zero step; got 0, expected a positive or negative step");
  // Unsigned: the distance of two int64 may need 64 bits.
  const auto low = static_cast<uint64_t>(step > 0 ? start : stop), high = static_cast<uint64_t>(step > 0 ? stop : start);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  const bool some = step > 0 ? start < stop : stop < start;
  const uint64_t count = some ? (high - low - 1) / stride + 1 : 0;
  if (count > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    fail<ShapeError>("arange", "too many elements; got ", count, ", expected fewer than 2^63");
  Tensor out = empty("arange", {static_cast<int64_t>(count)}, dtype);
  kernels::fill_range(*out.ref(), start, step);
  return out;
}

Tensor missing(std::string_view reason) {
  Tensor out = empty("missing", {static_cast<int64_t>(reason.size())}, DType::uint8);
  reason.copy(out.ref()->as<char>(), reason.size());
  out.ref()->missing = true;
  return out;
}

void read(const Tensor& x, void* out, DType as) {
  const TensorImpl& in = x.impl();
  if (in.size == 0) return;
  if (in.dtype == as && in.contiguous) {
    std::memcpy(out, in.data, static_cast<size_t>(in.size * size_of(as)));
  } else {
    Borrowed target(out, in.shape, as);
    kernels::copy(target, in);
  }
}

const TensorImpl& one_element(const Tensor& x) {
  const TensorImpl& impl = x.impl();
  if (impl.size != 1) fail<ShapeError>("item", "not one element; got shape ", impl.shape, ", expected exactly one element");
  return impl;
}

}  // namespace detail
}  // namespace gradus
