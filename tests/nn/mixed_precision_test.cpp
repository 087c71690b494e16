// Mixed precision: 16 bits between the layers, float32 in variables, gradients, losses and files; and training as good as
// without.
#include "nn/mixed_precision.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "autograd/autograd.h"
#include "data/safetensors.h"
#include "nn/nn.h"
#include "optim/optim.h"
#include "tests/data/files.h"

using namespace gradus;

namespace {

/// Points in the plane, class 1 where x0 * x1 > 0.
struct Quadrants {
  Tensor x, y;
  explicit Quadrants(int64_t n, uint64_t seed = 1) {
    random::Generator generator(seed);
    x = random::uniform({n, 2}, -1, 1, DType::float32, generator);
    const Tensor a = x[":, 0"], b = x[":, 1"];
    y = (a * b > 0).astype(DType::int64);
  }
};

nn::Sequential classifier() { return {nn::Dense(32, {.activation = nn::tanh}), nn::Dense(2, {.activation = nn::softmax})}; }

void compile(nn::Sequential& model, const nn::Precision& precision) {
  model.compile({.optimizer = optim::Adam({.learning_rate = 0.02}),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"},
                 .precision = precision});
}

bool all_float32(const nn::Module& module) {
  return std::ranges::all_of(module.variables(), [](const Variable& v) { return v.dtype() == DType::float32; });
}

std::vector<float> all_weights(const nn::Module& module) {
  std::vector<float> out;
  for (const Variable& variable : module.variables())
    for (const float v : variable.value().to_vector<float>()) out.push_back(v);
  return out;
}

}  // namespace

TEST_CASE("the mean of half numbers fits where their sum does not") {
  const Tensor x = full({1000, 100}, 3, DType::float16);
  CHECK(mean(x).item<float>() == 3);
  CHECK(mean(x).dtype() == DType::float16);
  GradientTape tape;
  tape.watch(x);
  const Tensor g = tape.gradient(mean(x * 2, 0), x);
  CHECK(g.dtype() == DType::float16);
  CHECK(g[5][7].item<float>() == doctest::Approx(0.002).epsilon(1e-3));
}

TEST_CASE("precisions by name") {
  CHECK(nn::Precision().name() == "float32");
  CHECK_FALSE(nn::Precision("float32").mixed());
  CHECK(nn::Precision("mixed_bfloat16").compute_dtype() == DType::bfloat16);
  CHECK(nn::mixed_float16.compute_dtype() == DType::float16);
  CHECK(nn::mixed_float16.loss_scale().value() == 32768);
  CHECK(nn::mixed_bfloat16.loss_scale().value() == 1);
  CHECK(nn::Precision().loss_scale().value() == 1);
  CHECK_THROWS_WITH_AS(
      nn::Precision("mixed_float8"),
      "Precision: unknown precision; got \"mixed_float8\", expected one of float32, mixed_bfloat16, mixed_float16", ValueError);
}

TEST_CASE("scopes nest, end with exceptions, and belong to a thread") {
  CHECK(nn::active_precision().name() == "float32");
  {
    const nn::PrecisionScope outer("mixed_float16");
    CHECK(nn::compute_dtype(DType::float32) == DType::float16);
    CHECK(nn::compute_dtype(DType::float64) == DType::float64);
    CHECK(nn::compute_dtype(DType::bfloat16) == DType::bfloat16);
    try {
      const nn::PrecisionScope inner(nn::mixed_bfloat16);
      CHECK(nn::active_precision().name() == "mixed_bfloat16");
      throw 1;
    } catch (int) {
    }
    CHECK(nn::active_precision().name() == "mixed_float16");
    std::string other;
    std::thread([&] { other = nn::active_precision().name(); }).join();
    CHECK(other == "float32");
  }
  CHECK(nn::active_precision().name() == "float32");
}

TEST_CASE("dtypes: activations in 16 bits; variables, gradients, softmax and losses in float32") {
  random::seed(3);
  const Quadrants data(64);
  for (const nn::Precision& precision : {nn::mixed_bfloat16, nn::mixed_float16}) {
    const DType half = precision.compute_dtype();
    CAPTURE(precision.name());
    nn::Dense hidden(8, {.activation = nn::relu}), output(2), plain(2, {.dtype = DType::float64});
    const Tensor exact = output(hidden(data.x));
    const nn::PrecisionScope scope(precision);
    GradientTape tape;
    const Tensor h = hidden(data.x), z = output(h);
    CHECK(h.dtype() == half);
    CHECK(z.dtype() == half);
    CHECK(plain(h).dtype() == DType::float64);
    CHECK(nn::softmax(z).dtype() == DType::float32);
    CHECK(nn::log_softmax(z).dtype() == DType::float32);
    CHECK(nn::Dense(3, {.activation = nn::softmax})(h).dtype() == DType::float32);
    CHECK(max(abs(z.astype(DType::float32) - exact)).item<double>() < 0.03);

    const Tensor loss = mean(nn::sparse_categorical_crossentropy(data.y, z, true));
    CHECK(loss.dtype() == DType::float32);
    const std::vector<Variable> weights{hidden.kernel(), hidden.bias(), output.kernel(), output.bias()};
    const std::vector<Tensor> gradients = tape.gradient(loss, weights);
    for (size_t i = 0; i < weights.size(); ++i) {
      CHECK(weights[i].dtype() == DType::float32);
      CHECK(gradients[i].dtype() == DType::float32);
      CHECK((gradients[i].shape() == weights[i].shape()));
    }
  }
}

TEST_CASE("gradients in mixed precision are those of float32, up to the shorter fractions") {
  random::seed(5);
  const Quadrants data(128);
  nn::Sequential model{nn::Dense(16, {.activation = nn::tanh}), nn::Dense(2)};
  const auto gradients = [&](const nn::Precision& precision, double scale) {
    const nn::PrecisionScope scope(precision);
    GradientTape tape;
    const Tensor loss = mean(nn::sparse_categorical_crossentropy(data.y, model(data.x), true)) * scale;
    return tape.gradient(loss, model.variables());
  };
  model(data.x);
  const std::vector<Tensor> exact = gradients({}, 1);
  const std::vector<std::pair<nn::Precision, double>> cases{{nn::mixed_bfloat16, 1}, {nn::mixed_float16, 1024}};
  for (const auto& [precision, scale] : cases) {
    const std::vector<Tensor> got = gradients(precision, scale);
    for (size_t i = 0; i < got.size(); ++i)
      CHECK((norm(got[i] / scale - exact[i]) / norm(exact[i])).item<double>() < (scale == 1 ? 0.03 : 0.004));
  }
}

TEST_CASE("losses take half predictions in float32") {
  const Tensor p = Tensor({0.25f, 0.5f}), y = Tensor({1.0f, 0.0f});
  for (const DType half : {DType::bfloat16, DType::float16}) {
    CHECK(nn::mean_squared_error(y, p.astype(half)).dtype() == DType::float32);
    CHECK(nn::mean_absolute_error(y, p.astype(half)).dtype() == DType::float32);
    CHECK(nn::binary_crossentropy(y, p.astype(half)).to_vector<float>() == nn::binary_crossentropy(y, p).to_vector<float>());
    CHECK(nn::categorical_crossentropy(y, p.astype(half)).item<float>() == nn::categorical_crossentropy(y, p).item<float>());
  }
}

TEST_CASE("training reaches the loss of float32") {
  const Quadrants train(400), test(200, 2);
  std::vector<double> losses;
  for (const char* precision : {"float32", "mixed_bfloat16", "mixed_float16"}) {
    CAPTURE(precision);
    random::seed(7);
    nn::Sequential model = classifier();
    compile(model, precision);
    const nn::History history = model.fit(train.x, train.y, {.epochs = 40, .seed = 3, .verbose = 0});
    CHECK(history["loss"].back() < 0.12);
    const nn::Logs result = model.evaluate(test.x, test.y);
    CHECK(result["accuracy"] > 0.93);
    losses.push_back(history["loss"].back());
    CHECK(model.predict(test.x).dtype() == DType::float32);
    CHECK(all_float32(model));
    for (const auto& [name, value] : model.optimizer().state(model.variables())) {
      CAPTURE(name);
      CHECK((value.dtype() != DType::bfloat16 && value.dtype() != DType::float16));
    }
  }
  CHECK(losses[1] == doctest::Approx(losses[0]).epsilon(0.2));
  CHECK(losses[2] == doctest::Approx(losses[0]).epsilon(0.1));
}

TEST_CASE("compile takes the precision that is active") {
  const Quadrants data(32);
  nn::Sequential model = classifier();
  {
    const nn::PrecisionScope scope(nn::mixed_float16);
    model.compile({.loss = "sparse_categorical_crossentropy"});
  }
  CHECK(model.loss_scale().value() == 32768);
  DType seen = DType::boolean;
  nn::Sequential watched{nn::Dense(4, {.activation =
                                           [&seen](const Tensor& x) {
                                             seen = x.dtype();
                                             return relu(x);
                                           }}),
                         nn::Dense(2, {.activation = nn::softmax})};
  compile(watched, nn::mixed_bfloat16);
  watched.evaluate(data.x, data.y);
  CHECK(seen == DType::bfloat16);
  watched.predict(data.x);
  CHECK(seen == DType::bfloat16);
  watched(data.x);  // outside of what compile() governs
  CHECK(seen == DType::float32);
}

TEST_CASE("layers that compute once more on the way back do so in the same precision") {
  struct Checkpointed : nn::Model {
    nn::Dense hidden{32, {.activation = nn::tanh}}, output{2, {.activation = nn::softmax}};
    bool saves = true;
    Tensor call(const Tensor& x, bool) override {
      const auto both = [this](const Tensor& input) { return output(hidden(input)); };
      return saves ? checkpoint(both, x) : both(x);
    }
    void visit(nn::Visitor& v) override { v("hidden", hidden), v("output", output); }
  };
  const Quadrants data(100);
  const auto weights = [&](bool saves) {
    random::seed(2);
    Checkpointed model;
    model.saves = saves;
    model.compile({.loss = "sparse_categorical_crossentropy", .precision = nn::mixed_float16});
    model.fit(data.x, data.y, {.epochs = 3, .seed = 1, .verbose = 0});
    return all_weights(model);
  };
  CHECK(weights(true) == weights(false));
}

TEST_CASE("overflowing gradients of float16 are left out until the scale fits") {
  random::seed(1);
  const Tensor x = random::uniform({256, 4}, -1, 1), y = sum(x, 1, true) * 300;
  nn::Sequential model{nn::Dense(1)};
  model.compile({.optimizer = optim::SGD({.learning_rate = 0.3}), .loss = "mse", .precision = nn::mixed_float16});
  const nn::History history = model.fit(x, y, {.epochs = 30, .batch_size = 64, .seed = 2, .verbose = 0});
  CHECK(model.loss_scale().value() < 32768);
  CHECK(model.loss_scale().skipped() > 0);
  CHECK(model.optimizer().iterations() == 30 * 4 - model.loss_scale().skipped());
  CHECK(history["loss"].back() < 0.01 * history["loss"].front());
}

TEST_CASE("evaluating and predicting change nothing") {
  const Quadrants data(100);
  nn::Sequential model = classifier();
  compile(model, nn::mixed_float16);
  model.fit(data.x, data.y, {.epochs = 2, .seed = 1, .verbose = 0});
  const std::vector<float> weights = all_weights(model);
  const int64_t good = model.loss_scale().good_steps(), steps = model.optimizer().iterations();
  model.evaluate(data.x, data.y);
  const Tensor once = model.predict(data.x), again = model.predict(data.x, {.batch_size = 100});
  CHECK(once.to_vector<float>() == again.to_vector<float>());
  CHECK(all_weights(model) == weights);
  CHECK(model.loss_scale().good_steps() == good);
  CHECK(model.optimizer().iterations() == steps);
}

TEST_CASE("files hold float32, and go between precisions") {
  const Quadrants data(50);
  const test::Folder folder;
  const std::string path = folder / "weights.safetensors";
  nn::Sequential model = classifier(), other = classifier();
  compile(model, nn::mixed_bfloat16);
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  nn::save_weights(model, path);
  for (const auto& [name, tensor] : data::load_safetensors(path).tensors) CHECK(tensor.dtype() == DType::float32);
  other(data.x);
  nn::load_weights(other, path);
  CHECK(all_weights(other) == all_weights(model));
  CHECK(max(abs(other.predict(data.x) - model.predict(data.x))).item<double>() < 0.02);
}

TEST_CASE("training flushes subnormal numbers, and no longer than it lasts") {
  bool supported = false;
  {
    const FlushDenormals flush;
    supported = detail::flushes_denormals();
  }
  if (!supported) return;
  const Quadrants data(64);
  nn::Sequential model = classifier();
  compile(model, {});
  int batches = 0, flushing = 0;
  const nn::LambdaCallback count({.on_batch_end = [&](nn::Run&) { ++batches, flushing += detail::flushes_denormals(); }});
  model.fit(data.x, data.y, {.verbose = 0, .callbacks = {count}});
  CHECK(batches == 2);
  CHECK(flushing == 2);
  CHECK_FALSE(detail::flushes_denormals());
  const nn::LambdaCallback fail({.on_batch_end = [](nn::Run&) { throw 1; }});
  CHECK_THROWS_AS(model.fit(data.x, data.y, {.verbose = 0, .callbacks = {fail}}), int);
  CHECK_FALSE(detail::flushes_denormals());
}
