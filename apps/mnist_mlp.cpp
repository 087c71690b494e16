// Handwritten digits with the first network of Chollet's "Deep learning with Python": 784-512-10, RMSprop.
//
// Expected on MNIST with the defaults: a test accuracy of about 0.979.
#include "apps/common/classifier.h"
#include "apps/common/results.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

/// What the page shows besides the curves.
void add_details(apps::Report& report, nn::Model& model, const apps::Flat& test) {
  apps::add_classifier(report, test.x.reshape({-1, 28, 28}), test.y, model.predict(test.x, {.batch_size = 1000}));
  GradientTape tape;
  const Tensor loss = mean(nn::sparse_categorical_crossentropy(test.y[":128"], model(test.x[":128"])));
  report.graph("Computation graph", "What the tape holds of one step on 128 images.", loss);
}

int train(const apps::TrainOptions& options, const std::string& precision) {
  options.apply();
  const apps::Interrupt interrupt;
  const auto [train, test] = data::mnist::load({.data_dir = options.data_dir});
  const auto [x_train, y_train] = apps::flat(train, options.limit);
  const auto [x_test, y_test] = apps::flat(test, options.limit);
  const bool page = !options.report.empty();  // which also shows how the test images fare after each epoch
  options.remarks() << "data: " << train.source << ", " << x_train.shape()[0] << " training and " << x_test.shape()[0]
                    << " test images\n";

  const apps::Stopwatch clock;
  nn::Sequential model{
      nn::Dense(512, {.activation = nn::relu}),
      nn::Dense(10, {.activation = nn::softmax}),
  };
  model.compile(
      {.optimizer = "rmsprop", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}, .precision = precision});
  const apps::Watch watch(interrupt, options.json);
  const nn::History history = model.fit(x_train, y_train,
                                        {.epochs = options.epochs,
                                         .batch_size = options.batch_size,
                                         .seed = options.seed,
                                         .validation_data = page ? nn::Samples{x_test, y_test} : nn::Samples{},
                                         .verbose = options.json ? 0 : 1,
                                         .callbacks = options.callbacks(watch)});
  if (interrupt.pressed()) {
    if (!options.save.empty()) nn::save_weights(model, options.save);
    std::cerr << "mnist_mlp: interrupted\n";
    return apps::kInterrupted;
  }
  const nn::Logs result = model.evaluate(x_test, y_test, {.batch_size = 1000});
  const double seconds = clock.seconds();
  if (!options.save.empty()) nn::save_weights(model, options.save);

  apps::Report report("Handwritten digits", "A network of 784, 512 and 10 units learned to read digits (MNIST) with RMSprop.");
  report.fact("Test accuracy", result["accuracy"]);
  report.fact("Test loss", result["loss"]);
  report.fact("Training images", static_cast<double>(x_train.shape()[0]));
  report.fact("Seconds", seconds);
  report.curves(history);
  report.epoch_times(watch.seconds());
  if (page) add_details(report, model, {x_test, y_test});
  apps::Results results;
  results.add("test_loss", result["loss"])
      .add("test_accuracy", result["accuracy"])
      .add("seconds", seconds)
      .add("data", train.source);
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains a 784-512-10 network on handwritten digits (MNIST) and tests it.", "mnist_mlp");
  apps::TrainOptions options;
  options.add_to(app);
  options.add_checkpoint_to(app);
  std::string precision = "float32";
  app.add_option("--precision", precision, "What the layers compute in: float32, mixed_bfloat16 or mixed_float16")
      ->capture_default_str();
  return apps::run(app, argc, argv, [&] { return train(options, precision); });
}
