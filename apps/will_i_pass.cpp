// Will I pass this class? Lectures attended and hours of project work in, the chance to pass out.
//
// A small network learns from made-up students, whose rule is known: sigmoid(0.9 (lectures - 4) + 0.9 (hours - 5) + 1). Early
// stopping ends the training once the validation loss has not improved for a while and brings the best weights back. What to see:
// training stops long before its 500 epochs, the validation accuracy is about 0.9 (luck decides the rest), and the answer for 4
// lectures and 5 hours is near the true 0.73.
#include "apps/common/points.h"
#include "apps/common/results.h"
#include "data/synthetic.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

struct Settings : apps::Options {
  int64_t students = 2000, epochs = 500, batch_size = 64, patience = 10;
  double lectures = 4, hours = 5, learning_rate = 0.001;
  std::string save = {};

  void add_to(CLI::App& app) {
    app.add_option("--lectures", lectures, "Lectures attended")->check(apps::between(0, 10))->capture_default_str();
    app.add_option("--hours", hours, "Hours spent on the project")->check(apps::between(0, 10))->capture_default_str();
    app.add_option("--students", students, "Students to learn from; every fifth is for validation")
        ->check(apps::at_least(5))
        ->capture_default_str();
    app.add_option("--epochs", epochs, "Passes over the students, at most")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--batch-size", batch_size, "Students per step")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--learning-rate", learning_rate, "Of Adam")->check(apps::between(0))->capture_default_str();
    app.add_option("--patience", patience, "Epochs without improvement before training stops")
        ->check(apps::at_least(0))
        ->capture_default_str();
    app.add_option("--save", save, "Write the trained weights here (safetensors)");
    Options::add_to(app);
  }
  void apply() const {
    Options::apply();
    apps::check_writable("--save", save);
  }
};

int predict(const Settings& options) {
  options.apply();
  const apps::Interrupt interrupt;
  const auto [train, validation] = data::synthetic::will_i_pass(options.students, options.seed).split(0.8);

  nn::Sequential model{nn::Dense(16, {.activation = nn::tanh}), nn::Dropout(0.5), nn::Dense(1, {.activation = nn::sigmoid})};
  model.compile({.optimizer = optim::Adam({.learning_rate = options.learning_rate}),
                 .loss = "binary_crossentropy",
                 .metrics = {"accuracy"}});
  const optim::EarlyStopping early_stopping({.patience = options.patience, .min_delta = 1e-3, .restore_best_weights = true});
  const apps::Watch watch(interrupt, options.json);
  const nn::History history = model.fit(train.all().x, train.all().y,
                                        {.epochs = options.epochs,
                                         .batch_size = options.batch_size,
                                         .seed = options.seed,
                                         .validation_data = {validation.all().x, validation.all().y},
                                         .verbose = options.json ? 0 : 1,
                                         .callbacks = {early_stopping, watch}});
  interrupt.check();
  if (!options.save.empty()) nn::save_weights(model, options.save);

  const Tensor you = Tensor({options.lectures, options.hours}).reshape({1, 2}).astype(DType::float32);
  const double chance = model.predict(you).item<double>();
  const double rule = 1 / (1 + std::exp(-(0.9 * (options.lectures - 4) + 0.9 * (options.hours - 5) + 1)));
  const nn::Logs result = model.evaluate(validation.all().x, validation.all().y, {.batch_size = 1000});

  apps::Plane plane = apps::plane_of([&](const Tensor& x) { return model.predict(x, {.batch_size = 1000}); }, {0, 10, 0, 10});
  plane.points = apps::by_class(validation.all().x, validation.all().y, {"failed", "passed"});
  plane.points.push_back({"you", {options.lectures}, {options.hours}});
  plane.axes = {.x = "lectures attended", .y = "hours of project work"};
  apps::Report report("Will I pass this class?",
                      text("With ", apps::number(options.lectures), " lectures and ", apps::number(options.hours),
                           " hours, your chance is ", apps::number(chance, 2), "."));
  report.fact("Your chance", chance);
  report.fact("By the rule", rule);
  report.fact("Validation accuracy", result["accuracy"]);
  report.fact("Epochs", static_cast<double>(history.epochs().size()));
  report.plane("The chance to pass", "It rises with lectures and with hours; the dots are the students held out.", plane);
  report.curves(history);
  report.epoch_times(watch.seconds());
  apps::Results results;
  results.add("chance", chance)
      .add("chance_by_the_rule", rule)
      .add("val_loss", result["loss"])
      .add("val_accuracy", result["accuracy"])
      .add("epochs", static_cast<int64_t>(history.epochs().size()));
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Learns from made-up students who passes a class, and says what your chances are.", "will_i_pass");
  Settings options;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return predict(options); });
}
