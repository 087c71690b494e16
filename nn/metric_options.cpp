#include "nn/metric_options.h"

#include <array>
#include <limits>

#include "autograd/base/error.h"
#include "nn/options.h"

namespace gradus::nn::detail {

void check_options(std::string_view op, const MetricOptions& o, unsigned taken) {
  const std::array<GivenOption, 14> given{{{"threshold", kThreshold, o.threshold.has_value()},
                                           {"k", kK, o.k.has_value()},
                                           {"top_k", kTopK, o.top_k.has_value()},
                                           {"class_id", kClassId, o.class_id.has_value()},
                                           {"num_classes", kNumClasses, o.num_classes.has_value()},
                                           {"beta", kFBeta, o.beta.has_value()},
                                           {"average", kAverage, o.average.has_value()},
                                           {"at", kAt, o.at.has_value()},
                                           {"num_thresholds", kThresholds, o.num_thresholds.has_value()},
                                           {"thresholds", kThresholds, !o.thresholds.empty()},
                                           {"curve", kCurve, o.curve.has_value()},
                                           {"summation", kCurve, o.summation.has_value()},
                                           {"multi_label", kMultiLabel, o.multi_label},
                                           {"axis", kAxis, o.axis.has_value()}}};
  check_taken(op, given, taken);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto at_least = [&](std::string_view what, const std::optional<int64_t>& value, double low) {
    if (value) check_range(op, what, static_cast<double>(*value), low, kInfinity);
  };
  check_range(op, "threshold", o.threshold.value_or(0), 0, 1);
  at_least("k", o.k, 1);
  at_least("top_k", o.top_k, 1);
  at_least("class_id", o.class_id, 0);
  at_least("num_classes", o.num_classes, 2);
  check_range(op, "beta", o.beta.value_or(1), std::numeric_limits<double>::min(), kInfinity);
  check_range(op, "at", o.at.value_or(0), 0, 1);
  at_least("num_thresholds", o.num_thresholds, 2);
  for (const double threshold : o.thresholds) check_range(op, "threshold", threshold, 0, 1);
  if (o.axis) check_range(op, "axis", static_cast<double>(*o.axis), -1, 0);
  if (o.num_thresholds && !o.thresholds.empty())
    fail<ValueError>(op, "thresholds and their number; got num_thresholds and thresholds, expected one of them");
}

}  // namespace gradus::nn::detail
