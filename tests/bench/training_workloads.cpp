#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>

#include "data/mnist.h"
#include "optim/optim.h"
#include "tests/bench/workloads.h"

namespace gradus::bench {
namespace {

// Dense layers with weights [out, in], as the peers keep them.
struct Mlp {
  std::vector<Variable> parameters;  // weight, bias, weight, bias, ...
  DenseActivation activation;

  // Weight k has seed 10 + k and the scale listed; biases start at 0.
  Mlp(const std::vector<int64_t>& sizes, const std::vector<double>& scales, DenseActivation f) : activation(f) {
    for (size_t k = 0; k + 1 < sizes.size(); ++k) {
      parameters.emplace_back(filled({sizes[k + 1], sizes[k]}, 10.0 + static_cast<double>(k), scales[k]));
      parameters.emplace_back(zeros({sizes[k + 1]}));
    }
  }
  Tensor operator()(Tensor x) const {
    for (size_t k = 0; k < parameters.size(); k += 2)
      x = dense(x, parameters[k], parameters[k + 1],
                {.activation = k + 2 < parameters.size() ? activation : DenseActivation::linear, .transposed = true});
    return x;
  }
};

// One full training step per rep. The optimiser is copied from its pristine state after every episode.
template <class Optimizer>
Workload training_step(std::string unit, std::vector<Variable> parameters, Optimizer optimizer, std::function<Tensor()> loss_of) {
  auto state = std::make_shared<Optimizer>(optimizer);
  auto gradients = std::make_shared<std::vector<Tensor>>();
  std::vector<Tensor> initial;
  for (const Variable& p : parameters) initial.push_back(p.value());
  return {.unit = std::move(unit),
          .rep =
              [=] {
                GradientTape tape;
                const Tensor loss = loss_of();
                *gradients = tape.gradient(loss, parameters);
                state->apply_gradients(*gradients, parameters);
                return static_cast<double>(loss.template item<float>());
              },
          .grad_sum = [=] { return abs_sum(*gradients); },
          .reset =
              [=] {
                for (size_t i = 0; i < parameters.size(); ++i) parameters[i].assign(initial[i]);
                *state = optimizer;
              }};
}

optim::RMSprop rmsprop() { return optim::RMSprop({.learning_rate = 1e-3, .rho = 0.9, .epsilon = 1e-7, .epsilon_inside = false}); }
optim::Adam adam() { return optim::Adam({.learning_rate = 1e-3, .epsilon = 1e-8, .epsilon_hat = false}); }

Workload small_mlp_step() {
  const Mlp net({4, 16, 16, 1}, {0.5, 0.25, 0.25}, DenseActivation::tanh);
  const Tensor x = filled({8, 4}, 1), y = filled({8, 1}, 2);
  return training_step("one SGD step, MLP 4-16-16-1 tanh, batch 8, MSE", net.parameters, optim::SGD({.learning_rate = 0.01}),
                       [=] { return mean(square(net(x) - y)); });
}

Workload mnist_step(int64_t batch) {
  const Mlp net({784, 512, 10}, {0.005, 0.05}, DenseActivation::relu);
  const Tensor x = filled({batch, 784}, 1), y = labels(batch, 10);
  return training_step("one RMSprop step, MLP 784-512-10 relu, batch " + std::to_string(batch), net.parameters, rmsprop(),
                       [=] { return mean(sparse_softmax_cross_entropy(y, net(x))); });
}

Workload mlp_wide_step() {
  const Mlp net({2048, 2048, 2048, 2048, 1000}, {0.002, 0.05, 0.05, 0.05}, DenseActivation::relu);
  const Tensor x = filled({256, 2048}, 1, 0.05), y = labels(256, 1000);
  return training_step("one Adam step, MLP 2048-2048-2048-2048-1000 relu, batch 256", net.parameters, adam(),
                       [=] { return mean(sparse_softmax_cross_entropy(y, net(x))); });
}

Workload lenet_step() {
  const std::vector<Shape> shapes{{16, 1, 5, 5}, {32, 16, 5, 5}, {128, 1568}, {10, 128}};
  const double scales[] = {0.2, 0.05, 0.01, 0.05};
  std::vector<Variable> p;  // weight, bias, weight, bias, ...
  for (size_t k = 0; k < shapes.size(); ++k) {
    p.emplace_back(filled(shapes[k], 10.0 + static_cast<double>(k), scales[k]));
    p.emplace_back(zeros({shapes[k][0]}));
  }
  // Channels last, the default here; the weights stay [out, in, height, width] in memory, and so does what the layers see.
  const auto block = [](const Tensor& x, const Variable& weight, const Variable& bias) {
    return max_pool2d(relu(conv2d(x, permute(weight, {2, 3, 1, 0}), {.padding = 2}) + bias));
  };
  const Tensor x = filled({64, 28, 28, 1}, 1), y = labels(64, 10);
  return training_step("one Adam step, LeNet 5x5x16, 5x5x32, 128, 10, batch 64", p, adam(), [=] {
    const Tensor image = flatten(permute(block(block(x, p[0], p[1]), p[2], p[3]), {0, 3, 1, 2}), 1);
    const Tensor hidden = dense(image, p[4], p[5], {.activation = DenseActivation::relu, .transposed = true});
    return mean(sparse_softmax_cross_entropy(y, dense(hidden, p[6], p[7], {.transposed = true})));
  });
}

Workload adam_update() {
  std::vector<Variable> parameters;
  std::vector<Tensor> gradients, initial;
  for (int k = 0; k < 100; ++k) {
    parameters.emplace_back(filled({100000}, 1.0 + k));
    gradients.push_back(filled({100000}, 201.0 + k, 0.1));
    initial.push_back(parameters.back().value());
  }
  auto state = std::make_shared<optim::Adam>(adam());
  return {.unit = "one Adam step on 100 tensors of 100000 elements",
          .rep =
              [=] {
                state->apply_gradients(gradients, parameters);
                return static_cast<double>(parameters[0].value()[7].item<float>());
              },
          .reset =
              [=] {
                for (size_t i = 0; i < parameters.size(); ++i) parameters[i].assign(initial[i]);
                *state = adam();
              }};
}

// Glorot uniform from one mt19937, in memory order; before each epoch the permutation is shuffled with the same generator.
Workload mnist_epochs() {
  auto accuracy = std::make_shared<double>(0), train_ns = std::make_shared<double>(0);
  return {
      .unit = "5 epochs of real MNIST, batch 128, model and optimizer of mnist_step",
      .rep =
          [=] {
            const auto [train, test] = data::mnist::load({.allow_embedded = false});
            const Tensor x = train.images.reshape({-1, 784}).astype(DType::float32) / 255, y = train.labels.astype(DType::int64);
            const Tensor xt = test.images.reshape({-1, 784}).astype(DType::float32) / 255;
            Mlp net({784, 512, 10}, {0, 0}, DenseActivation::relu);
            std::mt19937 gen(1234);
            for (size_t k = 0; k < net.parameters.size(); k += 2) {
              const Shape shape = net.parameters[k].shape();
              net.parameters[k].assign(Tensor(glorot_values(gen, shape[0], shape[1]), shape));
            }
            optim::RMSprop optimizer = rmsprop();
            const int64_t n = x.shape(0), batch = 128;
            std::vector<int64_t> order(static_cast<size_t>(n));
            std::iota(order.begin(), order.end(), 0);
            double last = 0;
            const double begin = now_ns();
            for (int epoch = 0; epoch < 5; ++epoch) {
              shuffle(order, gen);
              const Tensor permutation(order);
              double total = 0;
              for (int64_t b = 0; b < n; b += batch) {
                const Tensor index = permutation.slice({Slice(b, b + batch)});
                const Tensor xb = take(x, index), yb = take(y, index);
                GradientTape tape;
                const Tensor loss = mean(sparse_softmax_cross_entropy(yb, net(xb)));
                optimizer.minimize(loss, net.parameters, tape);
                total += loss.item<double>() * static_cast<double>(index.size());
              }
              last = total / static_cast<double>(n);
            }
            *train_ns = now_ns() - begin;
            const Tensor hits = argmax(net(xt), 1) == test.labels.astype(DType::int64);
            *accuracy = mean(hits.astype(DType::float64)).item<double>();
            return last;
          },
      .own_ns = [=] { return *train_ns; },
      .extra = [=] { return training_members(*train_ns, *accuracy); }};
}

}  // namespace

std::vector<NamedWorkload> training_workloads() {
  return {{"small_mlp_step", small_mlp_step},
          {"mnist_step", [] { return mnist_step(128); }},
          {"mnist_step_b1", [] { return mnist_step(1); }},
          {"mlp_wide_step", mlp_wide_step},
          {"lenet_step", lenet_step},
          {"adam_update", adam_update},
          {"subnormal_update", subnormal_update},
          {"mnist_epochs", mnist_epochs}};
}

}  // namespace gradus::bench
