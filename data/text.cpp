#include "data/text.h"

#include <algorithm>
#include <map>
#include <set>

#include "data/file.h"
#include "data/utf8.h"

namespace gradus::data {
namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_punctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

void expect_text(std::string_view op, std::string_view text) {
  if (const size_t at = io::utf8_error(text); at < text.size())
    fail<ValueError>(op, "not UTF-8; got byte ", int{static_cast<uint8_t>(text[at])}, " at offset ", at, ", expected UTF-8");
}

}  // namespace

std::string load_text(const std::string& path) { return io::read_text(io::FileSource({"load_text", path})); }

Tokens tokenize(std::string_view text, const TokenizeOptions& options) {
  expect_text("tokenize", text);
  Tokens out;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) out.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    if (is_space(c)) {
      end_word();
    } else if (is_punctuation(c)) {
      if (!options.keep_punctuation) continue;
      end_word();
      out.emplace_back(1, c);
    } else {
      word += options.lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  end_word();
  return out;
}

std::vector<Tokens> tokenize(const std::vector<std::string>& texts, const TokenizeOptions& options) {
  std::vector<Tokens> out;
  for (const std::string& text : texts) out.push_back(tokenize(text, options));
  return out;
}

Tokens characters(std::string_view text) {
  expect_text("characters", text);
  Tokens out;
  for (size_t i = 0; i < text.size(); i += io::utf8_length(text[i])) out.emplace_back(text.substr(i, io::utf8_length(text[i])));
  return out;
}

Vocabulary::Vocabulary(const std::vector<Tokens>& documents, const VocabularyOptions& options) : special_(true) {
  if (options.max_tokens < 0 || options.max_tokens == 1 || options.max_tokens == 2)
    fail<ValueError>("Vocabulary", "max_tokens out of range; got ", options.max_tokens,
                     ", expected 0 (all) or at least 3: two are special");
  std::map<std::string, int64_t> counts;
  for (const Tokens& document : documents)
    for (const std::string& token : document) ++counts[token];
  counts.erase(options.pad), counts.erase(options.unknown);

  std::vector<std::pair<std::string, int64_t>> ranked(counts.begin(), counts.end());
  std::erase_if(ranked, [&](const auto& entry) { return entry.second < options.min_count; });
  std::ranges::stable_sort(ranked, std::greater<>(), [](const auto& entry) { return entry.second; });
  tokens_ = {options.pad, options.unknown};
  for (const auto& [token, count] : ranked) {
    if (options.max_tokens > 0 && size() >= options.max_tokens) break;
    tokens_.push_back(token);
  }
  number();
}

Vocabulary::Vocabulary(const Tokens& tokens) : tokens_(tokens) { number(); }

Vocabulary Vocabulary::of_characters(std::string_view text) {
  const Tokens all = characters(text);
  const std::set<std::string> different(all.begin(), all.end());
  return Vocabulary(Tokens(different.begin(), different.end()));
}

void Vocabulary::number() {
  for (int32_t i = 0; const std::string& token : tokens_)
    if (!numbers_.emplace(token, i++).second)
      fail<ValueError>("Vocabulary", "a token repeats; got \"", token, "\" twice, expected different tokens");
}

int32_t Vocabulary::index(std::string_view token) const {
  const auto found = numbers_.find(token);
  if (found != numbers_.end()) return found->second;
  if (!special_) fail<ValueError>("Vocabulary", "unknown token; got \"", token, "\", expected one of ", size(), " known ones");
  return 1;
}

const std::string& Vocabulary::token(int64_t index) const {
  if (index < 0 || index >= size())
    fail<ValueError>("Vocabulary", "no such token; got ", index, ", expected at least 0 and less than ", size());
  return tokens_[static_cast<size_t>(index)];
}

Sequence Vocabulary::encode(const Tokens& tokens) const {
  Sequence out;
  for (const std::string& token : tokens) out.push_back(index(token));
  return out;
}

std::vector<Sequence> Vocabulary::encode(const std::vector<Tokens>& documents) const {
  std::vector<Sequence> out;
  for (const Tokens& document : documents) out.push_back(encode(document));
  return out;
}

std::string Vocabulary::decode(const Sequence& sequence, std::string_view separator) const {
  std::string out;
  bool first = true;
  for (const int32_t i : sequence) {
    const std::string& next = token(i);
    if (special_ && i == 0) continue;
    if (!first) out += separator;
    out += next;
    first = false;
  }
  return out;
}

Tensor multi_hot(const std::vector<Sequence>& sequences, int64_t size) {
  if (size < 0) fail<ValueError>("multi_hot", "negative size; got ", size, ", expected 0 or more");
  const Tensor out = gradus::detail::empty("multi_hot", {static_cast<int64_t>(sequences.size()), size}, DType::float32);
  auto* row = out.impl().as<float>();
  std::fill_n(row, out.size(), 0.0f);
  for (int64_t at = 0; const Sequence& sequence : sequences) {
    for (const int32_t i : sequence) {
      if (i < 0 || i >= size)
        fail<ValueError>("multi_hot", "number out of range; got ", i, " in sequence ", at, ", expected at least 0 and less than ",
                         size);
      row[i] = 1;
    }
    row += size;
    ++at;
  }
  return out;
}

Tensor pad_sequences(const std::vector<Sequence>& sequences, const PadOptions& options) {
  if (options.length < 0) fail<ValueError>("pad_sequences", "negative length; got ", options.length, ", expected 0 or more");
  auto length = static_cast<size_t>(options.length);
  if (options.length == 0)
    for (const Sequence& sequence : sequences) length = std::max(length, sequence.size());
  const Shape shape{static_cast<int64_t>(sequences.size()), static_cast<int64_t>(length)};
  const Tensor out = gradus::detail::empty("pad_sequences", shape, DType::int32);
  auto* row = out.impl().as<int32_t>();
  std::fill_n(row, out.size(), options.value);
  for (const Sequence& sequence : sequences) {
    const size_t kept = std::min(length, sequence.size());
    const auto from = sequence.begin() + static_cast<std::ptrdiff_t>(options.truncating == End::pre ? sequence.size() - kept : 0);
    std::copy_n(from, kept, row + (options.padding == End::pre ? length - kept : 0));
    row += length;
  }
  return out;
}

}  // namespace gradus::data
