// Draws written down and repeated: how a function that uses random numbers is run twice with the same ones.
//
// Belongs to one thread, for as long as a DrawScope lives. Scopes nest: what an inner one writes down it has taken from the
// outer.
#pragma once

#include <utility>
#include <vector>

#include "autograd/random.h"

namespace gradus::detail {

struct DrawLog {
  std::vector<random::Draw> draws = {};
};

class DrawScope {
 public:
  enum class Mode : uint8_t { write, repeat };

  DrawScope(DrawLog& log, Mode mode) : log_(log), mode_(mode), outer_(std::exchange(current, this)) {}
  ~DrawScope() { current = outer_; }
  DrawScope(const DrawScope&) = delete;
  DrawScope& operator=(const DrawScope&) = delete;

  /// The next draw as the innermost scope has it; from the generator where there is none, or where a repetition draws more
  /// often than the first run did.
  static random::Draw take(DrawScope* scope, random::Generator& generator);

  static inline constinit thread_local DrawScope* current = nullptr;

 private:
  DrawLog& log_;
  Mode mode_;
  DrawScope* outer_;
  size_t next_ = 0;
};

}  // namespace gradus::detail
