#include "data/download.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <optional>

#include "data/cifar.h"
#include "data/digits.h"
#include "data/idx.h"
#include "data/mnist.h"
#include "data/sha256.h"
#include "tests/data/files.h"
#include "tests/data/http_server.h"

namespace gradus::test {
namespace {

using data::download;
using Requests = std::vector<std::string>;

std::string digest(const std::string& text) {
  data::Sha256 sha;
  sha.update(std::as_bytes(std::span(text)));
  return sha.finish();
}

bool works() {
  if (!data::can_download()) MESSAGE("no libcurl here: only its message is tested");
  return data::can_download();
}

std::string many(size_t n) {
  std::string out;
  for (size_t i = 0; i < n; ++i) out += static_cast<char>(i * 7 + i / 256);
  return out;
}

TEST_CASE("sha256: the vectors of FIPS 180 and NIST, in pieces of any size") {
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest(std::string(1000000, 'a')) == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  // Every length around the block's end, whole and byte by byte.
  for (const size_t n : {55u, 56u, 57u, 63u, 64u, 65u, 119u, 120u, 128u}) {
    data::Sha256 sha;
    const std::string text = many(n);
    for (const char& c : text) sha.update(std::as_bytes(std::span(&c, 1)));
    CHECK(sha.finish() == digest(text));
  }
  // hashlib.sha256(bytes((7 * i + i // 256) & 255 for i in range(n))).hexdigest()
  CHECK(digest(many(55)) == "576a1bf8d4478657e6dc4af9398544765c2a92cde28478b019235cfed315fc09");
  CHECK(digest(many(56)) == "9b20501dfd1d99161c257950f3444f3e49230c351c5c8e0943ef369f85f5205d");
  CHECK(digest(many(64)) == "d8bc63b4fc1156e5e7d95a418b9bf54cd3174bedbc2db40f74895349b229b3c0");
  CHECK(digest(many(1000)) == "c85a431e0fe575b2609289d3a4042414715f400612575a125d2ce5573d608732");
  const Folder folder;
  write_file(folder / "a", many(1000));
  CHECK(data::sha256_file(folder / "a") == digest(many(1000)));
  CHECK_THROWS_AS(data::sha256_file(folder / "b"), IoError);
}

TEST_CASE("download: a file, verified, with progress; nothing is fetched twice") {
  if (!works()) return;
  HttpServer server;
  const Folder folder;
  const std::string content = many(300000), path = folder / "a.bin";
  server.files["a.bin"].content = content;
  int64_t done = -1, total = -1;
  download(server.url("a.bin"), path,
           {.sha256 = digest(content), .progress = [&](int64_t d, int64_t t) { done = d, total = t; }});
  CHECK(read_file(path) == content);
  CHECK(done == 300000);
  CHECK(total == 300000);
  CHECK(folder.entries() == 1);
  download(server.url("a.bin"), path, {.sha256 = digest(content)});
  CHECK(server.requests() == Requests{"GET /a.bin"});
  write_file(path, "something else");
  download(server.url("a.bin"), path, {.sha256 = digest(content)});
  CHECK(read_file(path) == content);
  server.files["b"].redirect = server.url("a.bin");
  download(server.url("b"), path);
  CHECK(server.requests() == Requests{"GET /a.bin", "GET /a.bin", "GET /b", "GET /a.bin"});
}

TEST_CASE("download: goes on after a broken connection, whatever the server thinks of ranges") {
  if (!works()) return;
  const std::string content = many(5000), sha256 = digest(content);
  for (const bool ranges : {true, false}) {
    HttpServer server;
    const Folder folder;
    const std::string path = folder / "a";
    server.files["a"] = {.content = content, .ranges = ranges, .cut = 2000};
    CHECK(contains(message<IoError>([&] { download(server.url("a"), path, {.sha256 = sha256}); }), "cannot fetch; got \""));
    CHECK(read_file(path + ".part") == content.substr(0, 2000));
    CHECK(folder.entries() == 1);
    download(server.url("a"), path, {.sha256 = sha256});
    CHECK(read_file(path) == content);
    CHECK(folder.entries() == 1);
    CHECK(server.requests()[1] == "GET /a from 2000");
  }
  // What lies there may be complete, too long, or of another file.
  for (const std::string& part : {content, content + "x", std::string(100, 'x')}) {
    HttpServer server;
    const Folder folder;
    server.files["a"].content = content;
    write_file(folder / "a.part", part);
    download(server.url("a"), folder / "a", {.sha256 = sha256});
    CHECK(read_file(folder / "a") == content);
    write_file(folder / "b.part", part);
    download(server.url("a"), folder / "b");  // without a digest nothing is taken up again
    CHECK(read_file(folder / "b") == content);
    write_file(folder / "c.part", content.substr(0, 10));
    download(server.url("a"), folder / "c", {.sha256 = sha256, .resume = false});
    CHECK(server.requests().back() == "GET /a");
  }
}

TEST_CASE("download: what fails leaves no file behind and the old one alone") {
  const Folder folder;
  const std::string path = folder / "a";
  CHECK(message<ValueError>([&] { download("ftp://x/y", path); }) ==
        "download: unusable address; got ftp://x/y, expected http:// or https://");
  CHECK_THROWS_AS(download("/etc/passwd", path), ValueError);
  CHECK_THROWS_AS(download("http://x", path, {.sha256 = "abc"}), ValueError);
  CHECK_THROWS_AS(download("http://x", path, {.sha256 = std::string(64, 'g')}), ValueError);
  if (!works()) {
    CHECK(contains(message<IoError>([&] { download("http://127.0.0.1/", path); }), "libcurl"));
    return;
  }
  HttpServer server;
  write_file(path, "old");
  server.files["a"].content = "new";
  server.files["away"].redirect = "file:///etc/passwd";
  const std::string wrong = message<IoError>([&] { download(server.url("a"), path, {.sha256 = std::string(64, '0')}); });
  CHECK(contains(wrong, "wrong file; got SHA-256 " + digest("new") + ", expected 000"));
  CHECK(contains(wrong, server.url("a")));
  CHECK(contains(message<IoError>([&] { download(server.url("none"), path); }), "the server refuses; got HTTP status 404"));
  CHECK_THROWS_AS(download(server.url("away"), path), IoError);
  CHECK_THROWS_AS(download("http://127.0.0.1:1/", path), IoError);
  CHECK_THROWS_AS(download(server.url("a"), folder / "no/a"), IoError);
  struct Stop {};
  CHECK_THROWS_AS(download(server.url("a"), path, {.progress = [](int64_t, int64_t) { throw Stop(); }}), Stop);
  CHECK(read_file(path) == "old");
  std::filesystem::remove(path + ".part");
  CHECK(folder.entries() == 1);
}

// Sets a variable of the environment for a while.
struct Environment {
  const char* name;
  Environment(const char* n, const std::string& value) : name(n) { ::setenv(name, value.c_str(), 1); }
  ~Environment() { ::unsetenv(name); }
};

TEST_CASE("data sets are fetched only when asked for, and verified") {
  HttpServer server;
  const Folder folder;
  const data::mnist::Options quiet{.data_dir = folder / "", .allow_embedded = false};
  CHECK_THROWS_AS(data::mnist::load(quiet), IoError);
  CHECK_THROWS_AS(data::fashion_mnist::load(quiet), IoError);
  CHECK(contains(message<IoError>([&] { data::fashion_mnist::load(quiet); }), "no Fashion-MNIST files; got none in"));
  CHECK(server.requests().empty());
  if (!works()) return;

  const Environment mirror("GRADUS_MIRROR", server.url(""));
  data::mnist::Options loud = quiet;
  loud.download = true;
  CHECK(contains(message<IoError>([&] { data::fashion_mnist::load(loud); }), "got HTTP status 404"));
  CHECK(server.requests() == Requests{"GET //fashion_mnist/train-images-idx3-ubyte.gz"});
  server.files["/mnist/train-images-idx3-ubyte.gz"].content = "not MNIST";
  CHECK(contains(message<IoError>([&] { data::mnist::load(loud); }), "wrong file; got SHA-256 " + digest("not MNIST")));
  CHECK_FALSE(std::filesystem::exists(folder / "mnist/train-images-idx3-ubyte.gz"));
  const Environment allowed("GRADUS_DOWNLOAD", "1");
  CHECK(contains(message<IoError>([&] { data::cifar10::load({.data_dir = folder / ""}); }),
                 "cifar-10-binary.tar.gz: the server refuses"));

  // Files that are there need no network.
  const auto drawn = data::digits::generate(3, 1);
  std::filesystem::create_directories(folder / "fashion_mnist");
  for (const std::string part : {"train", "t10k"}) {
    data::save_idx(folder / ("fashion_mnist/" + part + "-images-idx3-ubyte.gz"), drawn.images);
    data::save_idx(folder / ("fashion_mnist/" + part + "-labels-idx1-ubyte.gz"), drawn.labels);
  }
  const size_t before = server.requests().size();
  CHECK(identical(data::fashion_mnist::load(loud).train.images, drawn.images));
  CHECK(server.requests().size() == before);
}

}  // namespace
}  // namespace gradus::test
