#include "data/cifar.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "autograd/ops.h"
#include "data/fetch.h"
#include "data/locate.h"
#include "data/readers.h"

namespace gradus::data {
namespace {

constexpr int64_t kSide = 32, kPlane = kSide * kSide, kRecord = 1 + 3 * kPlane;
constexpr std::string_view kArchive = "cifar-10-binary.tar.gz";
constexpr std::string_view kAddress = "https://www.cs.toronto.edu/~kriz/";
constexpr io::Remote kRemote{kArchive, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"};

// The new label of each class, or -1.
std::array<int, 10> wanted(std::string_view op, const std::vector<int>& classes) {
  std::array<int, 10> labels;
  for (int i = 0; i < 10; ++i) labels[static_cast<size_t>(i)] = classes.empty() ? i : -1;
  for (int next = 0; const int c : classes) {
    if (c < 0 || c > 9) fail<ValueError>(op, "no such class; got ", c, ", expected 0 to 9");
    if (labels[static_cast<size_t>(c)] >= 0) fail<ValueError>(op, "a class repeats; got ", c, " twice, expected different ones");
    labels[static_cast<size_t>(c)] = next++;
  }
  return labels;
}

// Gathers records; pixels interleaved, as everything else here has them.
class Images {
 public:
  explicit Images(std::array<int, 10> labels) : new_label_(labels) {}

  /// All of `in`, which holds at most `limit` bytes of records.
  void read(io::ByteReader& in, int64_t limit) {
    std::array<uint8_t, kRecord> record;
    for (int64_t n = 0; limit > 0; ++n) {
      const int64_t got = in.read(record.data(), std::min(kRecord, limit));
      if (got == 0 && n > 0) break;
      if (got != kRecord) in.origin().fail("record ", n, " is cut short; got ", got, " bytes, expected ", kRecord);
      limit -= got;
      if (record[0] > 9)
        in.origin().fail("no class of CIFAR-10; got label ", int{record[0]}, " in record ", n, ", expected 0 to 9");
      const int label = new_label_[record[0]];
      if (label < 0) continue;
      labels_.push_back(static_cast<uint8_t>(label));
      const size_t image = pixels_.size();
      pixels_.resize(image + 3 * kPlane);
      for (size_t channel = 0; channel < 3; ++channel)
        for (size_t p = 0; p < kPlane; ++p) pixels_[image + 3 * p + channel] = record[1 + channel * kPlane + p];
    }
  }
  LabelledImages take(std::string source) const {
    const auto n = static_cast<int64_t>(labels_.size());
    return {Tensor(pixels_, {n, kSide, kSide, 3}), Tensor(labels_), std::move(source)};
  }

 private:
  std::array<int, 10> new_label_;
  std::vector<uint8_t> pixels_, labels_;
};

// The batches of the archive: a tar file is headers of 512 bytes, each followed by its member, filled up to 512.
cifar10::Cifar10 read_archive(const std::string& path, const std::array<int, 10>& labels) {
  const io::FileSource file({"cifar10::load", path});
  io::PlainOrGzip all(file);
  const io::Origin& origin = file.origin();
  Images train(labels), test(labels);
  int found = 0;
  std::array<char, 512> header;
  while (all.reader().read(header.data(), 512) == 512 && header[0] != 0) {
    const std::string name(header.data(), strnlen(header.data(), 100));
    int64_t size = 0;
    for (size_t i = 124; i < 135; ++i) {
      if (header[i] < '0' || header[i] > '7')
        origin.fail("not a tar file; got a size with byte ", int{header[i]}, ", expected octal digits");
      size = size * 8 + (header[i] - '0');
    }
    const int64_t rest = (512 - size % 512) % 512;
    if (name.ends_with("_batch.bin") || name.find("data_batch_") != std::string::npos) {
      if (size % kRecord != 0)
        origin.fail("member ", name, " is no whole number of records; got ", size, " bytes, expected a multiple of ", kRecord);
      (name.ends_with("test_batch.bin") ? test : train).read(all.reader(), size);
      ++found;
      all.reader().read_exactly(header.data(), rest, "the archive");
      continue;
    }
    for (int64_t left = size + rest; left > 0; left -= 512) all.reader().read_exactly(header.data(), 512, "the archive");
  }
  if (found != 6) origin.fail("not CIFAR-10's archive; got ", found, " batches, expected 6");
  return {train.take(path), test.take(path)};
}

// The files of one part.
LabelledImages read_files(std::string_view op, const std::string& folder, const std::vector<std::string>& paths,
                          const std::array<int, 10>& labels) {
  Images images(labels);
  for (const std::string& path : paths) {
    const io::FileSource file({op, path});
    io::PlainOrGzip plain(file);
    images.read(plain.reader(), INT64_MAX);
  }
  return images.take(folder);
}

// Paths of all these files in the folder, or nothing if none is there.
std::optional<std::vector<std::string>> locate(std::string_view op, const std::string& folder,
                                               const std::vector<std::string>& names) {
  std::vector<std::string> paths;
  std::string absent;
  for (const std::string& name : names) {
    if (const auto path = io::plain_or_gz(folder + "/" + name)) paths.push_back(*path);
    else absent = name;
  }
  if (paths.empty()) return std::nullopt;
  if (paths.size() < names.size())
    fail<IoError>(op, folder, ": a file is missing; got no ", absent, " or ", absent, ".gz, expected all ", names.size(),
                  " files");
  return paths;
}

}  // namespace

LabelledImages io::read_cifar10(const ByteSource& source, const std::vector<int>& classes) {
  Images images(wanted(source.origin().op, classes));
  images.read(PlainOrGzip(source).reader(), INT64_MAX);
  return images.take(source.origin().path);
}

LabelledImages load_cifar10_file(const std::string& path, const std::vector<int>& classes) {
  return io::read_cifar10(io::FileSource({"load_cifar10_file", path}), classes);
}

namespace {

/// The whole data set from the first folder that has it, downloaded if that is asked for. Notes in `searched` where it looked.
std::optional<cifar10::Cifar10> load_all(std::string_view op, const cifar10::Options& options, const std::array<int, 10>& labels,
                                         std::string& searched) {
  const std::vector<std::string> parents = io::data_folders(options.data_dir);
  if (io::may_download(options.download)) io::fetch(kAddress, parents.back() + "/cifar10", std::span(&kRemote, 1));
  for (const std::string& parent : parents) {
    const std::string folder = parent + "/cifar10";
    if (const auto archive = io::plain_or_gz(text(folder, "/", kArchive))) return read_archive(*archive, labels);
    if (const auto paths = locate(op, folder,
                                  {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                   "data_batch_5.bin", "test_batch.bin"}))
      return cifar10::Cifar10{read_files(op, folder, {paths->begin(), paths->end() - 1}, labels),
                              read_files(op, folder, {paths->back()}, labels)};
    searched += (searched.empty() ? "" : ", ") + folder;
  }
  return std::nullopt;
}

}  // namespace

cifar10::Cifar10 cifar10::load(const Options& options) {
  constexpr std::string_view kOp = "cifar10::load";
  std::string searched;
  if (const auto found = load_all(kOp, options, wanted(kOp, options.classes), searched)) return *found;
  fail<IoError>(kOp, "no CIFAR-10 files; got none in ", searched, ", expected ", kArchive,
                " or its six .bin files; set data_dir, GRADUS_DATA, or download");
}

cifar10::Cifar10 cifar10::load_cats_and_dogs(const Options& options) {
  constexpr std::string_view kOp = "cifar10::load_cats_and_dogs";
  const std::vector<int> classes = options.classes.empty() ? std::vector<int>{3, 5} : options.classes;
  const std::array<int, 10> labels = wanted(kOp, classes);
  std::string searched;
  for (const std::string& parent : io::data_folders(options.data_dir)) {
    const std::string folder = parent + "/cifar10_cats_dogs";
    if (const auto paths = locate(kOp, folder, {"train.bin", "test.bin"}))
      return {read_files(kOp, folder, {paths->front()}, labels), read_files(kOp, folder, {paths->back()}, labels)};
    searched += (searched.empty() ? "" : ", ") + folder;
  }
  if (const auto found = load_all(kOp, options, labels, searched)) return *found;
  fail<IoError>(kOp, "no cats and dogs; got none in ", searched, ", expected train.bin and test.bin, ", kArchive,
                " or its six .bin files; set data_dir, GRADUS_DATA, or download");
}

}  // namespace gradus::data
