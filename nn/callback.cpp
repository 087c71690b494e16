#include "nn/callback.h"

#include <algorithm>
#include <ostream>

#include "autograd/base/error.h"

namespace gradus::nn {
namespace {

class EarlyStoppingCallback : public Callback {
 public:
  explicit EarlyStoppingCallback(const optim::EarlyStopping& rule) : rule_(rule) {}

  void on_train_begin(Run& run) override {
    detail::check_monitor("EarlyStopping", rule_.options().monitor, run);
    rule_.reset();
  }

  void on_epoch_end(Run& run) override {
    const std::string& monitor = rule_.options().monitor;
    if (!run.logs.contains(monitor)) return;  // an epoch without validation
    rule_.set_epoch(run.epoch);
    if (!rule_.update(run.logs[monitor], run.variables)) return;
    run.stop = true;
    if (run.messages) *run.messages << "Epoch " << run.epoch + 1 << ": early stopping\n";
  }

  void on_train_end(Run& run) override {
    if (rule_.restore() && run.messages)
      *run.messages << "Restoring model weights from the end of the best epoch: " << rule_.best_epoch() + 1 << ".\n";
  }

  std::string_view type() const override { return "early_stopping"; }
  State state() const override { return rule_.state(); }
  void load_state(const State& state, Run& run) override { rule_.load_state(state, run.variables); }

 private:
  optim::EarlyStopping rule_;
};

}  // namespace

CallbackOption::CallbackOption(const optim::EarlyStopping& early_stopping)
    : callback_(std::make_shared<EarlyStoppingCallback>(early_stopping)) {}

void detail::check_monitor(std::string_view op, const std::string& monitor, const Run& run) {
  if (std::ranges::find(run.names, monitor) != run.names.end()) return;
  std::string known;
  for (const std::string& name : run.names) known += (known.empty() ? "" : ", ") + name;
  fail<ValueError>(op, "nothing of this name is logged; got \"", monitor, "\", expected one of ", known);
}

const Tensor& detail::entry(std::string_view op, const State& state, const std::string& name) {
  const auto found = state.find(name);
  if (found == state.end()) fail<ValueError>(op, "incomplete state; got no \"", name, "\", expected one");
  return found->second;
}

}  // namespace gradus::nn
