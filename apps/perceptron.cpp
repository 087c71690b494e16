// One neuron learns AND, printed step by step: the perceptron rule, then the same neuron by gradient descent.
//
// The neuron weighs two inputs, adds a bias and answers 1 if the sum is positive. The perceptron rule moves the weights only
// after a mistake, by error * input; gradient descent on the cross entropy of sigmoid(sum) moves them by the same product, with
// an error that is a fraction. What to see: for AND and OR the rule stops making mistakes after a few rounds, and both methods
// draw a line that parts the points; for XOR (--data xor) no line does, and the mistakes never end.
#include <map>

#include "apps/common/epoch_log.h"
#include "apps/common/points.h"
#include "nn/losses.h"

using namespace gradus;

namespace {

const Tensor kInputs({{0.0f, 0.0f}, {0.0f, 1.0f}, {1.0f, 0.0f}, {1.0f, 1.0f}});
const std::map<std::string, Tensor> kTargets{{"and", Tensor({0.0f, 0.0f, 0.0f, 1.0f})},
                                             {"or", Tensor({0.0f, 1.0f, 1.0f, 1.0f})},
                                             {"xor", Tensor({0.0f, 1.0f, 1.0f, 0.0f})}};

struct Settings : apps::Options {
  std::string data = "and";
  int64_t epochs = 20;
  double learning_rate = 0.5;

  void add_to(CLI::App& app) {
    app.add_option("--data", data, "What the neuron learns: and, or, xor")->capture_default_str();
    app.add_option("--epochs", epochs, "Rounds over the four points, at most")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Size of the steps")->check(apps::between(0))->capture_default_str();
    Options::add_to(app);
  }
};

/// Two weights and a bias.
struct Neuron {
  Variable w{random::uniform({2}, -0.5, 0.5), {.name = "w"}}, b{0.0f, {.name = "b"}};

  Tensor operator()(const Tensor& x) const { return matmul(x, w) + b; }
  /// Points [n, 2] for which the neuron is wrong.
  int64_t mistakes(const Tensor& x, const Tensor& y) const { return sum(((*this)(x) > 0.0f) != (y > 0.5f)).item<int64_t>(); }
  std::string text() const {
    const auto value = [](const Tensor& t) { return apps::number(t.item<double>(), 3); };
    return gradus::text("w = (", value(w.value()[0]), ", ", value(w.value()[1]), "), b = ", value(b));
  }
  apps::Series line(std::string name, const apps::Box& box) const {
    return apps::boundary(std::move(name), w.value()[0].item<double>(), w.value()[1].item<double>(), b.item<double>(), box);
  }
};

/// Rosenblatt's rule. Returns the round in which the last mistake was made; 0 if the rounds ended with mistakes.
int64_t perceptron_rule(const Neuron& neuron, const Tensor& targets, const Settings& options, apps::EpochLog& log) {
  for (int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    int64_t mistakes = 0;
    for (int64_t i = 0; i < kInputs.shape(0); ++i) {
      const Tensor x = kInputs[i], y = targets[i], z = neuron(x);
      const float error = y.item<float>() - (z.item<float>() > 0 ? 1.0f : 0.0f);
      mistakes += error != 0;
      neuron.w.assign_add(options.learning_rate * error * x);
      neuron.b.assign_add(Tensor(static_cast<float>(options.learning_rate) * error));
      if (!options.json)
        std::cout << "  x = (" << x[0].item<int>() << ", " << x[1].item<int>() << "), sum " << apps::number(z.item<double>(), 3)
                  << " -> " << (z.item<float>() > 0) << ", expected " << y.item<int>()
                  << (error == 0 ? ": right" : ": wrong, now " + neuron.text()) << "\n";
    }
    log.add({{"mistakes", static_cast<double>(mistakes)}}, neuron.text());
    if (mistakes == 0) return epoch - 1;
  }
  return 0;
}

void gradient_descent(const Neuron& neuron, const Tensor& targets, const Settings& options, int64_t epochs, apps::EpochLog& log) {
  for (int64_t epoch = 0; epoch < epochs; ++epoch) {
    GradientTape tape;
    const Tensor loss = mean(nn::sigmoid_cross_entropy_with_logits(targets, neuron(kInputs)));
    const auto [dw, db] = tape.gradient(loss, neuron.w, neuron.b);
    neuron.w.assign_sub(options.learning_rate * dw);
    neuron.b.assign_sub(options.learning_rate * db);
    log.add({{"loss", loss.item<double>()}, {"mistakes", static_cast<double>(neuron.mistakes(kInputs, targets))}}, neuron.text());
  }
}

int learn(const Settings& options) {
  options.apply();
  if (!kTargets.contains(options.data))
    fail<ValueError>("--data", "unknown problem; got \"", options.data, "\", expected one of and, or, xor");
  const Tensor targets = kTargets.at(options.data);
  const apps::Box box{-0.5, 1.5, -0.5, 1.5};

  const Neuron by_rule, by_gradient;
  by_gradient.w.assign(by_rule.w);  // the same start for both
  const apps::Series start = by_rule.line("at the start", box);
  options.remarks() << "at the start: " << by_rule.text() << "\n";

  apps::EpochLog rule_log(options, 1, "perceptron rule");  // says a line for each round
  const int64_t rounds = perceptron_rule(by_rule, targets, options, rule_log);
  constexpr int64_t kStepsPerRound = 25;  // errors that are fractions need more and smaller steps
  const int64_t steps = kStepsPerRound * options.epochs;
  apps::EpochLog gradient_log(options, steps, "gradient descent");
  gradient_descent(by_gradient, targets, options, steps, gradient_log);

  const auto picture = [&](const Neuron& neuron) {
    apps::Plane plane = apps::plane_of([&](const Tensor& x) { return sigmoid(neuron(x)); }, box);
    plane.points = apps::by_class(kInputs, targets, {"0", "1"});
    plane.paths = {start, neuron.line("after learning", box)};
    plane.axes = {.x = "first input", .y = "second input"};
    return plane;
  };
  apps::Report report("Perceptron", "One neuron learns \"" + options.data + "\" by the perceptron rule and by gradient descent.");
  const int64_t rule_mistakes = by_rule.mistakes(kInputs, targets), gradient_mistakes = by_gradient.mistakes(kInputs, targets);
  report.fact("Rounds with mistakes", rounds > 0 || rule_mistakes == 0 ? text(rounds) : "all");
  report.fact("Mistakes, perceptron rule", static_cast<double>(rule_mistakes));
  report.fact("Mistakes, gradient descent", static_cast<double>(gradient_mistakes));
  report.planes("What the neuron answers", "Each method ends with a line; on one side of it the neuron answers 1.",
                {{"perceptron rule", picture(by_rule)}, {"gradient descent", picture(by_gradient)}});
  report.lines("Mistakes of the perceptron rule", "Points answered wrongly in each round.",
               {apps::by_epoch("mistakes", rule_log.history()["mistakes"])}, {.x = "round", .y = "mistakes"});
  report.curves(gradient_log.history());

  if (rule_mistakes > 0)
    options.remarks() << "the rule still makes mistakes" << (options.data == "xor" ? ": no line parts these points" : "") << "\n";
  apps::Results results;
  results.add("data", options.data)
      .add("rounds", rounds)
      .add("mistakes_rule", rule_mistakes)
      .add("mistakes_gradient", gradient_mistakes)
      .add("neuron_rule", by_rule.text())
      .add("neuron_gradient", by_gradient.text());
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Teaches one neuron AND, OR or XOR, printing each step.", "perceptron");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return learn(options); });
}
