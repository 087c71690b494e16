#include "autograd/storage/tensor_impl.h"

#include <new>

#include "autograd/storage/leaf.h"
#include "autograd/storage/memory.h"

namespace gradus::detail {
namespace {

// One class for all headers: deallocation needs no stored size.
constexpr size_t kHeaderBytes = sizeof(TensorImpl);

TensorImpl* new_header() {
  uint32_t size_class;
  return new (memory::detail::allocate(kHeaderBytes, size_class)) TensorImpl;
}

bool is_contiguous(const Shape& shape, const Strides& strides) {
  int64_t expected = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    if (shape[i] == 0) return true;
    if (shape[i] == 1) continue;
    if (strides[static_cast<size_t>(i)] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

}  // namespace

Ref<Buffer> Buffer::allocate(int64_t bytes) {
  uint32_t size_class;
  void* block = memory::detail::allocate(sizeof(Buffer) + static_cast<size_t>(bytes), size_class);
  auto* buffer = new (block) Buffer;
  buffer->size_class = size_class;
  return Ref<Buffer>::adopt(buffer);
}

void Buffer::destroy(Buffer* buffer) { memory::detail::deallocate(buffer, buffer->size_class); }

Ref<TensorImpl> TensorImpl::make(std::string_view op, const Shape& shape, DType dtype) {
  const int64_t n = numel(op, shape);
  const auto too_large = [&](std::string_view expected) {
    fail<ShapeError>(op, "too large for memory; got shape ", shape, " of ", dtype, ", expected ", expected);
  };
  int64_t bytes;
  if (__builtin_mul_overflow(n, size_of(dtype), &bytes) || bytes > (int64_t{1} << 46)) too_large("at most 2^46 bytes");
  Ref<TensorImpl> impl = Ref<TensorImpl>::adopt(new_header());
  try {
    impl->buffer = Buffer::allocate(bytes);
  } catch (const std::bad_alloc&) {
    too_large("no more than the system has left");
  }
  impl->data = impl->buffer->data();
  impl->dtype = dtype;
  impl->size = n;
  impl->shape = shape;
  impl->strides = contiguous_strides(shape);
  return impl;
}

Ref<TensorImpl> TensorImpl::view(const TensorImpl& base, const Shape& shape, const Strides& strides, int64_t offset) {
  Ref<TensorImpl> impl = Ref<TensorImpl>::adopt(new_header());
  impl->buffer = base.buffer;
  impl->data = base.data + offset * size_of(base.dtype);
  impl->dtype = base.dtype;
  impl->size = numel("view", shape);
  impl->shape = shape;
  impl->strides = strides;
  impl->contiguous = is_contiguous(shape, strides);
  return impl;
}

void TensorImpl::destroy(TensorImpl* impl) {
  if (Leaf* leaf = impl->leaf.load(std::memory_order_relaxed)) Ref<Leaf>::release(leaf);
  impl->~TensorImpl();
  static const uint32_t size_class = [] {
    uint32_t c;
    void* block = memory::detail::allocate(kHeaderBytes, c);
    memory::detail::deallocate(block, c);
    return c;
  }();
  memory::detail::deallocate(impl, size_class);
}

}  // namespace gradus::detail
