// Two kinds of points that no line parts: a linear model and a deep network, side by side.
//
// What to see: on a ring inside a ring the linear model guesses (about 0.5), on two spiral arms (--data spirals) it gets to 0.65,
// however long it trains, because its boundary is a line. The network with two hidden layers of tanh bends its boundary around
// the points and passes 0.95. Take its activations away, and three linear layers in a row are one linear layer, no better than
// the first model.
#include "apps/common/points.h"
#include "apps/common/results.h"
#include "data/synthetic.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

struct Settings : apps::Options {
  std::string data = "circles";
  int64_t points = 600, epochs = 400, batch_size = 32, units = 32;
  double learning_rate = 0.02;

  void add_to(CLI::App& app) {
    app.add_option("--data", data, "The points: circles or spirals")->capture_default_str();
    app.add_option("--points", points, "Points to learn from, and as many to test with")
        ->check(apps::at_least(2))
        ->capture_default_str();
    app.add_option("--units", units, "Neurons in each of the two hidden layers")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--epochs", epochs, "Passes over the points")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--batch-size", batch_size, "Points per step")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Of Adam")->check(apps::between(0))->capture_default_str();
    Options::add_to(app);
  }
};

data::TensorDataset points(const Settings& options, uint64_t seed) {
  if (options.data == "circles") return data::synthetic::circles(options.points, seed);
  if (options.data == "spirals") return data::synthetic::spirals(options.points, seed);
  fail<ValueError>("--data", "unknown points; got \"", options.data, "\", expected one of circles, spirals");
}

nn::Sequential network(int64_t units, const nn::Activation& activation) {
  return {nn::Dense(units, {.activation = activation}), nn::Dense(units, {.activation = activation}),
          nn::Dense(1, {.activation = nn::sigmoid})};
}

int compare(const Settings& options) {
  options.apply();
  const apps::Interrupt interrupt;
  const auto [x, y] = points(options, options.seed).all();
  const auto [x_test, y_test] = points(options, options.seed + 1).all();

  std::vector<std::pair<std::string, nn::Sequential>> models{{"linear", {nn::Dense(1, {.activation = nn::sigmoid})}},
                                                             {"deep", network(options.units, nn::tanh)},
                                                             {"deep without activations", network(options.units, nn::linear)}};
  const apps::Box box = apps::box_around(x);
  const std::vector<apps::Series> dots = apps::by_class(x, y, {"class 0", "class 1"});
  std::vector<std::pair<std::string, apps::Plane>> planes;
  std::vector<std::pair<std::string, nn::History>> histories;
  apps::Results results;
  apps::Report report("Nonlinearity", "Two kinds of points, a linear model and a deep network.");
  for (auto& [name, model] : models) {
    model.compile({.optimizer = optim::Adam({.learning_rate = options.learning_rate}),
                   .loss = "binary_crossentropy",
                   .metrics = {"accuracy"}});
    const nn::History history = model.fit(x, y,
                                          {.epochs = options.epochs,
                                           .batch_size = options.batch_size,
                                           .seed = options.seed,
                                           .verbose = 0,
                                           .callbacks = {apps::Watch(interrupt, options.json, name)}});
    interrupt.check();
    const nn::Logs test = model.evaluate(x_test, y_test, {.batch_size = 1000});
    planes.emplace_back(name, apps::plane_of([&](const Tensor& grid) { return model.predict(grid, {.batch_size = 1000}); }, box));
    planes.back().second.points = dots;
    histories.emplace_back(name, history);
    results.add(apps::key(name) + "_accuracy", test["accuracy"]);
    report.fact("Accuracy, " + name, test["accuracy"]);
  }

  report.planes("What the models answer",
                "The linear model cuts the plane in two along a line. The network bends around the points; without its "
                "activations it is as straight as the first.",
                planes);
  report.curves(histories);
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Parts two kinds of points with a linear model and with a deep network.", "nonlinearity");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return compare(options); });
}
