// The network of mnist_mlp from nothing but tensors, variables and a gradient tape, trained by plain gradient descent.
//
// Expected on MNIST with the defaults: a test accuracy of about 0.84: small steps of plain gradient descent take many epochs.
#include <functional>
#include <vector>

#include "apps/common/classifier.h"
#include "apps/common/results.h"
#include "data/loader.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

struct NaiveDense {
  Variable W, b;
  std::function<Tensor(const Tensor&)> activation;

  NaiveDense(int64_t input_size, int64_t output_size, std::function<Tensor(const Tensor&)> function)
      : W(random::uniform({input_size, output_size}, 0.0, 0.1)), b(zeros({output_size})), activation(std::move(function)) {}

  Tensor operator()(const Tensor& inputs) const { return activation(matmul(inputs, W) + b); }
};

struct NaiveModel : nn::Module {
  NaiveDense hidden{784, 512, nn::relu}, output{512, 10, nn::softmax};

  Tensor operator()(const Tensor& images) const { return output(hidden(images)); }
  void visit(nn::Visitor& v) override {
    v("hidden_W", hidden.W), v("hidden_b", hidden.b), v("output_W", output.W), v("output_b", output.b);
  }
};

/// Mean loss and accuracy over all samples, in batches.
std::pair<double, double> test(const NaiveModel& model, const apps::Flat& samples) {
  double loss = 0, correct = 0;
  for (const auto& [x, y] : data::DataLoader({samples.x, samples.y}, {.batch_size = 1000})) {
    const Tensor predictions = model(x);
    loss += sum(nn::sparse_categorical_crossentropy(y, predictions)).item<double>();
    correct += sum(argmax(predictions, -1) == y).item<double>();
  }
  const auto count = static_cast<double>(samples.x.shape()[0]);
  return {loss / count, correct / count};
}

/// What the page shows besides the curves.
void add_details(apps::Report& report, const NaiveModel& model, const apps::Flat& samples) {
  apps::add_classifier(report, samples.x.reshape({-1, 28, 28}), samples.y, model(samples.x));
  GradientTape tape;
  const Tensor loss = mean(nn::sparse_categorical_crossentropy(samples.y[":128"], model(samples.x[":128"])));
  report.graph("Computation graph", "What the tape holds of one step on 128 images.", loss);
}

int train(const apps::TrainOptions& options) {
  options.apply();
  const apps::Interrupt interrupt;
  const auto [train, test_part] = data::mnist::load({.data_dir = options.data_dir});
  const apps::Flat samples = apps::flat(train, options.limit), held_out = apps::flat(test_part, options.limit);
  options.remarks() << "data: " << train.source << ", " << samples.x.shape()[0] << " training and " << held_out.x.shape()[0]
                    << " test images\n";

  const FlushDenormals fast;
  const apps::Stopwatch clock;
  NaiveModel model;
  const std::vector<Variable> weights = model.variables();  // handles, not copies
  optim::SGD sgd({.learning_rate = 1e-3});

  const auto one_training_step = [&](const Tensor& x, const Tensor& y) {
    GradientTape tape;
    const Tensor loss = mean(nn::sparse_categorical_crossentropy(y, model(x)));
    sgd.apply_gradients(tape.gradient(loss, weights), weights);
    return loss.item<double>();
  };

  nn::History history;
  std::vector<double> epoch_seconds;
  data::DataLoader batches({samples.x, samples.y}, {.batch_size = options.batch_size, .shuffle = true, .seed = options.seed});
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    if (!options.json) std::cout << "epoch " << epoch + 1 << "\n";
    const apps::Stopwatch epoch_clock;
    double total = 0;
    int64_t step = 0;
    for (const auto& [x, y] : batches) {
      const double loss = one_training_step(x, y);
      total += loss * static_cast<double>(x.shape()[0]);
      if (!options.json && step % 100 == 0) std::cout << "loss at batch " << step << ": " << loss << std::endl;
      ++step;
      interrupt.check();
    }
    nn::Logs logs;
    logs.set("loss", total / static_cast<double>(samples.x.shape()[0]));
    epoch_seconds.push_back(epoch_clock.seconds());
    if (options.json)
      apps::JsonLine().add("epoch", epoch + 1).add("loss", logs["loss"]).add("seconds", epoch_seconds.back()).print();
    if (!options.report.empty()) {  // the page also shows how the test images fare
      const auto [loss, accuracy] = test(model, held_out);
      logs.set("val_loss", loss);
      logs.set("val_accuracy", accuracy);
    }
    history.add(epoch, logs);
  }

  const auto [loss, accuracy] = test(model, held_out);
  const double seconds = clock.seconds();
  if (!options.save.empty()) nn::save_weights(model, options.save);
  apps::Report report(
      "Handwritten digits, from scratch",
      "A network of 784, 512 and 10 units, written with tensors and a gradient tape, learned to read digits (MNIST) "
      "by plain gradient descent.");
  report.fact("Test accuracy", accuracy);
  report.fact("Test loss", loss);
  report.fact("Training images", static_cast<double>(samples.x.shape()[0]));
  report.fact("Seconds", seconds);
  report.curves(history);
  report.epoch_times(epoch_seconds);
  if (!options.report.empty()) add_details(report, model, held_out);
  apps::Results results;
  results.add("test_loss", loss).add("test_accuracy", accuracy).add("seconds", seconds).add("data", train.source);
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a 784-512-10 network written from scratch on handwritten digits (MNIST) and tests it.", "mnist_scratch");
  apps::TrainOptions options;
  options.epochs = 10;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return train(options); });
}
