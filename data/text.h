// Text as numbers: words, vocabularies, padded sequences, multi-hot vectors.
//
//   const std::vector<data::Tokens> words = data::tokenize(reviews);
//   const data::Vocabulary vocabulary(words, {.max_tokens = 10000});
//   Tensor x = data::multi_hot(vocabulary.encode(words), vocabulary.size());
//
// Strings are UTF-8. Values; const access from several threads is safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::data {

using Tokens = std::vector<std::string>;
using Sequence = std::vector<int32_t>;

/// A file as text, plain or gzip, without a byte order mark. IoError, with line and offset, for what is not UTF-8.
std::string load_text(const std::string& path);

struct TokenizeOptions {
  bool lower = true;              // A to Z become small
  bool keep_punctuation = false;  // ASCII punctuation: left out ("don't" gives "dont"), or a token of its own
};

/// The words of a text: what stands between white space. The default is Keras' "lower_and_strip_punctuation". ValueError for text
/// that is not UTF-8.
Tokens tokenize(std::string_view text, const TokenizeOptions& options = {});
std::vector<Tokens> tokenize(const std::vector<std::string>& texts, const TokenizeOptions& options = {});
/// The characters of a text, one token each. ValueError for text that is not UTF-8.
Tokens characters(std::string_view text);

struct VocabularyOptions {
  int64_t max_tokens = 0;         // the most frequent ones, the special ones included; 0: all
  int64_t min_count = 1;          // tokens that occur less often are left out
  std::string pad = "";           // index 0
  std::string unknown = "[UNK]";  // index 1: whatever is not in the vocabulary
};

/// Tokens and their numbers: 0 is padding, 1 is unknown, then the most frequent first, equally frequent ones in alphabetical
/// order. This is the numbering of Keras' TextVectorization.
class Vocabulary {
 public:
  /// From the tokens that occur. ValueError for max_tokens of 1 or 2, or below 0.
  explicit Vocabulary(const std::vector<Tokens>& documents, const VocabularyOptions& options = {});
  /// Exactly these, numbered from 0, without padding or an unknown one: the characters of a text, say. ValueError for one that
  /// repeats.
  explicit Vocabulary(const Tokens& tokens);
  /// The different characters of a text, sorted.
  static Vocabulary of_characters(std::string_view text);

  int64_t size() const { return static_cast<int64_t>(tokens_.size()); }
  const Tokens& tokens() const { return tokens_; }
  /// ValueError for an unknown token where the vocabulary has no number for those.
  int32_t index(std::string_view token) const;
  /// ValueError for an index out of range.
  const std::string& token(int64_t index) const;

  Sequence encode(const Tokens& tokens) const;
  std::vector<Sequence> encode(const std::vector<Tokens>& documents) const;
  /// The tokens joined by `separator`; padding is left out.
  std::string decode(const Sequence& sequence, std::string_view separator = " ") const;

 private:
  void number();

  Tokens tokens_;
  std::map<std::string, int32_t, std::less<>> numbers_;
  bool special_ = false;  // whether 0 and 1 are padding and unknown
};

/// 1 where a number occurs, 0 elsewhere: float32 [sequences, size]. ValueError for a number outside 0 .. size-1.
Tensor multi_hot(const std::vector<Sequence>& sequences, int64_t size);

/// Where padding goes and what is cut off.
enum class End : uint8_t { pre, post };

struct PadOptions {
  int64_t length = 0;  // 0: that of the longest
  End padding = End::pre, truncating = End::pre;
  int32_t value = 0;
};

/// Sequences of one length: int32 [sequences, length]. Keras' pad_sequences with its defaults. ValueError for a negative length.
Tensor pad_sequences(const std::vector<Sequence>& sequences, const PadOptions& options = {});

}  // namespace gradus::data
