// Options: what every program can be told, and where its pictures go.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "apps/common/report.h"
#include "nn/callback.h"

namespace gradus::apps {

/// Accepts whole numbers from `low` up. CLI11's own ranges print the largest double there is.
CLI::Validator at_least(int64_t low);

/// Finds out now, not after minutes of training, that a file cannot be written. Does nothing for "".
void check_writable(std::string_view option, const std::string& file);

/// Options of every program. Set other defaults before add_to().
struct Options {
  uint64_t seed = 1;
  int threads = 0;          // 0: as many as there are cores
  std::string report = {};  // where the page goes; empty: none
  bool curves = false;      // as text, also where stdout is no terminal
  bool json = false;

  void add_to(CLI::App& app);

  /// Applies what is process-wide and checks what can be checked before work begins.
  void apply() const;

  /// Where remarks go that are no results: stdout, or stderr when stdout carries JSON.
  std::ostream& remarks() const;

  /// Shows what the user wants to see of the run. The line charts are drawn with characters when stdout is a terminal that
  /// carries no JSON, or for --curves; the page is written for --report.
  void show(const Report& report) const;
};

/// Options of every program that trains in epochs.
struct EpochOptions : Options {
  int64_t epochs = 5;
  int64_t batch_size = 128;
  int64_t limit = 0;  // 0: all samples
  std::string save = {};

  void add_to(CLI::App& app);
  void apply() const;
};

/// Options of the programs that read their samples from a folder.
struct TrainOptions : EpochOptions {
  std::string data_dir = {};
  std::string checkpoint = {};

  void add_to(CLI::App& app);
  /// For programs that train with fit() and callbacks().
  void add_checkpoint_to(CLI::App& app);
  void apply() const;
  /// `watch` and what the options ask for.
  std::vector<nn::CallbackOption> callbacks(const nn::CallbackOption& watch) const;
};

}  // namespace gradus::apps
