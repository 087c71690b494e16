#include "nn/log_files.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "autograd/base/error.h"

namespace gradus::nn {
namespace {

/// A cell of RFC 4180.
std::string quoted(const std::string& cell, const std::string& separator) {
  if (cell.find_first_of("\"\r\n") == std::string::npos && cell.find(separator) == std::string::npos) return cell;
  std::string out = "\"";
  for (const char c : cell) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + '"';
}

int64_t position_in(std::string_view op, const State& state) { return detail::entry(op, state, "position").item<int64_t>(); }

}  // namespace

void detail::LineFile::begin() {
  position_ = -1;
  if (!std::ofstream(path_, std::ios::binary | std::ios::app))
    fail<IoError>(op_, path_, ": cannot be opened; got no file to write to, expected a name in a folder that exists");
}

bool detail::LineFile::add(std::string_view line) {
  if (position_ < 0) {
    std::error_code error;
    if (!append_) std::filesystem::resize_file(path_, 0, error);
    const auto size = std::filesystem::file_size(path_, error);
    position_ = error ? 0 : static_cast<int64_t>(size);
  }
  const bool empty = position_ == 0;
  std::ofstream out(path_, std::ios::binary | std::ios::app);
  out.write(line.data(), static_cast<std::streamsize>(line.size()));
  if (!out.flush()) fail<IoError>(op_, path_, ": cannot write; got an error after ", position_, " bytes, expected room for more");
  position_ += static_cast<int64_t>(line.size());
  return empty;
}

void detail::LineFile::resume(int64_t position) {
  if (position < 0) return;
  std::error_code error;
  const auto size = static_cast<int64_t>(std::filesystem::file_size(path_, error));
  if (error || size < position)
    fail<IoError>(op_, path_, ": not the file of this run; got ", error ? 0 : size, " bytes, expected at least ", position);
  std::filesystem::resize_file(path_, static_cast<uintmax_t>(position), error);
  if (error) fail<IoError>(op_, path_, ": cannot be cut; got ", error.message(), ", expected a writable file");
  position_ = position;
}

CSVLogger::CSVLogger(std::string filename, Options options)
    : separator_(std::move(options.separator)), file_("CSVLogger", std::move(filename), options.append) {
  if (separator_.size() != 1 || separator_ == "\"" || separator_ == "\n" || separator_ == "\r")
    fail<ValueError>("CSVLogger", "no separator; got \"", separator_, "\", expected one character such as \",\" or \";\"");
}

void CSVLogger::on_train_begin(Run&) {
  file_.begin();
  columns_.clear();
}

void CSVLogger::on_epoch_end(Run& run) {
  const auto line = [&](const std::string& first, auto cell) {
    std::string out = first;
    for (const std::string& column : columns_) out += separator_ + cell(column);
    return out + "\r\n";
  };
  const bool first = columns_.empty();
  if (first) {
    bool validates = false;
    for (const auto& [name, value] : run.logs) {
      columns_.push_back(name);
      validates = validates || name.starts_with("val_");
    }
    const size_t count = validates ? 0 : columns_.size();
    for (size_t i = 0; i < count; ++i) columns_.push_back("val_" + columns_[i]);
  }
  const std::string row = line(text(run.epoch), [&](const std::string& column) {
    return run.logs.contains(column) ? text(run.logs[column]) : std::string("NA");
  });
  const std::string header = line("epoch", [&](const std::string& column) { return quoted(column, separator_); });
  if (first) file_.add("");  // begins the file: whether it has a header shows now
  file_.add(first && file_.position() == 0 ? header + row : row);
}

State CSVLogger::state() const {
  State out{{"position", Tensor(file_.position())}};
  for (size_t i = 0; i < columns_.size(); ++i) out.emplace("column." + columns_[i], Tensor(static_cast<int64_t>(i)));
  return out;
}

void CSVLogger::load_state(const State& state, Run&) {
  std::vector<std::pair<int64_t, std::string>> columns;
  constexpr std::string_view kColumn = "column.";
  for (const auto& [name, place] : state)
    if (name.starts_with(kColumn)) columns.emplace_back(place.item<int64_t>(), name.substr(kColumn.size()));
  std::ranges::sort(columns);
  file_.resume(position_in("CSVLogger", state));
  columns_.clear();
  for (const auto& [place, name] : columns) columns_.push_back(name);
}

void JsonLinesLogger::on_train_begin(Run&) { file_.begin(); }

void JsonLinesLogger::on_epoch_end(Run& run) {
  nlohmann::ordered_json line{{"epoch", run.epoch + 1}};
  for (const auto& [name, value] : run.logs) line[name] = value;  // the library writes null for NaN and infinities
  file_.add(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

State JsonLinesLogger::state() const { return {{"position", Tensor(file_.position())}}; }

void JsonLinesLogger::load_state(const State& state, Run&) { file_.resume(position_in("JsonLinesLogger", state)); }

}  // namespace gradus::nn
