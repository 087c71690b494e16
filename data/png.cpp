// PNG through libpng's simplified interface, which reports errors without longjmp.
#include "data/image_codec.h"

#ifndef GRADUS_HAVE_PNG
namespace gradus::data::io {

Tensor decode_png(const Origin& origin, std::span<const std::byte>, int64_t) {
  origin.fail("PNG without libpng; got a build that lacks it, expected one made where libpng-dev is installed");
}
std::vector<std::byte> encode_png(const Origin& origin, const Tensor&) {
  origin.fail("PNG without libpng; got a build that lacks it, expected one made where libpng-dev is installed");
}

}  // namespace gradus::data::io
#else

#include <png.h>

#include <memory>

namespace gradus::data::io {
namespace {

using Free = std::unique_ptr<png_image, decltype([](png_image* image) { png_image_free(image); })>;

}  // namespace

Tensor decode_png(const Origin& origin, std::span<const std::byte> bytes, int64_t max_pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const Free at_end(&image);
  const auto check = [&](int done) {
    if (!done || PNG_IMAGE_FAILED(image)) origin.fail("malformed PNG; got \"", image.message, "\", expected a whole picture");
  };
  check(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  check_pixels(origin, image.width, image.height, max_pixels);
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // as everybody writes them; otherwise libpng would take 16 bits for linear light
  image.format &= PNG_FORMAT_FLAG_COLOR | PNG_FORMAT_FLAG_ALPHA;  // 8 bits, no palette
  const int64_t channels = PNG_IMAGE_SAMPLE_CHANNELS(image.format);
  Tensor out = gradus::detail::empty(origin.op, {image.height, image.width, channels}, DType::uint8);
  check(png_image_finish_read(&image, nullptr, out.impl().as<uint8_t>(), 0, nullptr));
  return out;
}

std::vector<std::byte> encode_png(const Origin& origin, const Tensor& pixels) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.height = static_cast<png_uint_32>(pixels.shape()[0]);
  image.width = static_cast<png_uint_32>(pixels.shape()[1]);
  const int64_t channels = pixels.shape()[2];
  image.format = (channels >= 3 ? PNG_FORMAT_FLAG_COLOR : 0u) | (channels % 2 == 0 ? PNG_FORMAT_FLAG_ALPHA : 0u);
  const Free at_end(&image);
  png_alloc_size_t size = 0;
  std::vector<std::byte> bytes;
  // Asked for the size first, then for the bytes.
  for (int round = 0; round < 2; ++round) {
    if (!png_image_write_to_memory(&image, round == 0 ? nullptr : bytes.data(), &size, 0, pixels.data<uint8_t>(), 0, nullptr))
      origin.fail("cannot encode; got \"", image.message, "\", expected success");
    bytes.resize(size);
  }
  return bytes;
}

}  // namespace gradus::data::io
#endif
