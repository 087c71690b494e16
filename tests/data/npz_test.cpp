#include <doctest/doctest.h>

#include "data/npy.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

std::string refusal(const std::string& bytes) {
  return message<IoError>([&] { parse_npz(bytes); });
}

// One member with its places in a zip file, made without the writer under test. Everything can be made wrong.
struct Entry {
  std::string name = "a.npy", data = "x";
  uint64_t method = 0, flags = 0, crc = 0, packed = 1, size = 1, offset = 0;
  std::string local_name = {};  // in the local header; the same as `name` when empty
  std::string extra = {};       // in the directory
};
std::string zip(const std::vector<Entry>& entries, const std::string& comment = "") {
  std::string out, directory;
  for (Entry e : entries) {
    if (e.local_name.empty()) e.local_name = e.name;
    const std::string sizes = little(e.crc, 4) + little(e.packed, 4) + little(e.size, 4);
    const std::string start = little(20, 2) + little(e.flags, 2) + little(e.method, 2) + little(0, 4) + sizes;
    const uint64_t at = e.offset ? e.offset : out.size();
    out += little(0x04034b50, 4) + start + little(e.local_name.size(), 2) + little(0, 2) + e.local_name + e.data;
    directory += little(0x02014b50, 4) + little(20, 2) + start + little(e.name.size(), 2) + little(e.extra.size(), 2) +
                 std::string(10, '\0') + little(at, 4) + e.name + e.extra;
  }
  const size_t at = out.size();
  return out + directory + little(0x06054b50, 4) + little(0, 4) + little(entries.size(), 2) + little(entries.size(), 2) +
         little(directory.size(), 4) + little(at, 4) + little(comment.size(), 2) + comment;
}

// A .npy of bytes.
std::string npy(const std::string& shape, const std::string& data) {
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (" + shape + ")}\n";
  return raw("\x93NUMPY\x01\0") + little(header.size(), 2) + header + data;
}
// One of the byte 5, and its CRC-32 by the definition: reflected polynomial 0xedb88320, bit by bit.
const std::string kArray = npy("1,", "\x05");
uint32_t crc32(const std::string& bytes) {
  uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int k = 0; k < 8; ++k) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}
Entry stored(const std::string& name) {
  return {.name = name, .data = kArray, .crc = crc32(kArray), .packed = kArray.size(), .size = kArray.size()};
}

TEST_CASE("npz: files written by NumPy") {
  // numpy 1.24: savez(f, a=array([1, 2], '|u1'), b=array(True)), whose local headers carry a 64-bit extra field
  const std::string spaces(60, ' ');
  const auto plain = parse_npz(
      raw("PK\3\4\x14\0\0\0\0\0\0\0!\0b\2e_\x82\0\0\0\x82\0\0\0\5\0\x14\0a.npy\1\0\x10\0\x82\0\0\0\0\0\0\0\x82\0\0\0\0\0\0\0") +
      raw("\x93NUMPY\1\0v\0{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }") + spaces + raw("\n\1\2") +
      raw("PK\3\4\x14\0\0\0\0\0\0\0!\0\x82-\xf8\xd3\x81\0\0\0\x81\0\0\0\5\0\x14\0b."
          "npy\1\0\x10\0\x81\0\0\0\0\0\0\0\x81\0\0\0\0\0\0\0") +
      raw("\x93NUMPY\1\0v\0{'descr': '|b1', 'fortran_order': False, 'shape': (), }") + spaces + raw("  \n\1") +
      raw("PK\1\2\x14\3\x14\0\0\0\0\0\0\0!\0b\2e_\x82\0\0\0\x82\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\x80\1\0\0\0\0a.npy") +
      raw("PK\1\2\x14\3\x14\0\0\0\0\0\0\0!\0\x82-\xf8\xd3\x81\0\0\0\x81\0\0\0\5\0\0\0\0\0\0\0\0\0\0\0\x80\1\xb9\0\0\0b.npy") +
      raw("PK\5\6\0\0\0\0\2\0\2\0f\0\0\0q\1\0\0\0\0"));
  REQUIRE(plain.size() == 2);
  CHECK(plain.at("a").to_vector<int>() == std::vector<int>{1, 2});
  CHECK(plain.at("b").dtype() == DType::boolean);
  CHECK(plain.at("b").item<int>() == 1);

  // savez_compressed(f, w=zeros(300, '<f4'))
  const auto packed = parse_npz(
      raw("PK\3\4\x14\0\0\0\x8\0\0\0!\0\xe9:\xb4"
          "4P\0\0\0\x30\x5\0\0\x5\0\x14\0w.npy\1\0\x10\0\x30\x5\0\0\0\0\0\0P\0\0\0\0\0\0\0") +
      raw("\x9b\xec\x17\xea\x1b\x10\xc9\xc8P\xc6P\xad\x9e\x92Z\x9c\\\xa4n\xa5\xa0n\x93"
          "f\xa2\xae\xa3\xa0\x9e\x96_TR\x94\x98\x17\x9f_") +
      raw("\x94\x92\n\x12wK\xcc)N\x5\x8a\x17g$\x16\xa4\x2\xf9\x1a\xc6\x6\x6:\x9a:\n\xb5\nd\3.\x86Q0\nF\xc1(\x18\"\0\0") +
      raw("PK\1\2\x14\3\x14\0\0\0\x8\0\0\0!\0\xe9:\xb4"
          "4P\0\0\0\x30\x5\0\0\x5\0\0\0\0\0\0\0\0\0\0\0\x80\1\0\0\0\0w.npy") +
      raw("PK\5\6\0\0\0\0\1\0\1\0\x33\0\0\0\x87\0\0\0\0\0"));
  CHECK(packed.at("w").to_vector<float>() == std::vector<float>(300, 0.0f));
}

TEST_CASE("npz: written files read back, stored and compressed, and are the same each time") {
  const Folder folder;
  std::vector<float> values(10000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 100);
  const std::map<std::string, Tensor> tensors{
      {"layer/weight", Tensor(values, {100, 100})}, {"labels", Tensor({1, 2, 3})}, {"empty", Tensor(std::vector<double>{})}};
  for (const bool compressed : {false, true}) {
    data::save_npz(folder / "a.npz", tensors, {.compressed = compressed});
    const auto back = data::load_npz(folder / "a.npz");
    REQUIRE(back.size() == 3);
    for (const auto& [name, tensor] : tensors) CHECK(identical(back.at(name), tensor));
    const std::string once = read_file(folder / "a.npz");
    data::save_npz(folder / "a.npz", tensors, {.compressed = compressed});
    CHECK(read_file(folder / "a.npz") == once);
    CHECK((once.size() < 10000) == compressed);
  }
  data::save_npz(folder / "none.npz", {});
  CHECK(data::load_npz(folder / "none.npz").empty());
}

TEST_CASE("npz: the archive made by hand is a good one, so that the refusals below mean something") {
  CHECK(parse_npz(zip({stored("a.npy"), stored("b/c.npy")}, "a comment")).at("b/c").item<int>() == 5);
  CHECK(crc32("123456789") == 0xcbf43926u);  // the check value of the catalogue of CRC algorithms
}

TEST_CASE("npz: 64-bit sizes and end records") {
  Entry e = stored("a.npy");
  e.extra = little(0x7075, 2) + little(3, 2) + "abc" + little(1, 2) + little(8, 2) + little(kArray.size(), 8);
  e.size = 0xffffffff;
  CHECK(parse_npz(zip({e})).at("a").item<int>() == 5);
  e.extra.resize(e.extra.size() - 8);
  CHECK(contains(refusal(zip({e})), "64-bit sizes are missing"));

  // The same archive with a 64-bit end record at `at` that puts the directory at `offset`.
  const std::string good = zip({stored("a.npy")});
  const size_t end = good.size() - 22;
  const std::string one = little(1, 8), bytes = good.substr(end + 12, 4) + little(0, 4);
  auto wide = [&](uint64_t at, uint64_t offset) {
    const std::string record = little(0x06064b50, 4) + std::string(20, '\0') + one + one + bytes + little(offset, 8);
    const std::string locator = little(0x07064b50, 4) + little(0, 4) + little(at, 8) + little(1, 4);
    return good.substr(0, end) + record + locator + good.substr(end, 8) + little(0xffff, 2) + little(0xffff, 2) +
           good.substr(end + 12);
  };
  const uint64_t offset = 30 + 5 + kArray.size();
  CHECK(parse_npz(wide(end, offset)).at("a").item<int>() == 5);
  CHECK(contains(refusal(wide(end + 1, offset)), "64-bit end record is missing"));
  CHECK(contains(refusal(wide(~uint64_t{0}, offset)), "beyond the end of the file"));
  CHECK(contains(refusal(wide(end, offset + 1)), "misplaced directory"));
  CHECK(contains(refusal(wide(end, ~uint64_t{0})), "misplaced directory"));
}

TEST_CASE("npz: names that leave the archive, repeat or are no arrays") {
  for (const std::string name : {"../a.npy", "/a.npy", "a/../b.npy", "a\\b.npy", "C:a.npy", "..", "", "a//b.npy", "./a.npy"}) {
    INFO(name);
    CHECK(contains(refusal(zip({stored(name)})), "unsafe member name"));
  }
  CHECK(contains(refusal(zip({stored(raw("a\0.npy"))})), "unsafe member name"));
  CHECK(parse_npz(zip({stored("a..b.npy")})).contains("a..b"));
  CHECK(contains(refusal(zip({stored("a.txt")})), "a member is no array"));
  CHECK(contains(refusal(zip({stored("a.npy"), stored("a.npy")})), "a name repeats"));
}

TEST_CASE("npz: corrupt, cut, overlapping and encrypted members") {
  Entry e = stored("a.npy");
  e.crc ^= 1;
  CHECK(contains(refusal(zip({e})), "CRC-32"));
  CHECK(contains(refusal(zip({e})), "memory: member a.npy: "));

  e = stored("a.npy"), e.flags = 1;
  CHECK(contains(refusal(zip({e})), "encrypted"));
  e = stored("a.npy"), e.method = 12;
  CHECK(contains(refusal(zip({e})), "unsupported compression; got method 12"));
  e = stored("a.npy"), e.local_name = "b.npy";
  CHECK(contains(refusal(zip({e})), "local header and directory differ"));
  e = stored("a.npy"), e.size += 1;
  CHECK(contains(refusal(zip({e})), "stored size differs"));
  e = stored("a.npy"), e.size -= 1, e.packed -= 1;
  CHECK(contains(refusal(zip({e})), "cut short"));
  e = stored("a.npy"), e.packed += 100, e.size += 100;
  CHECK(contains(refusal(zip({e})), "beyond"));
  e = stored("a.npy"), e.offset = 3;
  CHECK(contains(refusal(zip({e})), "no member here"));
  e = stored("a.npy"), e.offset = 1 << 20;
  CHECK(contains(refusal(zip({e})), "beyond"));
  e = stored("a.npy"), e.size = 0xffffffff;
  CHECK(contains(refusal(zip({e})), "64-bit sizes are missing"));
  e = stored("a.npy"), e.data += "!", e.packed += 1, e.size += 1, e.crc = crc32(e.data);
  CHECK(contains(refusal(zip({e})), "data after the end"));

  // The second member lies inside the first one's data, both of them complete: how small archives become large.
  const std::string inner = zip({stored("b.npy")}).substr(0, 30 + 5 + kArray.size());
  Entry outer = stored("a.npy");
  outer.data = npy(text(inner.size(), ","), inner);
  outer.size = outer.packed = outer.data.size(), outer.crc = crc32(outer.data);
  e = stored("b.npy"), e.offset = 30 + 5 + outer.data.size() - inner.size();
  CHECK(contains(refusal(zip({outer, e})), "members overlap; got b.npy"));
}

TEST_CASE("npz: compressed members must give exactly what they declare") {
  const std::string big_array = npy("100000,", std::string(100000, '\0'));
  auto deflated = [](const std::string& data) {
    const auto packed =
        data::io::deflate_bytes({"test", "memory"}, std::as_bytes(std::span(data)), data::io::Compression::deflate);
    return std::string(reinterpret_cast<const char*>(packed.data()), packed.size());
  };
  const std::string packed = deflated(big_array);
  Entry e{.data = packed, .method = 8, .crc = crc32(big_array), .packed = packed.size(), .size = big_array.size()};
  CHECK((parse_npz(zip({e})).at("a").shape() == Shape{100000}));

  Entry wrong = e;
  wrong.size -= 1;  // less than it gives
  CHECK(contains(refusal(zip({wrong})), "cut short"));
  wrong = e, wrong.size += 1;  // more
  CHECK(contains(refusal(zip({wrong})), text("got ", e.size, " bytes, expected ", e.size + 1)));
  wrong = e, wrong.data += "x", wrong.packed += 1;
  CHECK(contains(refusal(zip({wrong})), "bytes after the compressed data"));
  wrong = e, wrong.data.pop_back(), wrong.packed -= 1;
  CHECK(contains(refusal(zip({wrong})), "cut short"));

  // Promises ten gigabytes from a few bytes: refused before any memory is asked for.
  const std::string promise = npy("10000000000,", "");
  const std::string small = deflated(promise);
  wrong = {.data = small, .method = 8, .packed = small.size(), .size = 0xfffffff0};
  CHECK(contains(refusal(zip({wrong})), "data are cut short"));
}

TEST_CASE("npz: broken end records") {
  const std::string good = zip({stored("a.npy")});
  CHECK(contains(refusal(""), "not a zip archive"));
  CHECK(contains(refusal(std::string(100, 'x')), "not a zip archive"));
  CHECK(contains(refusal(good + "x"), "not a zip archive"));
  const size_t end = good.size() - 22;
  auto with = [&](size_t at, const std::string& bytes) { return std::string(good).replace(end + at, bytes.size(), bytes); };
  CHECK(contains(refusal(with(4, little(1, 2))), "several parts"));
  CHECK(contains(refusal(with(8, little(2, 2))), "several parts"));
  CHECK(contains(refusal(with(8, little(2, 2) + little(2, 2))), "directory is too small"));
  CHECK(contains(refusal(with(8, little(0, 2) + little(0, 2))), "after the last member"));
  CHECK(contains(refusal(with(8, std::string(12, '\0'))), "misplaced directory"));
  CHECK(contains(refusal(with(12, little(5, 4))), "misplaced directory"));
  CHECK(contains(refusal(with(16, little(1 << 20, 4))), "misplaced directory"));
  CHECK(contains(refusal(with(16, little(0xffffffff, 4))), "64-bit end record is missing"));
}

TEST_CASE("npz: what cannot be written is refused before anything is") {
  const Folder folder;
  const Tensor x({1.0f});
  for (const std::string name : {"", "../a", "/a", "a\\b", "a/"}) {
    INFO(name);
    CHECK_THROWS_AS(data::save_npz(folder / "a.npz", {{name, x}}), ValueError);
  }
  CHECK_THROWS_AS(data::save_npz(folder / "a.npz", {{"a", x}, {"b", detail::empty("test", {1}, DType::bfloat16)}}), DTypeError);
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace gradus::test
