#include "apps/common/text_chart.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>

#include "apps/common/html.h"
#include "autograd/base/error.h"
#include "nn/progress.h"

namespace gradus::apps {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Range {
  double low = kInfinity, high = -kInfinity;
  void cover(double v) { low = std::min(low, v), high = std::max(high, v); }
  bool empty() const { return low > high; }
  /// 0 at low, 1 at high.
  double position(double v) const {
    const double half = high / 2 - low / 2;  // the whole may be more than there is
    return half > 0 ? std::clamp((v / 2 - low / 2) / half, 0.0, 1.0) : 0.5;
  }
};

/// Columns that a terminal gives to `text`: one per character, which holds for the names of metrics and runs.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}
std::string padded(std::string_view text, size_t columns) {
  return std::string(columns - std::min(columns, columns_of(text)), ' ') + std::string(text);
}
/// One line, without what could steer a terminal.
std::string plain(std::string_view text) {
  std::string out = html::valid_utf8(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) c = ' ';
  return out;
}

/// Cells of 2 by 4 dots (Braille), or of one character each.
class Canvas {
 public:
  Canvas(size_t columns, size_t rows, bool unicode)
      : columns_(columns), unicode_(unicode), across_(unicode ? 2 : 1), down_(unicode ? 4 : 1), cells_(columns * rows) {}

  size_t width() const { return columns_ * across_; }
  size_t height() const { return cells_.size() / columns_ * down_; }

  /// From the bottom left.
  void dot(size_t x, size_t y, size_t series) {
    constexpr uint8_t kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    const size_t from_top = height() - 1 - y;
    Cell& cell = cells_[from_top / down_ * columns_ + x / across_];
    cell.dots |= kBits[from_top % down_][x % across_];
    cell.series = series;
  }
  void line(double x0, double y0, double x1, double y1, size_t series) {
    const double steps = std::ceil(std::max({std::abs(x1 - x0), std::abs(y1 - y0), 1.0}));
    for (double t = 0; t <= steps; ++t)
      dot(static_cast<size_t>(std::lround(std::lerp(x0, x1, t / steps))),
          static_cast<size_t>(std::lround(std::lerp(y0, y1, t / steps))), series);
  }
  template <class Paint>
  std::string row(size_t r, const Paint& paint) const {
    std::string out;
    for (size_t c = 0; c < columns_; ++c) {
      const Cell& cell = cells_[r * columns_ + c];
      if (cell.dots == 0) out += ' ';
      else if (unicode_) out += paint(braille(cell.dots), cell.series);
      else out += paint(std::string(1, static_cast<char>('a' + cell.series % 26)), cell.series);
    }
    return out;
  }

 private:
  struct Cell {
    uint8_t dots = 0;
    size_t series = 0;
  };
  static std::string braille(uint8_t dots) {  // U+2800 + dots
    return {'\xE2', static_cast<char>(0xA0 | dots >> 6), static_cast<char>(0x80 | (dots & 0x3F))};
  }

  size_t columns_;
  bool unicode_;
  size_t across_, down_;
  std::vector<Cell> cells_;
};

}  // namespace

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (const char* value = std::getenv(name); value && *value) {
      std::string locale = value;
      std::transform(locale.begin(), locale.end(), locale.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
      return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    }
  return false;
}

TextStyle style_of(const std::ostream& out) {
  TextStyle style;
  if (!nn::Progress::is_terminal(out)) return style;
  winsize size{};
  if (ioctl(&out == &std::cout ? STDOUT_FILENO : STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    style.width = std::min<int>(size.ws_col, 120);
  const char* no_color = std::getenv("NO_COLOR");
  style.colors = !no_color || !*no_color;
  return style;
}

std::vector<double> round_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(count - 1, 1);
  if (!(rough > 1e-300) || !std::isfinite(rough)) return {low};
  const double unit = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * unit;
  for (const double factor : {5.0, 2.0, 1.0})
    if (factor * unit >= rough * 0.999) step = factor * unit;
  std::vector<double> ticks;
  const double first = std::floor(low / step + 1e-9) * step;
  for (int i = 0; i <= 2 * count && (i == 0 || ticks.back() < high - step * 1e-9); ++i) ticks.push_back(first + i * step);
  std::erase_if(ticks, [](double tick) { return !std::isfinite(tick); });  // at the ends of what there is
  return ticks;
}

void draw_lines(std::ostream& out, std::string_view title, const std::vector<Series>& series, const Axes& axes,
                const TextStyle& style) {
  const auto height_of = [&](double y) { return axes.log_y ? (y > 0 ? std::log10(y) : kInfinity) : y; };
  Range xs, ys;
  for (const Series& s : series)
    for (size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i)
      if (std::isfinite(s.x[i]) && std::isfinite(height_of(s.y[i]))) xs.cover(s.x[i]), ys.cover(height_of(s.y[i]));
  out << plain(title) << "\n";
  if (xs.empty()) {
    out << "  (no values to draw)\n";
    return;
  }

  // The scale: round numbers, or the powers of ten there are in a logarithmic one.
  std::vector<double> ticks = round_ticks(ys.low, ys.high, 5);
  if (axes.log_y) std::erase_if(ticks, [](double tick) { return tick != std::round(tick); });
  for (const double tick : ticks) ys.cover(tick);
  const auto tick_text = [&](double tick) { return html::number(axes.log_y ? std::pow(10, tick) : tick); };
  size_t margin = 4;
  for (const double tick : ticks) margin = std::max(margin, columns_of(tick_text(tick)));

  const auto rows = static_cast<size_t>(std::max(style.height, 4));
  const size_t names = 2 * std::min<size_t>(series.size(), 4);  // columns for the letters
  const size_t taken = margin + 2 + names, total = static_cast<size_t>(std::max(style.width, 40));
  Canvas canvas(total > taken + 10 ? total - taken : 10, rows, style.unicode);
  const double right = static_cast<double>(canvas.width() - 1), top = static_cast<double>(canvas.height() - 1);

  const auto paint = [&](std::string mark, size_t k) {
    constexpr int kColors[] = {33, 208, 36, 170, 178, 75, 160, 245};
    return style.colors ? text("\x1b[38;5;", kColors[k % std::size(kColors)], "m", mark, "\x1b[0m") : mark;
  };
  std::vector<std::string> ends(rows);  // the letters behind each row
  for (size_t k = 0; k < series.size(); ++k) {
    const Series& s = series[k];
    double last_x = kInfinity, last_y = kInfinity, end = kInfinity;
    for (size_t i = 0; i < std::min(s.x.size(), s.y.size()); ++i) {
      const bool gap = !std::isfinite(s.x[i]) || !std::isfinite(height_of(s.y[i]));
      const double x = gap ? kInfinity : xs.position(s.x[i]) * right, y = gap ? kInfinity : ys.position(height_of(s.y[i])) * top;
      const bool joined = !s.dots && last_x != kInfinity;
      if (!gap) canvas.line(joined ? last_x : x, joined ? last_y : y, x, y, k), end = y;
      last_x = x, last_y = y;
    }
    if (end == kInfinity) continue;
    const auto row = rows - 1 - std::min(rows - 1, static_cast<size_t>(end / (top + 1) * static_cast<double>(rows)));
    ends[row] += ' ' + paint(std::string(1, static_cast<char>('a' + k % 26)), k);
  }

  std::vector<std::string> labels(rows);
  for (const double tick : ticks)
    labels[rows - 1 - static_cast<size_t>(std::lround(ys.position(tick) * static_cast<double>(rows - 1)))] = tick_text(tick);
  for (size_t r = 0; r < rows; ++r) {
    const std::string_view bar = style.unicode ? (labels[r].empty() ? "│" : "┤") : "|";
    std::string row = canvas.row(r, paint) + ends[r];
    row.resize(row.find_last_not_of(' ') + 1);
    out << padded(labels[r], margin) << ' ' << bar << row << "\n";
  }
  const size_t columns = static_cast<size_t>(right + 1) / (style.unicode ? 2 : 1);
  out << std::string(margin + 1, ' ') << (style.unicode ? "└" : "+");
  for (size_t c = 0; c < columns; ++c) out << (style.unicode ? "─" : "-");
  const std::string first = html::number(xs.low), last = html::number(xs.high);
  out << "\n" << std::string(margin + 2, ' ') << first;
  if (xs.high > xs.low) out << padded(last, columns - columns_of(first));
  out << (axes.x.empty() ? "" : "  ") << plain(axes.x) << "\n";
  size_t column = 0;
  for (size_t k = 0; k < series.size(); ++k) {
    const std::string name = plain(series[k].name);
    const size_t needed = 2 + columns_of(name);
    const bool first_of_line = column == 0 || column + 3 + needed > total;
    if (first_of_line) out << (column == 0 ? "" : "\n") << std::string(margin + 2, ' '), column = margin + 2;
    else out << "   ", column += 3;
    out << paint(std::string(1, static_cast<char>('a' + k % 26)), k) << " " << name;
    column += needed;
  }
  out << "\n";
}

}  // namespace gradus::apps
