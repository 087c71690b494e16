// JsonLine: one JSON object on one line, for programs that read what ours print; numbers for people.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <string>
#include <string_view>

#include "autograd/base/error.h"

namespace gradus::apps {

class JsonLine {
 public:
  JsonLine& add(std::string_view key, double value) { return std::isfinite(value) ? raw(key, text(value)) : raw(key, "null"); }
  JsonLine& add(std::string_view key, int64_t value) { return raw(key, text(value)); }
  JsonLine& add(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  /// Prints and flushes, so that a reader of a pipe sees the line at once.
  void print() const { std::cout << "{" << body_ << "}" << std::endl; }

 private:
  JsonLine& raw(std::string_view key, std::string_view value) {
    body_ += text(body_.empty() ? "" : ", ", quoted(key), ": ", value);
    return *this;
  }
  static std::string quoted(std::string_view s) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : s) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') (out += '\\') += c;
      else if (byte < 0x20) ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
      else out += c;
    }
    return out + '"';
  }
  std::string body_;
};

/// A number for people: 0.9123, -1.5, 1.2e-05.
inline std::string number(double value, int digits = 4) {
  char out[40];
  std::snprintf(out, sizeof out, "%.*g", digits, value);
  return out;
}

}  // namespace gradus::apps
