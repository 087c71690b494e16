#include "data/npy.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/data/files.h"

namespace gradus::test {
namespace {

// A .npy file of version 1.0 around a header and data.
std::string npy(const std::string& header, const std::string& data) {
  return raw("\x93NUMPY\x01\0") + little(header.size(), 2) + header + data;
}
std::string refusal(const std::string& bytes) {
  return message<IoError>([&] { parse_npy(bytes); });
}

TEST_CASE("npy: files written by NumPy") {
  // numpy 1.24: array([[1.5, -2, 3]], '<f4')
  const Tensor a = parse_npy(raw("\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }") +
                             std::string(58, ' ') + raw("\n\0\0\xc0?\0\0\0\xc0\0\0@@"));
  CHECK((a.shape() == Shape{1, 3}));
  CHECK(a.dtype() == DType::float32);
  CHECK(a.to_vector<float>() == std::vector<float>{1.5f, -2, 3});

  // asfortranarray([[1, 2, 3], [4, 5, 6]], '>f8'): columns, most significant byte first
  const Tensor b =
      parse_npy(raw("\x93NUMPY\x01\0v\0{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }") + std::string(59, ' ') +
                raw("\n?\xf0\0\0\0\0\0\0@\x10\0\0\0\0\0\0@\0\0\0\0\0\0\0@\x14\0\0\0\0\0\0@\x08\0\0\0\0\0\0@\x18\0\0\0\0\0\0"));
  CHECK((b.shape() == Shape{2, 3}));
  CHECK(b.dtype() == DType::float64);
  CHECK(b.is_contiguous());
  CHECK(b.to_vector<double>() == std::vector<double>{1, 2, 3, 4, 5, 6});

  // array([7, -8], '<i4') as version 2.0; array(-3, '<i8') as version 3.0
  const Tensor c = parse_npy(raw("\x93NUMPY\x02\0t\0\0\0{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }") +
                             std::string(58, ' ') + raw("\n\x07\0\0\0\xf8\xff\xff\xff"));
  CHECK(c.to_vector<int>() == std::vector<int>{7, -8});
  const Tensor d = parse_npy(raw("\x93NUMPY\x03\0t\0\0\0{'descr': '<i8', 'fortran_order': False, 'shape': (), }") +
                             std::string(60, ' ') + raw("\n\xfd\xff\xff\xff\xff\xff\xff\xff"));
  CHECK((d.shape() == Shape{}));
  CHECK(d.item<int64_t>() == -3);
}

TEST_CASE("npy: the header is read in any order and spacing") {
  const std::string data(8, '\0');
  for (const std::string header :
       {"{'shape':(2,),'fortran_order':False,'descr':'<f4'}", "{\"descr\": \"<f4\", 'fortran_order': False, 'shape': (2L,), }\n",
        "  { 'fortran_order' : False , 'shape' : ( 2 , ) , 'descr' : '<f4' , }  \n"}) {
    INFO(header);
    CHECK((parse_npy(npy(header, data)).shape() == Shape{2}));
  }
  CHECK((parse_npy(npy("{'descr': '=f4', 'fortran_order': False, 'shape': (2, 1)}", data)).shape() == Shape{2, 1}));
  CHECK((parse_npy(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (0, 3)}", "")).shape() == Shape{0, 3}));
  CHECK(parse_npy(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", raw("\0\1"))).dtype() == DType::boolean);
}

TEST_CASE("npy: malformed headers are refused") {
  const std::string f4(4, '\0');
  auto header_error = [&](const std::string& header) { return refusal(npy(header, f4)); };
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x"), "expected the end of the header"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False}"), "expected descr, fortran_order and shape"));
  CHECK(contains(header_error("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"), "once each"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}"), "once each"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}"), "True or False"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1)}"), "a tuple"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}"), "a dimension"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1"), "got its end"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}"), "below 2^63"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807,)}"), "overflows"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}"), "overflows"));
  CHECK(contains(header_error("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1)}"), "too many dimensions"));
  CHECK(contains(header_error("{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}"), "malformed header"));
  CHECK(contains(header_error("{'descr': '<f\\4', 'fortran_order': False, 'shape': (1,)}"), "plain string"));
  CHECK(contains(header_error("{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}"), "',' or '}'"));
  CHECK(contains(header_error("__import__('os').system('true')"), "malformed header"));

  CHECK(contains(refusal("\x93NUMPZ\1\1........"), "not a .npy file"));
  CHECK(contains(refusal(raw("\x93NUMPY\x04\0") + std::string(20, ' ')), "unknown version; got 4.0"));
  CHECK(contains(refusal(raw("\x93NUMPY\x01\1") + std::string(20, ' ')), "unknown version; got 1.1"));
  CHECK(contains(refusal(raw("\x93NUMPY\x02\0\xff\xff\xff\xff")), "header too long; got 4294967295 bytes"));
  CHECK(contains(refusal(raw("\x93NUMPY\x01\0\xff\x00")), "the header is cut short"));
}

TEST_CASE("npy: dtypes without a counterpart are refused, pickles above all") {
  auto descr_error = [](const std::string& descr) {
    return refusal(npy("{'descr': " + descr + ", 'fortran_order': False, 'shape': (1,)}", std::string(16, '\0')));
  };
  CHECK(contains(descr_error("'|O'"), "pickle"));
  CHECK(contains(descr_error("[('a', '<f4')]"), "structured dtype"));
  for (const std::string descr :
       {"'<u4'", "'<i2'", "'|i1'", "'<c8'", "'<f16'", "'<U3'", "'|S3'", "'<M8[ns]'", "'|V2'", "''", "'f4'", "'|f4'"}) {
    INFO(descr);
    CHECK(contains(descr_error(descr), "unsupported dtype"));
  }
  CHECK(
      contains(refusal(npy("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}", raw("\1\2"))), "got byte 2 at element 1"));
}

TEST_CASE("npy: data must fit the shape exactly") {
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}";
  CHECK(contains(refusal(npy(header, std::string(11, '\0'))), "got at most 11 bytes, expected 12"));
  CHECK(contains(refusal(npy(header, std::string(13, '\0'))), "data after the end"));
  CHECK(contains(refusal(npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000)}", "")),
                 "expected 8000000000000"));
}

TEST_CASE("npy: written files are what NumPy writes, and read back in every dtype") {
  const Folder folder;
  data::save_npy(folder / "a.npy", Tensor({{1.5f, -2.f, 3.f}}));
  CHECK(read_file(folder / "a.npy") == raw("\x93NUMPY\x01\0v\0{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }") +
                                           std::string(58, ' ') + raw("\n\0\0\xc0?\0\0\0\xc0\0\0@@"));

  for (const Shape& shape : {Shape{}, Shape{3}, Shape{0}, Shape{2, 0, 3}, Shape{4, 5}, Shape{1, 2, 1, 2, 1, 2, 1, 2}})
    for (size_t i = 0; i < kDTypes.size(); ++i) {
      const auto dtype = static_cast<DType>(i);
      if (dtype == DType::bfloat16) continue;
      const Tensor x = detail::empty("test", shape, dtype);
      for (int64_t k = 0; k < x.size() * size_of(dtype); ++k)
        x.impl().data[k] = static_cast<std::byte>(dtype == DType::boolean ? k % 2 : 37 * k);
      data::save_npy(folder / "b.npy", x);
      CHECK(identical(data::load_npy(folder / "b.npy"), x));
      CHECK(read_file(folder / "b.npy").size() % 64 == static_cast<size_t>(x.size() * size_of(dtype)) % 64);  // data are aligned
    }
  data::save_npy(folder / "c.npy", Tensor({{1, 2}, {3, 4}}).transpose());
  CHECK(data::load_npy(folder / "c.npy").to_vector<int>() == std::vector<int>{1, 3, 2, 4});
}

TEST_CASE("npy: bfloat16 is refused with a hint, and nothing is written") {
  const Folder folder;
  const std::string error =
      message<DTypeError>([&] { data::save_npy(folder / "a.npy", detail::empty("test", {2}, DType::bfloat16)); });
  CHECK(contains(error, "got bfloat16"));
  CHECK(contains(error, "save_safetensors"));
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace gradus::test
