// A scratch object for the time of a call. Calls nest (a gradient rule may differentiate something itself), so each takes one of
// its own; a thread's objects are kept, with the memory they have gathered.
#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace gradus::detail {

template <class T>
class Pooled {
 public:
  Pooled() {
    if (idle().empty()) {
      object_ = std::make_unique<T>();
    } else {
      object_ = std::move(idle().back());
      idle().pop_back();
    }
  }
  ~Pooled() { idle().push_back(std::move(object_)); }
  Pooled(const Pooled&) = delete;
  Pooled& operator=(const Pooled&) = delete;

  T* operator->() const { return object_.get(); }
  T& operator*() const { return *object_; }

 private:
  static std::vector<std::unique_ptr<T>>& idle() {
    thread_local std::vector<std::unique_ptr<T>> objects;
    return objects;
  }

  std::unique_ptr<T> object_;
};

}  // namespace gradus::detail
