// Pictures: PNG and JPEG files as tensors. Reading PNG takes libpng, reading JPEG libjpeg; a build without one of them says so
// when such a file is read. Stateless; safe from any thread.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace gradus::data {

struct ImageOptions {
  int64_t channels = 3;              // 1 grey, 3 red green blue, 4 with alpha; 0: as the file has them (1 to 4)
  int64_t height = 0, width = 0;     // resized to this; 0: as it is. Both or none
  int64_t max_pixels = 100'000'000;  // larger ones are refused before memory is asked for
};

/// uint8 [height, width, channels]. Grey is 0.299 red + 0.587 green + 0.114 blue (ITU-R BT.601); alpha is dropped, or opaque
/// where the file has none; 16 bits are cut to 8. IoError for a file that is missing, neither PNG nor JPEG, cut short, corrupt,
/// too large, or of a format that this build cannot read; ValueError for options out of range.
Tensor load_image(const std::string& path, const ImageOptions& options = {});

/// Writes uint8, or floating numbers in [0, 1] (cut to that), of shape [height, width] or [height, width, 1, 3 or 4]. The file is
/// replaced at once or not at all. ShapeError and DTypeError for others, IoError when it cannot be written.
void save_png(const std::string& path, const Tensor& image);

/// Bilinear, pixel centres at halves, without smoothing when made smaller: TensorFlow's resize. [height, width, channels] of
/// uint8 (rounded) or a floating dtype. ShapeError for another rank or an empty picture, ValueError for a size below 1.
Tensor resize(const Tensor& image, int64_t height, int64_t width);

}  // namespace gradus::data
