#include "nn/loss.h"

#include <algorithm>
#include <array>

#include "autograd/ops.h"
#include "nn/losses.h"
#include "nn/options.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace detail {

struct LossRow {
  std::string_view name;
  Tensor (*function)(const Tensor& y, const Tensor& p, const LossOptions& options);
  const Activation* activation;  // its inverse is part of the loss; null: the loss takes no logits
  void (*check)(std::string_view op, const Tensor& y, const Shape& outputs, const LossOptions& options);
  unsigned takes;  // bits of the options
};

}  // namespace detail

namespace {

using namespace detail;

void check_sparse(std::string_view op, const Tensor& y, const Shape& outputs, const LossOptions& options) {
  const Tensor labels = match_labels(op, y, outputs);
  check_labels(op, options.ignore_class ? where(labels != *options.ignore_class, labels, 0) : labels, outputs.back());
}

/// ValueError unless all of y is in [0, 1].
void check_probabilities(std::string_view op, const Tensor& y) {
  if (y.size() == 0 || y.dtype() == DType::boolean) return;
  for (const double extreme : {min(y).item<double>(), max(y).item<double>()}) check_range(op, "target", extreme, 0, 1);
}

void check_rows(std::string_view op, const Tensor& y, const Shape& outputs, const LossOptions&) {
  if (y.shape() != outputs)
    fail<ShapeError>(op, "targets do not fit the predictions; got ", y.shape(), ", expected ", outputs,
                     op == "categorical_crossentropy" ? "; class numbers take sparse_categorical_crossentropy" : "");
  check_probabilities(op, y);
}

void check_elements(std::string_view op, const Tensor& y, const Shape& outputs, const LossOptions&) {
  match_targets(op, y, outputs, y.dtype());
}

void check_binary(std::string_view op, const Tensor& y, const Shape& outputs, const LossOptions& options) {
  check_elements(op, y, outputs, options);
  check_probabilities(op, y);
}

/// A loss without options.
template <Tensor (*function)(const Tensor& y, const Tensor& p)>
Tensor plain(const Tensor& y, const Tensor& p, const LossOptions&) {
  return function(y, p);
}

constexpr unsigned kFocal = kFromLogits | kLabelSmoothing | kAlpha | kGamma;

constexpr auto kLosses = std::to_array<LossRow>({
    {"sparse_categorical_crossentropy", sparse_categorical_crossentropy, &softmax, check_sparse, kFromLogits | kIgnoreClass},
    {"categorical_crossentropy", categorical_crossentropy, &softmax, check_rows, kFromLogits | kLabelSmoothing},
    {"binary_crossentropy", binary_crossentropy, &sigmoid, check_binary, kFromLogits | kLabelSmoothing | kMinLog},
    {"categorical_focal_crossentropy", categorical_focal_crossentropy, &softmax, check_rows, kFocal},
    {"binary_focal_crossentropy", binary_focal_crossentropy, &sigmoid, check_binary, kFocal | kClassBalancing},
    {"categorical_generalized_cross_entropy", categorical_generalized_cross_entropy, &softmax, check_sparse, kFromLogits | kQ},
    {"nll_loss", nll_loss, nullptr, check_sparse, kIgnoreClass},
    {"mean_squared_error", plain<mean_squared_error>, nullptr, check_elements, 0},
    {"mean_absolute_error", plain<mean_absolute_error>, nullptr, check_elements, 0},
    {"mean_absolute_percentage_error", plain<mean_absolute_percentage_error>, nullptr, check_elements, 0},
    {"mean_squared_logarithmic_error", plain<mean_squared_logarithmic_error>, nullptr, check_elements, 0},
    {"huber", huber, nullptr, check_elements, kDelta},
    {"smooth_l1", smooth_l1, nullptr, check_elements, kBeta},
    {"log_cosh", plain<log_cosh>, nullptr, check_elements, 0},
    {"poisson", plain<poisson>, nullptr, check_elements, 0},
    {"cosine_similarity", plain<cosine_similarity>, nullptr, check_elements, 0},
    {"hinge", plain<hinge>, nullptr, check_elements, 0},
    {"squared_hinge", plain<squared_hinge>, nullptr, check_elements, 0},
    {"categorical_hinge", plain<categorical_hinge>, nullptr, check_elements, 0},
    {"kl_divergence", plain<kl_divergence>, nullptr, check_elements, 0},
    {"dice", dice, nullptr, check_elements, kPerSample},
    {"tversky", tversky, nullptr, check_elements, kPerSample | kAlpha | kBeta},
    {"mse", plain<mean_squared_error>, nullptr, check_elements, 0},
    {"mae", plain<mean_absolute_error>, nullptr, check_elements, 0},
    {"mape", plain<mean_absolute_percentage_error>, nullptr, check_elements, 0},
    {"msle", plain<mean_squared_logarithmic_error>, nullptr, check_elements, 0},
    {"bce", binary_crossentropy, &sigmoid, check_binary, kFromLogits | kLabelSmoothing | kMinLog},
    {"kld", plain<kl_divergence>, nullptr, check_elements, 0},
});

}  // namespace

namespace detail {

const LossRow* find_loss(std::string_view name) {
  for (const LossRow& row : kLosses)
    if (row.name == name) return &row;
  return nullptr;
}

void list_losses(std::string& out) {
  for (const LossRow& row : kLosses) {
    if (!out.empty()) out += ", ";
    out += row.name;
  }
}

}  // namespace detail

Loss LossKind::operator()(const LossOptions& options) const { return Loss(name, options); }

Loss::Loss(std::string_view name) : Loss(name, {}) {}

Loss::Loss(std::string_view name, const LossOptions& options)
    : row_(&gradus::detail::find_by_name("Loss", "loss", name, kLosses)), options_(options) {
  check_options(row_->name, options, row_->takes | kReduction);
  reduction_ = options.reduction.value_or(Reduction::sum_over_batch_size);
  options_.reduction.reset();
  if (options_.ignore_class && reduction_ == Reduction::mean_with_sample_weight)
    fail<ValueError>(row_->name,
                     "two ways to leave samples out; got ignore_class and mean_with_sample_weight, expected one of "
                     "them; give the samples to ignore the weight 0");
}

Loss Loss::from_logits(std::string_view name) {
  const LossRow& row = gradus::detail::find_by_name("Loss", "loss", name, kLosses);
  if (!row.activation)
    fail<ValueError>("Loss::from_logits", "a loss that takes no logits; got \"", name, "\", expected a cross entropy");
  return Loss(row.name, {.from_logits = true});
}

std::string_view Loss::name() const { return row_ ? row_->name : "custom"; }

bool Loss::absorbs(const Activation* activation) const {
  // A floor under the logarithms is a statement about probabilities.
  return activation && row_ && row_->activation && !options_.from_logits && !options_.min_log &&
         activation->same_as(*row_->activation);
}

const Activation* Loss::missing_activation() const { return options_.from_logits ? row_->activation : nullptr; }

Tensor Loss::operator()(const Tensor& y, const Outputs& outputs) const {
  if (!row_) return (*function_)(y, outputs.predictions());
  LossOptions options = options_;
  options.from_logits = options.from_logits || absorbs(outputs.activation());
  const Tensor values = row_->function(y, options.from_logits ? outputs.raw() : outputs.predictions(), options);
  if (!options.ignore_class || reduction_ == Reduction::sum || reduction_ == Reduction::none) return values;
  const int64_t valid = sum(y != *options.ignore_class).item<int64_t>();
  return values * (static_cast<double>(values.size()) / static_cast<double>(std::max<int64_t>(valid, 1)));
}

Tensor Loss::reduce(const Tensor& per_sample, const Tensor& weights) const {
  if (reduction_ == Reduction::none)
    fail<ValueError>("Loss", "no scalar to minimise; got Reduction::none, expected a sum or a mean");
  return nn::reduce(per_sample, weights, reduction_);
}

void Loss::check(const Tensor& y, const Shape& outputs) const {
  if (!row_) return;
  Shape shape = outputs;
  if (shape.ndim() > 0 && y.ndim() > 0) shape[0] = y.shape()[0];
  row_->check(row_->name, y, shape, options_);
}

}  // namespace gradus::nn
