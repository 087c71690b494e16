// Alone: work of this thread stays on it, for threads that are already several (a data loader's workers).
#pragma once

namespace gradus::detail {

/// parallel_for on the thread that made it runs everything on that thread, until it is destroyed.
class Alone {
 public:
  Alone() : before_(current()) { current() = true; }
  ~Alone() { current() = before_; }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;

  static bool& current();

 private:
  bool before_;
};

}  // namespace gradus::detail
