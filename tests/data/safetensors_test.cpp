#include "data/safetensors.h"

#include <doctest/doctest.h>

#include "tests/data/files.h"

namespace gradus::test {
namespace {

std::string file(const std::string& header, const std::string& data) { return little(header.size(), 8) + header + data; }
std::string refusal(const std::string& header, const std::string& data = "") {
  return message<IoError>([&] { parse_safetensors(file(header, data)); });
}

TEST_CASE("safetensors: a file written by hand") {
  const auto [tensors, metadata] = parse_safetensors(file(
      R"({"__metadata__":{"format":"pt","epoch":"3"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[2,10]},)"
      R"( "a" : {"shape":[],"data_offsets":[0,2],"dtype":"BF16"},"none":{"dtype":"I64","shape":[0,7],"data_offsets":[10,10]}}  )",
      raw("\x80\x3f\0\0\xc0\x3f\0\0\0\xc0")));
  REQUIRE(tensors.size() == 3);
  CHECK((tensors.at("b").shape() == Shape{1, 2}));
  CHECK(tensors.at("b").to_vector<float>() == std::vector<float>{1.5f, -2});
  CHECK((tensors.at("a").shape() == Shape{}));
  CHECK(tensors.at("a").dtype() == DType::bfloat16);
  CHECK(tensors.at("a").item<float>() == 1);
  CHECK((tensors.at("none").shape() == Shape{0, 7}));
  CHECK(metadata == std::map<std::string, std::string>{{"epoch", "3"}, {"format", "pt"}});
  CHECK(parse_safetensors(file("{}", "")).tensors.empty());
}

TEST_CASE("safetensors: every dtype by its name") {
  const std::vector<std::pair<std::string, DType>> names{
      {"BOOL", DType::boolean}, {"U8", DType::uint8},      {"I32", DType::int32},   {"I64", DType::int64},
      {"F16", DType::float16},  {"BF16", DType::bfloat16}, {"F32", DType::float32}, {"F64", DType::float64}};
  REQUIRE(names.size() == kDTypes.size());
  for (const auto& [name, dtype] : names) {
    const auto n = static_cast<size_t>(size_of(dtype));
    const auto x = parse_safetensors(file(
        R"({"x":{"dtype":")" + name + R"(","shape":[1],"data_offsets":[0,)" + std::to_string(n) + "]}}", std::string(n, '\0')));
    CHECK(x.tensors.at("x").dtype() == dtype);
  }
  for (const std::string name : {"I8", "U16", "I16", "U32", "U64", "F8_E4M3", "F8_E5M2", "F4", "C64", "f32", ""})
    CHECK(contains(refusal(R"({"x":{"dtype":")" + name + R"(","shape":[1],"data_offsets":[0,1]}})", "."), "unsupported dtype"));
}

TEST_CASE("safetensors: written files have the described bytes and read back") {
  const Folder folder;
  data::save_safetensors(
      folder / "a", {{"b", Tensor(std::vector<uint8_t>{1, 2, 3})}, {"a", Tensor(std::vector<uint8_t>{9})}, {"w", Tensor({1.5f})}},
      {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
      R"("a":{"dtype":"U8","shape":[1],"data_offsets":[4,5]},"b":{"dtype":"U8","shape":[3],"data_offsets":[5,8]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  CHECK(read_file(folder / "a") == little(padded.size(), 8) + padded + raw("\0\0\xc0\x3f\x09\1\2\3"));

  std::map<std::string, Tensor> tensors{
      {"scalar", Tensor(2.5)}, {"empty", Tensor(std::vector<float>{})}, {"Grüße \"\n", Tensor({1, 2})}};
  for (size_t i = 0; i < kDTypes.size(); ++i) {
    const Tensor x = detail::empty("test", {3, 5}, static_cast<DType>(i));
    for (int64_t k = 0; k < x.size() * size_of(x.dtype()); ++k)
      x.impl().data[k] = static_cast<std::byte>(x.dtype() == DType::boolean ? k % 2 : 41 * k);
    tensors.emplace("layer." + std::string(info(x.dtype()).name), x);
  }
  const std::map<std::string, std::string> metadata{{"note", "ü"}, {"", ""}};
  data::save_safetensors(folder / "b", tensors, metadata);
  const data::SafeTensors back = data::load_safetensors(folder / "b");
  CHECK(back.metadata == metadata);
  REQUIRE(back.tensors.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) CHECK(identical(back.tensors.at(name), tensor));
  data::save_safetensors(folder / "c", {{"t", Tensor({{1, 2}, {3, 4}}).transpose()}});
  CHECK(data::load_safetensors(folder / "c").tensors.at("t").to_vector<int>() == std::vector<int>{1, 3, 2, 4});
}

TEST_CASE("safetensors: the length of the header") {
  auto error_of = [](const std::string& bytes) { return message<IoError>([&] { parse_safetensors(bytes); }); };
  CHECK(contains(error_of("1234567"), "header is cut short; got 7 bytes, expected 8"));
  CHECK(contains(error_of(little(100'000'001, 8) + "{}"), "header too long; got 100000001 bytes"));
  CHECK(contains(error_of(std::string(8, '\xff')), "header too long; got 18446744073709551615"));
  CHECK(contains(error_of(little(3, 8) + "{}"), "header is cut short; got 2 bytes, expected 3"));
  CHECK(contains(error_of(little(0, 8)), "expected '{'"));
  CHECK(contains(refusal(" {}"), "expected '{'"));
}

TEST_CASE("safetensors: overlaps, holes and sizes that do not fit") {
  auto two = [](const std::string& first, const std::string& second, size_t bytes) {
    return refusal(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + first +
                       R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + second + "}}",
                   std::string(bytes, 'x'));
  };
  CHECK(two("[0,2]", "[2,4]", 4) == "nothing thrown");
  CHECK(two("[2,4]", "[0,2]", 4) == "nothing thrown");
  CHECK(contains(two("[0,2]", "[0,2]", 2), "tensors overlap"));
  CHECK(contains(two("[0,2]", "[1,3]", 3), "tensors overlap; got b at byte 1, expected 2"));
  CHECK(contains(two("[0,2]", "[3,5]", 5), "a hole between tensors; got b at byte 3, expected 2"));
  CHECK(contains(two("[1,3]", "[3,5]", 5), "a hole"));
  CHECK(contains(two("[0,2]", "[2,4]", 5), "data after the last tensor; got 5 bytes, expected 4"));
  CHECK(contains(two("[0,2]", "[2,4]", 3), "data are cut short; got 3 bytes, expected 4"));
  CHECK(contains(two("[0,2]", "[2,5]", 5), "expected 2 bytes for shape [2] of uint8"));
  CHECK(contains(two("[0,2]", "[4,2]", 4), "size and shape differ"));
  CHECK(contains(two("[0,2]", "[2,9223372036854775808]", 4), "number too large"));
  CHECK(contains(two("[0,2]", "[2]", 4), "malformed data_offsets; got 1"));
  CHECK(contains(two("[0,2]", "[2,4,6]", 4), "malformed data_offsets"));
  CHECK(contains(refusal("{}", "x"), "data after the last tensor"));

  auto shape = [](const std::string& dims) {
    return refusal(R"({"a":{"dtype":"F64","shape":)" + dims + R"(,"data_offsets":[0,8]}})", std::string(8, '\0'));
  };
  CHECK(shape("[1]") == "nothing thrown");
  CHECK(contains(shape("[4294967296,4294967296]"), "overflows"));
  CHECK(contains(shape("[9223372036854775807]"), "overflows"));
  CHECK(contains(shape("[2305843009213693953]"), "overflows"));  // times 8 is 8 modulo 2^64
  CHECK(contains(shape("[1,1,1,1,1,1,1,1,1]"), "too many dimensions"));
  CHECK(contains(shape("[-1]"), "a negative number"));
  CHECK(contains(shape("[1.0]"), "a fraction"));
  CHECK(contains(shape("[[1]]"), "malformed header"));
  CHECK(contains(shape("1"), "malformed header"));
}

TEST_CASE("safetensors: a header that is not what the format says") {
  const std::string tensor = R"({"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  CHECK(refusal("{\"a\":" + tensor + "}", "x") == "nothing thrown");
  CHECK(contains(refusal("{\"a\":" + tensor + ",\"a\":" + tensor + "}", "x"), "a key repeats; got a"));
  CHECK(contains(refusal("{\"a\":" + tensor + ",\"\\u0061\":" + tensor + "}", "x"), "a key repeats; got a"));
  CHECK(contains(refusal(R"({"__metadata__":{},"__metadata__":{}})"), "a key repeats"));
  CHECK(contains(refusal(R"({"__metadata__":{"k":"v","k":"v"}})"), "a key repeats; got k"));
  CHECK(contains(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"),
                 "a key repeats; got dtype"));
  CHECK(contains(refusal(R"({"__metadata__":{"k":1}})"), "got a number for k, expected a string"));
  CHECK(contains(refusal(R"({"__metadata__":{"k":{"l":"v"}}})"), "malformed header"));
  CHECK(contains(refusal(R"({"__metadata__":"v"})"), "malformed header"));
  CHECK(contains(refusal(R"({"a":{"dtype":"U8","shape":[1]}})"), "got a without data_offsets"));
  CHECK(contains(refusal(R"({"a":{"shape":[1],"data_offsets":[0,1]}})", "x"), "got a without dtype"));
  CHECK(contains(refusal(R"({"a":{}})"), "incomplete tensor"));
  CHECK(contains(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1}})", "x"), "unknown field"));
  CHECK(contains(refusal(R"({"a":null})"), "malformed header; got null"));
  CHECK(contains(refusal(R"({"a":true})"), "malformed header"));
  CHECK(contains(refusal(R"({"a":[]})"), "malformed header"));
  CHECK(contains(refusal("{\"a\":" + tensor), "not valid JSON"));
  CHECK(contains(refusal("{\"a\":" + tensor + "}}", "x"), "not valid JSON"));
  CHECK(contains(refusal("{\"a\":" + tensor + "}//", "x"), "not valid JSON"));
  CHECK(contains(refusal("{\"\xff\":" + tensor + "}", "x"), "not valid JSON"));      // not UTF-8
  CHECK(contains(refusal("{\"\xc0\x80\":" + tensor + "}", "x"), "not valid JSON"));  // an overlong form
  CHECK(contains(refusal(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", raw("\1\2")), "not a boolean"));
  CHECK(refusal("{" + std::string(100000, '[')) != "nothing thrown");  // depth is no danger
  CHECK(contains(refusal("{\"a\":{\"shape\":" + std::string(100000, '[')), "malformed header"));
}

TEST_CASE("safetensors: what cannot be written is refused before anything is") {
  const Folder folder;
  CHECK_THROWS_AS(data::save_safetensors(folder / "a", {{"__metadata__", Tensor({1})}}), ValueError);
  CHECK_THROWS_AS(data::save_safetensors(folder / "a", {{"\xff", Tensor({1})}}), ValueError);
  CHECK_THROWS_AS(data::save_safetensors(folder / "a", {}, {{"k", "\xff"}}), ValueError);
  CHECK_THROWS_AS(data::save_safetensors(folder / "no/such", {{"a", Tensor({1})}}), IoError);
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace gradus::test
