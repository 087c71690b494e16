#include "apps/common/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <ostream>

#include "apps/common/graph_figure.h"
#include "apps/common/html.h"
#include "apps/common/page.h"
#include "apps/common/plane_image.h"
#include "apps/common/png.h"
#include "data/file.h"

namespace gradus::apps {
namespace {

using html::escape, html::number, html::Row;

constexpr size_t kMostRows = 100;  // of a table of points

/// A series as it is drawn: which colour, and whether dashed.
struct Line {
  Series series;
  size_t color = 0;
  bool dashed = false;
};

std::vector<Line> each_its_color(const std::vector<Series>& series) {
  std::vector<Line> out;
  for (const Series& s : series) out.push_back({s, out.size(), false});
  return out;
}

void check_lengths(std::string_view op, std::string_view what, size_t got, size_t expected) {
  if (got != expected) fail<ShapeError>(op, "lengths differ; got ", got, " ", what, ", expected ", expected);
}
void check(std::string_view op, const std::vector<Series>& series) {
  for (const Series& s : series) check_lengths(op, text("y of series '", s.name, "'"), s.y.size(), s.x.size());
}

/// Seven digits, more than a chart shows; null for what is not finite.
Json numbers(const std::vector<double>& values) {
  Json out = Json::array();
  char digits[32];
  for (const double v : values) {
    snprintf(digits, sizeof digits, "%.7g", v);
    out.push_back(std::isfinite(v) ? Json(std::strtod(digits, nullptr)) : Json());
  }
  return out;
}

Json series_data(const std::vector<Line>& lines) {
  Json out = Json::array();
  for (const auto& [series, color, dashed] : lines)
    out.push_back({{"name", series.name},
                   {"x", numbers(series.x)},
                   {"y", numbers(series.y)},
                   {"color", color},
                   {"dashed", dashed},
                   {"dots", series.dots}});
  return out;
}

Json axes_data(const Axes& axes) { return {{"x", axes.x}, {"y", axes.y}, {"log", axes.log_y}}; }

/// Which of n rows a table shows.
std::vector<size_t> shown_rows(size_t n) {
  const size_t step = (n + kMostRows - 1) / std::max<size_t>(kMostRows, 1);
  std::vector<size_t> out;
  for (size_t i = 0; i < n; i += std::max<size_t>(step, 1)) out.push_back(i);
  if (n > 0 && out.back() != n - 1) out.push_back(n - 1);
  return out;
}

std::string values_table(const std::vector<Line>& lines, const Axes& axes) {
  const auto or_else = [](const std::string& label, const char* other) { return label.empty() ? std::string(other) : label; };
  Row columns = {or_else(axes.x, "x")};
  std::vector<Row> rows;
  size_t all = 0;
  const bool shared =
      std::all_of(lines.begin(), lines.end(), [&](const Line& line) { return line.series.x == lines[0].series.x; });
  if (shared && !lines.empty()) {
    for (const Line& line : lines) columns.push_back(or_else(line.series.name, "y"));
    all = lines[0].series.x.size();
    for (const size_t i : shown_rows(all)) {
      rows.push_back({number(lines[0].series.x[i])});
      for (const Line& line : lines) rows.back().push_back(number(line.series.y[i]));
    }
  } else {
    columns = {"Series", columns[0], or_else(axes.y, "y")};
    for (const Line& line : lines) {
      all += line.series.x.size();
      for (const size_t i : shown_rows(line.series.x.size()))
        rows.push_back({line.series.name, number(line.series.x[i]), number(line.series.y[i])});
    }
  }
  std::string out = html::table(columns, rows);
  if (rows.size() < all) out += text("<p>", rows.size(), " of ", all, " rows.</p>");
  return out;
}

/// In words, for those who do not see the chart.
std::string description(std::string_view kind, const std::vector<Line>& lines, const Axes& axes) {
  std::string out = text(kind, axes.y.empty() ? "" : " of " + axes.y, axes.x.empty() ? "" : " over " + axes.x);
  for (const Line& line : lines) {
    std::vector<double> finite;
    std::copy_if(line.series.y.begin(), line.series.y.end(), std::back_inserter(finite),
                 [](double v) { return std::isfinite(v); });
    out += text("; ", line.series.name, ": ", line.series.y.size(), " points");
    if (finite.empty()) continue;
    const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
    out += text(", first ", number(finite.front()), ", last ", number(finite.back()), ", lowest ", number(*low), ", highest ",
                number(*high));
  }
  return out;
}

constexpr std::string_view kValidation = "val_";

/// `value` in each of the runs, in training and validation. The runs differ in colour, or the two parts of a single run do.
std::vector<Line> lines_of(const std::vector<std::pair<std::string, nn::History>>& runs, const std::string& value) {
  const std::string names[] = {value, text(kValidation, value)}, parts[] = {"training", "validation"};
  const bool validated = std::any_of(runs.begin(), runs.end(), [&](const auto& run) { return run.second.contains(names[1]); });
  std::vector<Line> lines;
  for (size_t k = 0; k < runs.size(); ++k) {
    const auto& [run, history] = runs[k];
    for (const size_t part : {0u, 1u}) {
      if (!history.contains(names[part])) continue;
      Series series{run, {}, history[names[part]]};
      if (run.empty()) series.name = parts[part];
      else if (validated) series.name += ", " + parts[part];
      for (const int64_t epoch : history.epochs()) series.x.push_back(static_cast<double>(epoch + 1));
      series.x.resize(series.y.size());
      lines.push_back({std::move(series), runs.size() > 1 ? k : part, part == 1});
    }
  }
  return lines;
}

std::string percent(double part, double whole) {
  if (whole <= 0) return "–";
  return text(std::round(1000 * part / whole) / 10, " %");
}

}  // namespace

struct Report::State {
  struct Drawn {
    std::string title;
    std::vector<Series> series;
    Axes axes;
  };
  Page page;
  std::vector<Drawn> drawn = {};  // for print()

  std::string chart(std::string_view kind, std::string_view caption, const std::vector<Line>& lines, const Axes& axes) {
    const Axes drawn = {axes.x, axes.y == caption ? "" : axes.y, axes.log_y};  // the caption says it already
    const Json data = {{"kind", kind}, {"axes", axes_data(drawn)}, {"series", series_data(lines)}};
    const std::string words = description(kind == "lines" ? "Line chart" : "Scatter chart", lines, axes);
    return page.figure(caption, words, data, values_table(lines, axes));
  }

  std::string bars(const std::vector<std::string>& names, const std::vector<double>& values, const Axes& axes) {
    std::string words = "Bar chart";
    std::vector<Row> rows;
    for (size_t i = 0; i < names.size(); ++i) {
      rows.push_back({names[i], number(values[i])});
      if (i < 12) words += text(i ? ", " : ": ", names[i], " ", number(values[i]));
    }
    const Json data = {{"kind", "bars"}, {"axes", axes_data(axes)}, {"names", names}, {"values", numbers(values)}};
    return page.figure("", words, data, html::table({axes.x.empty() ? "Name" : axes.x, axes.y.empty() ? "Value" : axes.y}, rows));
  }

  std::string plane(std::string_view caption, const Plane& plane) {
    check("Report::plane", plane.points);
    check("Report::plane", plane.paths);
    const PlaneImage image = image_of(plane);
    std::vector<Line> lines;
    for (const Series& s : plane.points) lines.push_back({s, lines.size(), false});
    Json points = series_data(lines);
    std::vector<Line> paths = each_its_color(plane.paths);
    const Json data = {{"kind", "plane"},
                       {"axes", axes_data(plane.axes)},
                       {"box", {plane.x_low, plane.x_high, plane.y_low, plane.y_high}},
                       {"sides", plane.middle.has_value()},
                       {"images", {{"light", data_uri(image.light)}, {"dark", data_uri(image.dark)}}},
                       {"points", points},
                       {"paths", series_data(paths)}};
    lines.insert(lines.end(), paths.begin(), paths.end());
    const std::string words = text("Values from ", number(image.low), " to ", number(image.high), " as colours; ",
                                   description("over them points and paths", lines, plane.axes));
    std::string out = page.figure(caption, words, data, lines.empty() ? "" : values_table(lines, plane.axes));
    // 2e-8 of a scale that goes to 1 is 0.
    const double digit =
        plane.log_values || !(image.high > image.low) ? 0 : std::pow(10, std::floor(std::log10(image.high - image.low)) - 2);
    const auto end = [&](double v) { return number(digit > 0 ? std::round(v / digit) * digit : v); };
    const std::string scale =
        text("<div class=\"scale\"><span>", end(image.low), "</span><i style=\"--light:", image.light_gradient,
             ";--dark:", image.dark_gradient, "\"></i><span>", end(image.high), "</span>",
             plane.log_values ? "<small>logarithmic</small>" : "", "</div>");
    const size_t at = out.find("</div>") + 6;  // behind the drawing
    return out.insert(at, scale);
  }
};

Report::Report(std::string title, std::string summary) : state_(std::make_unique<State>(State{Page(title, summary)})) {}
Report::~Report() = default;

void Report::fact(std::string_view name, std::string_view value) { state_->page.fact(name, value); }
void Report::fact(std::string_view name, double value) { fact(name, number(value)); }

void Report::paragraph(std::string_view heading, std::string_view text) { state_->page.section(heading, text, ""); }

void Report::table(std::string_view heading, std::string_view text, const std::vector<std::string>& columns,
                   const std::vector<std::vector<std::string>>& rows) {
  state_->page.section(heading, text, "<div class=\"card\">" + html::table(columns, rows) + "</div>");
}

void Report::lines(std::string_view heading, std::string_view text, const std::vector<Series>& series, const Axes& axes) {
  check("Report::lines", series);
  state_->page.section(heading, text, state_->chart("lines", "", each_its_color(series), axes));
  state_->drawn.push_back({std::string(heading), series, axes});
}

void Report::scatter(std::string_view heading, std::string_view text, const std::vector<Series>& series, const Axes& axes) {
  check("Report::scatter", series);
  state_->page.section(heading, text, state_->chart("scatter", "", each_its_color(series), axes));
}

void Report::bars(std::string_view heading, std::string_view text, const std::vector<std::string>& names,
                  const std::vector<double>& values, const Axes& axes) {
  check_lengths("Report::bars", "values", values.size(), names.size());
  state_->page.section(heading, text, state_->bars(names, values, axes));
}

void Report::curves(const nn::History& history) { curves({{"", history}}); }

void Report::curves(const std::vector<std::pair<std::string, nn::History>>& runs) {
  std::vector<std::string> values;  // without "val_", the loss first
  for (const auto& [run, history] : runs)
    for (const auto& [name, unused] : history.history()) {
      const std::string base = name.substr(name.starts_with(kValidation) ? kValidation.size() : 0);
      if (std::find(values.begin(), values.end(), base) == values.end()) values.push_back(base);
    }
  std::stable_partition(values.begin(), values.end(), [](const std::string& name) { return name == "loss"; });

  std::string charts;
  bool validated = false;
  for (const std::string& value : values) {
    const std::vector<Line> lines = lines_of(runs, value);
    validated = validated || std::any_of(lines.begin(), lines.end(), [](const Line& line) { return line.dashed; });
    const Axes axes{.x = "epoch", .y = value};
    charts += state_->chart("lines", value, lines, axes);
    std::vector<Series> plain;
    for (const Line& line : lines) plain.push_back(line.series);
    state_->drawn.push_back({value, plain, axes});
  }
  std::string words =
      "The value of each measure after every epoch. Training values are means over the epoch, taken while the weights still "
      "move.";
  if (validated) words += " Where validation turns away from training, the network overfits.";
  state_->page.section("Learning curves", words, "<div class=\"grid\">" + charts + "</div>");
}

void Report::epoch_times(const std::vector<double>& seconds) {
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::vector<std::string> names;
  for (size_t i = 0; i < seconds.size(); ++i) names.push_back(text(i + 1));
  const std::string words = seconds.empty()
                                ? "No epoch was completed."
                                : text(seconds.size(), seconds.size() == 1 ? " epoch" : " epochs", " in ", number(total), " s, ",
                                       number(total / static_cast<double>(seconds.size())), " s each.");
  state_->page.section("Time per epoch", words, state_->bars(names, seconds, {.x = "epoch", .y = "seconds"}));
}

void Report::confusion(const Tensor& counts, const std::vector<std::string>& classes) {
  constexpr std::string_view kOp = "Report::confusion";
  if (counts.ndim() != 2 || counts.shape()[0] != counts.shape()[1])
    fail<ShapeError>(kOp, "not a confusion matrix; got shape ", counts.shape(), ", expected [classes, classes]");
  const auto n = static_cast<size_t>(counts.shape()[0]);
  if (!classes.empty()) check_lengths(kOp, "class names", classes.size(), n);
  const auto name = [&](size_t k) { return escape(classes.empty() ? text(k) : classes[k]); };
  const std::vector<double> values = counts.to_vector<double>();

  std::string out =
      "<div class=\"card\"><div class=\"scroll\" tabindex=\"0\"><table class=\"confusion\"><thead><tr><th scope=\"col\">true ↓ "
      "predicted →</th>";
  for (size_t j = 0; j < n; ++j) out += text("<th scope=\"col\">", name(j), "</th>");
  out += "<th scope=\"col\" class=\"recall\">recall</th></tr></thead><tbody>\n";
  double right = 0, all = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto row = values.begin() + static_cast<std::ptrdiff_t>(i * n);
    const double sum = std::accumulate(row, row + static_cast<std::ptrdiff_t>(n), 0.0);
    out += text("<tr><th scope=\"row\">", name(i), "</th>");
    for (size_t j = 0; j < n; ++j) {
      const double count = values[i * n + j], share = sum > 0 ? count / sum : 0;
      // Mistakes are few: the root makes them visible.
      const double strength = i == j ? share : std::min(1.0, 2 * std::sqrt(share));
      const std::string_view kind = count == 0 ? "none" : i == j ? "right" : "wrong";
      out += text("<td class=\"", kind, strength > 0.55 ? " strong" : "", "\" style=\"--s:", std::round(strength * 100) / 100,
                  "\">", number(count), "</td>");
    }
    out += text("<td class=\"recall\">", percent(values[i * n + i], sum), "</td></tr>\n");
    right += values[i * n + i], all += sum;
  }
  state_->page.section(
      "Confusion matrix",
      text(number(right), " of ", number(all), " right (", percent(right, all),
           "). Each row is a true class, each column what was predicted; recall is the share of a class that was found."),
      out + "</tbody></table></div></div>");
}

void Report::pictures(std::string_view heading, std::string_view text_, const std::vector<Picture>& pictures) {
  std::string out = "<div class=\"pictures\">\n";
  for (const Picture& picture : pictures) {
    const Image image = image_of("Report::pictures", picture.pixels);
    const std::string caption = escape(picture.caption);
    out +=
        text("<figure><img src=\"", data_uri(image), "\" width=\"", image.width, "\" height=\"", image.height, "\" alt=\"",
             caption, "\"", image.width < 100 ? " class=\"pixels\"" : "", "><figcaption>", caption, "</figcaption></figure>\n");
  }
  state_->page.section(heading, text_, out + "</div>");
}

void Report::plane(std::string_view heading, std::string_view text, const Plane& plane) {
  state_->page.section(heading, text, "<div class=\"single\">" + state_->plane("", plane) + "</div>");
}

void Report::planes(std::string_view heading, std::string_view text, const std::vector<std::pair<std::string, Plane>>& planes) {
  std::string out = "<div class=\"grid\">";
  for (const auto& [name, plane] : planes) out += state_->plane(name, plane);
  state_->page.section(heading, text, out + "</div>");
}

void Report::graph(std::string_view heading, std::string_view text_, const Tensor& target) {
  const GraphFigure graph = graph_figure(target);
  const std::string words = text(text_, text_.empty() ? "" : " ", graph.description, ". Constants are left out.");
  state_->page.section(heading, words, state_->page.figure("", words, graph.drawing, graph.table));
}

std::string Report::html(bool charts) const { return state_->page.html(charts); }

void Report::write(const std::string& path) const {
  data::io::AtomicFile file({"Report", path});
  file.write(html());
  file.commit();
}

void Report::print(std::ostream& out, const TextStyle& style) const {
  for (const auto& [title, series, axes] : state_->drawn) {
    draw_lines(out, title, series, axes, style);
    out << "\n";
  }
}

}  // namespace gradus::apps
