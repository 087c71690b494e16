// A line through noisy points: gradient descent on a tape finds what the closed form says at once.
//
// The points lie around y = 2 x + 1. What to see: the loss falls fast and then levels off at the variance of the noise (0.25),
// the slope comes within 0.05 of 2, and slope and intercept agree with least squares to several digits.
#include "apps/common/epoch_log.h"
#include "apps/common/points.h"
#include "apps/common/results.h"
#include "autograd/linalg.h"

using namespace gradus;

namespace {

struct Settings : apps::Options {
  int64_t points = 500, epochs = 100;
  double learning_rate = 0.1, noise = 0.5;

  void add_to(CLI::App& app) {
    app.add_option("--points", points, "Number of points")->check(apps::at_least(2))->capture_default_str();
    app.add_option("--noise", noise, "Standard deviation of the noise")->check(apps::between(0))->capture_default_str();
    app.add_option("--epochs", epochs, "Steps of gradient descent, each over all points")
        ->check(apps::at_least(1))
        ->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Part of the gradient that a step takes")
        ->check(apps::between(0))
        ->capture_default_str();
    Options::add_to(app);
  }
};

int fit_line(const Settings& options) {
  options.apply();
  const Tensor x = random::uniform({options.points}, -2, 2);
  const Tensor y = 2 * x + 1 + random::normal({options.points}, 0, options.noise);

  Variable slope(0.0f, {.name = "slope"}), intercept(0.0f, {.name = "intercept"});
  apps::EpochLog log(options, options.epochs);
  apps::Report report("Linear regression", "A line through noisy points, found by gradient descent and by least squares.");
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    GradientTape tape;
    const Tensor loss = mean(square(slope * x + intercept - y));
    if (epoch == 0) report.graph("The graph of the loss", "What the tape recorded in the first step.", loss);
    const auto [d_slope, d_intercept] = tape.gradient(loss, slope, intercept);
    slope.assign_sub(options.learning_rate * d_slope);
    intercept.assign_sub(options.learning_rate * d_intercept);

    log.add({{"loss", loss.item<double>()}},
            text("y = ", apps::number(slope.item<double>()), " x + ", apps::number(intercept.item<double>())));
  }

  // Least squares: the columns of [x, 1], weighted by slope and intercept, come as near to y as they can.
  const Tensor best = lstsq(stack({x, ones_like(x)}, 1), y);
  const Tensor line = linspace(-2, 2, 2);
  report.fact("Slope", slope.item<double>());
  report.fact("Intercept", intercept.item<double>());
  report.fact("Loss", log.history()["loss"].back());
  report.lines("Points and line", "The points lie around the line y = 2 x + 1; the fitted line runs through their middle.",
               {apps::dots("points", x, y), apps::series("fitted line", line, slope * line + intercept)}, {.x = "x", .y = "y"});
  report.curves(log.history());
  apps::Results results;
  results.add("slope", slope.item<double>())
      .add("intercept", intercept.item<double>())
      .add("least_squares_slope", best[0].item<double>())
      .add("least_squares_intercept", best[1].item<double>())
      .add("loss", log.history()["loss"].back());
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Fits a line to noisy points around y = 2 x + 1 by gradient descent, and by least squares.", "linear_regression");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return fit_line(options); });
}
