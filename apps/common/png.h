// PNG: small pictures as bytes that every browser shows. Internal to the reports.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::apps {

using Color = std::array<uint8_t, 4>;  // red, green, blue, opacity

/// Eight bits a channel, row by row from the top.
struct Image {
  size_t width = 0, height = 0;
  size_t channels = 1;           // 1: grey, or positions in the palette if there is one; 3: red, green, blue
  std::vector<uint8_t> bytes;    // width * height * channels
  std::vector<Color> palette{};  // at most 256
};

/// [rows, columns] or [rows, columns, 1] grey, [rows, columns, 3] colours; uint8, or others as values in [0, 1] (clipped; NaN is
/// black). ShapeError, naming `op`, for other shapes and empty pictures.
Image image_of(std::string_view op, const Tensor& pixels);

/// The bytes of a PNG file.
std::string png(const Image& image);
/// The file as a "data:" address.
std::string data_uri(const Image& image);

}  // namespace gradus::apps
