// A run that is killed at any moment, also while it writes, goes on from its checkpoint to the same bits.
//
// The program starts itself with "--train PROGRAM FOLDER", kills that process with SIGKILL after a random time, and starts it
// again until it ends by itself; then it compares what was trained with a run that nobody killed.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "autograd/autograd.h"
#include "data/data.h"
#include "data/safetensors.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

using Clock = std::chrono::steady_clock;

constexpr const char *kCheckpoint = "/run.safetensors", *kResult = "/result.safetensors", *kLog = "/log.csv";

/// What a run leaves behind, to be compared.
void save_result(const std::string& folder, const nn::Model& model, const nn::History& history) {
  std::map<std::string, Tensor> result{{"epochs", Tensor(history.epochs())}};
  for (const auto& [name, variable] : model.named_variables()) result.emplace(name, variable.value());
  for (const auto& [name, values] : history.history()) result.emplace("history." + name, Tensor(values));
  for (const auto& [name, value] : model.optimizer().state(model.trainable_variables()))
    result.emplace("optimizer." + name, value);
  result.emplace("next", random::normal({4}));
  data::save_safetensors(folder + kResult, result);
}

/// Dropout of its own and of the default generator, shuffling, a validation, callbacks.
void train_callbacks(const std::string& folder) {
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
  save_result(folder, model, history);
}

/// A graph of two outputs: moving statistics, recurrence with dropout, metrics with a state, averages of the weights.
void train_graph(const std::string& folder) {
  random::Generator data(12);
  const Tensor x = random::normal({48, 5, 3}, 0, 1, DType::float32, data), size = sum(x * x, {1, 2});
  const Tensor sign = (sum(x, {1, 2}) > 0).astype(DType::float32);
  const nn::Node in = nn::Input({5, 3});
  const nn::Node h = in | nn::LSTM(6, {.dropout = 0.1, .recurrent_dropout = 0.1, .seed = 7}) | nn::BatchNormalization() |
                     nn::Dropout(0.2, {.seed = 3});
  nn::Functional model(in, {h | nn::Dense(1, {.activation = nn::sigmoid, .name = "sign"}), h | nn::Dense(1, {.name = "size"})});
  optim::Adam adam({.learning_rate = optim::ExponentialDecay({.initial_learning_rate = 0.05, .decay_steps = 9})},
                   {.use_ema = true, .accumulate_steps = 2});
  model.compile(
      {.optimizer = adam, .loss = {"binary_crossentropy", "mse"}, .output_metrics = {{"auc", "precision"}, {"mae", "r2_score"}}});
  const nn::History history = model.fit(x, {sign, size},
                                        {.epochs = 8,
                                         .batch_size = 8,
                                         .validation_split = 0.25,
                                         .verbose = 0,
                                         .callbacks = {nn::SwapEMAWeights(), nn::CSVLogger(folder + kLog),
                                                       nn::Checkpoint(folder + kCheckpoint, {.every_steps = 1})}});
  save_result(folder, model, history);
}

/// A loader with workers whose pipeline draws random numbers, in mixed precision.
void train_loader(const std::string& folder) {
  random::Generator data(13);
  const Tensor x = random::normal({40, 6, 6, 1}, 0, 1, DType::float32, data);
  const Tensor y = (sum(x, {1, 2, 3}) > 0).astype(DType::int64);
  data::DataLoader loader(data::TensorDataset(x, y).map([](data::Example example, random::Generator& generator) {
    example.x = example.x + random::normal(example.x.shape(), 0, 0.1, DType::float32, generator);
    return example;
  }),
                          {.batch_size = 8, .shuffle = true, .seed = 4, .workers = 2});
  nn::Sequential model{nn::Conv2D(3, 3), nn::BatchNormalization(), nn::Activation("relu"),
                       nn::Flatten(),    nn::Dropout(0.2),         nn::Dense(2, {.activation = nn::softmax})};
  model.compile({.optimizer = optim::SGD({.learning_rate = 0.05, .momentum = 0.9}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .precision = nn::mixed_bfloat16});
  const nn::History history =
      model.fit(loader, {.epochs = 8,
                         .steps_per_epoch = 4,
                         .verbose = 0,
                         .callbacks = {nn::CSVLogger(folder + kLog), nn::Checkpoint(folder + kCheckpoint, {.every_steps = 1})}});
  save_result(folder, model, history);
}

struct Program {
  const char* name;
  void (*train)(const std::string& folder);
  int kills;
};
constexpr Program kPrograms[] = {{"callbacks", train_callbacks, 30}, {"graph", train_graph, 10}, {"loader", train_loader, 10}};

pid_t start(const Program& program, const std::string& folder) {
  const pid_t child = fork();
  if (child != 0) return child;
  execl("/proc/self/exe", "resume", "--train", program.name, folder.c_str(), static_cast<char*>(nullptr));
  _exit(127);
}

int wait_for(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

/// Kills the program until it has been killed often enough; each time it ended by itself, the results are those of a calm run.
void check_killed(const Program& program) {
  const test::Folder calm;
  const std::string folder = calm / "";
  const Clock::time_point begin = Clock::now();
  REQUIRE(wait_for(start(program, folder)) == 0);
  const std::chrono::duration<double> length = Clock::now() - begin;
  const std::string weights = test::read_file(folder + kResult), log = test::read_file(folder + kLog);
  REQUIRE(weights.size() > 1000);
  REQUIRE(std::count(log.begin(), log.end(), '\n') > 5);

  std::mt19937 random(20);
  std::uniform_real_distribution<double> moment(0, length.count() / 2);
  int kills = 0, runs = 0, inside = 0, writing = 0;
  while (kills < program.kills) {
    const test::Folder rough;
    const std::string here = rough / "";
    bool killed_before = false;
    for (;;) {
      const pid_t child = start(program, here);
      std::this_thread::sleep_for(std::chrono::duration<double>(moment(random)));
      if (kills < program.kills) kill(child, SIGKILL);
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
  MESSAGE(std::string(program.name), ": ", kills, " kills in ", runs, " runs, ", inside, " with a checkpoint to go on from, ",
          writing, " while it was written");
  CHECK(inside > program.kills / 4);
}

}  // namespace

TEST_CASE("killed fifty times, trained to the same bits") {
  for (const Program& program : kPrograms) check_killed(program);
}

TEST_CASE("a run that has ended is not trained again") {
  const test::Folder calm;
  const std::string folder = calm / "";
  REQUIRE(wait_for(start(kPrograms[1], folder)) == 0);
  const std::string weights = test::read_file(folder + kResult), log = test::read_file(folder + kLog);
  REQUIRE(wait_for(start(kPrograms[1], folder)) == 0);
  CHECK(test::read_file(folder + kResult) == weights);
  CHECK(test::read_file(folder + kLog) == log);
}

int main(int argc, char** argv) {
  if (argc == 4 && std::strcmp(argv[1], "--train") == 0) {
    set_num_threads(1);
    random::seed(5);
    for (const Program& program : kPrograms)
      if (std::strcmp(program.name, argv[2]) == 0) program.train(argv[3]);
    return 0;
  }
  return doctest::Context(argc, argv).run();
}
