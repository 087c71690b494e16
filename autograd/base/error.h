// Errors. Every message has one shape: `op: what is wrong; got ..., expected ...[; hint]`.
#pragma once

#include <concepts>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace gradus {

/// Base of everything Gradus throws.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes, ranks or axes that do not fit together.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An element type the operation does not accept.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// A tape used in a way its state does not allow.
class TapeError : public Error {
 public:
  using Error::Error;
};

/// A file that is missing, unreadable, unwritable or malformed.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Any other argument out of its domain: an index, a name, a probability.
class ValueError : public Error {
 public:
  using Error::Error;
};

// Text of one part of a message; types of the library add their own overloads, found by ADL.
inline void append_text(std::string& out, std::string_view text) { out += text; }
inline void append_text(std::string& out, const char* text) { out += text; }
inline void append_text(std::string& out, bool value) { out += value ? "true" : "false"; }
template <std::integral T>
void append_text(std::string& out, T value) {
  out += std::to_string(value);
}
void append_text(std::string& out, double value);  // shortest form that reads back, as printf's %g

/// The parts as one string.
template <class... Parts>
std::string text(const Parts&... parts) {
  std::string out;
  (append_text(out, parts), ...);
  return out;
}

/// Throws E with the message `op: parts...`.
template <class E, class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void fail(std::string_view op, const Parts&... parts) {
  throw E(text(op, ": ", parts...));
}

}  // namespace gradus
