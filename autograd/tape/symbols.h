// Code addresses as functions, files and lines. Lines need debug information (-g1 is enough) in the code that is asked about and
// libbacktrace in the library's build; without either there are only names of functions. Any thread may ask.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

struct Frame {
  std::string symbol;  // mangled where known; may be empty
  std::string file;    // empty when unknown
  int line = 0;
};

/// The function that holds `address`, preceded by those inlined into it there, innermost first. Remembered; loads the debug
/// information at the first call. Libraries opened after that have no lines.
const std::vector<Frame>& frames_at(uintptr_t address);

/// Whose code a frame is. Standard-library machinery (std::function, invoke) counts as the library's: it is nobody's to fix.
enum class Owner : uint8_t { library, user, start };  // start: what calls main or runs a thread
Owner owner_of(const Frame& frame);

/// A symbol for people: demangled, without return type and parameters; a lambda goes by the function it stands in.
std::string function_name(std::string_view symbol);

}  // namespace gradus::detail
