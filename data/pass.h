// Which reading of a dataset is going on, per thread: what example_generator() is keyed by. Internal.
#pragma once

#include <cstdint>

namespace gradus::data::detail {

struct Pass {
  uint64_t seed = 0, epoch = 0;
  uint64_t place = 0;  // in the pipeline, so that two random steps draw different numbers
};

/// Holds on this thread until destroyed; scopes nest.
class PassScope {
 public:
  explicit PassScope(Pass pass) : before_(current()) { current() = pass; }
  ~PassScope() { current() = before_; }
  PassScope(const PassScope&) = delete;
  PassScope& operator=(const PassScope&) = delete;

  /// The scope of the k-th dataset that the current one reads from.
  static Pass inside(uint64_t k = 0) {
    const Pass& pass = current();
    return {pass.seed, pass.epoch, pass.place * 31 + k + 1};
  }
  static Pass& current();

 private:
  Pass before_;
};

}  // namespace gradus::data::detail
