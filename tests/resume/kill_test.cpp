// A run that is killed at any moment, also while it writes, goes on from its checkpoint to the same bits.
//
// The program starts itself with "--train FOLDER", kills that process with SIGKILL after a random time, and starts it again until
// it ends by itself; then it compares what was trained with a run that nobody killed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <random>
#include <string>
#include <thread>

#include "autograd/autograd.h"
#include "data/safetensors.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kKills = 30;
constexpr const char *kCheckpoint = "/run.safetensors", *kResult = "/result.safetensors", *kLog = "/log.csv";

/// Everything that has a state: dropout of its own and of the default generator, shuffling, a validation, callbacks.
void train(const std::string& folder) {
  set_num_threads(1);
  random::seed(5);
  random::Generator data(11);
  const Tensor x = random::normal({90, 6}, 0, 1, DType::float32, data), y = sum(x * x, {1}) + x.slice({Slice(), 0});
  nn::Sequential model{nn::Dense(16, {.activation = nn::tanh, .kernel_regularizer = "l2"}), nn::Dropout(0.2),
                       nn::Dense(16, {.activation = nn::relu}), nn::Dropout(0.1, {.seed = 3}), nn::Dense(1)};
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.05}), .loss = "mse", .metrics = {"mae"}});
  const nn::History history =
      model.fit(x, y,
                {.epochs = 12,
                 .batch_size = 16,
                 .validation_split = 0.2,
                 .verbose = 0,
                 .callbacks = {nn::LearningRateScheduler([](int64_t, double rate) { return rate * 0.97; }),
                               nn::ReduceLROnPlateau({.factor = 0.5, .patience = 1, .cooldown = 1}),
                               optim::EarlyStopping({.patience = 8, .restore_best_weights = true}), nn::CSVLogger(folder + kLog),
                               nn::Checkpoint(folder + kCheckpoint, {.every_steps = 1})}});

  std::map<std::string, Tensor> result{{"epochs", Tensor(history.epochs())}};
  for (const auto& [name, variable] : model.named_variables()) result.emplace(name, variable.value());
  for (const auto& [name, values] : history.history()) result.emplace("history." + name, Tensor(values));
  for (const auto& [name, value] : model.optimizer().state(model.trainable_variables()))
    result.emplace("optimizer." + name, value);
  result.emplace("next", random::normal({4}));
  data::save_safetensors(folder + kResult, result);
}

pid_t start(const std::string& folder) {
  const pid_t child = fork();
  if (child != 0) return child;
  execl("/proc/self/exe", "resume", "--train", folder.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

}  // namespace

TEST_CASE("killed thirty times, trained to the same bits") {
  const test::Folder calm;
  const std::string folder = calm / "";
  const Clock::time_point begin = Clock::now();
  REQUIRE(wait_for(start(folder)) == 0);
  const std::chrono::duration<double> length = Clock::now() - begin;
  const std::string weights = test::read_file(folder + kResult), log = test::read_file(folder + kLog);
  REQUIRE(weights.size() > 1000);
  REQUIRE(std::count(log.begin(), log.end(), '\n') > 5);

  std::mt19937 random(20);
  std::uniform_real_distribution<double> moment(0, length.count() / 2);
  int kills = 0, runs = 0, inside = 0, writing = 0;
  while (kills < kKills) {
    const test::Folder rough;
    const std::string here = rough / "";
    bool killed_before = false;
    for (;;) {
      const pid_t child = start(here);
      std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
      if (kills < kKills) kill(child, SIGKILL);
      const int status = wait_for(child);
      if (WIFEXITED(status)) {
        REQUIRE(WEXITSTATUS(status) == 0);
        break;
      }
      REQUIRE(WTERMSIG(status) == SIGKILL);
      ++kills;
      inside += std::filesystem::exists(here + kCheckpoint);
      writing += std::filesystem::exists(here + kCheckpoint + ".tmp0");
      killed_before = true;
    }
    ++runs;
    INFO("run ", runs, ", ", killed_before ? "killed" : "never killed", " on its way");
    REQUIRE(test::read_file(here + kLog) == log);
    REQUIRE(test::read_file(here + kResult) == weights);
    CHECK_FALSE(std::filesystem::exists(here + kCheckpoint + ".tmp0"));
  }
  MESSAGE(kills, " kills in ", runs, " runs, ", inside, " with a checkpoint to go on from, ", writing, " while it was written");
  CHECK(inside > kKills / 4);
}

TEST_CASE("a run that has ended is not trained again") {
  const test::Folder calm;
  const std::string folder = calm / "";
  REQUIRE(wait_for(start(folder)) == 0);
  const std::string weights = test::read_file(folder + kResult), log = test::read_file(folder + kLog);
  REQUIRE(wait_for(start(folder)) == 0);
  CHECK(test::read_file(folder + kResult) == weights);
  CHECK(test::read_file(folder + kLog) == log);
}

int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--train") == 0) {
    train(argv[2]);
    return 0;
  }
  return doctest::Context(argc, argv).run();
}
