// One hidden layer fitted to a curve: logistic, tanh and gaussian neurons compared.
//
// A layer of neurons between one input and one output is a sum of shapes: smooth steps for the logistic function and tanh, bumps
// for the gaussian. What to see: after 300 epochs logistic neurons, whose steps are the gentlest, are behind; after 3000 all
// three are within 0.05 of the sine, nearer than the noise (0.1). No sum of a few smooth shapes follows the edge of --curve step.
#include <map>

#include "apps/common/epoch_log.h"
#include "apps/common/points.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

const std::map<std::string, Tensor (*)(const Tensor&)> kCurves{
    {"sine", [](const Tensor& x) { return sin(3 * x); }},
    {"step", [](const Tensor& x) { return where(x > 0, ones_like(x), -ones_like(x)); }},
    {"bumps", [](const Tensor& x) { return gaussian(4 * (x + 1)) - gaussian(4 * (x - 1)); }}};

struct Settings : apps::Options {
  std::string curve = "sine";
  int64_t points = 200, units = 16, epochs = 3000;
  double noise = 0.1, learning_rate = 0.02;

  void add_to(CLI::App& app) {
    app.add_option("--curve", curve, "What is fitted: bumps, sine or step")->capture_default_str();
    app.add_option("--points", points, "Number of points")->check(apps::at_least(2))->capture_default_str();
    app.add_option("--noise", noise, "Standard deviation of the noise")->check(apps::between(0))->capture_default_str();
    app.add_option("--units", units, "Neurons in the hidden layer")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--epochs", epochs, "Steps, each over all points")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Of Adam")->check(apps::between(0))->capture_default_str();
    Options::add_to(app);
  }
};

int fit_curves(const Settings& options) {
  options.apply();
  if (!kCurves.contains(options.curve))
    fail<ValueError>("--curve", "unknown curve; got \"", options.curve, "\", expected one of bumps, sine, step");
  const auto curve = kCurves.at(options.curve);
  const Tensor x = random::uniform({options.points, 1}, -2, 2), y = curve(x) + random::normal(x.shape(), 0, options.noise);
  const Tensor grid = linspace(-2, 2, 400).reshape({-1, 1}), truth = curve(grid);

  const std::vector<std::pair<std::string, nn::Activation>> activations{
      {"logistic", nn::sigmoid}, {"tanh", nn::tanh}, {"gaussian", nn::gaussian}};
  // Weights and biases far from 0 spread the steps and bumps over the curve; where all begin at 0, some stay there.
  const auto spread = [](const Shape& shape, DType dtype, random::Generator& generator) {
    return random::uniform(shape, -3, 3, dtype, generator);
  };
  apps::Report report("Function fit", "One hidden layer fitted to a noisy " + options.curve + " with three kinds of neurons.");
  std::vector<apps::Series> fits{apps::dots("points", x, y), apps::series("without noise", grid, truth)};
  std::vector<apps::Series> losses;
  apps::Results results;
  for (const auto& [name, activation] : activations) {
    nn::Sequential model{
        nn::Dense(options.units, {.activation = activation, .kernel_initializer = spread, .bias_initializer = spread}),
        nn::Dense(1)};
    model(x);  // makes the variables
    const std::vector<Variable> weights = model.variables();
    optim::Adam adam({.learning_rate = options.learning_rate});
    apps::EpochLog log(options, options.epochs, name);
    for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
      GradientTape tape;
      const Tensor loss = mean(square(model(x) - y));
      adam.minimize(loss, weights, tape);
      log.add({{"loss", loss.item<double>()}});
    }
    losses.push_back(apps::by_epoch(name, log.history()["loss"]));
    fits.push_back(apps::series(name, grid, model(grid)));
    const double error = std::sqrt(mean(square(model(grid) - truth)).item<double>());
    results.add(name + "_error", error);
    report.fact("Error, " + name, error);
  }

  report.lines("The fitted curves", "Each model's answer, the points it was shown, and the curve before noise was added.", fits,
               {.x = "x", .y = "y"});
  report.lines("Loss", "It levels off at the variance of the noise.", losses,
               {.x = "epoch", .y = "mean squared error", .log_y = true});
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fits a curve with one hidden layer of logistic, tanh or gaussian neurons.", "function_fit");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return fit_curves(options); });
}
