#include "nn/trainer.h"

#include <cmath>
#include <iostream>

#include "autograd/tape.h"

namespace gradus::nn {
Model::Trainer::Trainer(Model& model, Feed& feed, Feed* validation, const FitOptions& options)
    : model_(model),
      feed_(feed),
      validation_(validation),
      options_(options),
      out_(options.output ? *options.output : std::cout),
      progress_(out_, Progress::style_of(options.verbose, Progress::is_terminal(out_))),
      all_(model.variables()),
      trainable_(model.trainable_variables()),
      objective_(model.training_, model),
      validation_objective_(model.training_, model),
      run_{.model = model,
           .variables = all_,
           .names = names_,
           .messages = options.verbose ? &out_ : nullptr,
           .epochs = options.epochs,
           .batches = options.steps_per_epoch > 0 ? options.steps_per_epoch : feed.size(),
           .epoch = options.initial_epoch,
           .output = &out_,
           .resumable = this} {
  if (trainable_.empty())
    fail<ValueError>("fit", "nothing to train; got a model without trainable variables, expected at least one");
  Logs logs;
  objective_.write(logs);
  if (validation_) objective_.write(logs, "val_");
  for (const auto& [name, value] : logs) names_.push_back(name);
}

History Model::Trainer::train() {
  notify(&Callback::on_train_begin);
  notify(&Callback::on_resume);
  while (run_.epoch < run_.epochs && !run_.stop) {
    if (run_.batch == 0) {
      objective_.reset();
      notify(&Callback::on_epoch_begin);
    }
    progress_.begin(text("Epoch ", run_.epoch + 1, "/", run_.epochs), run_.batches, run_.batch);
    if (!epoch()) {
      progress_.abandon();
      break;
    }
    progress_.end(run_.logs);
    notify(&Callback::on_epoch_end);
    history_.add(run_.epoch, run_.logs);
    ++run_.epoch;
    run_.batch = 0;
    if (run_.epoch < run_.epochs && !run_.stop) checkpoint(false);
  }
  checkpoint(true);
  model_.training_->optimizer->finalize(trainable_);
  notify(&Callback::on_train_end);
  return history_;
}

Logs Model::Trainer::means() const {
  Logs out;
  objective_.write(out);
  return out;
}

bool Model::Trainer::epoch() {
  while (run_.batch < run_.batches) {
    notify(&Callback::on_batch_begin);
    const bool valid = step();
    if (progress_.step()) progress_.draw(means());
    notify(&Callback::on_batch_end);
    ++run_.batch;
    ++run_.step;
    if (!valid) return false;
    if (run_.batch == run_.batches) break;
    if (run_.stop) return false;
    checkpoint(false);
  }
  run_.logs = means();
  if (validates()) validate();
  return true;
}

bool Model::Trainer::step() {
  feed_.next(batch_);
  run_.batch_loss = model_.train_step(batch_, objective_, outputs_, trainable_);
  if (std::isfinite(run_.batch_loss)) return true;
  outputs_.clear();
  bool dealt_with = false;
  for (const CallbackOption& callback : options_.callbacks) dealt_with = callback->on_invalid_loss(run_) || dealt_with;
  if (!dealt_with)
    fail<ValueError>("fit", "loss is not finite; got ", run_.batch_loss, " at epoch ", run_.epoch + 1, ", batch ", run_.batch + 1,
                     ", expected a number; a lower learning rate or inputs of smaller scale may help");
  return false;
}

void Model::Trainer::validate() {
  const NoRecord pause;
  notify(&Callback::on_test_begin);
  validation_objective_.reset();
  const int64_t steps = options_.validation_steps > 0 ? options_.validation_steps : validation_->size();
  for (int64_t i = 0; i < steps; ++i) {
    validation_->next(batch_);
    model_.test_step(batch_, validation_objective_, outputs_);
  }
  validation_objective_.write(run_.logs, "val_");
  notify(&Callback::on_test_end);
}

}  // namespace gradus::nn
