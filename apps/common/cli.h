// What the programs share: options, error reports with exit codes, Ctrl-C, JSON lines.
//
// Exit codes: 0 done, 2 wrong usage or input (the message goes to stderr), 130 stopped by Ctrl-C, 1 anything else.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "autograd/autograd.h"
#include "data/mnist.h"
#include "nn/callback.h"

namespace gradus::apps {

inline constexpr int kBadInput = 2, kInterrupted = 130;

/// Accepts whole numbers from `low` up. CLI11's own ranges print the largest double there is.
inline CLI::Validator at_least(int64_t low) {
  const auto check = [low](const std::string& word) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size() && value >= low) return std::string();
    return text("wrong value; got ", word, ", expected a whole number >= ", low);
  };
  return CLI::Validator(check, "");
}

/// Finds out now, not after minutes of training, that a file cannot be written. Does nothing for "".
inline void check_writable(std::string_view option, const std::string& file) {
  if (file.empty()) return;
  const std::filesystem::path path(file), folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::filesystem::is_directory(path) || !std::filesystem::is_directory(folder) || access(folder.c_str(), W_OK) != 0)
    fail<IoError>(option, "cannot write; got ", file, ", expected a file in a folder that exists and is writable");
}

/// Options of every program. Set other defaults before add_to().
struct Options {
  uint64_t seed = 1;
  int threads = 0;          // 0: as many as there are cores
  std::string report = {};  // where the page goes; empty: none
  bool json = false;

  void add_to(CLI::App& app) {
    app.add_option("--seed", seed, "Seed of everything that is random")->check(at_least(0))->capture_default_str();
    app.add_option("--threads", threads, "Threads (0: one per core)")->check(at_least(0));
    app.add_option("--report", report, "Write pictures of the run here, as one web page (report.html)");
    app.add_flag("--json", json, "Print results as JSON lines, and nothing else, on stdout");
  }

  /// Applies what is process-wide and checks what can be checked before work begins.
  void apply() const {
    if (threads > 0) set_num_threads(threads);
    random::seed(seed);
    check_writable("--report", report);
  }

  /// Where remarks go that are no results: stdout, or stderr when stdout carries JSON.
  std::ostream& remarks() const { return json ? std::cerr : std::cout; }
};

/// Options of every program that trains in epochs.
struct TrainOptions : Options {
  int64_t epochs = 5;
  int64_t batch_size = 128;
  int64_t limit = 0;  // 0: all samples
  std::string data_dir = {};
  std::string save = {};

  void add_to(CLI::App& app) {
    app.add_option("--epochs", epochs, "Passes over the training samples")->check(at_least(1))->capture_default_str();
    app.add_option("--batch-size", batch_size, "Samples per step")->check(at_least(1))->capture_default_str();
    app.add_option("--limit", limit, "Use only the first N training and test samples (0: all)")->check(at_least(0));
    app.add_option("--data-dir", data_dir,
                   "Folder with the data (else $GRADUS_DATA, ../shared/data, the user cache, made-up data)");
    app.add_option("--save", save, "Write the trained weights here (safetensors)");
    Options::add_to(app);
  }

  void apply() const {
    Options::apply();
    check_writable("--save", save);
  }
};

/// Images as rows of 784 numbers in [0, 1], and their labels.
struct Flat {
  Tensor x, y;
};
inline Flat flat(const data::mnist::Part& part, int64_t limit) {
  const int64_t count = limit > 0 ? std::min(limit, part.images.shape()[0]) : part.images.shape()[0];
  const Slice first(0, count);
  return {part.images.slice({first}).reshape({count, 28 * 28}).astype(DType::float32) / 255, part.labels.slice({first})};
}

/// One JSON object on one line.
class JsonLine {
 public:
  JsonLine& add(std::string_view key, double value) { return std::isfinite(value) ? raw(key, text(value)) : raw(key, "null"); }
  JsonLine& add(std::string_view key, int64_t value) { return raw(key, text(value)); }
  JsonLine& add(std::string_view key, std::string_view value) { return raw(key, quoted(value)); }
  /// Prints and flushes, so that a reader of a pipe sees the line at once.
  void print() const { std::cout << "{" << body_ << "}" << std::endl; }

 private:
  JsonLine& raw(std::string_view key, std::string_view value) {
    body_ += text(body_.empty() ? "" : ", ", quoted(key), ": ", value);
    return *this;
  }
  static std::string quoted(std::string_view s) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : s) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') (out += '\\') += c;
      else if (byte < 0x20) ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
      else out += c;
    }
    return out + '"';
  }
  std::string body_;
};

/// A number for people: 0.9123, -1.5, 1.2e-05.
inline std::string number(double value, int digits = 4) {
  char out[40];
  std::snprintf(out, sizeof out, "%.*g", digits, value);
  return out;
}

/// Tells of an epoch (counted from 1) of `epochs`: a JSON line, or, for about ten epochs of a run, a line of text. `model` names
/// the lines of programs that train several; `remark` ends those of text.
inline void tell_epoch(bool json, std::string_view model, int64_t epoch, int64_t epochs, const nn::Logs& logs,
                       std::string_view remark = {}) {
  if (json) {
    JsonLine line;
    if (!model.empty()) line.add("model", model);
    line.add("epoch", epoch);
    for (const auto& [name, value] : logs) line.add(name, value);
    line.print();
  } else if (epoch == 1 || epoch == epochs || epoch % std::max<int64_t>(1, epochs / 10) == 0) {
    std::cout << model << (model.empty() ? "epoch " : ", epoch ") << epoch;
    for (const auto& [name, value] : logs) std::cout << ", " << name << " " << number(value);
    std::cout << (remark.empty() ? "" : ", ") << remark << std::endl;
  }
}

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// Leaves a program whose user pressed Ctrl-C; run() turns it into a message and the exit code.
struct Interrupted {};

/// True once Ctrl-C was pressed; a second Ctrl-C ends the program at once.
class Interrupt {
 public:
  Interrupt() {
    struct sigaction action {};
    action.sa_handler = [](int) { pressed_ = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
  }
  bool pressed() const { return pressed_ != 0; }
  /// Throws Interrupted once Ctrl-C was pressed: where there is nothing to save.
  void check() const {
    if (pressed()) throw Interrupted();
  }

 private:
  inline static volatile sig_atomic_t pressed_ = 0;
};

/// Ends the run on Ctrl-C, notes the seconds of each epoch and prints the epochs as JSON lines when asked to. With the name of a
/// model, for programs that train several, it also tells of them in text; let fit() be silent then.
class Watch : public nn::Callback {
 public:
  Watch(const Interrupt& interrupt, bool json, std::string model = {})
      : interrupt_(interrupt), json_(json), model_(std::move(model)) {}

  void on_epoch_begin(nn::Run&) override { clock_ = {}; }
  void on_batch_end(nn::Run& run) override { run.stop = run.stop || interrupt_.pressed(); }
  void on_epoch_end(nn::Run& run) override {
    seconds_->push_back(clock_.seconds());
    nn::Logs logs = run.logs;
    if (json_) logs.set("seconds", seconds_->back());
    if (json_ || !model_.empty()) tell_epoch(json_, model_, run.epoch + 1, run.epochs, logs);
  }

  /// One value per epoch; shared by copies.
  const std::vector<double>& seconds() const { return *seconds_; }

 private:
  const Interrupt& interrupt_;
  bool json_;
  std::string model_;
  Stopwatch clock_;
  std::shared_ptr<std::vector<double>> seconds_ = std::make_shared<std::vector<double>>();
};

/// Parses the arguments, runs `body` and turns errors into messages and exit codes.
template <class Body>
int run(CLI::App& app, int argc, char** argv, Body body) {
  try {
    app.parse(argc, argv);
    const int code = body();
    std::cout.flush();
    if (!std::cout) fail<IoError>(app.get_name(), "cannot write to stdout; got an error, expected an open stream");
    return code;
  } catch (const CLI::Success& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << app.get_name() << ": " << error.what() << "; see --help\n";
    return kBadInput;
  } catch (const Interrupted&) {
    std::cerr << app.get_name() << ": interrupted\n";
    return kInterrupted;
  } catch (const Error& error) {
    std::cerr << error.what() << "\n";
    return kBadInput;
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": " << error.what() << "\n";
    return 1;
  }
}

}  // namespace gradus::apps
