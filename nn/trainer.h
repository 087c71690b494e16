// Trainer: one run of fit(). Internal.
//
// Lives as long as the run; one thread.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "nn/feed.h"
#include "nn/model.h"
#include "nn/objective.h"
#include "nn/progress.h"

namespace gradus::nn {

class Model::Trainer : public Resumable {
 public:
  /// The model is prepared. `validation` may be null. ValueError for a model without trainable variables.
  Trainer(Model& model, Feed& feed, Feed* validation, const FitOptions& options);

  History train();
  /// After an error: ends a progress line that was begun, and tells the callbacks.
  void abandon() {
    progress_.abandon();
    notify(&Callback::on_train_error);
  }

  State state() const override;
  void load_state(const State& state, std::string_view origin) override;
  Logs means() const override;

 private:
  void notify(void (Callback::*event)(Run&)) {
    for (const CallbackOption& callback : options_.callbacks) ((*callback).*event)(run_);
  }
  void checkpoint(bool last) {
    for (const CallbackOption& callback : options_.callbacks) callback->on_checkpoint(run_, last);
  }
  /// False when it was stopped half-way.
  bool epoch();
  /// False when the loss was not finite, and a callback knows what to do.
  bool step();
  void validate();
  bool validates() const { return validation_ && (run_.epoch + 1) % options_.validation_freq == 0; }
  /// Of the callbacks that keep a state: "early_stopping", "early_stopping_1", ...
  std::vector<std::pair<std::string, Callback*>> named_callbacks() const;

  Model& model_;
  Feed &feed_, *validation_;
  const FitOptions& options_;
  std::ostream& out_;
  Progress progress_;
  std::vector<Variable> all_, trainable_;  // collected once: no walk over the layers in the loop
  Objective objective_, validation_objective_;
  std::vector<std::string> names_;
  History history_;
  Run run_;
  Batch batch_;
  std::vector<Outputs> outputs_;
};

}  // namespace gradus::nn
