// The smallest useful training program; its compile time counts. peer/minimal_train.cpp is the same on libtorch.
#include <cstdio>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

int main() {
  nn::Sequential model{nn::Dense(16, {.activation = nn::tanh}), nn::Dense(1)};
  optim::SGD sgd({.learning_rate = 0.01});
  const Tensor x = random::uniform({8, 4}), y = random::uniform({8, 1});
  for (int step = 0; step < 100; ++step) {
    GradientTape tape;
    const Tensor loss = mean(square(model(x) - y));
    sgd.minimize(loss, model.trainable_variables(), tape);
    if (step % 50 == 0) std::printf("%d %f\n", step, loss.item<double>());
  }
}
