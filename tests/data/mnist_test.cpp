#include "data/mnist.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>

#include "data/digits.h"
#include "data/idx.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

// Sets a variable of the environment for a while.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() {
    if (before_) ::setenv(name_, before_->c_str(), 1);
    else ::unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

// Runs in an empty folder of its own, where ../shared/data does not exist and the cache is empty.
struct Bare {
  Folder folder;
  std::filesystem::path before = std::filesystem::current_path();
  Environment data{"GRADUS_DATA", ""}, cache{"XDG_CACHE_HOME", folder / "cache"};
  Bare() {
    std::filesystem::create_directories(folder / "work");
    std::filesystem::current_path(folder / "work");
  }
  ~Bare() { std::filesystem::current_path(before); }
};

void write_mnist(const std::string& parent, const std::string& suffix, int64_t train, int64_t test, uint64_t seed) {
  std::filesystem::create_directories(parent + "/mnist");
  const auto a = data::digits::generate(train, seed), b = data::digits::generate(test, seed + 1);
  data::save_idx(parent + "/mnist/train-images-idx3-ubyte" + suffix, a.images);
  data::save_idx(parent + "/mnist/train-labels-idx1-ubyte" + suffix, a.labels);
  data::save_idx(parent + "/mnist/t10k-images-idx3-ubyte" + suffix, b.images);
  data::save_idx(parent + "/mnist/t10k-labels-idx1-ubyte" + suffix, b.labels);
}

TEST_CASE("mnist: folders are searched in the promised order, plain files and compressed ones") {
  const Bare bare;
  write_mnist(bare.folder / "cache/gradus", "", 3, 2, 1);
  auto [train, test] = data::mnist::load();
  CHECK((train.images.shape() == Shape{3, 28, 28}));
  CHECK(identical(train.images, data::digits::generate(3, 1).images));
  CHECK(identical(train.labels, data::digits::generate(3, 1).labels));
  CHECK((test.labels.shape() == Shape{2}));
  CHECK(train.source == bare.folder / "cache/gradus/mnist");

  write_mnist(bare.folder / "shared/data", ".gz", 4, 2, 1);  // ../shared/data
  CHECK(data::mnist::load().train.labels.size() == 4);
  CHECK(data::mnist::load().test.source == "../shared/data/mnist");

  write_mnist(bare.folder / "own", ".gz", 5, 2, 1);
  const Environment chosen("GRADUS_DATA", bare.folder / "own");
  CHECK(data::mnist::load().train.labels.size() == 5);

  write_mnist(bare.folder / "option", "", 6, 2, 1);
  CHECK(data::mnist::load({.data_dir = bare.folder / "option"}).train.labels.size() == 6);
}

TEST_CASE("mnist: home's cache when XDG_CACHE_HOME is not set") {
  const Bare bare;
  const Environment cache("XDG_CACHE_HOME", ""), home("HOME", bare.folder / "home");
  write_mnist(bare.folder / "home/.cache/gradus", ".gz", 3, 2, 1);
  CHECK(data::mnist::load().train.labels.size() == 3);
}

TEST_CASE("mnist: without files the digits are drawn, unless forbidden") {
  const Bare bare;
  auto [train, test] = data::mnist::load();
  CHECK((train.images.shape() == Shape{60000, 28, 28}));
  CHECK((train.labels.shape() == Shape{60000}));
  CHECK((test.images.shape() == Shape{10000, 28, 28}));
  CHECK(train.source == "embedded digits");
  CHECK_FALSE(identical(train.images["0:10"], test.images["0:10"]));

  const std::string error = message<IoError>([] { data::mnist::load({.allow_embedded = false}); });
  CHECK(contains(error, "../shared/data/mnist"));
  CHECK(contains(error, bare.folder / "cache/gradus/mnist"));
  CHECK(contains(error, "GRADUS_DATA"));
}

TEST_CASE("mnist: a folder that was asked for, incomplete and damaged files are never passed over") {
  const Bare bare;
  CHECK(contains(message<IoError>([&] { data::mnist::load({.data_dir = bare.folder / "nothing"}); }), "nothing/mnist"));

  write_mnist(bare.folder / "a", "", 3, 2, 1);
  const data::mnist::Options options{.data_dir = bare.folder / "a"};
  const std::string labels = bare.folder / "a/mnist/train-labels-idx1-ubyte";
  const auto error = [&] { return message<IoError>([&] { data::mnist::load(options); }); };
  CHECK(error() == "nothing thrown");
  data::save_idx(labels, Tensor(std::vector<uint8_t>{1, 2}));
  CHECK(contains(error(), "labels do not fit the images; got [2] of uint8, expected [3] of uint8"));
  data::save_idx(labels, Tensor(std::vector<uint8_t>{1, 2, 10}));
  CHECK(contains(error(), "got label 10"));
  data::save_idx(labels, Tensor(std::vector<int32_t>{1, 2, 3}));
  CHECK(contains(error(), "expected [3] of uint8"));
  write_file(labels, "garbage");
  CHECK(contains(error(), "not an IDX file"));
  std::filesystem::remove(labels);
  CHECK(contains(error(), "a file is missing; got no train-labels-idx1-ubyte"));

  write_mnist(bare.folder / "a", "", 3, 2, 1);
  data::save_idx(bare.folder / "a/mnist/t10k-images-idx3-ubyte", Tensor(std::vector<uint8_t>(2 * 27 * 28), {2, 27, 28}));
  CHECK(contains(error(), "got [2, 27, 28]"));
}

}  // namespace
}  // namespace gradus::test
