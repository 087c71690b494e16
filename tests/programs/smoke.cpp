// Runs a program as its users do and checks what it promises: exit codes, JSON lines, results, messages, pages, Ctrl-C.
//
//   smoke BIN_FOLDER NAME short       a short run and all kinds of wrong input
//   smoke BIN_FOLDER NAME expected    a run with defaults, whose results must be what the program's first comment says;
//                                     exit code 77 where the table expects nothing
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using Words = std::vector<std::string>;

struct Range {
  std::string key;
  double low, high;
};

struct Program {
  std::string name;
  Words short_run;                   // arguments that make it a matter of a moment
  Words keys;                        // of the results, the last JSON line
  std::vector<Range> expected = {};  // with defaults
  std::vector<Words> refused = {};   // wrong input that only this program knows
  Words words = {};                  // of its results as text; by default the keys
  void (*prepare)() = nullptr;       // files that the short run needs
};

const Words kShort{"--epochs", "1", "--limit", "100", "--batch-size", "50"};

/// CIFAR-10's cats and dogs as its format has them, of noise: label 3 or 5, then the pixels.
void write_cats_and_dogs() {
  std::filesystem::create_directories("data/cifar10_cats_dogs");
  for (const char* const name : {"train.bin", "test.bin"}) {
    std::ofstream out(std::string("data/cifar10_cats_dogs/") + name, std::ios::binary);
    uint32_t state = 1;
    for (int picture = 0; picture < 100; ++picture) {
      out.put(picture % 2 ? 3 : 5);
      for (int i = 0; i < 3072; ++i) out.put(static_cast<char>((state = state * 1664525 + 1013904223) >> 24));
    }
  }
}

const std::vector<Program> kPrograms{
    {.name = "cats_vs_dogs",
     .short_run = {"--epochs", "1", "--limit", "100", "--batch-size", "50", "--data-dir", "data"},
     .keys = {"test_loss", "test_accuracy", "seconds", "data"},
     .refused = {{"--images", "no/such/folder"}, {"--limit", "1"}},
     .prepare = write_cats_and_dogs},
    {.name = "char_rnn",
     .short_run = {"--epochs", "1", "--limit", "2", "--sample", "5"},
     .keys = {"loss", "accuracy", "seconds", "sample"},
     .expected = {{"loss", 0, 0.25}, {"accuracy", 0.93, 1}},
     .refused = {{"--cell", "x"}, {"--temperature", "0"}, {"--text", "no/such/file.txt"}, {"--length", "2000"}}},
    {.name = "function_fit",
     .short_run = {"--epochs", "2", "--points", "20"},
     .keys = {"logistic_error", "tanh_error", "gaussian_error"},
     .expected = {{"logistic_error", 0, 0.05}, {"tanh_error", 0, 0.05}, {"gaussian_error", 0, 0.05}},
     .refused = {{"--curve", "circle"}, {"--units", "0"}, {"--noise", "-1"}}},
    {.name = "gradient_descent",
     .short_run = {"--steps", "3"},
     .keys = {"bowl_fastest", "bowl_steps", "beale_fastest", "beale_steps"},
     .expected = {{"bowl_steps", 30, 100}, {"beale_steps", 20, 80}},
     .refused = {{"--steps", "0"}, {"--noise", "-1"}, {"--noise", "nan"}},
     .words = {"bowl", "beale", "momentum", "Adadelta"}},
    {.name = "house_prices",
     .short_run = {"--epochs", "2", "--houses", "40"},
     .keys = {"mean_absolute_error", "baseline"},
     .expected = {{"mean_absolute_error", 12, 20}, {"baseline", 55, 80}},
     .refused = {{"--folds", "1"}, {"--folds", "41"}, {"--csv", "no/such/file.csv"}}},
    {.name = "linear_classifier",
     .short_run = {"--epochs", "2", "--points", "20"},
     .keys = {"accuracy", "loss", "w_0", "w_1", "b"},
     .expected = {{"accuracy", 0.99, 1}, {"loss", 0, 0.04}},
     .refused = {{"--learning-rate", "1e30"}}},
    {.name = "linear_regression",
     .short_run = {"--epochs", "2", "--points", "20"},
     .keys = {"slope", "intercept", "least_squares_slope", "least_squares_intercept", "loss"},
     .expected = {{"slope", 1.95, 2.05}, {"intercept", 0.95, 1.05}, {"loss", 0.2, 0.3}},
     .refused = {{"--learning-rate", "1e30"}, {"--points", "1"}}},
    {.name = "mnist_cnn", .short_run = kShort, .keys = {"test_loss", "test_accuracy", "seconds", "data"}},
    {.name = "mnist_mlp",
     .short_run = kShort,
     .keys = {"test_loss", "test_accuracy", "seconds", "data"},
     .expected = {{"test_accuracy", 0.97, 1}}},
    {.name = "mnist_scratch", .short_run = kShort, .keys = {"test_loss", "test_accuracy", "seconds", "data"}},
    {.name = "movie_reviews",
     .short_run = {"--epochs", "2", "--reviews", "40"},
     .keys = {"large_best_val_accuracy", "large_last_val_loss", "small_last_val_loss", "dropout_last_val_loss"},
     .expected = {{"large_best_val_accuracy", 0.84, 0.92}, {"large_last_val_loss", 0.45, 1}},
     .refused = {{"--words", "2"}, {"--csv", "no/such/file.csv"}}},
    {.name = "nonlinearity",
     .short_run = {"--epochs", "1", "--points", "40"},
     .keys = {"linear_accuracy", "deep_accuracy", "deep_without_activations_accuracy"},
     .expected = {{"linear_accuracy", 0.3, 0.7}, {"deep_accuracy", 0.95, 1}, {"deep_without_activations_accuracy", 0.3, 0.7}},
     .refused = {{"--data", "squares"}, {"--units", "0"}}},
    {.name = "overfitting",
     .short_run = kShort,
     .keys = {"none_val_loss", "none_val_accuracy", "l2_val_loss", "l2_val_accuracy", "dropout_val_loss", "dropout_val_accuracy",
              "early_stopping_val_loss", "early_stopping_val_accuracy"},
     .expected = {{"none_val_loss", 0.92, 1.5},
                  {"l2_val_loss", 0.6, 0.91},
                  {"dropout_val_loss", 0.5, 0.8},
                  {"early_stopping_val_loss", 0.5, 0.85}}},
    {.name = "perceptron",
     .short_run = {"--epochs", "3"},
     .keys = {"data", "rounds", "mistakes_rule", "mistakes_gradient", "neuron_rule", "neuron_gradient"},
     .expected = {{"rounds", 1, 10}, {"mistakes_rule", 0, 0}, {"mistakes_gradient", 0, 0}},
     .refused = {{"--data", "nand"}}},
    {.name = "tensors", .short_run = {}, .keys = {"derivative", "shown"}, .expected = {{"derivative", 2, 2}}},
    {.name = "time_series",
     .short_run = {"--epochs", "1", "--limit", "50"},
     .keys = {"mae_naive", "mae_dense", "mae_lstm", "mae_gru", "seconds"},
     .expected = {{"mae_naive", 1.5, 1.9}, {"mae_gru", 0.6, 0.9}}},
    {.name = "will_i_pass",
     .short_run = {"--epochs", "1", "--students", "20", "--patience", "1000000000"},
     .keys = {"chance", "chance_by_the_rule", "val_loss", "val_accuracy", "epochs"},
     .expected = {{"chance", 0.65, 0.82}, {"val_accuracy", 0.86, 0.94}, {"epochs", 5, 200}},
     .refused = {{"--lectures", "11"}, {"--hours", "nan"}, {"--patience", "-1"}}},
};

// What every program refuses that has the option.
const std::vector<Words> kRefused{{"--no-such-option"},
                                  {"--seed", "x"},
                                  {"--seed", "-1"},
                                  {"--threads", "-1"},
                                  {"--report", "no/such/folder/report.html"},
                                  {"--report", "."},
                                  {"--save", "no/such/folder/weights.safetensors"},
                                  {"--data-dir", "no/such/folder"},
                                  {"--epochs", "0"},
                                  {"--epochs", "x"},
                                  {"--batch-size", "0"},
                                  {"--limit", "-1"},
                                  {"--points", "0"},
                                  {"--learning-rate", "-1"},
                                  {"--learning-rate", "nan"},
                                  {"--learning-rate", "x"}};

int failures = 0;
void check(bool right, const std::string& what) {
  if (right) return;
  std::cerr << "FAILED: " << what << "\n";
  ++failures;
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string join(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

/// A process, its output in files.
class Process {
 public:
  explicit Process(const Words& command) : out_(command.front() + ".out"), err_(command.front() + ".err") {
    out_ = "smoke_" + std::filesystem::path(out_).filename().string();
    err_ = "smoke_" + std::filesystem::path(err_).filename().string();
    std::filesystem::remove(out_);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    pid_ = fork();
    if (pid_ != 0) return;
    for (const auto& [path, stream] : {std::pair{out_, 1}, std::pair{err_, 2}})
      dup2(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600), stream);
    execv(words[0], words.data());
    _exit(127);
  }

  bool has_printed() const { return std::filesystem::exists(out_) && std::filesystem::file_size(out_) > 0; }
  void interrupt() const { kill(pid_, SIGINT); }
  /// The exit code; -1 for a crash.
  int wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string out() const { return read(out_); }
  std::string err() const { return read(err_); }

 private:
  std::string out_, err_;
  pid_t pid_;
};

/// The last of the JSON lines, all of which must be objects.
nlohmann::json results(const std::string& out) {
  std::istringstream lines(out);
  nlohmann::json last;
  for (std::string line; std::getline(lines, line);) {
    last = nlohmann::json::parse(line, nullptr, false);
    check(last.is_object(), "--json printed a line that is no JSON object: " + line);
  }
  check(last.is_object(), "--json printed no results");
  return last.is_object() ? last : nlohmann::json::object();
}

class Smoke {
 public:
  Smoke(std::string binary, const Program& program) : binary_(std::move(binary)), program_(program) {}

  void short_run() const {
    const std::string page = program_.name + ".html";
    std::filesystem::remove(page);
    nlohmann::json first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      const Process run(command({"--json", "--seed", "3", "--report", page}));
      check(run.wait() == 0, "exit code 0 expected; stderr: " + run.err());
      nlohmann::json last = results(run.out());
      for (const std::string& key : program_.keys)
        check(last.contains(key) && !last[key].is_null(), "results hold \"" + key + "\"; got " + last.dump());
      last.erase("seconds");
      if (repeat == 0) first = last;
      else check(first == last, "the same seed gives the same results; got " + first.dump() + " and " + last.dump());
    }
    if (has("--report")) check(std::filesystem::exists(page) && std::filesystem::file_size(page) > 0, "--report writes " + page);

    const Process text(command({}));  // for people, in a pipe
    check(text.wait() == 0, "exit code 0 expected without --json");
    check(text.out().find_first_of("\033\r") == std::string::npos, "no control characters where there is no terminal");
    for (const std::string& word : program_.words)
      check(text.out().find(word) != std::string::npos, "results as text hold \"" + word + "\"");
    for (const std::string& key : program_.words.empty() ? program_.keys : Words())
      check(text.out().find(key + ": ") != std::string::npos, "results as text hold \"" + key + ": \"");
  }

  void refusals() const {
    std::vector<Words> all = kRefused;
    all.insert(all.end(), program_.refused.begin(), program_.refused.end());
    for (const Words& words : all) {
      if (words.front() != "--no-such-option" && !has(words.front())) continue;
      const Process run(command(words));
      const int code = run.wait();
      const std::string message = run.err(), what = join(words) + ": ";
      check(code == 2, what + "exit code 2 expected, got " + std::to_string(code));
      check(!message.empty() && message.find('\n') == message.size() - 1,
            what + "a message of one line expected, got: " + message);
    }
  }

  /// A run that would take hours, ended by Ctrl-C after its first sign of life.
  void interrupt() const {
    if (!has("--epochs")) return;
    Words words = command({"--json"});
    for (size_t i = 0; i + 1 < words.size(); ++i)
      if (words[i] == "--epochs") words[i + 1] = "100000000";
    const Process run(words);
    for (int i = 0; i < 3000 && !run.has_printed(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    check(run.has_printed(), "an epoch is reported within 30 seconds");
    run.interrupt();
    check(run.wait() == 130, "Ctrl-C gives exit code 130");
    check(run.err().ends_with(program_.name + ": interrupted\n"), "Ctrl-C is confirmed; got " + run.err());
  }

  void expected() const {
    const Process run({binary_, "--json"});
    check(run.wait() == 0, "exit code 0 expected; stderr: " + run.err());
    const nlohmann::json last = results(run.out());
    for (const auto& [key, low, high] : program_.expected) {
      const double value = last.value(key, std::nan(""));
      check(value >= low && value <= high,
            key + " in [" + std::to_string(low) + ", " + std::to_string(high) + "] expected, got " + std::to_string(value));
    }
  }

 private:
  bool has(const std::string& option) const {
    if (help_.empty()) {
      const Process run({binary_, "--help"});
      run.wait();
      help_ = run.out();
    }
    return help_.find(option + " ") != std::string::npos;
  }
  /// The short run with more arguments, which take the place of those it has.
  Words command(const Words& more) const {
    Words words{binary_};
    for (size_t i = 0; i + 1 < program_.short_run.size(); i += 2)
      if (more.empty() || more.front() != program_.short_run[i])
        words.insert(words.end(), {program_.short_run[i], program_.short_run[i + 1]});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }

  std::string binary_;
  const Program& program_;
  mutable std::string help_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return std::cerr << "usage: smoke BIN_FOLDER NAME short|expected\n", 2;
  const std::string name = argv[2], what = argv[3];
  for (const Program& program : kPrograms) {
    if (program.name != name) continue;
    const Smoke smoke(std::string(argv[1]) + "/" + name, program);
    if (what == "expected" && program.expected.empty()) return 77;
    if (what == "expected") smoke.expected();
    else {
      if (program.prepare) program.prepare();
      smoke.short_run(), smoke.refusals(), smoke.interrupt();
    }
    return failures == 0 ? 0 : 1;
  }
  std::cerr << "no row for " << name << " in tests/programs/smoke.cpp\n";
  return 1;
}
