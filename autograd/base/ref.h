// Intrusive reference counting. The counted type owns an atomic `refs` that starts at 1 and a static `destroy(T*)`.
// Counting takes no locked instruction where none is needed: when the last reference dies, and while the process has one thread,
// where the C library tells.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace gradus {

namespace detail {
inline bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}
}  // namespace detail

template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over the reference the caller holds.
  static Ref adopt(T* object) {
    Ref r;
    r.object_ = object;
    return r;
  }
  /// Adds a reference.
  static Ref share(T* object) {
    if (object) {
      if (detail::single_threaded()) object->refs.store(count(object) + 1, std::memory_order_relaxed);
      else object->refs.fetch_add(1, std::memory_order_relaxed);
    }
    return adopt(object);
  }

  Ref(const Ref& other) : Ref(share(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(const Ref& other) {
    Ref(other).swap(*this);
    return *this;
  }
  Ref& operator=(Ref&& other) noexcept {
    Ref(std::move(other)).swap(*this);
    return *this;
  }
  ~Ref() {
    if (object_) release(object_);
  }

  void swap(Ref& other) noexcept { std::swap(object_, other.object_); }
  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }

  /// True when nobody else holds the object.
  bool unique() const { return object_ && object_->refs.load(std::memory_order_acquire) == 1; }

  static void release(T* object) {
    const uint32_t before = object->refs.load(std::memory_order_acquire);
    if (before != 1) {
      if (detail::single_threaded()) return object->refs.store(before - 1, std::memory_order_relaxed);
      if (object->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    }
    T::destroy(object);
  }

 private:
  static uint32_t count(const T* object) { return object->refs.load(std::memory_order_relaxed); }

  T* object_ = nullptr;
};

}  // namespace gradus
