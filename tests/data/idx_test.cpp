#include "data/idx.h"

#include <doctest/doctest.h>

#include "tests/data/files.h"

namespace gradus::test {
namespace {

// Two rows of three bytes, written by hand from the format's description.
const std::string kBytes = raw("\0\0\x08\x02\0\0\0\x02\0\0\0\x03") + "abcdef";

TEST_CASE("idx: every element type, from bytes written by hand") {
  const Tensor bytes = parse_idx(kBytes);
  CHECK((bytes.shape() == Shape{2, 3}));
  CHECK(bytes.dtype() == DType::uint8);
  CHECK(bytes.to_vector<int>() == std::vector<int>{97, 98, 99, 100, 101, 102});

  const Tensor ints = parse_idx(raw("\0\0\x0c\x01\0\0\0\x02\0\0\x01\x02\xff\xff\xff\xfe"));
  CHECK(ints.dtype() == DType::int32);
  CHECK(ints.to_vector<int>() == std::vector<int>{258, -2});

  const Tensor floats = parse_idx(raw("\0\0\x0d\x01\0\0\0\x01\x3f\xc0\0\0"));
  CHECK(floats.dtype() == DType::float32);
  CHECK(floats.to_vector<float>() == std::vector<float>{1.5f});

  const Tensor doubles = parse_idx(raw("\0\0\x0e\x01\0\0\0\x01\xc0\x04\0\0\0\0\0\0"));
  CHECK(doubles.dtype() == DType::float64);
  CHECK(doubles.to_vector<double>() == std::vector<double>{-2.5});

  CHECK((parse_idx(raw("\0\0\x08\x02\0\0\0\0\0\0\0\x05")).shape() == Shape{0, 5}));
  CHECK((parse_idx(raw("\0\0\x08\0*")).shape() == Shape{}));
}

TEST_CASE("idx: written files have the described bytes and read back, plain and compressed") {
  const Folder folder;
  data::save_idx(folder / "a", Tensor(std::vector<uint8_t>{97, 98, 99, 100, 101, 102}, {2, 3}));
  CHECK(read_file(folder / "a") == kBytes);

  std::vector<int32_t> many(50000);
  for (size_t i = 0; i < many.size(); ++i) many[i] = static_cast<int32_t>(i * i);
  for (const std::string name : {"b", "b.gz"}) {
    data::save_idx(folder / name, Tensor(many, {100, 500}));
    const Tensor back = data::load_idx(folder / name);
    CHECK((back.shape() == Shape{100, 500}));
    CHECK(back.to_vector<int32_t>() == many);
  }
  CHECK(read_file(folder / "b").size() == 12 + 4 * many.size());
  CHECK(read_file(folder / "b.gz").substr(0, 2) == "\x1f\x8b");

  // Not contiguous: a transposed view is written in its own order.
  data::save_idx(folder / "c", Tensor({{1.f, 2.f}, {3.f, 4.f}}).transpose());
  CHECK(data::load_idx(folder / "c").to_vector<float>() == std::vector<float>{1, 3, 2, 4});
}

TEST_CASE("idx: gzip files of several members are one stream") {
  const Folder folder;
  data::save_idx(folder / "a.gz", Tensor(std::vector<uint8_t>{1, 2, 3}));
  const std::string gz = read_file(folder / "a.gz");
  const std::string empty_member = raw("\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0");
  CHECK(parse_idx(empty_member + gz + empty_member).to_vector<int>() == std::vector<int>{1, 2, 3});
}

TEST_CASE("idx: malformed files are refused with path and numbers") {
  const Folder folder;
  write_file(folder / "short", kBytes.substr(0, 15));
  const std::string error = message<IoError>([&] { data::load_idx(folder / "short"); });
  CHECK(contains(error, "load_idx: " + (folder / "short") + ": "));
  CHECK(contains(error, "got at most 3 bytes, expected 6"));

  auto error_of = [](const std::string& bytes) { return message<IoError>([&] { parse_idx(bytes); }); };
  CHECK(contains(error_of(kBytes + "g"), "data after the end"));
  CHECK(contains(error_of(""), "header is cut short; got 0 bytes, expected 4"));
  CHECK(contains(error_of("\x89PNG"), "not an IDX file"));
  CHECK(contains(error_of(raw("\0\0\x09\x01\0\0\0\x01a")), "unsupported element type; got code 9"));
  CHECK(contains(error_of(raw("\0\0\x0b\x01\0\0\0\x01..")), "unsupported element type; got code 11"));
  CHECK(contains(error_of(raw("\0\0\x08\x09") + std::string(36, '\1') + "a"), "too many dimensions; got 9, expected at most 8"));
  CHECK(contains(error_of(raw("\0\0\x08\x08") + std::string(32, '\xff')), "overflows"));
  CHECK(contains(error_of(raw("\0\0\x0e\x02\xff\xff\xff\xff\x40\0\0\0")), "overflows"));

  CHECK(contains(message<IoError>([&] { data::load_idx(folder / "nothing"); }), "No such file"));
  CHECK(contains(message<IoError>([&] { data::load_idx(folder / "."); }), "a folder"));
}

TEST_CASE("idx: damaged gzip data are refused, and a small file cannot ask for much memory") {
  const Folder folder;
  data::save_idx(folder / "a.gz", Tensor(std::vector<uint8_t>(1000, 7)));
  const std::string gz = read_file(folder / "a.gz");
  auto error_of = [](const std::string& bytes) { return message<IoError>([&] { parse_idx(bytes); }); };

  std::string wrong_crc = gz, wrong_length = gz;
  wrong_crc[gz.size() - 8] ^= 1;
  wrong_length[gz.size() - 4] ^= 1;
  CHECK(contains(error_of(wrong_crc), "incorrect data check"));
  CHECK(contains(error_of(wrong_length), "incorrect length check"));
  CHECK(contains(error_of(gz.substr(0, gz.size() - 1)), "cut short"));
  CHECK(contains(error_of(gz + "x"), "cut short"));
  CHECK(contains(error_of(gz + "no gzip"), "incorrect header check"));

  // A bomb: a megabyte of zeros behind a header that promises four bytes. It is not unpacked further than that.
  const std::string header = raw("\0\0\x08\x01\0\0\0\x04");
  const std::string bomb = header + std::string(1 << 20, '\0');
  const auto packed = data::io::deflate_bytes({"test", "memory"}, std::as_bytes(std::span(bomb)), data::io::Compression::gzip);
  CHECK(contains(error_of(std::string(reinterpret_cast<const char*>(packed.data()), packed.size())), "data after the end"));
  // And one that promises 2^40 bytes, from which deflate could not make them.
  const std::string promise = raw("\0\0\x08\x02\0\x10\0\0\0\x10\0\0") + std::string(64, '\0');
  const auto little_data =
      data::io::deflate_bytes({"test", "memory"}, std::as_bytes(std::span(promise)), data::io::Compression::gzip);
  CHECK(contains(error_of(std::string(reinterpret_cast<const char*>(little_data.data()), little_data.size())),
                 "expected 1099511627776 for shape [1048576, 1048576] of uint8"));
}

TEST_CASE("idx: what cannot be written is refused") {
  const Folder folder;
  CHECK(contains(message<DTypeError>([&] { data::save_idx(folder / "a", Tensor(std::vector<int64_t>{1})); }), "got int64"));
  CHECK_THROWS_AS(data::save_idx(folder / "a", Tensor(1.0f)), ShapeError);
  CHECK_THROWS_AS(data::save_idx(folder / "no/such/folder", Tensor({1.0f})), IoError);
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace gradus::test
