#include "nn/learning_rate.h"

#include <algorithm>
#include <ostream>

#include "nn/model.h"

namespace gradus::nn {
namespace {

/// Better now than after an epoch.
void check_settable(std::string_view op, const optim::Optimizer& optimizer) {
  if (optimizer.learning_rate_is_schedule())
    fail<ValueError>(op, "a schedule rules the learning rate; got an optimizer with one, expected one made with a number");
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Options options)
    : options_(std::move(options)), monitor_("ReduceLROnPlateau", options_.monitor, options_.mode, options_.min_delta) {
  const auto check = [](bool good, std::string_view what, double value, std::string_view range) {
    if (!good) fail<ValueError>("ReduceLROnPlateau", what, " out of range; got ", value, ", expected ", range);
  };
  check(options_.factor >= 0 && options_.factor < 1, "factor", options_.factor, "[0, 1)");
  check(options_.patience >= 0, "patience", static_cast<double>(options_.patience), ">= 0");
  check(options_.cooldown >= 0, "cooldown", static_cast<double>(options_.cooldown), ">= 0");
  check(options_.min_lr >= 0, "min_lr", options_.min_lr, ">= 0");
}

void ReduceLROnPlateau::on_train_begin(Run& run) {
  detail::check_monitor("ReduceLROnPlateau", options_.monitor, run);
  check_settable("ReduceLROnPlateau", run.model.optimizer());
  best_.reset();
  wait_ = cooldown_left_ = 0;
}

void ReduceLROnPlateau::on_epoch_end(Run& run) {
  optim::Optimizer& optimizer = run.model.optimizer();
  const double before = optimizer.learning_rate();
  run.logs.set("learning_rate", before);
  if (!run.logs.contains(options_.monitor)) return;  // an epoch without validation
  const double value = run.logs[options_.monitor];
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    wait_ = 0;
  }
  if (monitor_.improves(value, best_)) {
    best_ = value;
    wait_ = 0;
    return;
  }
  if (cooldown_left_ > 0 || ++wait_ < options_.patience || before <= options_.min_lr) return;
  const double reduced = std::max(before * options_.factor, options_.min_lr);
  optimizer.set_learning_rate(reduced);
  cooldown_left_ = options_.cooldown;
  wait_ = 0;
  if (options_.verbose)
    *run.output << text("Epoch ", run.epoch + 1, ": ReduceLROnPlateau reducing learning rate to ", reduced, ".\n");
}

State ReduceLROnPlateau::state() const {
  State out{{"wait", Tensor(wait_)}, {"cooldown", Tensor(cooldown_left_)}};
  if (best_) out.emplace("best", Tensor(*best_));
  return out;
}

void ReduceLROnPlateau::load_state(const State& state, Run&) {
  const int64_t wait = detail::entry("ReduceLROnPlateau", state, "wait").item<int64_t>();
  cooldown_left_ = detail::entry("ReduceLROnPlateau", state, "cooldown").item<int64_t>();
  wait_ = wait;
  best_.reset();
  if (state.contains("best")) best_ = state.at("best").item<double>();
}

void LearningRateScheduler::on_train_begin(Run& run) { check_settable("LearningRateScheduler", run.model.optimizer()); }

void LearningRateScheduler::on_epoch_begin(Run& run) {
  optim::Optimizer& optimizer = run.model.optimizer();
  const double rate = schedule_(run.epoch, optimizer.learning_rate());
  optimizer.set_learning_rate(rate);
  if (options_.verbose)
    *run.output << text("Epoch ", run.epoch + 1, ": LearningRateScheduler setting learning rate to ", rate, ".\n");
}

void LearningRateScheduler::on_epoch_end(Run& run) { run.logs.set("learning_rate", run.model.optimizer().learning_rate()); }

}  // namespace gradus::nn
