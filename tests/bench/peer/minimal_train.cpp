// programs/minimal_train.cpp on libtorch.
#include <torch/torch.h>

#include <cstdio>

int main() {
  torch::nn::Sequential model(torch::nn::Linear(4, 16), torch::nn::Tanh(), torch::nn::Linear(16, 1));
  torch::optim::SGD sgd(model->parameters(), torch::optim::SGDOptions(0.01));
  const torch::Tensor x = torch::rand({8, 4}), y = torch::rand({8, 1});
  for (int step = 0; step < 100; ++step) {
    sgd.zero_grad();
    const torch::Tensor loss = torch::mse_loss(model->forward(x), y);
    loss.backward();
    sgd.step();
    if (step % 50 == 0) std::printf("%d %f\n", step, loss.item<double>());
  }
}
