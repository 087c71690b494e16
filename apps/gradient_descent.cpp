// Six ways downhill: SGD, momentum, RMSprop, Adam, Adagrad and Adadelta from one start over two surfaces.
//
// The bowl, (x^2 + 20 y^2) / 2, is twenty times as steep in one direction as in the other: plain gradient descent must take steps
// that suit the steep one. Beale's function has a flat valley between steep walls. Expected, in 2000 steps: on the bowl Adam,
// Adagrad and momentum arrive in fewer than 100 steps, SGD and RMSprop in a little more than 200, Adadelta, whose steps begin at
// next to nothing, in more than 400. On Beale's function momentum needs 40 steps, the others 200 to 700, and Adadelta does not
// arrive. RMSprop ends a hundredth away from each minimum: the steps of a fixed rate do not shrink with the gradient.
// --noise shakes the gradients as mini-batches do: then the paths wander about the minimum instead of ending there.
#include <iomanip>

#include "apps/common/results.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

constexpr double kNear = 0.05;  // of the minimum: arrived

struct Surface {
  std::string name, formula;
  Tensor (*height)(const Tensor& x, const Tensor& y);
  double x, y;                  // where the paths start
  double minimum_x, minimum_y;  // where they should end
  double x_low, x_high, y_low, y_high;
};

Tensor bowl(const Tensor& x, const Tensor& y) { return 0.5 * (square(x) + 20.0 * square(y)); }
Tensor beale(const Tensor& x, const Tensor& y) {
  return square(1.5 - x + x * y) + square(2.25 - x + x * square(y)) + square(2.625 - x + x * y * square(y));
}

const Surface kSurfaces[] = {{"bowl", "(x^2 + 20 y^2) / 2", bowl, -4, 1.5, 0, 0, -4.5, 2, -2, 2},
                             {"beale", "Beale's function", beale, 1, 1.5, 3, 0.5, 0, 4.5, -1, 2}};

struct Runner {
  std::string name;
  optim::Spec optimizer;
};

/// Learning rates that suit these surfaces; found by trying.
std::vector<Runner> runners() {
  return {{"SGD", optim::SGD({.learning_rate = 0.02})},
          {"momentum", optim::SGD({.learning_rate = 0.005, .momentum = 0.9})},
          {"RMSprop", optim::RMSprop({.learning_rate = 0.02})},
          {"Adam", optim::Adam({.learning_rate = 0.1})},
          {"Adagrad", optim::Adagrad({.learning_rate = 0.5})},
          {"Adadelta", optim::Adadelta({.learning_rate = 1, .rho = 0.9, .epsilon = 1e-5})}};
}

struct Path {
  apps::Series points;
  int64_t arrived = -1;  // the first step near the minimum
  double distance = 0, height = 0;
};

Path descend(const Surface& surface, const Runner& runner, int64_t steps, double noise, const apps::Interrupt& interrupt) {
  const Variable x(surface.x), y(surface.y);
  const auto optimizer = runner.optimizer.create();
  Path path{.points = {runner.name, {surface.x}, {surface.y}}};
  for (int64_t step = 1; step <= steps; ++step) {
    interrupt.check();
    GradientTape tape;
    std::vector<Tensor> gradients = tape.gradient(surface.height(x, y), {x, y});
    if (noise > 0)
      for (Tensor& gradient : gradients) gradient = gradient + random::normal({}, 0, noise, DType::float64);
    optimizer->apply_gradients(gradients, {x, y});
    path.points.x.push_back(x.item<double>());
    path.points.y.push_back(y.item<double>());
    path.distance = std::hypot(path.points.x.back() - surface.minimum_x, path.points.y.back() - surface.minimum_y);
    if (path.arrived < 0 && path.distance < kNear) path.arrived = step;
  }
  path.height = surface.height(x, y).item<double>();
  return path;
}

apps::Plane picture(const Surface& surface, const std::vector<Path>& paths) {
  constexpr int64_t kCells = 120;
  const auto [x, y] = [&] {
    const auto grid = meshgrid({linspace(surface.x_low, surface.x_high, kCells, DType::float64),
                                linspace(surface.y_low, surface.y_high, kCells, DType::float64)});
    return std::pair(grid[0], grid[1]);
  }();
  apps::Plane plane{.x_low = surface.x_low,
                    .x_high = surface.x_high,
                    .y_low = surface.y_low,
                    .y_high = surface.y_high,
                    .values = surface.height(x, y) + 0.01,  // its logarithm is the colour
                    .points = {{"minimum", {surface.minimum_x}, {surface.minimum_y}}},
                    .axes = {.x = "x", .y = "y"},
                    .log_values = true};
  for (const Path& path : paths) plane.paths.push_back(path.points);
  return plane;
}

int descend_all(const apps::Options& options, int64_t steps, double noise) {
  options.apply();
  const apps::Interrupt interrupt;
  apps::Results results;
  apps::Report report("Gradient descent", "Six optimisers from one start over two surfaces, " + text(steps) + " steps each.");
  for (const Surface& surface : kSurfaces) {
    std::vector<Path> paths;
    std::vector<std::vector<std::string>> rows;
    for (const Runner& runner : runners()) {
      const Path& path = paths.emplace_back(descend(surface, runner, steps, noise, interrupt));
      rows.push_back({runner.name, path.arrived < 0 ? "-" : text(path.arrived), apps::number(path.distance, 3),
                      apps::number(path.height, 3)});
      if (options.json)
        apps::JsonLine()
            .add("surface", surface.name)
            .add("optimizer", runner.name)
            .add("steps_to_minimum", path.arrived)
            .add("distance", path.distance)
            .add("height", path.height)
            .print();
    }
    const std::vector<std::string> columns{"optimizer", "steps to the minimum", "distance at the end", "height at the end"};
    if (!options.json) {
      std::cout << surface.name << ": " << surface.formula << " from (" << surface.x << ", " << surface.y << "), minimum at ("
                << surface.minimum_x << ", " << surface.minimum_y << ")\n";
      rows.insert(rows.begin(), columns);
      for (const auto& row : rows) {
        std::cout << "  " << std::left << std::setw(11) << row[0] << std::right;
        for (size_t k = 1; k < row.size(); ++k) std::cout << std::setw(22) << row[k];
        std::cout << "\n";
      }
      rows.erase(rows.begin());
      std::cout << "\n";
    }
    // The first to arrive; of those that do not, none.
    const auto fastest = std::ranges::min_element(
        paths, {}, [](const Path& path) { return path.arrived < 0 ? std::numeric_limits<int64_t>::max() : path.arrived; });
    const std::string winner = fastest->arrived < 0 ? "none" : fastest->points.name;
    results.add(surface.name + "_fastest", winner).add(surface.name + "_steps", fastest->arrived);
    report.fact("First on " + surface.formula, fastest->arrived < 0 ? "none" : text(winner, ", ", fastest->arrived, " steps"));
    report.plane(surface.formula, "The height as colour, and the path of each optimiser down to the minimum.",
                 picture(surface, paths));
    report.table("Steps on " + surface.formula, "Steps until a path came within " + apps::number(kNear) + " of the minimum.",
                 columns, rows);
  }
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares six optimisers on two surfaces.", "gradient_descent");
  apps::Options options;
  int64_t steps = 2000;
  double noise = 0;
  app.add_option("--steps", steps, "Steps of each optimiser")->check(apps::at_least(1))->capture_default_str();
  app.add_option("--noise", noise, "Standard deviation of what is added to every gradient")
      ->check(apps::between(0))
      ->capture_default_str();
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return descend_all(options, steps, noise); });
}
