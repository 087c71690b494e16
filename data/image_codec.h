// The libraries behind pictures. Internal. Each function throws an IoError that names the missing library where there is none.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "autograd/tensor.h"
#include "data/file.h"

namespace gradus::data::io {

/// uint8 [height, width, channels] as the file has them, a palette as colours.
Tensor decode_png(const Origin& origin, std::span<const std::byte> bytes, int64_t max_pixels);
Tensor decode_jpeg(const Origin& origin, std::span<const std::byte> bytes, int64_t max_pixels);
/// pixels: uint8, contiguous, [height, width, 1 to 4].
std::vector<std::byte> encode_png(const Origin& origin, const Tensor& pixels);

/// IoError unless 1 <= width * height <= max_pixels.
void check_pixels(const Origin& origin, int64_t width, int64_t height, int64_t max_pixels);

}  // namespace gradus::data::io
