#include "data/cifar.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "data/idx.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

// Record with pixel p of channel c = (value + p + 50 c) mod 256.
std::string record(int label, int value) {
  std::string out(1, static_cast<char>(label));
  for (int c = 0; c < 3; ++c)
    for (int p = 0; p < 1024; ++p) out += static_cast<char>(value + p + 50 * c);
  return out;
}

std::string refusal(const std::string& bytes) {
  return message<IoError>([&] { data::io::read_cifar10(memory(bytes)); });
}

// A tar header (POSIX ustar, what is needed of it) and the member.
std::string member(const std::string& name, const std::string& content) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  std::string size;
  for (int64_t n = static_cast<int64_t>(content.size()), i = 0; i < 11; ++i, n /= 8)
    size.insert(0, 1, static_cast<char>('0' + n % 8));
  header.replace(124, 11, size);
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string gzip(const std::string& bytes) {
  const auto packed = data::io::deflate_bytes({"test", "memory"}, std::as_bytes(std::span(bytes)), data::io::Compression::gzip);
  return std::string(reinterpret_cast<const char*>(packed.data()), packed.size());
}

TEST_CASE("cifar: planes become pixels, classes are kept and numbered in the order asked for") {
  const std::string file = record(3, 0) + record(5, 7) + record(9, 1) + record(3, 100);
  const auto [images, labels, source] = data::io::read_cifar10(memory(file));
  CHECK((images.shape() == Shape{4, 32, 32, 3}));
  CHECK(images.dtype() == DType::uint8);
  CHECK(labels.to_vector<int>() == std::vector<int>{3, 5, 9, 3});
  for (const int64_t i : {0, 1, 3})
    for (const int64_t p : {0, 1, 33, 1023})
      for (int64_t c = 0; c < 3; ++c) {
        const int64_t value = i == 0 ? 0 : i == 1 ? 7 : 100;
        CHECK(images[i][p / 32][p % 32][c].item<int64_t>() == (value + p + 50 * c) % 256);
      }
  const auto some = data::io::read_cifar10(memory(file), {5, 3});
  CHECK(some.labels.to_vector<int>() == std::vector<int>{1, 0, 1});
  CHECK(some.images[2][0][0][0].item<int>() == 100);
  CHECK(data::io::read_cifar10(memory(file), {0}).labels.size() == 0);
  CHECK((data::io::read_cifar10(memory(file), {0}).images.shape() == Shape{0, 32, 32, 3}));
  CHECK(identical(data::io::read_cifar10(memory(gzip(file))).images, images));
}

TEST_CASE("cifar: malformed files") {
  CHECK(refusal(record(1, 0) + "x") == "parse: memory: record 1 is cut short; got 1 bytes, expected 3073");
  CHECK(contains(refusal(""), "record 0 is cut short; got 0 bytes"));
  CHECK(contains(refusal(record(1, 0) + record(10, 0)), "got label 10 in record 1"));
  CHECK_THROWS_AS(data::io::read_cifar10(memory(record(1, 0)), {10}), ValueError);
  CHECK_THROWS_AS(data::io::read_cifar10(memory(record(1, 0)), {-1}), ValueError);
  CHECK_THROWS_AS(data::io::read_cifar10(memory(record(1, 0)), {3, 3}), ValueError);
  CHECK_THROWS_AS(data::load_cifar10_file("/nonexistent.bin"), IoError);
}

TEST_CASE("cifar: folders with files, with the archive, with cats and dogs") {
  const Folder folder;
  const data::cifar10::Options options{.data_dir = folder / ""};
  CHECK(contains(message<IoError>([&] { data::cifar10::load(options); }), "no CIFAR-10 files"));
  std::filesystem::create_directory(folder / "cifar10");
  for (int i = 1; i <= 5; ++i) write_file(folder / ("cifar10/data_batch_" + std::to_string(i) + ".bin"), record(i, 10 * i));
  CHECK(contains(message<IoError>([&] { data::cifar10::load(options); }), "a file is missing; got no test_batch.bin"));
  write_file(folder / "cifar10/test_batch.bin.gz", gzip(record(3, 1) + record(5, 2)));
  CHECK(data::cifar10::load(options).train.labels.to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(data::cifar10::load(options).test.labels.to_vector<int>() == std::vector<int>{3, 5});
  const auto pets = data::cifar10::load_cats_and_dogs(options);  // picked from all ten classes
  CHECK(pets.train.labels.to_vector<int>() == std::vector<int>{0, 1});
  CHECK(pets.train.images[1][0][0][0].item<int>() == 50);

  std::string tar = member("cifar-10-batches-bin/readme.html", std::string(700, 'x'));
  for (int i = 1; i <= 5; ++i) tar += member("cifar-10-batches-bin/data_batch_" + std::to_string(i) + ".bin", record(9 - i, 0));
  const std::string whole =
      tar + member("cifar-10-batches-bin/test_batch.bin", record(7, 0) + record(8, 0)) + std::string(1024, '\0');
  const std::string archive = folder / "cifar10/cifar-10-binary.tar.gz";
  write_file(archive, gzip(whole));
  CHECK(data::cifar10::load(options).train.labels.to_vector<int>() == std::vector<int>{8, 7, 6, 5, 4});
  CHECK(data::cifar10::load(options).test.labels.to_vector<int>() == std::vector<int>{7, 8});
  const auto refused = [&](const std::string& bytes) {
    write_file(archive, bytes);
    return message<IoError>([&] { data::cifar10::load(options); });
  };
  CHECK(contains(refused(gzip(tar)), "got 5 batches, expected 6"));
  CHECK(contains(refused(gzip(std::string(600, 'x'))), "not a tar file"));
  CHECK(contains(refused(gzip(tar.substr(0, 3000))), "is cut short"));
  CHECK(contains(refused(gzip(member("data_batch_1.bin", "abc"))), "no whole number of records; got 3 bytes"));
  CHECK(contains(refused("abc"), "got 0 batches"));

  std::filesystem::create_directory(folder / "cifar10_cats_dogs");
  write_file(folder / "cifar10_cats_dogs/train.bin.gz", gzip(record(5, 0)));
  CHECK_THROWS_AS(data::cifar10::load_cats_and_dogs(options), IoError);
  write_file(folder / "cifar10_cats_dogs/test.bin", record(3, 0));
  CHECK(data::cifar10::load_cats_and_dogs(options).train.labels.to_vector<int>() == std::vector<int>{1});
  CHECK(data::cifar10::load_cats_and_dogs(options).test.labels.to_vector<int>() == std::vector<int>{0});
}

}  // namespace
}  // namespace gradus::test
