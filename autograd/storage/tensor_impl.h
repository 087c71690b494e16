// What a Tensor points to: a strided view of ref-counted memory, and where (if anywhere) a tape recorded it.
//
// A header is written by the thread that makes it and never changes afterwards, except for `leaf`, which any thread may set once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "autograd/base/dtype.h"
#include "autograd/base/ref.h"
#include "autograd/base/shape.h"

namespace gradus::detail {

/// A block of memory with its reference count in front.
struct alignas(64) Buffer {
  std::atomic<uint32_t> refs{1};
  uint32_t size_class = 0;

  std::byte* data() { return reinterpret_cast<std::byte*>(this + 1); }
  static Ref<Buffer> allocate(int64_t bytes);
  static void destroy(Buffer* buffer);
};

struct Leaf;  // identity of something watched; see leaf.h

struct TensorImpl {
  std::atomic<uint32_t> refs{1};
  DType dtype = DType::float32;
  bool contiguous = true;            // row-major without gaps
  bool missing = false;              // no value: the buffer holds the reason as text
  uint8_t block_class = 0;           // size class of a header in a block of its own; 0: it lies in its buffer's block
  uint32_t node = 0;                 // number of the record that made this, valid within `epoch`
  uint64_t epoch = 0;                // which life of which thread's list; 0: never recorded
  std::atomic<Leaf*> leaf{nullptr};  // set: a watched tensor or a variable's value; owned
  std::byte* data = nullptr;         // first element
  int64_t size = 0;                  // number of elements
  Ref<Buffer> buffer;
  Shape shape;
  Strides strides;  // in elements; only the first ndim are written

  TensorImpl(DType type, const Shape& dims) : dtype(type), shape(dims) {}
  int ndim() const { return shape.ndim(); }
  int64_t stride(int axis) const { return strides[static_cast<size_t>(axis)]; }
  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data);
  }

  /// A new contiguous tensor with undefined contents: one block of memory for buffer, header and elements. ShapeError (naming
  /// `op`) for impossible shapes.
  static Ref<TensorImpl> make(std::string_view op, const Shape& shape, DType dtype);
  /// The same with the shape of `x`, whose sizes need no check.
  static Ref<TensorImpl> like(std::string_view op, const TensorImpl& x, DType dtype);
  /// A new header on the memory of `base`, starting `offset` elements after its first.
  static Ref<TensorImpl> view(const TensorImpl& base, const Shape& shape, const Strides& strides, int64_t offset);
  static void destroy(TensorImpl* impl);
};

}  // namespace gradus::detail
