// LossOptions: every option of the loss functions, and how values per sample become one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "autograd/tensor.h"

namespace gradus::nn {

/// How values per sample become the scalar to minimise. Weights multiply the values first, and a divisor of 0 gives 0.
enum class Reduction : uint8_t {
  sum_over_batch_size,      // the sum over the number of values: weights do not change the divisor (Keras)
  mean,                     // the same under another name
  sum,                      // no division
  mean_with_sample_weight,  // the sum over the sum of the weights: class weights as PyTorch averages them
  none,                     // no scalar; for direct use only
};

/// Each loss takes some of these and refuses the others by a ValueError that lists its own. Unset numbers have the default of
/// the loss, Keras' where not said otherwise.
struct LossOptions {
  bool from_logits = false;                            // predictions are what the sigmoid or softmax would get
  double label_smoothing = 0;                          // in [0, 1]: this part of each target is spread over all classes
  std::optional<int64_t> ignore_class = std::nullopt;  // samples with this label count for nothing, nor in the mean
  std::optional<double> delta = std::nullopt;          // huber: where the parabola ends; 1
  std::optional<double> alpha = std::nullopt;    // focal: weight of the positive class; 0.25. tversky: of false positives; 0.5
  std::optional<double> beta = std::nullopt;     // smooth_l1: where the parabola ends; 1. tversky: of false negatives; 0.5
  std::optional<double> gamma = std::nullopt;    // focal: how much sure answers are damped; 2
  std::optional<double> q = std::nullopt;        // generalized cross entropy, in (0, 1]: 1 is the mean absolute error; 0.5
  bool apply_class_balancing = false;            // binary focal: weigh the classes by alpha and 1 - alpha
  bool per_sample = false;                       // dice, tversky: of each sample; Keras' default is of the whole batch
  std::optional<double> min_log = std::nullopt;  // binary_crossentropy of probabilities: hold the logarithms above this,
                                                 // -100 in PyTorch, instead of p to [1e-7, 1 - 1e-7]
  std::optional<Reduction> reduction = std::nullopt;  // of Loss; functions give one value per sample
};

namespace detail {

/// Bits of the options above, for tables of what a loss takes.
enum LossOption : unsigned {
  kFromLogits = 1 << 0,
  kLabelSmoothing = 1 << 1,
  kIgnoreClass = 1 << 2,
  kDelta = 1 << 3,
  kAlpha = 1 << 4,
  kBeta = 1 << 5,
  kGamma = 1 << 6,
  kQ = 1 << 7,
  kClassBalancing = 1 << 8,
  kPerSample = 1 << 9,
  kMinLog = 1 << 10,
  kReduction = 1 << 11,
};

/// ValueError for an option that is not among the bits `taken`, or out of its range.
void check_options(std::string_view op, const LossOptions& options, unsigned taken);
/// `weights` in `dtype` and in a shape that broadcasts over values of shape `values`: they may have its leading axes only, and
/// axes of size 1 after them. ShapeError otherwise.
Tensor match_weights(std::string_view op, const Tensor& weights, const Shape& values, DType dtype);

}  // namespace detail

/// Values per sample [n, ...] and weights per sample ([n], [n, 1] or more leading axes of the values; undefined: none) as
/// `reduction` says. For Reduction::none the weighted values.
Tensor reduce(const Tensor& values, const Tensor& weights = {}, Reduction reduction = Reduction::sum_over_batch_size);

}  // namespace gradus::nn
