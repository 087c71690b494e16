#include "apps/common/options.h"

#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <iostream>
#include <system_error>

#include "autograd/base/error.h"
#include "autograd/parallel.h"
#include "autograd/random.h"
#include "nn/checkpoint.h"
#include "nn/progress.h"

namespace gradus::apps {

CLI::Validator at_least(int64_t low) {
  const auto check = [low](const std::string& word) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error == std::errc() && end == word.data() + word.size() && value >= low) return std::string();
    return text("wrong value; got ", word, ", expected a whole number >= ", low);
  };
  return CLI::Validator(check, "");
}

void check_writable(std::string_view option, const std::string& file) {
  if (file.empty()) return;
  const std::filesystem::path path(file), folder = path.has_parent_path() ? path.parent_path() : ".";
  if (std::filesystem::is_directory(path) || !std::filesystem::is_directory(folder) || access(folder.c_str(), W_OK) != 0)
    fail<IoError>(option, "cannot write; got ", file, ", expected a file in a folder that exists and is writable");
}

void Options::add_to(CLI::App& app) {
  app.add_option("--seed", seed, "Seed of everything that is random")->check(at_least(0))->capture_default_str();
  app.add_option("--threads", threads, "Threads (0: one per core)")->check(at_least(0));
  app.add_option("--report", report, "Write pictures of the run here, as one web page (report.html)");
  app.add_flag("--curves", curves, "Draw the curves with characters at the end, also when stdout is no terminal");
  app.add_flag("--json", json, "Print results as JSON lines, and nothing else, on stdout");
}

void Options::apply() const {
  if (threads > 0) set_num_threads(threads);
  random::seed(seed);
  check_writable("--report", report);
}

std::ostream& Options::remarks() const { return json ? std::cerr : std::cout; }

void Options::show(const Report& report_) const {
  if (curves || (!json && nn::Progress::is_terminal(std::cout))) report_.print(remarks(), style_of(remarks()));
  if (report.empty()) return;
  report_.write(report);
  remarks() << "report: " << report << "\n";
}

void EpochOptions::add_to(CLI::App& app) {
  app.add_option("--epochs", epochs, "Passes over the training samples")->check(at_least(1))->capture_default_str();
  app.add_option("--batch-size", batch_size, "Samples per step")->check(at_least(1))->capture_default_str();
  app.add_option("--limit", limit, "Use only the first N training and test samples (0: all)")->check(at_least(0));
  app.add_option("--save", save, "Write the trained weights here (safetensors)");
  Options::add_to(app);
}

void EpochOptions::apply() const {
  Options::apply();
  check_writable("--save", save);
}

void TrainOptions::add_to(CLI::App& app) {
  app.add_option("--data-dir", data_dir,
                 "Folder with the data (else $GRADUS_DATA, ../shared/data, the user cache, made-up data)");
  EpochOptions::add_to(app);
}

void TrainOptions::add_checkpoint_to(CLI::App& app) {
  app.add_option("--checkpoint", checkpoint, "Write the run here after each epoch and on Ctrl-C; go on from it if it is there");
}

void TrainOptions::apply() const {
  EpochOptions::apply();
  check_writable("--checkpoint", checkpoint);
}

std::vector<nn::CallbackOption> TrainOptions::callbacks(const nn::CallbackOption& watch) const {
  std::vector<nn::CallbackOption> out{watch};
  if (!checkpoint.empty()) out.push_back(nn::Checkpoint(checkpoint));
  return out;
}

}  // namespace gradus::apps
