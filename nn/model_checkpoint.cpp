#include "nn/model_checkpoint.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <ostream>
#include <utility>

#include "nn/checkpoint.h"
#include "nn/model.h"
#include "nn/weights.h"

namespace gradus::nn {
namespace {

constexpr std::string_view kOp = "ModelCheckpoint";

/// Python's format of a number: "" and "d" as short as it reads back.
std::string format_number(std::string_view op, double value, std::string_view format) {
  std::string_view rest = format;
  const auto digits = [&] {
    std::string out;
    while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9' && out.size() < 3) {
      out += rest.front();
      rest.remove_prefix(1);
    }
    return out;
  };
  std::string flags = digits();
  std::string precision;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    precision = digits();
  }
  char kind = 'd';
  if (!rest.empty()) {
    kind = rest.front();
    rest.remove_prefix(1);
  } else if (!precision.empty()) {
    kind = 'g';
  }
  const bool known = std::string_view("dfeg").find(kind) != std::string_view::npos;
  if (!rest.empty() || !known || (kind == 'd' && !precision.empty()))
    fail<ValueError>(op, "unknown format; got \":", format, "\", expected [0][width][.digits] and d, f, e or g");
  if (kind == 'd' && value != std::floor(value)) {
    if (!format.empty()) fail<ValueError>(op, "format of whole numbers for another; got ", value, ", expected f, e or g");
    return text(value);
  }
  const std::string pattern =
      kind == 'd' ? text("%", flags, ".0f") : text("%", flags, precision.empty() ? "" : ".", precision, std::string(1, kind));
  char buffer[1400];  // the longest width and the longest number
  return std::string(buffer, static_cast<size_t>(std::snprintf(buffer, sizeof buffer, pattern.c_str(), value)));
}

}  // namespace

std::string detail::format_path(std::string_view op, std::string_view pattern, const std::map<std::string, double>& values) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (i + 1 < pattern.size() && pattern[i + 1] == c) {
      out += c;
      ++i;
      continue;
    }
    const size_t end = pattern.find('}', i);
    if (c == '}' || end == std::string_view::npos)
      fail<ValueError>(op, "brace without its other half; got \"", pattern, "\", expected {name}, {name:format}, {{ or }}");
    const std::string_view inside = pattern.substr(i + 1, end - i - 1);
    const size_t colon = std::min(inside.find(':'), inside.size());
    const auto found = values.find(std::string(inside.substr(0, colon)));
    if (found == values.end()) {
      std::string known;
      for (const auto& [name, value] : values) known += (known.empty() ? "" : ", ") + name;
      fail<ValueError>(op, "nothing of this name for the path; got {", inside, "}, expected one of ", known);
    }
    out += format_number(op, found->second, colon < inside.size() ? inside.substr(colon + 1) : std::string_view());
    i = end;
  }
  return out;
}

ModelCheckpoint::ModelCheckpoint(std::string filepath, Options options)
    : filepath_(std::move(filepath)), options_(std::move(options)) {
  if (options_.save_freq < 0) fail<ValueError>(kOp, "negative save_freq; got ", options_.save_freq, ", expected batches or 0");
  if (options_.save_best_only) monitor_.emplace(kOp, options_.monitor, options_.mode, 0);
  best_ = options_.initial_value_threshold;
}

void ModelCheckpoint::on_train_begin(Run& run) {
  if (monitor_) detail::check_monitor(kOp, options_.monitor, run);
  std::map<std::string, double> values{{"epoch", 1}, {"batch", 1}, {"learning_rate", 0}};
  for (const std::string& name : run.names) values.emplace(name, 0);
  static_cast<void>(detail::format_path(kOp, filepath_, values));
  best_ = options_.initial_value_threshold;
  batches_ = 0;
}

void ModelCheckpoint::on_batch_end(Run& run) {
  if (options_.save_freq == 0 || ++batches_ < options_.save_freq) return;
  batches_ = 0;
  save(run, run.resumable->means(), true);
}

void ModelCheckpoint::on_epoch_end(Run& run) {
  if (options_.save_freq == 0) save(run, run.logs, false);
}

void ModelCheckpoint::save(Run& run, const Logs& logs, bool batch) {
  std::map<std::string, double> values(logs.begin(), logs.end());
  values["epoch"] = static_cast<double>(run.epoch + 1);
  values["batch"] = static_cast<double>(batch ? run.batch + 1 : run.batches);
  const std::string path = detail::format_path(kOp, filepath_, values);
  const auto say = [&](const auto&... parts) {
    if (options_.verbose) *run.output << text("Epoch ", run.epoch + 1, ": ", parts..., "\n");
  };
  if (monitor_) {
    if (!logs.contains(options_.monitor)) return;
    const double value = logs[options_.monitor];
    const auto five = [](double number) { return format_number(kOp, number, ".5f"); };
    if (!monitor_->improves(value, best_)) return say(options_.monitor, " did not improve from ", five(*best_));
    say(options_.monitor, " improved from ", best_ ? five(*best_) : "None", " to ", five(value), ", saving model to ", path);
    best_ = value;
  } else {
    say("saving model to ", path);
  }
  if (const std::filesystem::path folder = std::filesystem::path(path).parent_path(); !folder.empty()) {
    std::error_code error;  // a folder that cannot be made is reported with the file
    std::filesystem::create_directories(folder, error);
  }
  if (options_.save_weights_only) save_weights(run.model, path);
  else save_checkpoint(path, run.model, run.model.optimizer(), {{"epoch", run.epoch + 1}, {"step", run.step + (batch ? 1 : 0)}});
}

State ModelCheckpoint::state() const {
  State out{{"batches", Tensor(batches_)}};
  if (best_) out.emplace("best", Tensor(*best_));
  return out;
}

void ModelCheckpoint::load_state(const State& state, Run&) {
  batches_ = detail::entry(kOp, state, "batches").item<int64_t>();
  best_.reset();
  if (state.contains("best")) best_ = state.at("best").item<double>();
}

}  // namespace gradus::nn
