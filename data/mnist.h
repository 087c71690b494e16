// MNIST's handwritten digits (LeCun, Cortes, Burges), or an embedded stand-in, so that programs run on a bare machine; and
// Fashion-MNIST, which has the same format.
#pragma once

#include <array>
#include <string>
#include <string_view>

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
  /// Fetches missing files into data_dir, or else the user's cache. Also on when $GRADUS_DOWNLOAD is 1; never otherwise. Where
  /// fetching fails there is an IoError, not a drawing. $GRADUS_MIRROR names another server: $GRADUS_MIRROR/mnist/FILE.gz.
  bool download = false;
};

/// `auto [train, test] = data::mnist::load();` Reads the four IDX files ("train-images-idx3-ubyte", ..., plain or ".gz") from the
/// folder mnist/ in data_dir, or else in the first of $GRADUS_DATA, ../shared/data, $XDG_CACHE_HOME/gradus and ~/.cache/gradus
/// that has them. Without any, the digits are drawn: the same shapes, about as hard to learn, the same for every run. IoError
/// when data_dir has no such folder, when nothing is found and allow_embedded is false, when only some of the four files are
/// there, and for files that are malformed: damaged files are never passed over in silence.
Mnist load(const Options& options = {});

}  // namespace gradus::data::mnist

/// Pictures of clothes in MNIST's format (Xiao, Rasul, Vollgraf 2017): from the folder fashion_mnist/, otherwise as mnist::load.
/// Nothing is drawn in its place.
namespace gradus::data::fashion_mnist {

inline constexpr std::array<std::string_view, 10> kClasses{"T-shirt/top", "trouser", "pullover", "dress", "coat",
                                                           "sandal",      "shirt",   "sneaker",  "bag",   "ankle boot"};

/// allow_embedded counts as false.
mnist::Mnist load(const mnist::Options& options = {});

}  // namespace gradus::data::fashion_mnist
