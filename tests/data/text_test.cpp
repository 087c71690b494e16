#include "data/text.h"

#include <doctest/doctest.h>

#include "data/utf8.h"
#include "tests/data/files.h"

namespace gradus::test {
namespace {

using data::End;
using data::Sequence;
using data::Tokens;
using data::Vocabulary;

TEST_CASE("utf-8: what RFC 3629 allows, and nothing else") {
  // The edges of each length, one by one.
  for (const std::string good : {"", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                                 "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(data::io::utf8_error(good) == good.size());
  for (const std::string bad :
       {"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2g", "\xe0\x9f\xbf", "\xe0\xa0", "\xed\xa0\x80", "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf", "\xf0\x90\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xe2\x28\xa1"}) {
    CHECK(data::io::utf8_error(bad) == 0);
    CHECK(data::io::utf8_error("é" + bad) == 2);
  }
}

TEST_CASE("text: files, with line and offset of what is not UTF-8") {
  const Folder folder;
  write_file(folder / "a.txt", "\xef\xbb\xbfGrüße\n");
  CHECK(data::load_text(folder / "a.txt") == "Grüße\n");
  write_file(folder / "b.txt", "one\ntwo\xfcthree");
  CHECK(contains(message<IoError>([&] { data::load_text(folder / "b.txt"); }),
                 "b.txt: line 2: not UTF-8; got byte 252 at offset 7, expected UTF-8"));
  CHECK_THROWS_AS(data::load_text(folder / "c.txt"), IoError);
}

TEST_CASE("tokenize: as Keras' lower_and_strip_punctuation, or with punctuation") {
  CHECK(data::tokenize("Don't  STOP,\tplease!\nOK?") == Tokens{"dont", "stop", "please", "ok"});
  CHECK(data::tokenize("Don't stop.", {.keep_punctuation = true}) == Tokens{"don", "'", "t", "stop", "."});
  CHECK(data::tokenize("A b", {.lower = false}) == Tokens{"A", "b"});
  CHECK(data::tokenize("Über  naïve—x") == Tokens{"Über", "naïve—x"});  // only ASCII is changed
  CHECK(data::tokenize("").empty());
  CHECK(data::tokenize(" .,; ").empty());
  CHECK(data::tokenize(std::vector<std::string>{"a b", "c"}) == std::vector<Tokens>{{"a", "b"}, {"c"}});
  CHECK(data::characters("aé日") == Tokens{"a", "é", "日"});
  CHECK_THROWS_AS(data::tokenize("\xff"), ValueError);
  CHECK(contains(message<ValueError>([] { data::characters("ab\xc3"); }), "got byte 195 at offset 2"));
}

TEST_CASE("vocabulary: the most frequent first, unknown words are 1, padding is 0") {
  const std::vector<Tokens> documents{{"b", "a", "c", "a"}, {"b", "a", "d"}};
  const Vocabulary all(documents);
  CHECK(all.tokens() == Tokens{"", "[UNK]", "a", "b", "c", "d"});
  CHECK(all.encode(Tokens{"a", "z", "d"}) == Sequence{2, 1, 5});
  CHECK(all.encode(documents) == std::vector<Sequence>{{3, 2, 4, 2}, {3, 2, 5}});
  CHECK(all.decode({0, 0, 2, 1, 3}) == "a [UNK] b");
  CHECK(Vocabulary(documents, {.max_tokens = 4}).tokens() == Tokens{"", "[UNK]", "a", "b"});
  CHECK(Vocabulary(documents, {.min_count = 2}).size() == 4);
  CHECK(Vocabulary(std::vector<Tokens>{}).size() == 2);
  CHECK(Vocabulary(std::vector<Tokens>{{"[UNK]", "x"}}).tokens() == Tokens{"", "[UNK]", "x"});
  CHECK_THROWS_AS(Vocabulary(documents, {.max_tokens = 2}), ValueError);
  CHECK_THROWS_AS(all.token(6), ValueError);
  CHECK_THROWS_AS(all.token(-1), ValueError);
}

TEST_CASE("vocabulary: characters, there and back") {
  const std::string text = "to be, or not to bé";
  const Vocabulary letters = Vocabulary::of_characters(text);
  CHECK(letters.tokens() == Tokens{" ", ",", "b", "e", "n", "o", "r", "t", "é"});
  CHECK(letters.decode(letters.encode(data::characters(text)), "") == text);
  CHECK(contains(message<ValueError>([&] { letters.index("x"); }), "unknown token; got \"x\", expected one of 9"));
  CHECK_THROWS_AS(Vocabulary(Tokens{"a", "a"}), ValueError);
  const Vocabulary copy = letters;  // outlives what it was copied from
  CHECK(copy.index("é") == 8);
}

TEST_CASE("multi-hot and padding") {
  const Tensor hot = data::multi_hot({{1, 3, 1}, {}}, 4);
  CHECK((hot.shape() == Shape{2, 4}));
  CHECK(hot.dtype() == DType::float32);
  CHECK(hot.to_vector<int>() == std::vector<int>{0, 1, 0, 1, 0, 0, 0, 0});
  CHECK((data::multi_hot({}, 4).shape() == Shape{0, 4}));
  CHECK(contains(message<ValueError>([] { data::multi_hot({{0}, {1, 4}}, 4); }), "got 4 in sequence 1"));
  CHECK_THROWS_AS(data::multi_hot({{-1}}, 4), ValueError);
  CHECK_THROWS_AS(data::multi_hot({}, -1), ValueError);

  // The example of Keras' documentation.
  const std::vector<Sequence> sequences{{1}, {2, 3}, {4, 5, 6}};
  using data::pad_sequences;
  CHECK(pad_sequences(sequences).to_vector<int>() == std::vector<int>{0, 0, 1, 0, 2, 3, 4, 5, 6});
  CHECK(pad_sequences(sequences, {.value = -1}).to_vector<int>() == std::vector<int>{-1, -1, 1, -1, 2, 3, 4, 5, 6});
  CHECK(pad_sequences(sequences, {.padding = End::post}).to_vector<int>() == std::vector<int>{1, 0, 0, 2, 3, 0, 4, 5, 6});
  CHECK(pad_sequences(sequences, {.length = 2}).to_vector<int>() == std::vector<int>{0, 1, 2, 3, 5, 6});
  CHECK(pad_sequences(sequences, {.length = 2, .truncating = End::post}).to_vector<int>() == std::vector<int>{0, 1, 2, 3, 4, 5});
  CHECK((pad_sequences({}).shape() == Shape{0, 0}));
  CHECK((pad_sequences({{}, {}}).shape() == Shape{2, 0}));
  CHECK_THROWS_AS(pad_sequences({}, {.length = -1}), ValueError);
}

}  // namespace
}  // namespace gradus::test
