#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t n) {
  return gradus::fuzz::run(bytes, n, [](const gradus::data::io::ByteSource& source) {
    gradus::data::io::read_image(source, {.channels = 0, .max_pixels = 1 << 16});
  });
}
