// CIFAR-10 (Krizhevsky, "Learning multiple layers of features from tiny images", 2009): 32x32 colour pictures of ten classes.
// There is no embedded stand-in. Stateless; safe from any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::data {

/// Pictures and what they show.
struct LabelledImages {
  Tensor images;            // uint8 [n, height, width, channels]
  Tensor labels;            // uint8 [n]
  std::string source = {};  // where they are from
};

/// Reads one file of CIFAR-10's binary version, plain or gzip: records of one label byte and three planes of 1024 bytes; images
/// are [n, 32, 32, 3]. Where `classes` is not empty, only these are kept, and their labels become 0, 1, ... in this order.
/// IoError for a file that is missing, empty or no multiple of a record long, and for a label above 9; ValueError for a class
/// that does not exist or repeats.
LabelledImages load_cifar10_file(const std::string& path, const std::vector<int>& classes = {});

namespace cifar10 {

inline constexpr std::array<std::string_view, 10> kClasses{"airplane", "automobile", "bird",  "cat",  "deer",
                                                           "dog",      "frog",       "horse", "ship", "truck"};

struct Cifar10 {
  LabelledImages train, test;
};

struct Options {
  std::string data_dir = {};      // looked in first, and then only there
  std::vector<int> classes = {};  // as for load_cifar10_file
  /// Fetches what is missing into the folder that is looked in last. Also on when $GRADUS_DOWNLOAD is 1; never otherwise.
  bool download = false;
};

/// 50,000 and 10,000 images, from the folder cifar10/ in data_dir or else in the first of the folders that mnist::load names:
/// cifar-10-binary.tar.gz as its author offers it, or what it holds, data_batch_1.bin to data_batch_5.bin and test_batch.bin,
/// each plain or with ".gz". IoError when there is no such folder, when a file is missing, and for malformed ones.
Cifar10 load(const Options& options = {});

/// The cats (0) and dogs (1): from the folder cifar10_cats_dogs/, train.bin and test.bin, plain or with ".gz", where there is
/// one; otherwise load({.classes = {3, 5}}).
Cifar10 load_cats_and_dogs(const Options& options = {});

}  // namespace cifar10
}  // namespace gradus::data
