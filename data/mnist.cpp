#include "data/mnist.h"

#include <array>
#include <optional>

#include "autograd/ops.h"
#include "data/digits.h"
#include "data/fetch.h"
#include "data/idx.h"
#include "data/locate.h"

namespace gradus::data::mnist {
namespace {

/// A set in MNIST's format: where it is and what its files must be.
struct Source {
  std::string_view op, folder, address;
  std::array<io::Remote, 4> files;  // training images and labels, test images and labels
};
constexpr std::array<std::string_view, 4> kNames{"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                                                 "t10k-labels-idx1-ubyte"};
constexpr Source kMnist{"mnist::load",
                        "mnist",
                        "https://storage.googleapis.com/cvdf-datasets/mnist/",
                        {{{"train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
                          {"train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"},
                          {"t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
                          {"t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}}}};
constexpr Source kFashion{"fashion_mnist::load",
                          "fashion_mnist",
                          "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
                          {{{"train-images-idx3-ubyte.gz", "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"},
                            {"train-labels-idx1-ubyte.gz", "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"},
                            {"t10k-images-idx3-ubyte.gz", "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"},
                            {"t10k-labels-idx1-ubyte.gz", "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"}}}};
constexpr int64_t kTrain = 60000, kTest = 10000;
constexpr uint64_t kTrainSeed = 1, kTestSeed = 2;

Part read(std::string_view op, const std::string& folder, const std::string& images_path, const std::string& labels_path) {
  Part part{load_idx(images_path), load_idx(labels_path), folder};
  const Shape& images = part.images.shape();
  if (images.ndim() != 3 || images[1] != 28 || images[2] != 28 || part.images.dtype() != DType::uint8)
    fail<IoError>(op, images_path, ": not MNIST's images; got ", images, " of ", part.images.dtype(),
                  ", expected [n, 28, 28] of uint8");
  if (part.labels.shape() != Shape{images[0]} || part.labels.dtype() != DType::uint8)
    fail<IoError>(op, labels_path, ": labels do not fit the images; got ", part.labels.shape(), " of ", part.labels.dtype(),
                  ", expected [", images[0], "] of uint8");
  if (images[0] == 0) fail<IoError>(op, images_path, ": no images; got 0, expected some");
  if (const auto largest = max(part.labels).item<int64_t>(); largest > 9)
    fail<IoError>(op, labels_path, ": not a digit; got label ", largest, ", expected 0 to 9");
  return part;
}

Part draw(int64_t n, uint64_t seed) {
  digits::Digits drawn = digits::generate(n, seed);
  return {std::move(drawn.images), std::move(drawn.labels), "embedded digits"};
}

// Nothing when no folder has any of the files; `searched` then lists the folders.
std::optional<Mnist> find(const Source& source, const Options& options, std::string& searched) {
  const std::vector<std::string> parents = io::data_folders(options.data_dir);
  for (const bool fetched : {false, true}) {
    for (const std::string& parent : parents) {
      const std::string folder = text(parent, "/", source.folder);
      std::array<std::string, 4> paths;
      size_t found = 0;
      std::string_view absent;
      for (size_t i = 0; i < kNames.size(); ++i) {
        const auto path = io::plain_or_gz(text(folder, "/", kNames[i]));
        if (path) paths[i] = *path, ++found;
        else absent = kNames[i];
      }
      if (found == kNames.size())
        return Mnist{read(source.op, folder, paths[0], paths[1]), read(source.op, folder, paths[2], paths[3])};
      if (found > 0 && (fetched || !io::may_download(options.download)))
        fail<IoError>(source.op, folder, ": a file is missing; got no ", absent, " or ", absent, ".gz, expected all four files");
      if (!fetched) searched += (searched.empty() ? "" : ", ") + folder;
    }
    if (fetched || !io::may_download(options.download)) break;
    io::fetch(source.address, text(parents.back(), "/", source.folder), source.files);
  }
  return std::nullopt;
}

[[noreturn]] void fail_missing(const Source& source, const Options& options, const std::string& searched) {
  fail<IoError>(source.op, "no ", source.folder == "mnist" ? "MNIST" : "Fashion-MNIST", " files; got none in ", searched,
                ", expected ", kNames[0], " and its three companions, plain or .gz",
                options.data_dir.empty() ? "; set GRADUS_DATA" : "");
}

}  // namespace

Mnist load(const Options& options) {
  std::string searched;
  if (std::optional<Mnist> found = find(kMnist, options, searched)) return *std::move(found);
  if (!options.data_dir.empty() || !options.allow_embedded) fail_missing(kMnist, options, searched);
  return {draw(kTrain, kTrainSeed), draw(kTest, kTestSeed)};
}

}  // namespace gradus::data::mnist

gradus::data::mnist::Mnist gradus::data::fashion_mnist::load(const mnist::Options& options) {
  std::string searched;
  if (std::optional<mnist::Mnist> found = mnist::find(mnist::kFashion, options, searched)) return *std::move(found);
  mnist::fail_missing(mnist::kFashion, options, searched);
}
