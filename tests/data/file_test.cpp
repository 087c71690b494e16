#include "data/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "data/npy.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::io::AtomicFile;

TEST_CASE("atomic file: the target appears at the commit, complete") {
  const Folder folder;
  {
    AtomicFile file({"test", folder / "a"});
    file.write("one ");
    CHECK_FALSE(std::filesystem::exists(folder / "a"));
    file.write("two");
    CHECK(file.written() == 7);
    file.commit();
  }
  CHECK(read_file(folder / "a") == "one two");
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: without a commit the old file stays and nothing is left behind") {
  const Folder folder;
  write_file(folder / "a", "old");
  { AtomicFile({"test", folder / "a"}).write("new"); }
  CHECK(read_file(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: a write that fails leaves the old file and no temporary one") {
  const Folder folder;
  write_file(folder / "a", "old");
  // A limit on the size of files stands in for a full disk; the signal that comes with it is ignored.
  struct rlimit before;
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{1 << 16, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string error =
      message<IoError>([&] { data::save_npy(folder / "a", detail::empty("test", {1 << 20}, DType::float32)); });
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(contains(error, "save_npy: " + (folder / "a") + ": cannot write; got File too large"));
  CHECK(read_file(folder / "a") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: left-over temporaries and other writers do not get in the way") {
  const Folder folder;
  write_file(folder / "a.tmp0", "of somebody else");
  AtomicFile first({"test", folder / "a"}), second({"test", folder / "a"});
  first.write("first");
  second.write("second");
  second.commit();
  CHECK(read_file(folder / "a") == "second");
  first.commit();
  CHECK(read_file(folder / "a") == "first");
  CHECK(read_file(folder / "a.tmp0") == "of somebody else");
  CHECK(folder.entries() == 2);
}

TEST_CASE("atomic file: permissions are kept and links followed") {
  const Folder folder;
  write_file(folder / "a", "old");
  REQUIRE(::chmod((folder / "a").c_str(), 0640) == 0);
  std::filesystem::create_symlink(folder / "a", folder / "link");
  data::save_npy(folder / "link", Tensor({1}));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(data::load_npy(folder / "a").item<int>() == 1);
  struct stat status;
  REQUIRE(::stat((folder / "a").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("atomic file: targets that cannot be files") {
  const Folder folder;
  auto error_of = [](const std::string& path) { return message<IoError>([&] { AtomicFile({"save", path}); }); };
  CHECK(contains(error_of(folder / "no/such/folder"), "save: "));
  CHECK(contains(error_of(folder / "no/such/folder"), "expected a writable folder"));
  CHECK(contains(error_of(folder / "."), "got a folder"));
  CHECK(contains(error_of("/dev/null"), "got a special file"));
  CHECK(error_of("") != "nothing thrown");
  CHECK(folder.entries() == 0);
}

TEST_CASE("sources: reading beyond the end, folders, pipes and missing files") {
  const Folder folder;
  write_file(folder / "a", "0123456789");
  const data::io::FileSource file({"load", folder / "a"});
  CHECK(file.size() == 10);
  char bytes[10] = {};
  file.read_at(7, bytes, 3, "data");
  CHECK(std::string(bytes) == "789");
  CHECK_THROWS_AS(file.read_at(7, bytes, 4, "data"), IoError);
  CHECK_THROWS_AS(file.read_at(-1, bytes, 1, "data"), IoError);
  CHECK_THROWS_AS(file.read_at(11, bytes, 0, "data"), IoError);
  CHECK_THROWS_AS(file.read_at(1, bytes, INT64_MAX, "data"), IoError);

  std::filesystem::resize_file(folder / "a", 5);
  CHECK(contains(message<IoError>([&] { file.read_at(0, bytes, 10, "data"); }), "shrank"));

  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK_THROWS_AS(data::io::FileSource({"load", folder / "pipe"}), IoError);
  CHECK_THROWS_AS(data::io::FileSource({"load", folder / "."}), IoError);
  CHECK_THROWS_AS(data::io::FileSource({"load", folder / "missing"}), IoError);
}

}  // namespace
}  // namespace gradus::test
