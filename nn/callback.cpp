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
    const std::string& monitor = rule_.options().monitor;
    if (std::ranges::find(run.names, monitor) == run.names.end()) {
      std::string known;
      for (const std::string& name : run.names) known += (known.empty() ? "" : ", ") + name;
      fail<ValueError>("EarlyStopping", "nothing of this name is logged; got \"", monitor, "\", expected one of ", known);
    }
    rule_.reset();
  }

  void on_epoch_end(Run& run) override {
    if (!rule_.update(run.logs[rule_.options().monitor], run.variables)) return;
    run.stop = true;
    if (run.messages) *run.messages << "Epoch " << run.epoch + 1 << ": early stopping\n";
  }

  void on_train_end(Run& run) override {
    if (rule_.restore() && run.messages)
      *run.messages << "Restored the weights of the best epoch: " << rule_.best_epoch() + 1 << "\n";
  }

 private:
  optim::EarlyStopping rule_;
};

}  // namespace

CallbackOption::CallbackOption(const optim::EarlyStopping& early_stopping)
    : callback_(std::make_shared<EarlyStoppingCallback>(early_stopping)) {}

}  // namespace gradus::nn
