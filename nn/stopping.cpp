#include "nn/stopping.h"

#include <signal.h>

#include <ostream>

#include "autograd/base/error.h"

namespace gradus::nn {
namespace {

volatile sig_atomic_t interrupted = 0;

}  // namespace

bool TerminateOnNaN::on_invalid_loss(Run& run) {
  if (options_.raise_error)
    fail<ValueError>("TerminateOnNaN", "loss is not finite; got ", run.batch_loss, " at epoch ", run.epoch + 1, ", batch ",
                     run.batch + 1, ", expected a number");
  *run.output << text("Batch ", run.batch, ": Invalid loss, terminating training\n");
  run.stop = true;
  return true;
}

class StopOnInterrupt::Handler {
 public:
  Handler() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one is on its own
    sigaction(SIGINT, &action, &before_);
  }
  ~Handler() { sigaction(SIGINT, &before_, nullptr); }
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

 private:
  struct sigaction before_ {};
};

StopOnInterrupt::StopOnInterrupt() = default;

void StopOnInterrupt::on_train_begin(Run&) {
  handler_.reset();  // of a run inside which this one begins
  handler_ = std::make_shared<Handler>();
}

void StopOnInterrupt::on_batch_end(Run& run) {
  if (interrupted) run.stop = run.interrupted = true;
}

void StopOnInterrupt::on_train_end(Run&) { handler_.reset(); }

void StopOnInterrupt::on_train_error(Run&) noexcept { handler_.reset(); }

bool StopOnInterrupt::pressed() { return interrupted != 0; }

}  // namespace gradus::nn
