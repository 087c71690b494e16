// Progress: Keras' progress line, redrawn in place on a terminal, one plain line per epoch elsewhere.
//
//   Epoch 1/5
//   12/469 ━─────────────────── 3s 7ms/step - accuracy: 0.9123 - loss: 0.3021
//
// Owns nothing but counters; one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include "nn/logs.h"

namespace gradus::nn {

class Progress {
 public:
  enum class Style : uint8_t { silent, lines, redraw };
  using Clock = std::function<double()>;  // seconds, from any origin

  /// What `verbose` (0 silent, 1 progress, 2 lines) means for a stream that is a terminal or not. ValueError for another number.
  static Style style_of(int verbose, bool terminal);
  static bool is_terminal(const std::ostream& out);
  static double steady_seconds();

  Progress(std::ostream& out, Style style, Clock clock = steady_seconds);

  /// Starts a pass over `steps` batches, named `title` ("Epoch 1/5"; may be empty), of which `done` were done before.
  void begin(std::string_view title, int64_t steps, int64_t done = 0);
  /// Another batch is done. True when the line should be redrawn, which is at most every 50 ms; then call draw().
  bool step();
  void draw(const Logs& logs);
  /// The pass is over.
  void end(const Logs& logs);
  /// Ends a line that was begun, after an error for example.
  void abandon();

 private:
  std::string line(const Logs& logs, double now, bool last) const;

  std::ostream& out_;
  Style style_;
  Clock clock_;
  std::string title_;
  int64_t steps_ = 0, done_ = 0, before_ = 0;
  double start_ = 0, after_first_ = 0, drawn_ = 0;
  size_t width_ = 0;  // characters of the line on the screen
};

/// "1:02:03", "1:02" or "12s".
std::string format_duration(double seconds);
/// "2s", "7ms" or "310us".
std::string format_step_time(double seconds);
/// "0.9123", or "1.2000e-04" up to 1e-3.
std::string format_value(double value);

}  // namespace gradus::nn
