// Report: what a program shows of its run, as one web page that needs nothing else.
//
// Sections appear in the order in which they were added. write() makes the page: charts, tables and texts, readable on phones, in
// the dark and by screen readers, without a network. print() draws the charts that are lines with characters. Any text may hold
// any bytes; it is shown as it is. A report copies what it is given. One thread at a time.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/common/text_chart.h"
#include "autograd/tensor.h"
#include "nn/logs.h"

namespace gradus::apps {

/// A picture with a line under it. pixels: [rows, columns] grey or [rows, columns, 3] red, green, blue; floating in [0, 1] or
/// uint8.
struct Picture {
  Tensor pixels;
  std::string caption;
};

/// A function of two variables as colours, with points and paths over it.
struct Plane {
  double x_low = 0, x_high = 1, y_low = 0, y_high = 1;
  Tensor values = {};               // [rows, columns], row 0 at y_low, column 0 at x_low
  std::vector<Series> points = {};  // drawn as dots, one colour per series
  std::vector<Series> paths = {};   // drawn as lines with a dot at the end
  Axes axes = {};
  bool log_values = false;  // colours by the logarithm
  /// Set for a decision boundary (0.5 for probabilities): two colours, those of the first two series of points, and a line
  /// where they meet.
  std::optional<double> middle = {};
};

class Report {
 public:
  /// `summary` says in a sentence or two what the program did.
  Report(std::string title, std::string summary);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  /// A key result, shown large at the top of the page: fact("Test accuracy", "98.1 %"). Numbers get four digits.
  void fact(std::string_view name, std::string_view value);
  void fact(std::string_view name, double value);

  // Each of the following adds a section. `text` says what can be seen; it is also what screen readers read. Lists of different
  // lengths that belong together (x and y, names and values) are a ShapeError.

  void paragraph(std::string_view heading, std::string_view text);
  void table(std::string_view heading, std::string_view text, const std::vector<std::string>& columns,
             const std::vector<std::vector<std::string>>& rows);
  void lines(std::string_view heading, std::string_view text, const std::vector<Series>& series, const Axes& axes = {});
  /// Dots instead of lines.
  void scatter(std::string_view heading, std::string_view text, const std::vector<Series>& series, const Axes& axes = {});
  void bars(std::string_view heading, std::string_view text, const std::vector<std::string>& names,
            const std::vector<double>& values, const Axes& axes = {});
  /// The loss and each metric over the epochs, training and validation in one chart.
  void curves(const nn::History& history);
  /// Several runs: one chart per value, one line per run and part.
  void curves(const std::vector<std::pair<std::string, nn::History>>& runs);
  /// Seconds of each epoch.
  void epoch_times(const std::vector<double>& seconds);
  /// counts: [classes, classes], rows the true class. Empty `classes`: numbers.
  void confusion(const Tensor& counts, const std::vector<std::string>& classes = {});
  void pictures(std::string_view heading, std::string_view text, const std::vector<Picture>& pictures);
  void plane(std::string_view heading, std::string_view text, const Plane& plane);
  /// Several side by side.
  void planes(std::string_view heading, std::string_view text, const std::vector<std::pair<std::string, Plane>>& planes);
  /// What this thread's tape recorded up to `target`; of many operations those nearest to it. TapeError if no tape holds it.
  void graph(std::string_view heading, std::string_view text, const Tensor& target);

  /// The page; without charts as programs write it that were built without npm.
  std::string html(bool charts = true) const;
  /// Writes the page, at once or not at all. IoError when it cannot be written.
  void write(const std::string& path) const;
  /// The line charts as text.
  void print(std::ostream& out, int width = 80) const { print(out, TextStyle{.width = width}); }
  void print(std::ostream& out, const TextStyle& style) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::apps
