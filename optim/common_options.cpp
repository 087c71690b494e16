#include "optim/common_options.h"

#include <cmath>
#include <limits>

#include "optim/checks.h"

namespace gradus::optim {

void check(std::string_view op, const CommonOptions& options) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  check_range(op, "weight_decay", options.weight_decay, 0, kInfinity);
  check_range(op, "l2", options.l2, 0, kInfinity);
  int clippings = 0;
  const auto check_clipping = [&](std::string_view what, const std::optional<double>& limit) {
    if (!limit) return;
    ++clippings;
    if (!(*limit > 0)) fail<ValueError>(op, what, " out of range; got ", *limit, ", expected a value > 0");
  };
  check_clipping("clip_value", options.clip_value);
  check_clipping("clip_norm", options.clip_norm);
  check_clipping("global_clip_norm", options.global_clip_norm);
  if (clippings > 1)
    fail<ValueError>(op, "more than one way of clipping; got ", clippings,
                     ", expected at most one of clip_value, clip_norm and global_clip_norm");
  check_range(op, "ema_momentum", options.ema_momentum, 0, std::nextafter(1.0, 2.0));
  if (options.ema_overwrite_frequency < 0)
    fail<ValueError>(op, "ema_overwrite_frequency out of range; got ", options.ema_overwrite_frequency, ", expected >= 0");
  if (options.accumulate_steps < 1)
    fail<ValueError>(op, "accumulate_steps out of range; got ", options.accumulate_steps, ", expected >= 1");
  for (const ParameterGroup& group : options.groups) {
    check_range(op, "learning_rate_multiplier of a group", group.learning_rate_multiplier, 0, kInfinity);
    check_range(op, "weight_decay of a group", group.weight_decay.value_or(0), 0, kInfinity);
    check_range(op, "l2 of a group", group.l2.value_or(0), 0, kInfinity);
    if (group.variables.empty() && group.names.empty())
      fail<ValueError>(op, "empty group; got neither variables nor names, expected at least one of them");
  }
}

}  // namespace gradus::optim
