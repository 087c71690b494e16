// MNIST's handwritten digits (LeCun, Cortes, Burges), or an embedded stand-in, so that programs run on a bare machine.
#pragma once

#include <string>

#include "autograd/tensor.h"

namespace gradus::data::mnist {

struct Part {
  Tensor images;       // uint8 [n, 28, 28], 0 is paper, 255 is ink
  Tensor labels;       // uint8 [n], 0 to 9
  std::string source;  // the folder it was read from, or "embedded digits"
};

struct Mnist {
  Part train, test;  // 60,000 and 10,000 images
};

struct Options {
  std::string data_dir = {};   // looked in first, and then only there
  bool allow_embedded = true;  // draw digits (data/digits.h) when no files are found
};

/// `auto [train, test] = data::mnist::load();` Reads the four IDX files ("train-images-idx3-ubyte", ..., plain or ".gz") from the
/// folder mnist/ in data_dir, or else in the first of $GRADUS_DATA, ../shared/data, $XDG_CACHE_HOME/gradus and ~/.cache/gradus
/// that has them. Without any, the digits are drawn: the same shapes, about as hard to learn, the same for every run. IoError
/// when data_dir has no such folder, when nothing is found and allow_embedded is false, when only some of the four files are
/// there, and for files that are malformed: damaged files are never passed over in silence.
Mnist load(const Options& options = {});

}  // namespace gradus::data::mnist
