// PNG files read back by a decoder of our own that knows nothing of the encoder: signature, chunks, checksums, pixels.
#include "apps/common/png.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "apps/common/plane_image.h"
#include "tests/data/files.h"

namespace gradus::apps {
namespace {

struct Decoded {
  std::string kinds;  // of the chunks, joined
  unsigned width, height, bits, color;
  std::string palette, pixels;
};

unsigned number_at(const std::string& bytes, size_t at) {
  unsigned n = 0;
  for (size_t i = 0; i < 4; ++i) n = n << 8 | static_cast<unsigned char>(bytes[at + i]);
  return n;
}

Decoded decode(const std::string& file) {
  REQUIRE(file.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  Decoded out{};
  std::string data;
  for (size_t at = 8; at < file.size();) {
    const unsigned size = number_at(file, at);
    const std::string kind = file.substr(at + 4, 4), content = file.substr(at + 8, size), summed = kind + content;
    CHECK(crc32(0, reinterpret_cast<const Bytef*>(summed.data()), static_cast<uInt>(summed.size())) ==
          number_at(file, at + 8 + size));
    at += 12 + size;
    out.kinds += kind + " ";
    if (kind == "IHDR") {
      out.width = number_at(content, 0), out.height = number_at(content, 4);
      out.bits = static_cast<unsigned char>(content[8]), out.color = static_cast<unsigned char>(content[9]);
    }
    if (kind == "PLTE") out.palette = content;
    if (kind == "IDAT") data += content;
  }
  const size_t row = out.width * (out.color == 2 ? 3 : 1);
  std::string raw(out.height * (row + 1), '\0');
  uLongf size = raw.size();
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(raw.data()), &size, reinterpret_cast<const Bytef*>(data.data()), data.size()) ==
          Z_OK);
  REQUIRE(size == raw.size());
  for (size_t y = 0; y < out.height; ++y) {
    CHECK(raw[y * (row + 1)] == '\0');
    out.pixels += raw.substr(y * (row + 1) + 1, row);
  }
  return out;
}

std::vector<int> bytes_of(const std::string& bytes) {
  std::vector<int> out;
  for (const char c : bytes) out.push_back(static_cast<unsigned char>(c));
  return out;
}

}  // namespace

TEST_CASE("grey pictures: [0, 1] becomes 0 to 255, the rest is clipped") {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const Decoded grey = decode(png(image_of("test", Tensor({{0.0, 0.5, 1.0}, {-3.0, 7.0, kNaN}}))));
  CHECK(grey.kinds == "IHDR IDAT IEND ");
  CHECK(grey.width == 3);
  CHECK(grey.height == 2);
  CHECK(grey.bits == 8);
  CHECK(grey.color == 0);
  CHECK(bytes_of(grey.pixels) == std::vector<int>{0, 128, 255, 0, 255, 0});
  CHECK(decode(png(image_of("test", ones({2, 2, 1})))).color == 0);
}

TEST_CASE("colours and bytes") {
  const Tensor pixels(std::vector<uint8_t>{1, 2, 3, 253, 254, 255}, {1, 2, 3});
  const Decoded rgb = decode(png(image_of("test", pixels)));
  CHECK(rgb.color == 2);
  CHECK(bytes_of(rgb.pixels) == std::vector<int>{1, 2, 3, 253, 254, 255});
}

TEST_CASE("data addresses are base64 with its padding") {
  // The lengths of the files differ by a few bytes, so that all three paddings occur.
  for (int64_t width = 1; width < 8; ++width) {
    const Image image = image_of("test", zeros({1, width}));
    const std::string uri = data_uri(image), prefix = "data:image/png;base64,";
    REQUIRE(uri.starts_with(prefix));
    const std::string digits = uri.substr(prefix.size());
    CHECK(digits.starts_with("iVBORw0KGgoAAAANSUhEUgAAAA"));
    CHECK(digits.size() == (png(image).size() + 2) / 3 * 4);
    CHECK(digits.size() - digits.find_last_not_of('=') - 1 == (3 - png(image).size() % 3) % 3);
  }
}

TEST_CASE("planes: row 0 below, bands from low to high, clear where nothing is finite") {
  constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
  const PlaneImage image = image_of({.values = Tensor({{0.0, 1.0}, {0.0, 1.0}, {2.0, 3.0}})});
  CHECK(image.low == 0);
  CHECK(image.high == 3);
  const Decoded decoded = decode(png(image.light));
  CHECK(decoded.kinds == "IHDR PLTE tRNS IDAT IEND ");
  CHECK(decoded.color == 3);
  const std::vector<int> bands = bytes_of(decoded.pixels);
  const size_t side = decoded.width;
  REQUIRE(bands.size() == side * side);
  CHECK(bands[(side - 1) * side] == 0);  // bottom left
  CHECK(bands[side - 1] == 15);          // top right
  CHECK(bands[0] == 10);                 // top left: 2 of 3, of 16 bands
  CHECK(bytes_of(decode(png(image.dark)).pixels) == bands);
  CHECK(decode(png(image.dark)).palette != decoded.palette);

  const std::vector<int> clear = bytes_of(decode(png(image_of({.values = Tensor({{kNaN, kNaN}, {1.0, 1.0}})}).light)).pixels);
  CHECK(clear[clear.size() - 1] == 17);
  CHECK(clear[0] == 0);
}

TEST_CASE("planes of extreme values, of one value, of none") {
  constexpr double kMax = std::numeric_limits<double>::max(), kMin = std::numeric_limits<double>::denorm_min();
  for (const Tensor& values :
       {Tensor({{-kMax, kMax}}), Tensor({{0.0, kMin}}), Tensor({{-1.0, 0.0}}), Tensor({{3.0}}), Tensor({{INFINITY, -INFINITY}})})
    for (const bool log : {false, true})
      for (const std::optional<double> middle :
           {std::optional<double>(), std::optional<double>(0), std::optional<double>(kMax)}) {
        const Decoded decoded = decode(png(image_of({.values = values, .log_values = log, .middle = middle}).light));
        CHECK(std::ranges::max(bytes_of(decoded.pixels)) < 18);
      }
}

TEST_CASE("planes with a middle: it is where the two colours meet, and drawn") {
  const PlaneImage image = image_of({.values = Tensor({{0.4, 1.0}, {0.4, 1.0}}), .middle = 0.5});
  CHECK(image.low == 0);
  CHECK(image.high == 1);
  const std::vector<int> bands = bytes_of(decode(png(image.light)).pixels);
  CHECK(bands[0] == 6);  // 0.4 of 16
  CHECK(bands[359] == 15);
  int lines = 0;
  for (size_t x = 0; x < 360; ++x) lines += bands[x] == 16;
  CHECK(lines == 1);
  CHECK(bands[59] == 16);  // (0.5 - 0.4) / 0.6 of 359 columns
}

}  // namespace gradus::apps
