// gallery PAGE [tables]: writes a page with every kind of section, names that try to break out of it and values that are not
// finite. With "tables" as programs built without npm write it. pages.cmake looks at the pages.
#include <cmath>
#include <fstream>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "apps/common/report.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::string kHostile = "</script><img src=x onerror=\"document.title='broken'\">'&\"\xff";

apps::Series curve(const std::string& name, double (*f)(double)) {
  apps::Series out{name, {}, {}};
  for (int i = 0; i <= 120; ++i) out.x.push_back(i / 20.0 - 3), out.y.push_back(f(out.x.back()));
  return out;
}

nn::History run(double speed, double overfitting) {
  nn::History out;
  for (int epoch = 0; epoch < 20; ++epoch) {
    nn::Logs logs;
    const double loss = 0.05 + 0.6 * std::exp(-speed * epoch);
    logs.set("loss", loss);
    logs.set("accuracy", 1 - loss / 2);
    logs.set("val_loss", epoch == 7 ? kNaN : loss + 0.04 + overfitting * epoch);
    logs.set("val_accuracy", 0.97 - loss / 2 - overfitting * epoch / 3);
    out.add(epoch, logs);
  }
  return out;
}

apps::Plane surface() {
  std::vector<double> values;
  for (int i = 0; i < 50; ++i)
    for (int j = 0; j < 50; ++j) {
      const double x = j / 12.25 - 2, y = i / 12.25 - 1;
      values.push_back((1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x));
    }
  apps::Plane out{.x_low = -2, .x_high = 2, .y_low = -1, .y_high = 3, .values = Tensor(values, {50, 50}), .log_values = true};
  for (const double rate : {5e-4, 1.5e-3}) {
    apps::Series path{"gradient descent, rate " + std::to_string(rate).substr(0, 6), {-1.5}, {2.5}};
    for (int step = 0; step < 300; ++step) {
      const double x = path.x.back(), y = path.y.back();
      path.x.push_back(x - rate * (-2 * (1 - x) - 400 * x * (y - x * x)));
      path.y.push_back(y - rate * 200 * (y - x * x));
    }
    out.paths.push_back(path);
  }
  out.axes = {.x = "x", .y = "y"};
  return out;
}

apps::Plane boundary(bool curved) {
  std::vector<double> values;
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 40; ++j) {
      const double x = j / 10.0 - 2, y = i / 10.0 - 2, z = curved ? 2 * (x * x + y * y - 1.4) : 2 * x - y;
      values.push_back(1 / (1 + std::exp(-3 * z)));
    }
  apps::Plane out{.x_low = -2, .x_high = 1.9, .y_low = -2, .y_high = 1.9, .values = Tensor(values, {40, 40}), .middle = 0.5};
  out.points = {{"inside", {}, {}}, {"outside", {}, {}}};
  for (int i = 0; i < 80; ++i) {
    const double angle = i * 2.4, radius = i % 2 ? 1.55 + 0.25 * std::sin(i) : 0.8 * std::abs(std::sin(i * 1.7));
    out.points[static_cast<size_t>(i % 2)].x.push_back(radius * std::cos(angle));
    out.points[static_cast<size_t>(i % 2)].y.push_back(radius * std::sin(angle));
  }
  return out;
}

void fill(apps::Report& report) {
  report.fact("Test accuracy", "98.14 %");
  report.fact("Test loss", 0.0624318);
  report.fact("Seconds", 12.5);
  report.fact("Parameters", 407050);
  report.fact(kHostile, kHostile);

  report.curves(run(0.4, 0.002));
  report.curves({{"none", run(0.5, 0.012)}, {"dropout", run(0.25, 0.002)}, {"L2 0.001", run(0.3, 0.004)}});
  report.epoch_times({2.61, 2.44, 2.39, 2.46, 2.40});

  std::vector<int64_t> counts;
  for (int i = 0; i < 10; ++i)
    for (int j = 0; j < 10; ++j) counts.push_back(i == j ? 950 + 7 * i : (i * 7 + j * 13) % 11 == 0 ? 25 : (i * 3 + j) % 5);
  report.confusion(Tensor(counts, {10, 10}));
  report.confusion(Tensor({{90, 10}, {0, 0}}), {"cat", kHostile});

  std::vector<apps::Picture> pictures;
  for (int k = 0; k < 9; ++k) {
    std::vector<float> pixels;
    const bool colors = k % 3 == 2;
    for (int i = 0; i < 28; ++i)
      for (int j = 0; j < 28; ++j)
        for (int c = 0; c < (colors ? 3 : 1); ++c)
          pixels.push_back(static_cast<float>(0.5 + 0.5 * std::sin(0.3 * i + c) * std::cos(0.25 * j * (1 + k % 3))));
    pictures.push_back({colors ? Tensor(pixels, {28, 28, 3}) : Tensor(pixels, {28, 28}), "is 4, taken for 9 (0.98)"});
  }
  pictures.back().caption = kHostile;
  report.pictures("Worst mistakes", "The images with the largest loss.", pictures);

  report.planes("Decision boundary", "How probable the second class is, for one layer and for three.",
                {{"one layer", boundary(false)}, {"three layers", boundary(true)}});
  report.plane("Loss surface", "Rosenbrock's valley, and the paths of two rates down into it.", surface());

  report.lines(
      "Activations", "Three functions of one number.",
      {curve("tanh", [](double x) { return std::tanh(x); }), curve("sigmoid", [](double x) { return 1 / (1 + std::exp(-x)); }),
       curve("gaussian", [](double x) { return std::exp(-x * x); })},
      {.x = "x", .y = "f(x)"});
  report.lines("Logarithmic, with gaps", "", {{kHostile, {1, 2, 3, 4, 5, 6}, {1, 0.1, kNaN, 0.001, 0, 1e-5}}},
               {.x = "step", .y = "error", .log_y = true});
  report.scatter(
      "Houses", "Price over rooms.",
      {{"sold", {3, 4, 5, 6, 7, 8}, {12, 19, 22, 30, 34, 50}}, {"predicted", {3, 4, 5, 6, 7, 8}, {14, 18, 24, 28, 37, 46}}},
      {.x = "rooms", .y = "price, k$"});
  report.bars("Words", "The strongest of them.", {"wonderful", "masterpiece", "disappointing", kHostile, "a"},
              {3.2, 2.8, -2.9, kNaN, 0.1}, {.y = "weight"});
  report.table("Runs", "Each with its own seed.", {"seed", "accuracy", kHostile},
               {{"1", "0.981", "a"}, {"2", "0.979"}, {kHostile, "", ""}});
  report.paragraph("What to try next", "Fewer units, another optimiser: " + kHostile);

  const Tensor x = ones({16, 4});
  nn::Dense hidden(8, {.activation = nn::relu}), output(3);
  hidden(x), output(hidden(x));  // makes their variables
  GradientTape tape;
  const Tensor loss = mean(nn::sparse_categorical_crossentropy(zeros({16}, DType::int32), output(hidden(x)), true));
  report.graph("Computation graph", "One step of training.", loss);
  Variable v(ones({3}), {.name = kHostile});
  Tensor y = v;
  for (int i = 0; i < 300; ++i) y = y * 1.01 + v;
  report.graph("A long graph", "", y);
}

}  // namespace

int main(int argc, char** argv) {
  apps::Report report("Every section " + kHostile,
                      "A page for the tests: each kind of section once, with names that try to break out of it.");
  fill(report);
  if (argc < 2) return 2;
  if (argc > 2 && std::string(argv[2]) == "print") report.print(std::cout, apps::style_of(std::cout));
  else if (argc > 2) std::ofstream(argv[1]) << report.html(false);
  else report.write(argv[1]);
}
