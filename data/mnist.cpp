#include "data/mnist.h"

#include <array>

#include "autograd/ops.h"
#include "data/digits.h"
#include "data/idx.h"
#include "data/locate.h"

namespace gradus::data::mnist {
namespace {

constexpr std::string_view kOp = "mnist::load";
constexpr std::array<std::string_view, 4> kNames{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                                 "t10k-labels-idx1-ubyte"};
constexpr int64_t kTrain = 60000, kTest = 10000;
constexpr uint64_t kTrainSeed = 1, kTestSeed = 2;

Part read(const std::string& folder, const std::string& images_path, const std::string& labels_path) {
  Part part{load_idx(images_path), load_idx(labels_path), folder};
  const Shape& images = part.images.shape();
  if (images.ndim() != 3 || images[1] != 28 || images[2] != 28 || part.images.dtype() != DType::uint8)
    fail<IoError>(kOp, images_path, ": not MNIST's images; got ", images, " of ", part.images.dtype(),
                  ", expected [n, 28, 28] of uint8");
  if (part.labels.shape() != Shape{images[0]} || part.labels.dtype() != DType::uint8)
    fail<IoError>(kOp, labels_path, ": labels do not fit the images; got ", part.labels.shape(), " of ", part.labels.dtype(),
                  ", expected [", images[0], "] of uint8");
  if (images[0] == 0) fail<IoError>(kOp, images_path, ": no images; got 0, expected some");
  if (const auto largest = max(part.labels).item<int64_t>(); largest > 9)
    fail<IoError>(kOp, labels_path, ": not a digit; got label ", largest, ", expected 0 to 9");
  return part;
}

Part draw(int64_t n, uint64_t seed) {
  digits::Digits drawn = digits::generate(n, seed);
  return {std::move(drawn.images), std::move(drawn.labels), "embedded digits"};
}

}  // namespace

Mnist load(const Options& options) {
  std::string searched;
  for (const std::string& parent : io::data_folders(options.data_dir)) {
    const std::string folder = parent + "/mnist";
    std::array<std::string, 4> paths;
    size_t found = 0;
    std::string_view absent;
    for (size_t i = 0; i < kNames.size(); ++i) {
      const auto path = io::plain_or_gz(text(folder, "/", kNames[i]));
      if (path) paths[i] = *path, ++found;
      else absent = kNames[i];
    }
    if (found == kNames.size()) return {read(folder, paths[0], paths[1]), read(folder, paths[2], paths[3])};
    if (found > 0)
      fail<IoError>(kOp, folder, ": a file is missing; got no ", absent, " or ", absent, ".gz, expected all four files");
    searched += (searched.empty() ? "" : ", ") + folder;
  }
  if (!options.data_dir.empty() || !options.allow_embedded)
    fail<IoError>(kOp, "no MNIST files; got none in ", searched, ", expected ", kNames[0],
                  " and its three companions, plain or .gz", options.data_dir.empty() ? "; set GRADUS_DATA" : "");
  return {draw(kTrain, kTrainSeed), draw(kTest, kTestSeed)};
}

}  // namespace gradus::data::mnist
