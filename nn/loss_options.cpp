#include "nn/loss_options.h"

#include <array>
#include <limits>

#include "autograd/ops.h"
#include "nn/options.h"

namespace gradus::nn {
namespace detail {

void check_options(std::string_view op, const LossOptions& o, unsigned taken) {
  const std::array<GivenOption, 12> given{{{"from_logits", kFromLogits, o.from_logits},
                                           {"label_smoothing", kLabelSmoothing, o.label_smoothing != 0},
                                           {"ignore_class", kIgnoreClass, o.ignore_class.has_value()},
                                           {"delta", kDelta, o.delta.has_value()},
                                           {"alpha", kAlpha, o.alpha.has_value()},
                                           {"beta", kBeta, o.beta.has_value()},
                                           {"gamma", kGamma, o.gamma.has_value()},
                                           {"q", kQ, o.q.has_value()},
                                           {"apply_class_balancing", kClassBalancing, o.apply_class_balancing},
                                           {"per_sample", kPerSample, o.per_sample},
                                           {"min_log", kMinLog, o.min_log.has_value()},
                                           {"reduction", kReduction, o.reduction.has_value()}}};
  check_taken(op, given, taken);
  constexpr double kInfinity = std::numeric_limits<double>::infinity(), kSmallest = std::numeric_limits<double>::min();
  check_range(op, "label smoothing", o.label_smoothing, 0, 1);
  check_range(op, "delta", o.delta.value_or(1), 0, kInfinity);
  check_range(op, "alpha", o.alpha.value_or(0), 0, 1);
  check_range(op, "beta", o.beta.value_or(1), 0, kInfinity);
  check_range(op, "gamma", o.gamma.value_or(0), 0, kInfinity);
  check_range(op, "q", o.q.value_or(1), kSmallest, 1);
  check_range(op, "min_log", o.min_log.value_or(0), -kInfinity, 0);
  if (o.min_log && o.from_logits)
    fail<ValueError>(op, "two ways to compute the logarithm; got min_log and from_logits, expected one of them");
}

Tensor match_weights(std::string_view op, const Tensor& weights, const Shape& values, DType dtype) {
  const Shape& given = weights.shape();
  int n = given.ndim();
  while (n > 1 && given[n - 1] == 1) --n;
  bool fits = n > 0 && n <= values.ndim();
  Shape shape = Shape::filled(values.ndim(), 1);
  for (int i = 0; fits && i < n; ++i) {
    fits = given[i] == values[i];
    shape[i] = given[i];
  }
  if (!fits)
    fail<ShapeError>(op, "weights do not fit; got ", given, " for values ", values, ", expected one per sample",
                     values.ndim() == 0 ? "; this loss is of the whole batch, see its option per_sample" : "");
  return (weights.dtype() == dtype ? weights : weights.astype(dtype)).reshape(shape);
}

}  // namespace detail

Tensor reduce(const Tensor& values, const Tensor& weights, Reduction reduction) {
  const bool by_weight = reduction == Reduction::mean_with_sample_weight && weights.defined();
  Tensor weighted = values, w;
  if (weights.defined()) {
    w = detail::match_weights("reduce", weights, values.shape(), values.dtype());
    weighted = values * w;
  }
  if (reduction == Reduction::none) return weighted;
  if (reduction == Reduction::sum || values.size() == 0) return sum(weighted);
  if (!by_weight) return mean(weighted);
  const Tensor total = sum(broadcast_to(w, values.shape()));
  return total.item<double>() == 0 ? sum(weighted) * 0 : sum(weighted) / total;
}

}  // namespace gradus::nn
