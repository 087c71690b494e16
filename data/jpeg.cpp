// JPEG through libjpeg (or libjpeg-turbo, which has the same interface).
#include "data/image_codec.h"

#ifndef GRADUS_HAVE_JPEG
namespace gradus::data::io {

Tensor decode_jpeg(const Origin& origin, std::span<const std::byte>, int64_t) {
  origin.fail("JPEG without libjpeg; got a build that lacks it, expected one made where libjpeg-dev is installed");
}

}  // namespace gradus::data::io
#else

#include <csetjmp>
#include <cstdio>

#include <jpeglib.h>

namespace gradus::data::io {
namespace {

constexpr int kMostScans = 200;  // a progressive file may ask to be gone over again and again

/// libjpeg's error handler, which must not return: it jumps back here, over C frames only.
struct Decoder {
  jpeg_decompress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg_progress_mgr progress{};
  std::jmp_buf back{};
  char message[JMSG_LENGTH_MAX] = "";

  Decoder() {
    jpeg.err = jpeg_std_error(&errors);
    jpeg.client_data = this;
    errors.error_exit = [](j_common_ptr info) { stop(info); };
    // Warnings stand for damaged data, which libjpeg would fill with grey.
    errors.emit_message = [](j_common_ptr info, int level) {
      if (level < 0) stop(info);
    };
    progress.progress_monitor = [](j_common_ptr info) {
      if (reinterpret_cast<j_decompress_ptr>(info)->input_scan_number <= kMostScans) return;
      auto* self = static_cast<Decoder*>(info->client_data);
      std::snprintf(self->message, sizeof self->message, "more than %d scans", kMostScans);
      std::longjmp(self->back, 1);
    };
  }
  ~Decoder() { jpeg_destroy_decompress(&jpeg); }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  static void stop(j_common_ptr info) {
    auto* self = static_cast<Decoder*>(info->client_data);
    (*info->err->format_message)(info, self->message);
    std::longjmp(self->back, 1);
  }

  // Nothing with a destructor may live in the two functions that are jumped out of.
  bool read_header(const std::byte* bytes, size_t n) {
    if (setjmp(back)) return false;
    jpeg_create_decompress(&jpeg);
    jpeg.progress = &progress;
    jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes), n);
    jpeg_read_header(&jpeg, TRUE);
    jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    return true;
  }
  bool read_rows(uint8_t* out) {
    if (setjmp(back)) return false;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = out + size_t{jpeg.output_scanline} * jpeg.output_width * static_cast<size_t>(jpeg.output_components);
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    return true;
  }
};

}  // namespace

Tensor decode_jpeg(const Origin& origin, std::span<const std::byte> bytes, int64_t max_pixels) {
  Decoder decoder;
  const auto check = [&](bool done) {
    if (!done) origin.fail("malformed JPEG; got \"", decoder.message, "\", expected a whole picture");
  };
  check(decoder.read_header(bytes.data(), bytes.size()));
  check_pixels(origin, decoder.jpeg.image_width, decoder.jpeg.image_height, max_pixels);
  const int64_t channels = decoder.jpeg.num_components == 1 ? 1 : 3;
  Tensor out = gradus::detail::empty(origin.op, {decoder.jpeg.image_height, decoder.jpeg.image_width, channels}, DType::uint8);
  check(decoder.read_rows(out.impl().as<uint8_t>()));
  return out;
}

}  // namespace gradus::data::io
#endif
