// Layers where they meet training: frozen ones, regularizers in nested and shared models, mixed precision, epochs of every kind
// of layer with a state.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

std::vector<float> values(const Variable& variable) { return variable.value().to_vector<float>(); }

Tensor noise(const Shape& shape, uint64_t seed = 1) {
  random::Generator generator(seed);
  return random::normal(shape, 3, 2, DType::float32, generator);
}

/// Of 0.5 times the sum of squares.
double half_squares(const std::vector<Variable>& kernels) {
  double out = 0;
  for (const Variable& kernel : kernels)
    for (const float v : values(kernel)) out += 0.5 * v * v;
  return out;
}

}  // namespace

TEST_CASE("frozen layers in fit: variables and moving statistics stay, the rest is trained, with any optimiser") {
  for (const char* optimizer : {"sgd", "adam", "adamw", "rmsprop", "lion", "ftrl"}) {
    CAPTURE(optimizer);
    nn::Dense first(4, {.kernel_regularizer = nn::l2(0.5)});
    nn::BatchNormalization norm;
    nn::Dense last(1);
    nn::Sequential model{first, norm, last};
    model.build({-1, 3});
    first.set_trainable(false);
    norm.set_trainable(false);
    norm.moving_mean().assign(full({4}, 0.25));
    norm.moving_variance().assign(full({4}, 4));
    model.compile({.optimizer = optimizer, .loss = "mse"});
    std::vector<std::vector<float>> before;
    for (const Variable& variable : model.variables()) before.push_back(values(variable));
    const Tensor x = noise({12, 3}), y = noise({12, 1}, 2);

    // Inference: the loss of the first step is that of the moving statistics.
    const Tensor h = (matmul(x, first.kernel()) + first.bias() - 0.25) / std::sqrt(4 + 1e-3);
    const double expected = mean(square(matmul(h, last.kernel()) + last.bias() - y)).item<double>();
    const nn::History history = model.fit(x, y, {.epochs = 1, .batch_size = 12, .verbose = 0});
    CHECK(history["loss"][0] == doctest::Approx(expected).epsilon(1e-5));  // a frozen kernel is not penalised, as in Keras

    const std::vector<Variable> after = model.variables();
    for (size_t i = 0; i + 2 < after.size(); ++i) CHECK(values(after[i]) == before[i]);
    CHECK(values(last.kernel()) != before[before.size() - 2]);

    norm.set_trainable(true);
    first.set_trainable(true);
    model.fit(x, y, {.epochs = 1, .verbose = 0});
    CHECK(values(first.kernel()) != before[0]);
    CHECK(values(norm.moving_mean()) != std::vector<float>(4, 0.25f));
  }
}

TEST_CASE("freezing before the model is built, from outside, holds in fit") {
  nn::Sequential inner{nn::Dense(3, {.name = "a"}), nn::BatchNormalization()};
  inner.set_trainable(false);
  nn::Sequential model{inner, nn::Dense(1)};
  model.compile({.loss = "mse"});
  model.fit(noise({10, 2}), noise({10, 1}, 2), {.verbose = 0});
  CHECK(model.trainable_variables().size() == 2);
  CHECK(values(inner.variables()[1]) == std::vector<float>(3, 0));
  CHECK(values(inner.variables()[4]) == std::vector<float>(3, 0));  // the moving mean

  model.set_trainable(false);
  CHECK_THROWS_WITH_AS(model.fit(noise({10, 2}), noise({10, 1}), {.verbose = 0}), doctest::Contains("nothing to train"),
                       ValueError);
}

TEST_CASE("regularizers of nested and shared layers count once, in Sequential and Functional models") {
  const nn::DenseOptions penalised{.kernel_regularizer = nn::l2(0.5)};
  nn::Dense outer(3, penalised), inside(3, penalised), shared(3, penalised), last(1, penalised);
  const nn::Node a = nn::Input({3}), b = nn::Input({3});
  const nn::Functional twice({a, b}, nn::add({a | shared, b | shared}));
  const nn::Node x = nn::Input({3});
  const nn::Node h = x | outer | nn::Sequential{inside, nn::Dropout(0)};
  nn::Functional graph(x, twice({h, h})[0] | last);
  nn::Sequential model{graph};
  const Tensor input = noise({8, 3}), target = noise({8, 1}, 2);
  const double penalty = half_squares({outer.kernel(), inside.kernel(), shared.kernel(), last.kernel()});
  const double plain = mean(square(graph.predict(input) - target)).item<double>();
  const nn::CompileOptions how{.optimizer = optim::SGD({.learning_rate = 0}), .loss = "mse"};
  for (nn::Model* m : std::vector<nn::Model*>{&graph, &model}) {
    m->compile(how);
    CHECK(m->penalties().size() == 4);
    CHECK(m->penalty().item<double>() == doctest::Approx(penalty).epsilon(1e-5));
    CHECK(m->evaluate(input, target)["loss"] == doctest::Approx(plain + penalty).epsilon(1e-5));
    CHECK(m->fit(input, target, {.verbose = 0})["loss"][0] == doctest::Approx(plain + penalty).epsilon(1e-5));
    // The step of a penalty alone: k' = k - rate * k.
    m->compile({.optimizer = optim::SGD({.learning_rate = 0.1}),
                .loss = [](const Tensor&, const Tensor& p) { return sum(p, {1}) * 0; }});
    const std::vector<float> before = values(shared.kernel());
    m->fit(input, target, {.batch_size = 8, .verbose = 0});
    const std::vector<float> after = values(shared.kernel());
    for (size_t i = 0; i < after.size(); ++i) CHECK(after[i] == doctest::Approx(0.9 * before[i]));
    for (const auto& [kernel, factor] : {std::pair{&outer, 0.9}, {&inside, 0.9}, {&shared, 0.9}, {&last, 0.9}})
      kernel->kernel().assign(kernel->kernel().value() / factor);
  }
}

TEST_CASE("mixed_bfloat16 in fit with convolutions, normalisation, recurrence, attention: float32 variables, the loss falls") {
  const auto falls = [](nn::Sequential model, const Tensor& x, const Tensor& y) {
    model.compile({.optimizer = optim::Adam({.learning_rate = 0.02}),
                   .loss = "binary_crossentropy",
                   .metrics = {"accuracy", "auc"},
                   .precision = nn::mixed_bfloat16});
    const nn::History history =
        model.fit(x, y, {.epochs = 15, .batch_size = 16, .seed = 1, .validation_split = 0.25, .verbose = 0});
    CHECK(history["loss"].back() < 0.8 * history["loss"].front());
    for (const double v : history["val_loss"]) CHECK(std::isfinite(v));
    for (const Variable& variable : model.variables()) CHECK(variable.dtype() == DType::float32);
    CHECK(model.predict(x).dtype() == DType::float32);
  };
  random::seed(3);
  const Tensor images = noise({64, 6, 6, 2}) - 3;
  const Tensor bright = (mean(images, {1, 2, 3}) > 0).astype(DType::float32);
  falls({nn::Conv2D(4, 3, {.padding = "same", .use_bias = false}), nn::BatchNormalization({.momentum = 0.8}),
         nn::Activation("relu"), nn::MaxPooling2D(2), nn::Flatten(), nn::Dropout(0.1), nn::Dense(1, {.activation = nn::sigmoid})},
        images, bright);
  const Tensor series = noise({64, 5, 3}) - 3;
  const Tensor rising = (mean(series, {1, 2}) > 0).astype(DType::float32);
  falls({nn::LSTM(6, {.return_sequences = true}), nn::LayerNormalization(), nn::Bidirectional(nn::GRU(4)),
         nn::Dense(1, {.activation = nn::sigmoid})},
        series, rising);
  falls({nn::MultiHeadAttention(2, 4), nn::GlobalAveragePooling1D(), nn::Dense(1, {.activation = nn::sigmoid})}, series, rising);
}
