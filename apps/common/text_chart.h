// Line charts drawn with characters, for people without a browser.
//
//   loss
//   0.3 |.
//       | ':..
//   0.1 |     ''''... a
//       +------------
//        1          5  epoch
//   a training
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::apps {

/// Points (x[i], y[i]). Values that are not finite are gaps.
struct Series {
  std::string name;
  std::vector<double> x, y;
  bool dots = false;  // in a chart of lines: not joined
};

struct Axes {
  std::string x = {}, y = {};  // labels
  bool log_y = false;          // values that are not positive are gaps
};

/// True when the user's locale (LC_ALL, LC_CTYPE, LANG) is a UTF-8 one.
bool locale_is_utf8();

struct TextStyle {
  int width = 80;  // characters; at least 40
  int height = 12;
  bool unicode = locale_is_utf8();  // Braille dots; otherwise ASCII
  bool colors = false;              // ANSI
};

/// Terminal: its width, and colours unless $NO_COLOR is set. Anything else: 80 characters, no colours.
TextStyle style_of(const std::ostream& out);

/// Lines through the points, axes with numbers, a letter at the end of each line and the letters' meanings below. Says so when
/// there is nothing to draw.
void draw_lines(std::ostream& out, std::string_view title, const std::vector<Series>& series, const Axes& axes,
                const TextStyle& style);

/// Round numbers that cover [low, high], about `count` of them, ascending.
std::vector<double> round_ticks(double low, double high, int count);

}  // namespace gradus::apps
