// Overfitting, and three ways against it: L2 penalties, dropout, early stopping.
//
// A network with 100,000 parameters learns 800 digits, three in ten of them with a label drawn at random. What to see: without
// any help the training loss keeps falling, because the network learns the wrong labels by heart, while the validation loss falls
// for ten epochs and then climbs, to 1.2 on MNIST and 1.0 on drawn digits. L2 takes about 0.2 off, early stopping 0.3 and dropout
// 0.4; all of them also end with more digits right.
#include "apps/common/epoch_log.h"
#include "apps/common/points.h"
#include "data/loader.h"
#include "nn/nn.h"
#include "optim/optim.h"

using namespace gradus;

namespace {

constexpr double kWrongLabels = 0.3, kL2 = 2e-2, kDropout = 0.5;

struct Way {
  std::string name;
  double l2 = 0, dropout = 0;
  bool early_stopping = false;
};
const std::vector<Way> kWays{{.name = "none"},
                             {.name = "l2", .l2 = kL2},
                             {.name = "dropout", .dropout = kDropout},
                             {.name = "early stopping", .early_stopping = true}};

nn::Sequential network(const Way& way) {
  nn::Sequential model;
  for (int layer = 0; layer < 2; ++layer) {
    model.add(nn::Dense(128, {.activation = nn::relu, .kernel_regularizer = nn::l2(way.l2)}));
    model.add(nn::Dropout(way.dropout));
  }
  model.add(nn::Dense(10));
  return model;
}

/// Mean cross entropy and accuracy.
std::pair<double, double> test(nn::Sequential& model, const apps::Flat& samples) {
  const Tensor logits = model(samples.x);
  return {mean(nn::sparse_categorical_crossentropy(samples.y, logits, true)).item<double>(),
          mean((argmax(logits, -1) == samples.y).astype(DType::float32)).item<double>()};
}

/// Trains one network; returns its history and leaves in `model` what this way ends with.
nn::History train(nn::Sequential& model, const Way& way, const apps::Flat& samples, const apps::Flat& validation,
                  const apps::TrainOptions& options) {
  optim::Adam adam;
  optim::EarlyStopping early_stopping({.patience = 3, .restore_best_weights = true});
  data::DataLoader batches({samples.x, samples.y}, {.batch_size = options.batch_size, .shuffle = true, .seed = options.seed});
  model(samples.x["0:1"]);  // makes the variables
  const std::vector<Variable> weights = model.variables();
  apps::EpochLog log(options, options.epochs, way.name);
  for (int64_t epoch = 0; epoch < options.epochs; ++epoch) {
    double total = 0;
    for (const auto& [x, y] : batches) {
      GradientTape tape;
      const Tensor loss = mean(nn::sparse_categorical_crossentropy(y, model(x, /*training=*/true), /*from_logits=*/true));
      total += loss.item<double>() * static_cast<double>(x.shape(0));
      adam.minimize(loss + model.penalty(), weights, tape);
    }
    const auto [val_loss, val_accuracy] = test(model, validation);
    log.add({{"loss", total / static_cast<double>(samples.x.shape(0))}, {"val_loss", val_loss}, {"val_accuracy", val_accuracy}});
    if (way.early_stopping && early_stopping.update(val_loss, weights)) {
      options.remarks() << way.name << ": back to epoch " << early_stopping.best_epoch() + 1 << "\n";
      break;
    }
  }
  return log.history();
}

int compare(const apps::TrainOptions& options) {
  options.apply();
  const FlushDenormals fast;
  const data::mnist::Mnist digits = data::mnist::load({.data_dir = options.data_dir});
  apps::Flat samples = apps::flat(digits.train, options.limit);
  const apps::Flat validation = apps::flat(digits.test, 2 * options.limit);
  const int64_t count = samples.y.shape(0);
  samples.y =
      where(random::bernoulli({count}, kWrongLabels) == 1, random::randint({count}, 0, 10), samples.y.astype(DType::int64));
  options.remarks() << "data: " << digits.train.source << ", " << count << " training and " << validation.y.shape(0)
                    << " validation images\n";

  std::vector<std::pair<std::string, nn::History>> histories;
  std::vector<apps::Series> validation_losses;
  std::vector<std::vector<std::string>> rows;
  apps::Results results;
  apps::Report report("Overfitting", "One network trained on few and partly wrong examples, in four ways.");
  for (const Way& way : kWays) {
    nn::Sequential model = network(way);
    histories.emplace_back(way.name, train(model, way, samples, validation, options));
    validation_losses.push_back(apps::by_epoch(way.name, histories.back().second["val_loss"]));
    const auto [val_loss, val_accuracy] = test(model, validation);
    rows.push_back(
        {way.name, apps::number(histories.back().second["loss"].back()), apps::number(val_loss), apps::number(val_accuracy)});
    report.fact("Validation loss, " + way.name, val_loss);
    results.add(apps::key(way.name) + "_val_loss", val_loss).add(apps::key(way.name) + "_val_accuracy", val_accuracy);
    if (!options.save.empty() && &way == &kWays.back()) nn::save_weights(model, options.save);
  }

  report.table("What each way ends with", "The losses are cross entropies without penalties.",
               {"against overfitting", "training loss", "validation loss", "validation accuracy"}, rows);
  report.lines("Validation loss", "Without help it falls and then climbs; each of the three ways holds it lower.",
               validation_losses, {.x = "epoch", .y = "cross entropy"});
  report.curves(histories);
  return apps::finish(options, results, report);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Shows overfitting on a few digits, and what L2, dropout and early stopping do about it.", "overfitting");
  apps::TrainOptions options;
  options.epochs = 40;
  options.batch_size = 50;
  options.limit = 800;
  options.add_to(app);
  return apps::run(app, argc, argv, [&] { return compare(options); });
}
