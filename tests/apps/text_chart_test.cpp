// Terminal curves, character by character.
#include "apps/common/text_chart.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <sstream>

namespace gradus::apps {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

std::string drawn(const std::vector<Series>& series, const Axes& axes = {},
                  TextStyle style = {.width = 40, .height = 5, .unicode = false}) {
  std::ostringstream out;
  draw_lines(out, "title", series, axes, style);
  return out.str();
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

/// Sets an environment variable for a while; nullptr takes it away.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before, was_ = true;
    set(value);
  }
  ~Environment() { set(was_ ? before_.c_str() : nullptr); }

 private:
  void set(const char* value) const { value ? setenv(name_, value, 1) : unsetenv(name_); }
  const char* name_;
  std::string before_;
  bool was_ = false;
};

}  // namespace

TEST_CASE("curves in ASCII: a line from corner to corner, ticks, letters") {
  CHECK(drawn({{"up", {0, 4}, {0, 4}}}, {.x = "step"}) ==
        "title\n"
        "   4 |                            aaaa a\n"
        "   3 |                    aaaaaaaa\n"
        "   2 |            aaaaaaaa\n"
        "   1 |    aaaaaaaa\n"
        "   0 |aaaa\n"
        "     +--------------------------------\n"
        "      0                              4  step\n"
        "      a up\n");
}

TEST_CASE("curves in Braille: eight dots a character") {
  // A flat line of two values at half height: the third of four rows of dots in the middle row.
  const std::string text = drawn({{"flat", {0, 1}, {1, 1}}}, {}, {.width = 40, .height = 5, .unicode = true});
  CHECK(count(text, "⠒") + count(text, "⠤") == 32);
  CHECK(count(text, "│") + count(text, "┤") == 5);
  CHECK(count(text, "─") == 32);
  CHECK(count(text, "└") == 1);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("curves: gaps are not bridged, single points are dots") {
  const std::string text = drawn({{"x", {0, 1, 2, 3, 4}, {1, 1, kNaN, 1, 1}}});
  CHECK(count(text, "a") == 9 + 9 + 2);  // two pieces of a quarter of 32 columns each, the letter at the end and in the legend
  CHECK(count(drawn({{"dot", {5}, {7}}}), "a") == 3);
  CHECK(count(drawn({{"b", {0, 1}, {0, 1}}, {"", {0.5}, {0.5}}}), " b") == 3);  // the dot of the second, its letter, its legend
}

TEST_CASE("curves: nothing finite, nothing at all") {
  for (const auto& series : {std::vector<Series>{}, {{"a", {}, {}}}, {{"a", {1, 2}, {kNaN, INFINITY}}}})
    CHECK(drawn(series) == "title\n  (no values to draw)\n");
  CHECK(drawn({{"a", {1, 2}, {0, -1}}}, {.log_y = true}) == "title\n  (no values to draw)\n");
}

TEST_CASE("curves: extreme values keep to the frame") {
  constexpr double kMax = std::numeric_limits<double>::max(), kMin = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<double>> cases = {{-kMax, kMax},     {0, kMin},   {kMax, kMax},
                                                  {1e17, 1e17 + 16}, {-0.0, 0.0}, {kMin, kMax}};
  for (const std::vector<double>& y : cases)
    for (const bool log : {false, true})
      for (const bool unicode : {false, true}) {
        const std::string text = drawn({{"s", {0, 1}, y}}, {.log_y = log}, {.width = 60, .height = 6, .unicode = unicode});
        CHECK(count(text, "\n") >= 2);
        std::istringstream lines(text);
        for (std::string line; std::getline(lines, line);) CHECK(line.size() < 60 * 3 + 20);
      }
}

TEST_CASE("curves: a logarithmic scale has equal steps for equal ratios") {
  const std::string text = drawn({{"s", {0, 1, 2}, {1, 10, 100}}}, {.log_y = true});
  CHECK(text.find(" 100 |") != std::string::npos);
  CHECK(text.find("  10 |") != std::string::npos);
  CHECK(text.find("   1 |") != std::string::npos);
}

TEST_CASE("curves: colours only when asked for, names cannot steer the terminal, long legends wrap") {
  const std::vector<Series> series = {{"evil \x1b[2J\nname\xff", {0, 1}, {0, 1}}};
  const std::string plain = drawn(series);
  CHECK(plain.find('\x1b') == std::string::npos);
  CHECK(plain.find("a evil  [2J name\uFFFD\n") != std::string::npos);
  CHECK(count(drawn(series, {}, {.width = 40, .height = 5, .unicode = false, .colors = true}), "\x1b[38;5;33ma\x1b[0m") > 33);

  std::vector<Series> many;
  for (int i = 0; i < 6; ++i) many.push_back({"a name of some length", {0, 1}, {0.0 + i, 1.0 + i}});
  std::istringstream lines(drawn(many));
  for (std::string line; std::getline(lines, line);) CHECK(line.size() <= 40);
}

TEST_CASE("the locale decides between Braille and ASCII") {
  const Environment lang("LANG", "C");
  const Environment ctype("LC_CTYPE", nullptr);
  {
    const Environment all("LC_ALL", "de_DE.UTF-8");
    CHECK(locale_is_utf8());
  }
  {
    const Environment all("LC_ALL", "");
    CHECK_FALSE(locale_is_utf8());
  }
  {
    const Environment all("LC_ALL", "POSIX");
    const Environment utf8("LANG", "C.UTF-8");
    CHECK_FALSE(locale_is_utf8());  // LC_ALL counts first
  }
  {
    const Environment all("LC_ALL", nullptr);
    const Environment utf8("LANG", "en_US.utf8");
    CHECK(locale_is_utf8());
  }
}

TEST_CASE("a stream that is no terminal gets 80 characters and no colours") {
  const std::ostringstream out;
  CHECK(style_of(out).width == 80);
  CHECK_FALSE(style_of(out).colors);
}

TEST_CASE("round ticks") {
  CHECK(round_ticks(0, 4, 5) == std::vector<double>{0, 1, 2, 3, 4});
  CHECK(round_ticks(0.3, 9.2, 5) == std::vector<double>{0, 5, 10});
  CHECK(round_ticks(-3, 3, 5) == std::vector<double>{-4, -2, 0, 2, 4});
  CHECK(round_ticks(2, 2, 5) == std::vector<double>{2});
  CHECK(round_ticks(0, INFINITY, 5) == std::vector<double>{0});
  for (const double high : {1e-9, 0.07, 1.0, 3.14, 42.0, 9.99e12}) {
    const std::vector<double> ticks = round_ticks(0, high, 5);
    CHECK(ticks.size() >= 3);
    CHECK(ticks.size() <= 7);
    CHECK(ticks.back() >= high * (1 - 1e-9));
  }
}

}  // namespace gradus::apps
