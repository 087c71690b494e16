#include "data/image.h"

#include <algorithm>
#include <cmath>

#include "autograd/ops.h"
#include "data/image_codec.h"
#include "data/readers.h"

namespace gradus::data {
namespace {

// From 1 (grey), 2 (grey, alpha), 3 or 4 channels to 1, 3 or 4.
Tensor convert(const Tensor& image, int64_t channels) {
  const int64_t has = image.shape()[2];
  if (channels == 0 || channels == has) return image;
  const Shape shape{image.shape()[0], image.shape()[1], channels};
  Tensor out = gradus::detail::empty("load_image", shape, DType::uint8);
  const uint8_t* from = image.data<uint8_t>();
  uint8_t* to = out.impl().as<uint8_t>();
  const bool colour = has >= 3, alpha = has % 2 == 0;
  for (int64_t i = 0, n = shape[0] * shape[1]; i < n; ++i, from += has, to += channels) {
    if (channels == 1) {
      // In 65536ths, so that white stays white.
      to[0] = static_cast<uint8_t>((19595 * from[0] + 38470 * from[1] + 7471 * from[2] + 32768) >> 16);
      if (!colour) to[0] = from[0];
      continue;
    }
    for (int64_t c = 0; c < 3; ++c) to[c] = from[colour ? c : 0];
    if (channels == 4) to[3] = alpha ? from[has - 1] : uint8_t{255};
  }
  return out;
}

// Where sample `at` of `to` lies between two of `from`.
struct Between {
  int64_t low, high;
  double weight;  // of high
};
std::vector<Between> positions(int64_t from, int64_t to) {
  std::vector<Between> out;
  for (int64_t i = 0; i < to; ++i) {
    const double at = (static_cast<double>(i) + 0.5) * static_cast<double>(from) / static_cast<double>(to) - 0.5;
    const double low = std::floor(at);
    out.push_back({std::clamp<int64_t>(static_cast<int64_t>(low), 0, from - 1),
                   std::clamp<int64_t>(static_cast<int64_t>(low) + 1, 0, from - 1), at - low});
  }
  return out;
}

}  // namespace

void io::check_pixels(const Origin& origin, int64_t width, int64_t height, int64_t max_pixels) {
  if (width < 1 || height < 1 || width > max_pixels / height)
    origin.fail("size out of range; got ", width, " x ", height, " pixels, expected at least 1 and at most ", max_pixels);
}

Tensor resize(const Tensor& image, int64_t height, int64_t width) {
  if (image.ndim() != 3 || image.size() == 0)
    fail<ShapeError>("resize", "not a picture; got ", image.shape(), ", expected [height, width, channels]");
  if (height < 1 || width < 1)
    fail<ValueError>("resize", "size out of range; got ", height, " x ", width, ", expected at least 1");
  if (!is_floating(image.dtype()) && image.dtype() != DType::uint8)
    fail<DTypeError>("resize", "not a picture; got ", image.dtype(), ", expected uint8 or a floating dtype");
  const int64_t columns = image.shape()[1], channels = image.shape()[2];
  const Tensor out = gradus::detail::empty("resize", {height, width, channels}, DType::float32);  // refuses a size too large
  const std::vector<float> from = image.to_vector<float>();
  const std::vector<Between> ys = positions(image.shape()[0], height), xs = positions(columns, width);
  float* to = out.impl().as<float>();
  for (const Between& y : ys)
    for (const Between& x : xs)
      for (int64_t c = 0; c < channels; ++c) {
        const auto at = [&](int64_t row, int64_t column) {
          return static_cast<double>(from[static_cast<size_t>((row * columns + column) * channels + c)]);
        };
        const double above = at(y.low, x.low) + x.weight * (at(y.low, x.high) - at(y.low, x.low));
        const double below = at(y.high, x.low) + x.weight * (at(y.high, x.high) - at(y.high, x.low));
        *to++ = static_cast<float>(above + y.weight * (below - above));
      }
  return image.dtype() == DType::uint8 ? (out + 0.5f).astype(DType::uint8) : out.astype(image.dtype());
}

Tensor io::read_image(const ByteSource& source, const ImageOptions& options) {
  const Origin& origin = source.origin();
  if (options.channels != 0 && options.channels != 1 && options.channels != 3 && options.channels != 4)
    fail<ValueError>(origin.op, "channels out of range; got ", options.channels, ", expected 0, 1, 3 or 4");
  if (options.height < 0 || options.width < 0 || (options.height == 0) != (options.width == 0))
    fail<ValueError>(origin.op, "size out of range; got ", options.height, " x ", options.width,
                     ", expected both at least 1, or both 0");
  std::vector<std::byte> bytes(static_cast<size_t>(source.size()));
  source.read_at(0, bytes.data(), source.size(), "the picture");
  const auto begins = [&](std::string_view magic) {
    return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), reinterpret_cast<const char*>(bytes.data()));
  };
  Tensor image;
  if (begins("\x89PNG\r\n\x1a\n")) image = decode_png(origin, bytes, options.max_pixels);
  else if (begins("\xff\xd8\xff")) image = decode_jpeg(origin, bytes, options.max_pixels);
  else origin.fail("neither PNG nor JPEG; got ", bytes.size(), " bytes that begin otherwise, expected one of the two");
  if (options.height > 0 && (image.shape()[0] != options.height || image.shape()[1] != options.width))
    image = resize(image, options.height, options.width);
  return convert(image, options.channels);
}

Tensor load_image(const std::string& path, const ImageOptions& options) {
  return io::read_image(io::FileSource({"load_image", path}), options);
}

void save_png(const std::string& path, const Tensor& image) {
  const bool grey = image.ndim() == 2;
  const int64_t channels = grey ? 1 : image.ndim() == 3 ? image.shape()[2] : 0;
  if ((channels != 1 && channels != 3 && channels != 4) || image.size() == 0)
    fail<ShapeError>("save_png", "not a picture; got ", image.shape(),
                     ", expected [height, width] or [height, width, 1, 3 or 4], none of them 0");
  if (!is_floating(image.dtype()) && image.dtype() != DType::uint8)
    fail<DTypeError>("save_png", "not a picture; got ", image.dtype(), ", expected uint8 or floating numbers in [0, 1]");
  const Tensor pixels = is_floating(image.dtype()) ? (image.astype(DType::float32) * 255 + 0.5f).astype(DType::uint8) : image;
  const io::Origin origin{"save_png", path};
  const auto bytes = io::encode_png(origin, pixels.contiguous().reshape({image.shape()[0], image.shape()[1], channels}));
  io::AtomicFile file(origin);
  file.write(bytes.data(), static_cast<int64_t>(bytes.size()));
  file.commit();
}

}  // namespace gradus::data
