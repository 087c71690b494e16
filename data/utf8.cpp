#include "data/utf8.h"

#include <algorithm>

#include "data/stream.h"

namespace gradus::data::io {

size_t utf8_length(char first) {
  const auto byte = static_cast<uint8_t>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

size_t utf8_error(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<uint8_t>(text[i + k]) : uint8_t{0}; };
    const uint8_t first = byte(0);
    // The second byte's range makes the difference: RFC 3629, section 4.
    const uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    const size_t length = utf8_length(text[i]);
    if (length > 1 && (first < 0xc2 || first > 0xf4 || byte(1) < low || byte(1) > high)) return i;
    for (size_t k = 2; k < length; ++k)
      if (byte(k) < 0x80 || byte(k) > 0xbf) return i;
    i += length;
  }
  return text.size();
}

void expect_utf8(const Origin& origin, std::string_view text) {
  const size_t at = utf8_error(text);
  if (at == text.size()) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  origin.fail("line ", line, ": not UTF-8; got byte ", int{static_cast<uint8_t>(text[at])}, " at offset ", at,
              ", expected UTF-8; convert the file first, with iconv for example");
}

std::string read_text(const ByteSource& source) {
  std::string text = read_all(PlainOrGzip(source).reader());
  expect_utf8(source.origin(), text);
  if (text.starts_with("\xef\xbb\xbf")) text.erase(0, 3);
  return text;
}

}  // namespace gradus::data::io
