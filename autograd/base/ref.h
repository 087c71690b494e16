// Intrusive reference counting. The counted type owns an atomic `refs` that starts at 1 and a static `destroy(T*)`.
// A count of one is seen without a locked instruction, which is the common case when a temporary dies.
#pragma once

#include <atomic>
#include <utility>

namespace gradus {

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
    if (object) object->refs.fetch_add(1, std::memory_order_relaxed);
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
    if (object->refs.load(std::memory_order_acquire) == 1 || object->refs.fetch_sub(1, std::memory_order_acq_rel) == 1)
      T::destroy(object);
  }

 private:
  T* object_ = nullptr;
};

}  // namespace gradus
