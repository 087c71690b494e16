// Trainer: what a checkpoint holds of a run beside the model, and how the run goes on from it.
#include <algorithm>
#include <utility>

#include "nn/checkpoint.h"
#include "nn/trainer.h"

namespace gradus::nn {

std::vector<std::pair<std::string, Callback*>> Model::Trainer::named_callbacks() const {
  std::vector<std::pair<std::string, Callback*>> out;
  for (const CallbackOption& callback : options_.callbacks) {
    const std::string type(callback->type());
    if (type.empty()) continue;
    const auto taken = [&](const std::string& name) {
      return std::ranges::any_of(out, [&](const auto& other) { return other.first == name; });
    };
    std::string name = type;
    for (int i = 1; taken(name); ++i) name = text(type, "_", i);
    out.emplace_back(name, &*callback);
  }
  return out;
}

State Model::Trainer::state() const {
  const Training& training = *model_.training_;
  State out;
  detail::add_model(out, model_, *training.optimizer);
  detail::add_state(out, "loss_scale", training.loss_scale.state());
  detail::add_state(out, "data", feed_.state());
  if (validation_) detail::add_state(out, "validation_data", validation_->state());
  detail::add_state(out, "means", objective_.state());
  detail::add_state(out, "run",
                    {{"epoch", Tensor(run_.epoch)},
                     {"batch", Tensor(run_.batch)},
                     {"batches", Tensor(run_.batches)},
                     {"step", Tensor(run_.step)},
                     {"stop", Tensor(int64_t{run_.stop && !run_.interrupted})}});
  if (!history_.epochs().empty()) out.emplace("epochs", Tensor(history_.epochs()));
  for (const auto& [name, values] : history_.history()) out.emplace("history." + name, Tensor(values));
  for (const auto& [name, callback] : named_callbacks()) detail::add_state(out, "callbacks." + name, callback->state());
  return out;
}

void Model::Trainer::load_state(const State& all, std::string_view origin) {
  const std::string op = text("load_checkpoint: ", origin);
  Training& training = *model_.training_;
  const detail::ModelState model(origin, all, model_, *training.optimizer);
  const State run = detail::sub_state(all, "run");
  const auto number = [&](const char* name) { return detail::entry(op, run, name).item<int64_t>(); };
  const int64_t epoch = number("epoch"), batch = number("batch"), batches = number("batches"), step = number("step");
  const bool stop = number("stop") != 0;
  if (batch > 0 && batches != run_.batches)
    fail<ValueError>(op, "stopped inside an epoch of another length; got ", run_.batches, " batches, expected ", batches);
  if (epoch < 0 || batch < 0 || batch >= std::max<int64_t>(batches, 1) || step < 0)
    fail<ValueError>(op, "no such position; got epoch ", epoch, ", batch ", batch, " of ", batches,
                     ", expected one inside a run");

  optim::LossScale loss_scale = training.loss_scale;
  loss_scale.load_state(detail::sub_state(all, "loss_scale"));
  Objective objective = objective_;
  objective.load_state(op, detail::sub_state(all, "means"));
  History::Map values;
  for (const auto& [name, tensor] : detail::sub_state(all, "history")) values.emplace(name, tensor.to_vector<double>());
  const auto epochs = all.find("epochs");

  const std::vector<std::pair<std::string, Callback*>> callbacks = named_callbacks();
  for (const auto& [name, value] : detail::sub_state(all, "callbacks")) {
    const std::string owner = name.substr(0, name.find('.'));
    if (std::ranges::none_of(callbacks, [&](const auto& callback) { return callback.first == owner; }))
      fail<ValueError>(op, "state of a callback that is not there; got ", owner, ", expected the same callbacks as before");
  }
  const State data = feed_.state();
  feed_.load_state(op, detail::sub_state(all, "data"));
  try {
    if (const State part = detail::sub_state(all, "validation_data"); validation_ && !part.empty())
      validation_->load_state(op, part);
    for (const auto& [name, callback] : callbacks)
      if (const State part = detail::sub_state(all, "callbacks." + name); !part.empty()) callback->load_state(part, run_);
  } catch (const Error&) {
    feed_.load_state(op, data);
    throw;
  }
  // Nothing can fail from here on.
  model.apply();
  training.loss_scale = loss_scale;
  objective_ = std::move(objective);
  history_ = History(epochs == all.end() ? std::vector<int64_t>() : epochs->second.to_vector<int64_t>(), std::move(values));
  run_.epoch = epoch;
  run_.batch = batch;
  run_.step = step;
  run_.stop = stop;
}

}  // namespace gradus::nn
