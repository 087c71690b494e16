// After warm-up, training steps ask the system for nothing, and the heap for as little as stated here.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <functional>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/memory/heap_count.h"

using namespace gradus;

namespace {

constexpr int kWarmUp = 20, kSteps = 100;
/// Calls of operator new per step, at most: the tape's state, the lists inside GradientTape::gradient and its result.
constexpr int64_t kHeap = 6;

struct Counts {
  int64_t system, heap, faults;
};

Counts counts() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {memory::stats().system_allocations, testing::heap_allocations(), usage.ru_minflt};
}

// What kSteps steps in the steady state ask for. Calls of operator new are rounded up to a number per step.
Counts steady(const std::function<void()>& step) {
  for (int i = 0; i < kWarmUp; ++i) step();
  const Counts before = counts();
  for (int i = 0; i < kSteps; ++i) step();
  const Counts after = counts();
  return {after.system - before.system, (after.heap - before.heap + kSteps - 1) / kSteps, after.faults - before.faults};
}

// One bare-tape training step of a model on a batch.
template <class Optimizer>
std::function<void()> training_step(nn::Sequential model, Optimizer optimizer, std::function<Tensor(const Tensor&)> loss_of,
                                    const Tensor& x) {
  model(x);  // builds the variables
  return [=, variables = model.trainable_variables()]() mutable {
    GradientTape tape;
    const Tensor loss = loss_of(model(x));
    optimizer.minimize(loss, variables, tape);
    static_cast<void>(loss.item<float>());
  };
}

struct Step {
  std::string name;
  std::function<void()> run;
};

std::vector<Step> steps() {
  const auto small = [](auto optimizer) {
    const Tensor x = random::uniform({8, 4}), y = random::uniform({8, 1});
    return training_step(
        nn::Sequential{nn::Dense(16, {.activation = nn::tanh}), nn::Dense(16, {.activation = nn::tanh}), nn::Dense(1)}, optimizer,
        [=](const Tensor& out) { return mean(square(out - y)); }, x);
  };
  const auto mnist = [](auto optimizer) {
    const Tensor x = random::uniform({128, 784}), y = arange(int64_t{128}) / int64_t{13};
    return training_step(
        nn::Sequential{nn::Dense(512, {.activation = nn::relu}), nn::Dense(10)}, optimizer,
        [labels = y.astype(DType::int64)](const Tensor& out) { return mean(sparse_softmax_cross_entropy(labels, out)); }, x);
  };
  return {{"small MLP, SGD", small(optim::SGD({.learning_rate = 0.01}))},
          {"small MLP, Adam", small(optim::Adam())},
          {"MNIST, SGD with momentum", mnist(optim::SGD({.learning_rate = 0.01, .momentum = 0.9}))},
          {"MNIST, RMSprop", mnist(optim::RMSprop())},
          {"MNIST, Adam", mnist(optim::Adam())}};
}

/// Notes the counts after every batch.
class Watch : public nn::Callback {
 public:
  explicit Watch(std::vector<Counts>& seen) : seen_(&seen) {}
  void on_batch_end(nn::Run&) override { seen_->push_back(counts()); }

 private:
  std::vector<Counts>* seen_;
};

}  // namespace

TEST_CASE("a training step asks the system for nothing") {
  for (const int threads : {1, 2}) {
    set_num_threads(threads);
    for (const Step& step : steps()) {
      CAPTURE(step.name);
      CAPTURE(threads);
      const Counts used = steady(step.run);
      CHECK(used.system == 0);
      CHECK(used.heap <= kHeap);
      CHECK(used.faults <= 16);  // memory that comes and goes would show as new pages
    }
  }
}

TEST_CASE("fit asks the system for nothing between batches") {
  const Tensor x = random::uniform({6400, 784}), y = (random::uniform({6400}) * 10).astype(DType::int64);
  nn::Sequential model{nn::Dense(512, {.activation = nn::relu}), nn::Dense(10, {.activation = nn::softmax})};
  model.compile({.optimizer = "rmsprop", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  std::vector<Counts> seen;
  seen.reserve(1000);
  model.fit(x, y, {.epochs = 2, .batch_size = 64, .verbose = 0, .callbacks = {Watch(seen)}});
  constexpr size_t kFirst = 110, kLast = 190;  // batches of the second epoch
  CHECK(seen[kLast].system == seen[kFirst].system);
  CHECK(seen[kLast].faults - seen[kFirst].faults <= 16);
  CHECK(seen[kLast].heap - seen[kFirst].heap <= kHeap * static_cast<int64_t>(kLast - kFirst));
}
