// After warm-up, training steps ask the system for nothing, and the heap for as little as stated here.
#include <doctest/doctest.h>
#include <sys/resource.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/memory/heap_count.h"

using namespace gradus;

namespace {

constexpr int kWarmUp = 20, kSteps = 100;

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
  int64_t heap;  // calls of operator new per step, at most
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
  return {{"small MLP, SGD", small(optim::SGD({.learning_rate = 0.01})), 100},
          {"small MLP, Adam", small(optim::Adam()), 100},
          {"MNIST, SGD with momentum", mnist(optim::SGD({.learning_rate = 0.01, .momentum = 0.9})), 100},
          {"MNIST, RMSprop", mnist(optim::RMSprop()), 100},
          {"MNIST, Adam", mnist(optim::Adam()), 100}};
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
      CHECK(used.heap <= step.heap);
      CHECK(used.faults <= 16);
      MESSAGE(step.name << " " << threads << ": " << used.system << " " << used.heap << " " << used.faults);
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
  const Counts& first = seen[110];
  const Counts& last = seen[190];
  CHECK(last.system - first.system == 0);
  MESSAGE("fit " << last.system - first.system << " " << last.heap - first.heap << " " << last.faults - first.faults);
}
