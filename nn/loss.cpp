#include "nn/loss.h"

#include <array>

#include "autograd/ops.h"
#include "nn/losses.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace detail {

struct LossRow {
  std::string_view name;
  Tensor (*function)(const Tensor& y, const Tensor& p, bool from_logits);
  const Activation* activation;  // its inverse is part of the loss; null: the loss takes no logits
  void (*check)(std::string_view op, const Tensor& y, const Shape& outputs);
};

}  // namespace detail

namespace {

using detail::LossRow;

void check_sparse(std::string_view op, const Tensor& y, const Shape& outputs) {
  const Tensor labels = detail::match_labels(op, y, outputs);
  detail::check_labels(op, labels, outputs.back());
}

void check_same(std::string_view op, const Tensor& y, const Shape& outputs) {
  if (y.shape() != outputs)
    fail<ShapeError>(op, "targets do not fit the predictions; got ", y.shape(), ", expected ", outputs,
                     op == "categorical_crossentropy" ? "; class numbers take sparse_categorical_crossentropy" : "");
}

void check_elements(std::string_view op, const Tensor& y, const Shape& outputs) {
  detail::match_targets(op, y, outputs, y.dtype());
}

constexpr LossRow kMeanSquaredError{"mean_squared_error",
                                    [](const Tensor& y, const Tensor& p, bool) { return mean_squared_error(y, p); }, nullptr,
                                    check_elements};
constexpr LossRow kMeanAbsoluteError{"mean_absolute_error",
                                     [](const Tensor& y, const Tensor& p, bool) { return mean_absolute_error(y, p); }, nullptr,
                                     check_elements};

constexpr LossRow renamed(LossRow row, std::string_view name) {
  row.name = name;
  return row;
}

constexpr std::array<LossRow, 7> kLosses{{
    {"sparse_categorical_crossentropy", sparse_categorical_crossentropy, &softmax, check_sparse},
    {"categorical_crossentropy", categorical_crossentropy, &softmax, check_same},
    {"binary_crossentropy", binary_crossentropy, &sigmoid, check_elements},
    kMeanSquaredError,
    kMeanAbsoluteError,
    renamed(kMeanSquaredError, "mse"),
    renamed(kMeanAbsoluteError, "mae"),
}};

const LossRow& find(std::string_view name) { return gradus::detail::find_by_name("Loss", "loss", name, kLosses); }

}  // namespace

Loss::Loss(std::string_view name) : Loss(find(name), false) {}

Loss Loss::from_logits(std::string_view name) {
  const LossRow& row = find(name);
  if (!row.activation)
    fail<ValueError>("Loss::from_logits", "a loss that takes no logits; got \"", name, "\", expected a cross entropy");
  return Loss(row, true);
}

std::string_view Loss::name() const { return row_ ? row_->name : "custom"; }

bool Loss::absorbs(const Activation* activation) const {
  return activation && row_ && row_->activation && !logits_ && activation->same_as(*row_->activation);
}

const Activation* Loss::missing_activation() const { return logits_ ? row_->activation : nullptr; }

Tensor Loss::operator()(const Tensor& y, const Outputs& outputs) const {
  if (!row_) return (*function_)(y, outputs.predictions());
  return row_->function(y, outputs.raw(), logits_ || outputs.are_logits());
}

Tensor Loss::reduce(const Tensor& per_sample, const Tensor& weights) const {
  return mean(weights.defined() ? per_sample * weights : per_sample);
}

void Loss::check(const Tensor& y, const Shape& outputs) const {
  if (!row_) return;
  Shape shape = outputs;
  if (shape.ndim() > 0 && y.ndim() > 0) shape[0] = y.shape()[0];
  row_->check(row_->name, y, shape);
}

}  // namespace gradus::nn
