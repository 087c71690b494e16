#include "optim/monitor.h"

#include <cmath>
#include <utility>

#include "autograd/base/error.h"

namespace gradus::optim {
namespace {

bool rises(std::string_view op, std::string_view monitor, Mode mode) {
  if (mode != Mode::automatic) return mode == Mode::max;
  // "val_<output>_<metric>": the metric's own name comes last.
  for (const std::string_view rising : {"accuracy", "acc", "auc", "precision", "recall", "f1_score", "iou", "r2_score"})
    if (monitor.ends_with(rising)) return true;
  for (const std::string_view falling : {"loss", "error", "crossentropy", "mse", "mae", "divergence", "hinge", "poisson"})
    if (monitor.ends_with(falling)) return false;
  fail<ValueError>(op, "cannot tell whether the monitored value should fall or rise; got \"", monitor,
                   "\", expected a loss, an error or an accuracy; set .mode to Mode::min or Mode::max");
}

}  // namespace

Monitor::Monitor(std::string_view op, std::string name, Mode mode, double min_delta)
    : name_(std::move(name)), rising_(rises(op, name_, mode)), delta_(std::abs(min_delta)) {
  if (std::isnan(min_delta)) fail<ValueError>(op, "min_delta is not a number; got nan, expected a number");
}

bool Monitor::improves(double value, std::optional<double> reference) const {
  if (!reference) return true;
  return rising_ ? value - delta_ > *reference : value + delta_ < *reference;
}

}  // namespace gradus::optim
