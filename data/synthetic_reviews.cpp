// Made-up reviews of films.
#include <array>
#include <span>

#include "autograd/kernels/random.h"
#include "data/synthetic.h"
#include "data/synthetic_draw.h"

namespace gradus::data::synthetic {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 40> kGood{
    "wonderful", "moving",    "brilliant", "charming",  "funny",      "gripping", "clever",  "superb",
    "touching",  "beautiful", "great",     "excellent", "delightful", "fresh",    "warm",    "honest",
    "elegant",   "thrilling", "memorable", "lovely",    "witty",      "stunning", "rich",    "powerful",
    "inventive", "tender",    "hilarious", "graceful",  "masterful",  "lively",   "bold",    "enchanting",
    "sharp",     "splendid",  "haunting",  "inspiring", "remarkable", "fine",     "radiant", "joyful"};
constexpr std::array<std::string_view, 40> kBad{
    "boring",    "dull",   "awful",       "clumsy", "weak",    "terrible",  "predictable", "shallow",  "lazy",    "annoying",
    "flat",      "stupid", "tedious",     "hollow", "messy",   "dreadful",  "lifeless",    "silly",    "empty",   "painful",
    "confused",  "bland",  "overlong",    "forced", "cheap",   "pointless", "wooden",      "tiresome", "crude",   "pathetic",
    "laughable", "stale",  "pretentious", "noisy",  "muddled", "ugly",      "mediocre",    "sloppy",   "joyless", "dire"};
constexpr std::array<std::string_view, 20> kThings{"plot",  "acting",   "music",   "ending",   "script",  "camera",    "story",
                                                   "pace",  "dialogue", "cast",    "director", "humour",  "editing",   "lighting",
                                                   "score", "hero",     "villain", "set",      "romance", "first half"};
constexpr std::array<std::string_view, 8> kOpinions{"the # is *.",         "i found the # *.",        "what a * #!",
                                                    "a * #, i must say.",  "the # felt * to me.",     "its # seemed rather *.",
                                                    "the # was simply *.", "everybody calls the # *."};
constexpr std::array<std::string_view, 8> kRemarks{
    "~ plays the lead.",       "it was shot in ~.",      "we saw it in ~ with friends.", "~ wrote it after a novel.",
    "the part of ~ is short.", "there is a cameo by ~.", "~ and ~ meet on a train.",     "it takes place in ~."};
constexpr std::array<std::string_view, 16> kSyllables{"ba", "ron", "ti", "mar", "lo", "ve",  "sa", "kin",
                                                      "du", "pel", "or", "na",  "zi", "fen", "ca", "mo"};

// Numbers of one review.
class Draws {
 public:
  Draws(uint64_t seed, uint64_t review)
      : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)},
        counter_{0, 1, static_cast<uint32_t>(review), static_cast<uint32_t>(review >> 32)} {}
  size_t below(size_t n) {
    if (used_ == 4) block_ = kernels::philox(counter_, key_), ++counter_[0], used_ = 0;
    return static_cast<size_t>(uint64_t{block_[used_++]} * n >> 32);
  }
  bool chance(size_t in_hundred) { return below(100) < in_hundred; }
  std::string_view one_of(Words words) { return words[below(words.size())]; }

 private:
  std::array<uint32_t, 2> key_;
  std::array<uint32_t, 4> counter_, block_{};
  size_t used_ = 4;
};

std::string name(Draws& draws) {
  std::string out;
  for (int i = 0; i < 3; ++i) out += draws.one_of(kSyllables);
  out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

// A sentence with its gaps filled: # a thing, * an opinion, ~ a name.
void append(std::string& review, std::string_view sentence, bool liked, Draws& draws) {
  if (!review.empty()) review += ' ';
  for (const char c : sentence) {
    if (c == '#') review += draws.one_of(kThings);
    else if (c == '~') review += name(draws);
    else if (c == '*') {
      const bool negated = draws.chance(10);
      if (negated) review += "not ";
      review += draws.one_of(liked != negated ? Words(kGood) : Words(kBad));
    } else review += c;
  }
}

}  // namespace

Reviews movie_reviews(int64_t n, uint64_t seed) {
  check_count("movie_reviews", n);
  Reviews out;
  std::vector<float> labels;
  for (int64_t i = 0; i < n; ++i) {
    Draws draws(seed, static_cast<uint64_t>(i));
    const bool liked = draws.chance(50);
    std::string review;
    for (size_t k = 0, opinions = 4 + draws.below(4); k < opinions; ++k) {
      append(review, draws.one_of(kOpinions), draws.chance(80) == liked, draws);
      if (draws.chance(50)) append(review, draws.one_of(kRemarks), liked, draws);
    }
    out.texts.push_back(std::move(review));
    labels.push_back(liked ? 1.0f : 0.0f);
  }
  out.labels = Tensor(labels, {n, 1});
  return out;
}

}  // namespace gradus::data::synthetic
