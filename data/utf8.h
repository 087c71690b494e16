// UTF-8 (RFC 3629). Internal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "data/file.h"

namespace gradus::data::io {

/// Where the first byte stands that is not UTF-8 (overlong forms, surrogates and numbers above 0x10ffff are none); text.size() if
/// all is well.
size_t utf8_error(std::string_view text);
/// IoError with the line and the offset of the first byte that is not UTF-8.
void expect_utf8(const Origin& origin, std::string_view text);
/// Bytes of the character that begins here, in valid UTF-8.
size_t utf8_length(char first);

/// A file as text: decompressed if it is gzip, checked, without a byte order mark.
std::string read_text(const ByteSource& source);

}  // namespace gradus::data::io
