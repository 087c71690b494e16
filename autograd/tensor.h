// Tensor: an immutable n-dimensional array of one dtype.
//
// A Tensor is a handle (one pointer) on a strided view of shared memory; copying it copies the pointer. No operation changes the
// values a Tensor shows, so tensors may be shared between threads and saved for later freely. A default-constructed Tensor is
// undefined, and so is a gradient that does not exist; using either throws, saying why it is missing.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/base/dtype.h"
#include "autograd/base/shape.h"
#include "autograd/slice.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus {

template <class T>
concept Number = std::is_arithmetic_v<T>;

class Tensor {
 public:
  Tensor() = default;

  /// A 0-dim tensor: Tensor(12.0f) is float32, Tensor(12.0) float64, Tensor(12) int32.
  template <Element T>
  explicit Tensor(T value) : Tensor(&value, Shape{}, dtype_of<T>) {}
  /// From nested lists, rank 1 to 4; the dtype is that of the C++ values. ShapeError for ragged lists.
  template <Element T>
  explicit Tensor(std::initializer_list<T> values) : Tensor(values.begin(), Shape{ssize(values)}, dtype_of<T>) {}
  template <Element T>
  explicit Tensor(std::initializer_list<std::initializer_list<T>> rows) : Tensor(from_rows(rows)) {}
  template <Element T>
  explicit Tensor(std::initializer_list<std::initializer_list<std::initializer_list<T>>> blocks) : Tensor(from_rows(blocks)) {}
  template <Element T>
  explicit Tensor(std::initializer_list<std::initializer_list<std::initializer_list<std::initializer_list<T>>>> blocks)
      : Tensor(from_rows(blocks)) {}
  /// Copies the values, row-major. ShapeError unless their number is the product of `shape`.
  template <Element T>
  Tensor(std::span<const T> values, const Shape& shape) : Tensor(values.data(), ssize(values), shape, dtype_of<T>) {}
  template <Element T>
  Tensor(const std::vector<T>& values, const Shape& shape) : Tensor(from_vector(values, shape)) {}
  template <Element T>
  explicit Tensor(std::span<const T> values) : Tensor(values, Shape{ssize(values)}) {}
  template <Element T>
  explicit Tensor(const std::vector<T>& values) : Tensor(values, Shape{ssize(values)}) {}

  /// False for a default-constructed tensor and for a missing gradient.
  bool defined() const { return impl_ && !impl_->missing; }
  /// Why a gradient is missing ("x: not watched ..."); empty for any other tensor.
  std::string missing_reason() const;

  const Shape& shape() const { return impl().shape; }
  int64_t shape(int64_t axis) const;  // ShapeError for an axis out of range
  int ndim() const { return impl().ndim(); }
  int64_t size() const { return impl().size; }  // number of elements
  DType dtype() const { return impl().dtype; }
  const Strides& strides() const { return impl().strides; }  // in elements
  bool is_contiguous() const { return impl().contiguous; }

  /// The value of a one-element tensor, converted to T as astype does. ShapeError for any other size.
  template <Number T>
  T item() const;
  /// All elements in row-major order, converted to T.
  template <Number T>
  std::vector<T> to_vector() const;
  /// The elements in memory. DTypeError unless T is the dtype, ValueError unless contiguous. Valid while this tensor lives.
  template <Element T>
  const T* data() const {
    return static_cast<const T*>(checked_data(dtype_of<T>));
  }

  /// Same values in another dtype; gradients flow between floating dtypes. Float to integer truncates, saturating; NaN gives 0.
  Tensor astype(DType dtype) const;
  /// This tensor if it is contiguous, a contiguous copy otherwise.
  Tensor contiguous() const;
  /// A view where strides allow it, a copy otherwise; one dimension may be -1.
  Tensor reshape(const Shape& shape) const;
  /// Axes in reverse order, or in the order given. A view.
  Tensor transpose() const;
  Tensor transpose(std::initializer_list<int64_t> axes) const;

  /// Element or sub-tensor i of the first axis; negative i counts from the end. A view.
  Tensor operator[](std::integral auto i) const { return at(static_cast<int64_t>(i)); }
  /// NumPy's basic indexing as text: x["10:90"], x[":, 14:, ::-1"], x["..., newaxis"]. A view.
  Tensor operator[](std::string_view index) const;
  Tensor operator[](const char* index) const { return (*this)[std::string_view(index)]; }
  /// The same with objects: x.slice({Slice(), Slice(14, none), -1}). A view.
  Tensor slice(std::initializer_list<Index> index) const { return slice(std::span(index.begin(), index.size())); }
  Tensor slice(std::span<const Index> index) const;

  /// Differentiates the sum of this tensor with respect to everything watched by the innermost tape that recorded it, and adds
  /// the results to `Variable::grad()`. TapeError when no open or persistent tape of this thread recorded it.
  void backward() const;
  /// What backward() has accumulated for this watched tensor; undefined before the first.
  Tensor grad() const;

  // For the library's own layers.
  explicit Tensor(Ref<detail::TensorImpl> impl) : impl_(std::move(impl)) {}
  const detail::TensorImpl& impl() const {
    if (!impl_ || impl_->missing) [[unlikely]]
      fail_undefined();
    return *impl_;
  }
  const Ref<detail::TensorImpl>& ref() const { return impl_; }
  Ref<detail::TensorImpl>& ref() { return impl_; }

 private:
  Tensor(const void* values, const Shape& shape, DType dtype);
  Tensor(const void* values, int64_t count, const Shape& shape, DType dtype);
  Tensor at(int64_t i) const;
  const void* checked_data(DType dtype) const;
  [[noreturn]] void fail_undefined() const;

  template <class Range>
  static int64_t ssize(const Range& r) {
    return static_cast<int64_t>(r.size());
  }
  template <class T>
  static Tensor from_vector(const std::vector<T>& values, const Shape& shape) {
    if constexpr (std::same_as<T, bool>) {
      const std::vector<uint8_t> bytes(values.begin(), values.end());
      return Tensor(std::span<const uint8_t>(bytes), shape).astype(DType::boolean);
    } else {
      return Tensor(std::span<const T>(values), shape);
    }
  }
  // Nested lists: shape from the first of each level, then every list is held to it.
  template <class T>
  static void measure(std::initializer_list<T> list, Shape& shape) {
    shape.push_back(ssize(list));
    if constexpr (!Element<T>) {
      if (list.size() == 0) fail<ShapeError>("Tensor", "empty nested list; got ", shape, ", expected at least one row");
      measure(*list.begin(), shape);
    }
  }
  template <class T, class U>
  static void flatten(std::initializer_list<T> list, const Shape& shape, int level, std::vector<U>& out) {
    if (ssize(list) != shape[level])
      fail<ShapeError>("Tensor", "ragged nested list; got ", list.size(), " values, expected ", shape[level], " at level ",
                       level);
    for (const T& entry : list)
      if constexpr (Element<T>) out.push_back(entry);
      else flatten(entry, shape, level + 1, out);
  }
  template <class T>
  struct Innermost {
    using type = T;
  };
  template <class T>
  struct Innermost<std::initializer_list<T>> : Innermost<T> {};
  template <class T>
  static Tensor from_rows(std::initializer_list<T> rows) {
    Shape shape;
    measure(rows, shape);
    std::vector<typename Innermost<T>::type> values;
    flatten(rows, shape, 0, values);
    return Tensor(values, shape);
  }

  Ref<detail::TensorImpl> impl_;
};

/// NumPy's layout; more than 1000 elements are elided to the first and last three of each axis.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);
std::string to_string(const Tensor& tensor);

// Creation

Tensor zeros(const Shape& shape, DType dtype = DType::float32);
Tensor ones(const Shape& shape, DType dtype = DType::float32);
/// Every element `value`, converted to `dtype`.
Tensor full(const Shape& shape, double value, DType dtype = DType::float32);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);
/// Ones on diagonal k of a [rows, columns] matrix (columns = rows when left out).
Tensor eye(int64_t rows, int64_t columns = -1, int64_t k = 0, DType dtype = DType::float32);
/// `count` values from start to stop, both included. ValueError for a negative count.
Tensor linspace(double start, double stop, int64_t count, DType dtype = DType::float32);
namespace detail {
Tensor arange(double start, double stop, double step, DType dtype);
Tensor arange(int64_t start, int64_t stop, int64_t step, DType dtype);
}  // namespace detail
/// start, start + step, ... below stop; the dtype is that of the C++ values. ValueError for a zero step.
template <Element T>
Tensor arange(T start, T stop, T step = T(1)) {
  if constexpr (std::integral<T>) return detail::arange(int64_t{start}, int64_t{stop}, int64_t{step}, dtype_of<T>);
  else return detail::arange(double{start}, double{stop}, double{step}, dtype_of<T>);
}
template <Element T>
Tensor arange(T stop) {
  return arange(T(0), stop);
}

namespace detail {
/// Uninitialised, contiguous, writable through impl() until it is shared.
inline Tensor empty(std::string_view op, const Shape& shape, DType dtype) { return Tensor(TensorImpl::make(op, shape, dtype)); }
/// An undefined tensor that knows why.
Tensor missing(std::string_view reason);
/// Typed access to converted elements; `out` has room for size() values.
void read(const Tensor& x, void* out, DType as);
const TensorImpl& one_element(const Tensor& x);
}  // namespace detail

template <Number T>
T Tensor::item() const {
  const detail::TensorImpl& x = detail::one_element(*this);
  if constexpr (Element<T>) {
    if (x.dtype == dtype_of<T>) return *x.as<T>();
    T out;
    detail::read(*this, &out, dtype_of<T>);
    return out;
  } else {
    return to_vector<T>()[0];
  }
}

template <Number T>
std::vector<T> Tensor::to_vector() const {
  const auto n = static_cast<size_t>(size());
  if constexpr (std::same_as<T, bool>) {
    std::vector<uint8_t> bytes(n);  // std::vector<bool> has no memory to write to
    detail::read(*this, bytes.data(), DType::boolean);
    return std::vector<bool>(bytes.begin(), bytes.end());
  } else if constexpr (Element<T>) {
    std::vector<T> out(n);
    detail::read(*this, out.data(), dtype_of<T>);
    return out;
  } else {  // a type no tensor holds, through the widest of its kind
    using Wide = std::conditional_t<std::floating_point<T>, double, int64_t>;
    const std::vector<Wide> wide = to_vector<Wide>();
    std::vector<T> out(n);
    for (size_t i = 0; i < n; ++i) out[i] = static_cast<T>(wide[i]);
    return out;
  }
}

}  // namespace gradus
