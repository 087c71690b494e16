#include "apps/common/png.h"

#include <zlib.h>

#include <algorithm>
#include <span>

#include "autograd/base/error.h"

namespace gradus::apps {
namespace {

std::string big_endian(size_t n) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  return out;
}

std::string chunk(std::string_view type, std::string_view content) {
  const std::string body = text(type, content);
  const uLong sum = crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()));
  return text(big_endian(content.size()), body, big_endian(sum));
}

std::string compressed(std::string_view bytes) {
  uLongf size = compressBound(bytes.size());
  std::string out(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(),
                Z_BEST_COMPRESSION) != Z_OK)
    fail<ValueError>("png", "cannot compress; got ", bytes.size(), " bytes, expected memory for them");
  out.resize(size);
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kDigits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace

Image image_of(std::string_view op, const Tensor& pixels) {
  const Shape& shape = pixels.shape();
  const bool plain = pixels.ndim() == 2, deep = pixels.ndim() == 3 && (shape[2] == 1 || shape[2] == 3);
  if ((!plain && !deep) || pixels.size() == 0)
    fail<ShapeError>(op, "not a picture; got shape ", shape, ", expected [rows, columns] or [rows, columns, 3], not empty");
  Image image{static_cast<size_t>(shape[1]), static_cast<size_t>(shape[0]), plain ? 1 : static_cast<size_t>(shape[2]), {}};
  const double scale = pixels.dtype() == DType::uint8 ? 1 : 255;
  for (const double value : pixels.to_vector<double>())
    image.bytes.push_back(value > 0 ? static_cast<uint8_t>(std::min(value * scale + 0.5, 255.0)) : uint8_t{0});
  return image;
}

std::string png(const Image& image) {
  const size_t row = image.width * image.channels;
  std::string rows;
  for (size_t y = 0; y < image.height; ++y) {
    rows += '\0';  // no filter
    rows.append(reinterpret_cast<const char*>(image.bytes.data()) + y * row, row);
  }
  const char kind = image.channels == 3 ? 2 : image.palette.empty() ? 0 : 3;
  std::string header = big_endian(image.width) + big_endian(image.height);
  for (const char byte : {char{8}, kind, char{0}, char{0}, char{0}}) header += byte;
  std::string out = "\x89PNG\r\n\x1a\n" + chunk("IHDR", header);
  if (kind == 3) {
    std::string colors, opacities;
    for (const Color& color : image.palette) {
      for (size_t k = 0; k < 3; ++k) colors += static_cast<char>(color[k]);
      opacities += static_cast<char>(color[3]);
    }
    out += chunk("PLTE", colors) + chunk("tRNS", opacities);
  }
  return out + chunk("IDAT", compressed(rows)) + chunk("IEND", "");
}

std::string data_uri(const Image& image) { return "data:image/png;base64," + base64(png(image)); }

}  // namespace gradus::apps
