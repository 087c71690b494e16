// What is a house worth? Thirteen columns, a small network, and k-fold cross-validation, because a few hundred houses are too few
// to hold a lasting share of them out. After Chollet's "Deep learning with Python", section 4.3; the houses are made up.
//
// Expected with the defaults: a mean absolute error of about 16 (thousands) over the folds, where a linear model is off by 20 and
// always the mean price by 68; nothing can be better than 9.6, which is noise. A few seconds.
#include <numeric>

#include "apps/common/results.h"
#include "data/csv.h"
#include "data/synthetic.h"
#include "nn/nn.h"

using namespace gradus;

namespace {

struct Settings : apps::Options {
  int64_t epochs = 100, batch_size = 16, folds = 4, houses = 506;
  std::string csv = {}, target = "price";

  void add_to(CLI::App& app) {
    app.add_option("--epochs", epochs, "Passes over the training houses")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--batch-size", batch_size, "Houses per step")->check(apps::at_least(1))->capture_default_str();
    app.add_option("--folds", folds, "Parts, each of which is held out once")->check(apps::at_least(2))->capture_default_str();
    app.add_option("--houses", houses, "How many to make up")->check(apps::at_least(4))->capture_default_str();
    app.add_option("--csv", csv, "Read houses from a file with a header and columns of numbers instead");
    app.add_option("--target", target, "The column of that file that is to be predicted")->capture_default_str();
    Options::add_to(app);
  }
};

data::synthetic::Houses read(const Settings& settings) {
  if (settings.csv.empty()) return data::synthetic::house_prices(settings.houses, settings.seed);
  const data::Table table = data::load_csv(settings.csv, {.missing = data::Missing::error});
  const Tensor prices = table.tensor(settings.target, DType::float32);
  std::vector<std::string> names;
  for (const std::string& name : table.names())
    if (name != settings.target) names.push_back(name);
  return {table.matrix(names), prices, names};
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

int train(const Settings& settings) {
  settings.apply();
  const apps::Interrupt interrupt;
  const data::synthetic::Houses houses = read(settings);
  const int64_t count = houses.x.shape()[0];
  if (count < settings.folds)
    fail<ValueError>("--folds", "more folds than houses; got ", settings.folds, ", expected at most ", count);
  settings.remarks() << "data: " << (settings.csv.empty() ? "made-up houses" : settings.csv) << ", " << count << " of "
                     << houses.names.size() << " columns\n";

  // Shuffled once: files are often sorted.
  random::Generator generator(settings.seed);
  const Tensor order = random::permutation(count, generator);
  const Tensor x = take(houses.x, order), y = take(houses.y, order).reshape({-1, 1});

  std::vector<std::pair<std::string, nn::History>> runs;
  std::vector<double> errors, baselines;
  for (int64_t fold = 0; fold < settings.folds; ++fold) {
    const int64_t begin = fold * count / settings.folds, end = (fold + 1) * count / settings.folds;
    const auto without = [&](const Tensor& t) { return concat({t.slice({Slice(0, begin)}), t.slice({Slice(end, none)})}); };
    const auto only = [&](const Tensor& t) { return t.slice({Slice(begin, end)}); };
    // Mean and deviation of the training part alone: the held-out houses must not have a say.
    const Tensor train_x = without(x), centre = mean(train_x, {0}), spread = sqrt(mean(square(train_x - centre), {0})) + 1e-6f;
    const auto normalised = [&](const Tensor& t) { return (t - centre) / spread; };
    const Tensor train_y = without(y), held_out_y = only(y);
    const float typical = mean(train_y).item<float>();

    nn::Sequential model{nn::Dense(64, {.activation = nn::relu}), nn::Dense(64, {.activation = nn::relu}), nn::Dense(1)};
    model.compile({.optimizer = "rmsprop", .loss = "mean_squared_error", .metrics = {"mean_absolute_error"}});
    nn::History history = model.fit(normalised(train_x), train_y,
                                    {.epochs = settings.epochs,
                                     .batch_size = settings.batch_size,
                                     .seed = settings.seed,
                                     .validation_data = {normalised(only(x)), held_out_y},
                                     .verbose = 0,
                                     .callbacks = {apps::Watch(interrupt, settings.json, text("fold ", fold + 1))}});
    interrupt.check();
    errors.push_back(history["val_mean_absolute_error"].back());
    baselines.push_back(mean(abs(held_out_y - typical)).item<double>());
    runs.emplace_back(text("fold ", fold + 1), std::move(history));
  }
  const double error = mean_of(errors), baseline = mean_of(baselines);

  apps::Report report("House prices",
                      text("A network of two hidden layers predicts the prices of houses it has not seen, in thousands; each of ",
                           settings.folds, " parts of the houses was held out once."));
  report.fact("Mean absolute error", error);
  report.fact("Always the mean price", baseline);
  report.fact("Houses", static_cast<double>(count));
  std::vector<std::string> names;
  for (const auto& [name, history] : runs) names.push_back(name);
  report.bars("Error of each fold", "Mean absolute error on the houses that the network has not seen.", names, errors,
              {.y = "thousands"});
  report.curves(runs);
  apps::Results results;
  results.add("mean_absolute_error", error).add("baseline", baseline);
  return apps::finish(settings, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Predicts prices of houses, with k-fold cross-validation.", "house_prices");
  Settings settings;
  settings.add_to(app);
  return apps::run(app, argc, argv, [&] { return train(settings); });
}
