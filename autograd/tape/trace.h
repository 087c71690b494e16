// Where operations were called: return addresses, taken while recording and turned into lines only when somebody asks.
//
// A stack costs a walk over its frames (some microseconds); equal ones are kept once, so that a record costs one pointer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace gradus::detail {

/// Return addresses, innermost first.
using CallStack = std::vector<uintptr_t>;

/// The call stacks of a list's records.
class Trace {
 public:
  /// Notes that record `id`, the next one, is being made here.
  void note(uint32_t id);
  /// Forgets the records from `size` on.
  void truncate(uint32_t size) {
    if (stacks_.size() > size) stacks_.resize(size);
  }
  /// Null when the record was made while nobody traced.
  const CallStack* at(uint32_t id) const { return id < stacks_.size() ? stacks_[id] : nullptr; }
  /// The stack of now; valid until a note() after everything was forgotten.
  const CallStack* here();

 private:
  struct Hash {
    size_t operator()(const CallStack& stack) const;
  };
  std::vector<const CallStack*> stacks_;
  std::unordered_set<CallStack, Hash> seen_;  // nodes never move
  CallStack scratch_;
};

/// A call as its user knows it.
struct Location {
  std::string file;      // as the compiler noted it; empty without debug information
  int line = 0;          // 0 without debug information
  std::string function;  // the user's; empty when not even that is known
  std::string inside;    // the layer, loss or function of the library that the user called, if not the operation itself
};

/// The innermost call that comes from outside the library. `op` is what was recorded: its own function is not worth naming.
Location locate(const CallStack& stack, std::string_view op);

/// "at train.cpp:42 (in main)", "in gradus::nn::Dense::call, called from train.cpp:42 (in main)", or as much of it as is known.
/// Files are shown relative to the working folder if they are inside it.
std::string text(const Location& location);

}  // namespace gradus::detail
