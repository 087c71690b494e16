// Model::fit: the training loop.
#include <cmath>
#include <iostream>
#include <utility>

#include "autograd/flush_denormals.h"
#include "autograd/ops.h"
#include "autograd/tape.h"
#include "data/loader.h"
#include "nn/model.h"
#include "nn/progress.h"

namespace gradus::nn {
namespace {

void check(const FitOptions& options) {
  if (options.epochs < 1) fail<ValueError>("fit", "number of epochs out of range; got ", options.epochs, ", expected >= 1");
  if (options.batch_size < 1) fail<ValueError>("fit", "batch size out of range; got ", options.batch_size, ", expected >= 1");
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    fail<ValueError>("fit", "validation split out of range; got ", options.validation_split, ", expected [0, 1)");
  if (options.validation_split > 0 && options.validation_data.x.defined())
    fail<ValueError>("fit", "two kinds of validation; got validation_split and validation_data, expected one of them");
  if (options.validation_data.x.defined() != options.validation_data.y.defined())
    fail<ValueError>("fit", "incomplete validation data; got only ", options.validation_data.x.defined() ? "x" : "y",
                     ", expected x and y");
}

/// The first part of the samples, and the rest of validation_split.
std::pair<Samples, Samples> split(const Samples& samples, double held_out) {
  const int64_t count = samples.x.shape()[0];
  const auto at = static_cast<int64_t>(std::floor(static_cast<double>(count) * (1 - held_out)));
  if (at == 0 || at == count)
    fail<ValueError>("fit", "validation split leaves an empty part; got ", held_out, " of ", count,
                     " samples, expected at least one in each part");
  const auto part = [&](Slice range) { return Samples{samples.x.slice({range}), samples.y.slice({range})}; };
  return {part(Slice(0, at)), part(Slice(at, count))};
}

}  // namespace

class Model::Trainer {
 public:
  Trainer(Model& model, Samples train, Samples validation, const FitOptions& options)
      : model_(model),
        options_(options),
        validation_(std::move(validation)),
        out_(options.output ? *options.output : std::cout),
        progress_(out_, Progress::style_of(options.verbose, Progress::is_terminal(out_))),
        loader_(data::TensorDataset(std::move(train.x), std::move(train.y)),
                {.batch_size = options.batch_size, .shuffle = options.shuffle, .seed = options.seed}),
        all_(model.variables()),
        trainable_(model.trainable_variables()),
        meter_(model.training_->metrics),
        validation_meter_(model.training_->metrics) {
    if (trainable_.empty())
      fail<ValueError>("fit", "nothing to train; got a model without trainable variables, expected at least one");
    Logs logs;
    meter_.write(logs);
    if (validation_.x.defined()) meter_.write(logs, "val_");
    for (const auto& [name, value] : logs) names_.push_back(name);
  }

  History train() {
    History history;
    Run run{.model = model_,
            .variables = all_,
            .names = names_,
            .messages = options_.verbose ? &out_ : nullptr,
            .epochs = options_.epochs,
            .batches = loader_.size()};
    notify(&Callback::on_train_begin, run);
    for (; run.epoch < run.epochs && !run.stop; ++run.epoch) {
      notify(&Callback::on_epoch_begin, run);
      progress_.begin(text("Epoch ", run.epoch + 1, "/", run.epochs), run.batches);
      if (!epoch(run)) {
        progress_.abandon();
        break;
      }
      progress_.end(run.logs);
      history.add(run.epoch, run.logs);
      notify(&Callback::on_epoch_end, run);
    }
    notify(&Callback::on_train_end, run);
    return history;
  }

  void abandon() { progress_.abandon(); }

 private:
  void notify(void (Callback::*event)(Run&), Run& run) const {
    for (const CallbackOption& callback : options_.callbacks) ((*callback).*event)(run);
  }

  /// False when a callback stopped it half-way.
  bool epoch(Run& run) {
    meter_.reset();
    run.batch = 0;
    for (const auto& [x, y] : loader_) {
      run.batch_loss = step(x, y, run);
      if (progress_.step()) progress_.draw(logs());
      notify(&Callback::on_batch_end, run);
      ++run.batch;
      if (run.stop && run.batch < run.batches) return false;
    }
    run.logs = logs();
    if (validation_.x.defined()) {
      validation_meter_.reset();
      model_.measure(validation_, options_.batch_size, validation_meter_);
      validation_meter_.write(run.logs, "val_");
    }
    return true;
  }

  double step(const Tensor& x, const Tensor& y, const Run& run) {
    Training& training = *model_.training_;
    const PrecisionScope scope(training.precision);  // for the way back, too: checkpointed layers compute once more there
    GradientTape tape;
    const Outputs outputs = model_.forward(x, training.loss, true);
    const Tensor loss = mean(training.loss(y, outputs));
    const double value = loss.item<double>();
    if (!std::isfinite(value))
      fail<ValueError>("fit", "loss is not finite; got ", value, " at epoch ", run.epoch + 1, ", batch ", run.batch + 1,
                       ", expected a number; a lower learning rate or inputs of smaller scale may help");
    const std::vector<Tensor> gradients = tape.gradient(training.loss_scale.apply(loss), trainable_);
    training.loss_scale.step(*training.optimizer, gradients, trainable_);
    meter_.add(value, x.shape()[0], y, outputs);
    return value;
  }

  Logs logs() const {
    Logs out;
    meter_.write(out);
    return out;
  }

  Model& model_;
  const FitOptions& options_;
  Samples validation_;
  std::ostream& out_;
  Progress progress_;
  data::DataLoader loader_;
  std::vector<Variable> all_, trainable_;  // collected once: no walk over the layers in the loop
  std::vector<std::string> names_;
  Meter meter_, validation_meter_;
};

History Model::fit(const Tensor& x, const Tensor& y, const FitOptions& options) {
  training("fit");
  check(options);
  const FlushDenormals fast;
  Samples train{x, y}, validation = options.validation_data;
  prepare("fit", train);
  if (validation.x.defined()) prepare("fit: validation data", validation);
  if (options.validation_split > 0) std::tie(train, validation) = split(train, options.validation_split);

  Trainer trainer(*this, std::move(train), std::move(validation), options);
  try {
    return trainer.train();
  } catch (...) {
    trainer.abandon();
    throw;
  }
}

}  // namespace gradus::nn
