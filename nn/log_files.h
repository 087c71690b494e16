// Callbacks that write the values of each epoch to a file, a line at a time: CSVLogger and JsonLinesLogger.
//
// A run that goes on from a checkpoint goes on with the file, too: lines of epochs that will be trained again are cut off. One
// run at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "nn/callback.h"

namespace gradus::nn {

namespace detail {

/// A text file to which whole lines are added; each is on its way to the disk when add() returns.
class LineFile {
 public:
  LineFile(std::string_view op, std::string path, bool append) : op_(op), path_(std::move(path)), append_(append) {}

  /// IoError when it cannot be written. Changes nothing.
  void begin();
  /// Begins the file unless there were lines, or it is appended to. True when the file was empty before.
  bool add(std::string_view line);
  /// Bytes so far; -1: nothing was written.
  int64_t position() const { return position_; }
  /// Goes on after this many bytes. IoError for a file that has fewer.
  void resume(int64_t position);

 private:
  std::string_view op_;  // a literal
  std::string path_;
  bool append_;
  int64_t position_ = -1;
};

}  // namespace detail

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  // to what is there already, without a second header
};

/// Columns "epoch" (from 0) and the logs of the first epoch by name; if there are no val_ columns among them they are added, for
/// values that come later, and hold NA until then. Lines end in CR LF (RFC 4180), as Keras' do.
class CSVLogger : public Callback {
 public:
  using Options = CSVLoggerOptions;
  explicit CSVLogger(std::string filename, Options options = {});

  void on_train_begin(Run& run) override;
  void on_epoch_end(Run& run) override;

  std::string_view type() const override { return "csv_logger"; }
  State state() const override;
  void load_state(const State& state, Run& run) override;

 private:
  std::string separator_;
  detail::LineFile file_;
  std::vector<std::string> columns_;
};

struct JsonLinesLoggerOptions {
  bool append = false;
};

/// One object per line: {"epoch": 1, "accuracy": 0.9, "loss": 0.3}, epochs from 1; null for what is not finite.
class JsonLinesLogger : public Callback {
 public:
  using Options = JsonLinesLoggerOptions;
  explicit JsonLinesLogger(std::string filename, Options options = {})
      : file_("JsonLinesLogger", std::move(filename), options.append) {}

  void on_train_begin(Run& run) override;
  void on_epoch_end(Run& run) override;

  std::string_view type() const override { return "json_lines_logger"; }
  State state() const override;
  void load_state(const State& state, Run& run) override;

 private:
  detail::LineFile file_;
};

}  // namespace gradus::nn
