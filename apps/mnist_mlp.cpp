// Handwritten digits with the first network of Chollet's "Deep learning with Python": 784-512-10, RMSprop.
#include "apps/common/cli.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

int train(const apps::TrainOptions& options, const std::string& precision) {
  options.apply();
  const apps::Interrupt interrupt;
  const auto [train, test] = data::mnist::load({.data_dir = options.data_dir});
  const auto [x_train, y_train] = apps::flat(train, options.limit);
  const auto [x_test, y_test] = apps::flat(test, options.limit);
  options.remarks() << "data: " << train.source << ", " << x_train.shape()[0] << " training and " << x_test.shape()[0]
                    << " test images\n";

  const apps::Stopwatch clock;
  nn::Sequential model{
      nn::Dense(512, {.activation = nn::relu}),
      nn::Dense(10, {.activation = nn::softmax}),
  };
  model.compile(
      {.optimizer = "rmsprop", .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}, .precision = precision});
  model.fit(x_train, y_train,
            {.epochs = options.epochs,
             .batch_size = options.batch_size,
             .seed = options.seed,
             .verbose = options.json ? 0 : 1,
             .callbacks = options.callbacks(apps::Watch(interrupt, options.json))});
  if (interrupt.pressed()) {
    if (!options.save.empty()) nn::save_weights(model, options.save);
    std::cerr << "mnist_mlp: interrupted\n";
    return apps::kInterrupted;
  }
  const nn::Logs result = model.evaluate(x_test, y_test, {.batch_size = 1000});
  const double seconds = clock.seconds();
  if (!options.save.empty()) nn::save_weights(model, options.save);

  if (options.json) {
    apps::JsonLine()
        .add("test_loss", result["loss"])
        .add("test_accuracy", result["accuracy"])
        .add("seconds", seconds)
        .add("data", train.source)
        .print();
  } else {
    std::cout << "test_loss: " << result["loss"] << "\ntest_accuracy: " << result["accuracy"] << "\nseconds: " << seconds << "\n";
    if (!options.save.empty()) std::cout << "weights: " << options.save << "\n";
  }
  return 0;
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
