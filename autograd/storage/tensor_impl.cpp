#include "autograd/storage/tensor_impl.h"

#include <algorithm>
#include <new>

#include "autograd/storage/leaf.h"
#include "autograd/storage/memory.h"

namespace gradus::detail {
namespace {

// Where the elements of a new tensor start in its block: behind the buffer's header and the tensor's.
constexpr size_t kElements = sizeof(Buffer) + (sizeof(TensorImpl) + alignof(Buffer) - 1) / alignof(Buffer) * alignof(Buffer);

// Views have a block of a class other than 0, which says that there is none.
static_assert(sizeof(TensorImpl) > 64 && alignof(TensorImpl) <= alignof(Buffer));

[[noreturn]] void too_large(std::string_view op, const Shape& shape, DType dtype, std::string_view expected) {
  fail<ShapeError>(op, "too large for memory; got shape ", shape, " of ", dtype, ", expected ", expected);
}

Ref<TensorImpl> fresh(std::string_view op, const Shape& shape, int64_t size, DType dtype) {
  int64_t bytes;
  if (__builtin_mul_overflow(size, size_of(dtype), &bytes) || bytes > (int64_t{1} << 46))
    too_large(op, shape, dtype, "at most 2^46 bytes");
  Ref<Buffer> buffer;
  try {
    buffer = Buffer::allocate(bytes + static_cast<int64_t>(kElements - sizeof(Buffer)));
  } catch (const std::bad_alloc&) {
    too_large(op, shape, dtype, "no more than the system has left");
  }
  auto* block = reinterpret_cast<std::byte*>(buffer.get());
  auto* impl = new (block + sizeof(Buffer)) TensorImpl(dtype, shape);
  impl->data = block + kElements;
  impl->size = size;
  impl->buffer = std::move(buffer);
  int64_t step = 1;
  for (int i = shape.ndim() - 1; i >= 0; --i) {
    impl->strides[static_cast<size_t>(i)] = step;
    step *= std::max<int64_t>(shape[i], 1);
  }
  return Ref<TensorImpl>::adopt(impl);
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
  return fresh(op, shape, numel(op, shape), dtype);
}

Ref<TensorImpl> TensorImpl::like(std::string_view op, const TensorImpl& x, DType dtype) {
  return fresh(op, x.shape, x.size, dtype);
}

Ref<TensorImpl> TensorImpl::view(const TensorImpl& base, const Shape& shape, const Strides& strides, int64_t offset) {
  const int64_t size = numel("view", shape);
  uint32_t size_class;
  auto* impl = new (memory::detail::allocate(sizeof(TensorImpl), size_class)) TensorImpl(base.dtype, shape);
  impl->block_class = static_cast<uint8_t>(size_class);
  impl->buffer = base.buffer;
  impl->data = base.data + offset * size_of(base.dtype);
  impl->size = size;
  impl->strides = strides;
  impl->contiguous = is_contiguous(shape, strides);
  return Ref<TensorImpl>::adopt(impl);
}

void TensorImpl::destroy(TensorImpl* impl) {
  if (Leaf* leaf = impl->leaf.load(std::memory_order_relaxed)) Ref<Leaf>::release(leaf);
  const uint8_t block_class = impl->block_class;
  const Ref<Buffer> last = std::move(impl->buffer);  // a header in its buffer's block ends with it
  impl->~TensorImpl();
  if (block_class != 0) memory::detail::deallocate(impl, block_class);
}

}  // namespace gradus::detail
