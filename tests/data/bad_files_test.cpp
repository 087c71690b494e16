// Files that brought other libraries down, class by class, named after the report that made each known. Reading is tried
// systematically in mutation_test.cpp, checkpoints of models in tests/nn/bad_weights_test.cpp, archives made by hand in
// npz_test.cpp.
#include <doctest/doctest.h>

#include "data/idx.h"
#include "data/npy.h"
#include "data/safetensors.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

std::string safetensors(const std::string& header, const std::string& data) { return little(header.size(), 8) + header + data; }
std::string npy(const std::string& shape, const std::string& data) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  return raw("\x93NUMPY\x01\x00") + little(header.size(), 2) + header + data;
}
std::string idx(const std::vector<uint32_t>& dims, const std::string& data) {
  std::string file = raw("\x00\x00\x08") + static_cast<char>(dims.size());
  for (const uint32_t d : dims) file += big(d, 4);
  return file + data;
}

TEST_CASE("CVE-2021-35958: names that would leave the folder are refused, and nothing is written outside") {
  const Folder folder;
  const Tensor x = zeros({2});
  for (const std::string name : {"../evil", "/tmp/evil", "a/../../evil", "..\\evil", "C:evil", ".."}) {
    INFO(name);
    CHECK_THROWS_AS(data::save_npz(folder / "a.npz", {{name, x}}), Error);
    CHECK(folder.entries() == 0);
  }
  // A name in a safetensors file is a key and no more: it comes back as it was, and only the file itself appears.
  data::save_safetensors(folder / "a.safetensors", {{"../evil", x}, {"/tmp/evil", x}});
  CHECK(data::load_safetensors(folder / "a.safetensors").tensors.contains("../evil"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("CVE-2021-41203, CVE-2024-21802: counts that the file does not hold are refused before memory is asked for") {
  const std::string four(16, '\0');
  CHECK((parse_npy(npy("4,", four)).shape() == Shape{4}));  // so that the refusals below mean something
  for (const std::string shape : {"1099511627776,", "9223372036854775807,", "18446744073709551617,", "4294967297, 4", "-4,",
                                  "4611686018427387904, 4", "0, 9223372036854775807, 9223372036854775807", "5,", "3,"}) {
    INFO(shape);
    CHECK_THROWS_AS(parse_npy(npy(shape, four)), IoError);
  }
  CHECK((parse_idx(idx({2, 2}, "abcd")).shape() == Shape{2, 2}));
  CHECK_THROWS_AS(parse_idx(idx({0xffffffff, 0xffffffff, 0xffffffff}, "abcd")), IoError);
  CHECK_THROWS_AS(parse_idx(idx({65536, 65537}, "abcd")), IoError);
  CHECK_THROWS_AS(parse_idx(idx({0x80000000}, "abcd")), IoError);

  const auto one = [](const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":"F32","shape":[)" + shape + R"(],"data_offsets":[)" + offsets + "]}}";
  };
  CHECK((parse_safetensors(safetensors(one("4", "0,16"), four)).tensors.at("a").shape() == Shape{4}));
  for (const auto& [shape, offsets] : std::map<std::string, std::string>{{"4611686018427387908", "0,16"},
                                                                         {"4", "0,18446744073709551632"},
                                                                         {"4", "-16,0"},
                                                                         {"4", "16,0"},
                                                                         {"2147483648,2147483650", "0,16"},
                                                                         {"-4", "0,16"},
                                                                         {"1e1", "0,16"},
                                                                         {"4294967300", "0,16"}}) {
    INFO(shape, " at ", offsets);
    CHECK_THROWS_AS(parse_safetensors(safetensors(one(shape, offsets), four)), IoError);
  }
  for (const uint64_t length : {uint64_t{1} << 63, ~uint64_t{0}, uint64_t{1} << 32, uint64_t{17}})
    CHECK_THROWS_AS(parse_safetensors(little(length, 8) + "{}" + four), IoError);
}

TEST_CASE("safetensors' overlap attack: many tensors on the same bytes") {
  std::string header = "{";
  for (int i = 0; i < 100; ++i) header += text(i ? "," : "", "\"t", i, R"(":{"dtype":"F32","shape":[4],"data_offsets":[0,16]})");
  CHECK_THROWS_AS(parse_safetensors(safetensors(header + "}", std::string(16, '\0'))), IoError);
}

TEST_CASE("nesting without end, and texts without end, are refused by the header's reader") {
  CHECK_THROWS_AS(parse_safetensors(safetensors(std::string(100000, '['), "")), IoError);
  CHECK_THROWS_AS(parse_safetensors(safetensors(R"({"__metadata__":)" + std::string(100000, '{'), "")), IoError);
  CHECK_THROWS_AS(parse_safetensors(safetensors("{\"" + std::string(100000, 'a'), "")), IoError);
  CHECK_THROWS_AS(parse_npy(npy(std::string(30000, '('), "")), IoError);
  CHECK_THROWS_AS(parse_npy(npy("1,1,1,1,1,1,1,1,1", std::string(4, '\0'))), IoError);  // a ninth dimension
}

TEST_CASE("TFSA-2020-013: file names and tensor names full of conversion marks are names like any other") {
  const Folder folder;
  const std::string nasty = "%s%n%x {} {0!r} %";
  const Tensor x({1.0f, 2.0f});
  data::save_npy(folder / nasty, x);
  CHECK(identical(data::load_npy(folder / nasty), x));
  data::save_idx(folder / nasty, Tensor(std::vector<uint8_t>{1, 2}, {2}));
  CHECK(data::load_idx(folder / nasty).size() == 2);
  data::save_npz(folder / nasty, {{nasty, x}});
  CHECK(identical(data::load_npz(folder / nasty).at(nasty), x));
  data::save_safetensors(folder / nasty, {{nasty, x}}, {{nasty, nasty}});
  CHECK(data::load_safetensors(folder / nasty).metadata.at(nasty) == nasty);
  CHECK(contains(message<IoError>([&] { data::load_npy(folder / ("missing " + nasty)); }), nasty));
  CHECK(contains(message<IoError>([&] { data::load_npy(folder / nasty); }), nasty));  // safetensors, not npy
}

}  // namespace
}  // namespace gradus::test
