// Handwritten-style digits, drawn by the program: pen strokes of several styles per digit, bent, slanted, thickened and blurred
// at random. Made to be about as hard as MNIST; see the tests for what that means. Safe from any thread.
#pragma once

#include <cstdint>

#include "autograd/tensor.h"

namespace gradus::data::digits {

struct Digits {
  Tensor images;  // uint8 [n, 28, 28], 0 is paper, 255 is ink
  Tensor labels;  // uint8 [n], 0 to 9, each as likely as any
};

/// Image i depends on (seed, i) alone: the same for any n and any number of threads. As in MNIST the ink fits a square of about
/// 20 pixels, centred by its mass. About 15 microseconds per image and core. ValueError for n < 0.
Digits generate(int64_t n, uint64_t seed = 0);

}  // namespace gradus::data::digits
