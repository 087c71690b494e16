// A linear classifier from scratch: two clouds of points, a weight for each coordinate, a tape (Chollet, chapter 3).
//
// What to see: within 40 steps the line y = 1/2 of the model turns until it runs between the clouds, and more than 99 of 100
// points are on their side of it.
#include "apps/common/epoch_log.h"
#include "apps/common/points.h"
#include "data/synthetic.h"

using namespace gradus;

namespace {

struct Settings : apps::Options {
  int64_t points = 2000, epochs = 40;
  double learning_rate = 0.1;

  void add_to(CLI::App& app) {
    app.add_option("--points", points, "Number of points in both clouds")->check(apps::at_least(2))->capture_default_str();
    app.add_option("--epochs", epochs, "Steps, each over all points")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Part of the gradient that a step takes")
        ->check(apps::between(0))
        ->capture_default_str();
    Options::add_to(app);
  }
};

int classify(const Settings& options) {
  options.apply();
  const auto [inputs, targets] = data::synthetic::two_clouds(options.points, options.seed).all();  // [n, 2] and [n, 1]

  const Variable W(random::uniform({2, 1}), {.name = "W"}), b(zeros({1}), {.name = "b"});
  const auto model = [&](const Tensor& x) { return matmul(x, W) + b; };
  const auto square_loss = [](const Tensor& y, const Tensor& predictions) { return mean(square(y - predictions)); };
  const auto accuracy = [](const Tensor& y, const Tensor& predictions) {
    return mean(((predictions > 0.5f) == (y > 0.5f)).astype(DType::float32)).item<double>();
  };
  // A point (x, y) belongs to class 1 where x W[0] + y W[1] + b is more than one half.
  const apps::Box box = apps::box_around(inputs);
  const auto line = [&](std::string name) {
    return apps::boundary(std::move(name), W.value()[0].item<double>(), W.value()[1].item<double>(), b.item<double>() - 0.5, box);
  };

  apps::Report report("Linear classifier", "Two clouds of points and the line that a linear model draws between them.");
  apps::EpochLog log(options, options.epochs);
  std::vector<apps::Series> lines{line("before training")};
  for (int64_t step = 0; step < options.epochs; ++step) {
    GradientTape tape;
    const Tensor predictions = model(inputs), loss = square_loss(targets, predictions);
    if (step == 0) report.graph("The graph of the loss", "What the tape recorded in the first step.", loss);
    const auto [dW, db] = tape.gradient(loss, W, b);
    W.assign_sub(options.learning_rate * dW);
    b.assign_sub(options.learning_rate * db);
    log.add({{"loss", loss.item<double>()}, {"accuracy", accuracy(targets, predictions)}});
  }
  lines.push_back(line("after training"));

  const Tensor predictions = model(inputs);
  apps::Plane plane = apps::plane_of(model, box);
  plane.points = apps::by_class(inputs, targets, {"class 0", "class 1"});
  plane.paths = lines;
  plane.axes = {.x = "x", .y = "y"};
  report.fact("Accuracy", accuracy(targets, predictions));
  report.fact("Loss", square_loss(targets, predictions).item<double>());
  report.plane("The boundary", "Colours show what the model answers for each point of the plane; it decides at one half.", plane);
  report.curves(log.history());
  apps::Results results;
  results.add("accuracy", accuracy(targets, predictions))
      .add("loss", square_loss(targets, predictions).item<double>())
      .add("w_0", W.value()[0].item<double>())
      .add("w_1", W.value()[1].item<double>())
      .add("b", b.item<double>());
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Parts two clouds of points with a linear classifier written from scratch.", "linear_classifier");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return classify(options); });
}
