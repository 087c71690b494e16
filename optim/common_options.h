// CommonOptions: what every optimiser can do around its own update; the second argument of each of them.
//
//   optim::Adam adam({.learning_rate = 1e-3}, {.weight_decay = 1e-2, .global_clip_norm = 1});
//   optim::SGD sgd({.momentum = 0.9}, {.l2 = 1e-4, .groups = {{.names = {"bias"}, .learning_rate_multiplier = 2, .l2 = 0}}});
//
// The order of a step is that of Keras: accumulate, clip, decay, update, average.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace gradus::optim {

/// Variables with numbers of their own: the listed ones, and those whose name contains one of `names`. A variable belongs to the
/// first group that claims it, from its first step on.
struct ParameterGroup {
  std::vector<Variable> variables = {};
  std::vector<std::string> names = {};
  double learning_rate_multiplier = 1;                // of everybody's learning rate, scheduled or not; >= 0
  std::optional<double> weight_decay = std::nullopt;  // instead of everybody's
  std::optional<double> l2 = std::nullopt;            // instead of everybody's
};

struct CommonOptions {
  double weight_decay = 0;                 // decoupled (Keras, AdamW): p -= p * weight_decay * learning_rate before the update
  double l2 = 0;                           // PyTorch's weight_decay: l2 * p is added to the gradient
  std::vector<std::string> no_decay = {};  // neither decay nor l2 for variables whose name contains one of these

  // At most one of the three; each > 0.
  std::optional<double> clip_value = std::nullopt;        // every element of a gradient into [-clip_value, clip_value]
  std::optional<double> clip_norm = std::nullopt;         // each gradient scaled down to this 2-norm
  std::optional<double> global_clip_norm = std::nullopt;  // all gradients together; NaN everywhere if their norm is not finite

  bool use_ema = false;                 // keep exponential moving averages of the variables
  double ema_momentum = 0.99;           // average = ema_momentum average + (1 - ema_momentum) p; the first step copies
  int64_t ema_overwrite_frequency = 0;  // every so many steps the variables take their averages; 0: never
  int64_t accumulate_steps = 1;         // a step is made of the mean of so many gradients; calls in between change no variable
  std::vector<ParameterGroup> groups = {};
};

/// ValueError naming `op` and the option unless each is in its range.
void check(std::string_view op, const CommonOptions& options);

}  // namespace gradus::optim
