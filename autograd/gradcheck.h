// gradcheck: holds analytic derivatives against central differences, in float64.
//
// First order: the gradient of <v, f(x)> for a random v (or of every output element, with full) against (f(x+eps) - f(x-eps)) / 2
// eps. Second order: the gradient of <w, gradient> for a random w against differences of the analytic gradient. First order alone
// cannot see a rule that treats what it saved as a constant; second order can.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace gradus {

struct GradcheckOptions {
  int order = 2;       // 1 or 2
  double eps = 1e-6;   // step of the difference; 1 is exact for bilinear functions
  double atol = 1e-5;  // |analytic - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-3;
  bool full = false;  // every output element instead of one random projection
  uint64_t seed = 0;  // of the projections
};

struct GradcheckFailure {
  int order;
  int64_t output;   // element of the output, or -1 for a projection
  size_t input;     // which input
  int64_t element;  // which element of it, row-major
  double analytic, numeric;
};

struct GradcheckReport {
  std::vector<GradcheckFailure> failures = {};
  double max_error[2] = {0, 0};  // largest |analytic - numeric| seen, by order
  int64_t checked = 0;           // number of derivatives compared
  bool ok() const { return failures.empty(); }
  /// One line per failure (the first ten), or "ok".
  std::string text() const;
};

using GradcheckFunction = std::function<Tensor(const std::vector<Tensor>&)>;

/// Floating inputs must be float64 (DTypeError); inputs of other kinds are passed through as constants. f must be deterministic
/// and return float64. Kinks within eps of an input show as failures: stay away from them.
GradcheckReport gradcheck(const GradcheckFunction& f, const std::vector<Tensor>& inputs, const GradcheckOptions& options = {});

}  // namespace gradus
