// Tensors in awkward layouts for the tests of the kernels, and their elements read one by one through the strides.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include "autograd/base/parallel.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus::test {

using Impl = Ref<detail::TensorImpl>;

enum class Layout : uint8_t {
  contiguous,
  reversed,  // first dimension innermost
  flipped,   // all strides negative
  gaps,      // every second element along the last dimension, unused rows in between
};
inline constexpr std::initializer_list<Layout> kLayouts{Layout::contiguous, Layout::reversed, Layout::flipped, Layout::gaps};

/// Position of element `flat` (in row-major order) in memory, relative to the first element.
inline int64_t position(const detail::TensorImpl& x, int64_t flat) {
  int64_t at = 0;
  for (int d = x.ndim() - 1; d >= 0; --d) {
    at += flat % x.shape[d] * x.stride(d);
    flat /= x.shape[d];
  }
  return at;
}

/// Elements in row-major order, as double (exact for all dtypes but large int64).
inline std::vector<double> values(const detail::TensorImpl& x) {
  std::vector<double> result(static_cast<size_t>(x.size));
  visit_dtype(x.dtype, [&]<class T>() {
    for (int64_t i = 0; i < x.size; ++i) result[static_cast<size_t>(i)] = static_cast<double>(x.as<T>()[position(x, i)]);
  });
  return result;
}

/// A tensor whose element i (in row-major order) is value(i), with memory of this layout.
template <class F>
Impl laid_out(const Shape& shape, DType dtype, Layout layout, const F& value) {
  Shape memory = shape;
  Strides strides{};
  int64_t offset = 0;
  const int n = shape.ndim();
  if (n == 0) layout = Layout::contiguous;
  if (layout == Layout::gaps)
    for (int d = 0; d < n; ++d) memory[d] = d == n - 1 ? 2 * shape[d] : shape[d] + 1;
  strides = contiguous_strides(memory);
  if (layout == Layout::reversed) {
    int64_t step = 1;
    for (int d = 0; d < n; ++d) {
      strides[static_cast<size_t>(d)] = step;
      step *= shape[d];
    }
  }
  if (layout == Layout::gaps) strides[static_cast<size_t>(n - 1)] = 2;
  if (layout == Layout::flipped) {
    for (int d = 0; d < n; ++d) {
      if (shape[d] > 0) offset += (shape[d] - 1) * strides[static_cast<size_t>(d)];
      strides[static_cast<size_t>(d)] *= -1;
    }
  }
  const Impl base = detail::TensorImpl::make("test", memory, dtype);
  Impl x = detail::TensorImpl::view(*base, shape, strides, offset);
  visit_dtype(dtype, [&]<class T>() {
    for (int64_t i = 0; i < base->size; ++i) base->as<T>()[i] = static_cast<T>(77);  // what must never be read
    for (int64_t i = 0; i < x->size; ++i) {
      if constexpr (std::integral<T>) x->as<T>()[position(*x, i)] = static_cast<T>(value(i));
      else x->as<T>()[position(*x, i)] = static_cast<T>(static_cast<float>(value(i)));
    }
  });
  return x;
}

/// The same for a contiguous tensor.
template <class F>
Impl filled(const Shape& shape, DType dtype, const F& value) {
  return laid_out(shape, dtype, Layout::contiguous, value);
}

inline Impl empty(const Shape& shape, DType dtype) { return detail::TensorImpl::make("test", shape, dtype); }

/// Sets the number of threads for its own lifetime.
class Threads {
 public:
  explicit Threads(int n) : before_(num_threads()) { gradus::detail::set_pool_size(n); }
  ~Threads() { gradus::detail::set_pool_size(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

inline constexpr std::initializer_list<DType> kAllDTypes{DType::boolean, DType::uint8,    DType::int32,   DType::int64,
                                                         DType::float16, DType::bfloat16, DType::float32, DType::float64};
inline constexpr std::initializer_list<DType> kFloatingDTypes{DType::float16, DType::bfloat16, DType::float32, DType::float64};

/// Unit roundoff of a floating dtype.
inline double roundoff(DType dtype) {
  return dtype == DType::float16 ? 0x1p-11 : dtype == DType::bfloat16 ? 0x1p-8 : dtype == DType::float32 ? 0x1p-24 : 0x1p-53;
}

}  // namespace gradus::test
