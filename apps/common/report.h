// Report: what a program shows of its run, as one web page that needs nothing else.
//
// Sections appear in the order in which they were added. write() makes the page: charts, tables and texts, readable on phones and
// in the dark, without a network. print() draws the charts that are lines with characters.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"
#include "nn/logs.h"

namespace gradus::apps {

/// Points (x[i], y[i]). Values that are not finite are gaps.
struct Series {
  std::string name;
  std::vector<double> x, y;
};

struct Axes {
  std::string x = {}, y = {};  // labels
  bool log_y = false;
};

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
};

class Report {
 public:
  /// `summary` says in a sentence or two what the program did.
  Report(std::string title, std::string summary);
  ~Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;

  // Each adds a section. `text` says what can be seen; it is also what screen readers read.

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
  /// What this thread's tape recorded up to `target`.
  void graph(std::string_view heading, std::string_view text, const Tensor& target);

  /// Writes the page, at once or not at all. IoError when it cannot be written.
  void write(const std::string& path) const;
  /// The line charts as text, `width` characters wide.
  void print(std::ostream& out, int width = 80) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus::apps
