// Loss: a loss function as an option of compile(), by name or as a function of one's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "autograd/tensor.h"
#include "nn/activation.h"

namespace gradus::nn {

/// What a model gave for one batch: its predictions, or what they are before the output activation. Lives for one batch.
class Outputs {
 public:
  /// `activation` null: `raw` are the predictions.
  Outputs(Tensor raw, const Activation* activation) : raw_(std::move(raw)), activation_(activation) {}

  const Tensor& raw() const { return raw_; }
  bool are_logits() const { return activation_ != nullptr; }
  /// The predictions; computed at the first call.
  const Tensor& predictions() const {
    if (!activation_) return raw_;
    if (!predictions_.defined()) predictions_ = (*activation_)(raw_);
    return predictions_;
  }

 private:
  Tensor raw_;
  const Activation* activation_;
  mutable Tensor predictions_;
};

namespace detail {
struct LossRow;
}

class Loss {
 public:
  using Function = std::function<Tensor(const Tensor& y, const Tensor& predictions)>;

  /// "sparse_categorical_crossentropy", "categorical_crossentropy", "binary_crossentropy", "mean_squared_error" ("mse") or
  /// "mean_absolute_error" ("mae"). ValueError listing these for any other name.
  Loss(std::string_view name);
  Loss(const char* name) : Loss(std::string_view(name)) {}
  Loss(const std::string& name) : Loss(std::string_view(name)) {}
  /// A function of targets and predictions that gives one value per sample.
  template <class F>
  requires std::is_invocable_r_v<Tensor, const F&, const Tensor&, const Tensor&> Loss(F function)
      : function_(std::make_shared<const Function>(std::move(function))) {}
  /// The named cross entropy for a model whose predictions are logits. ValueError for a loss that does not take logits.
  static Loss from_logits(std::string_view name);

  std::string_view name() const;
  /// True when the loss is computed better from what `activation` gets than from what it gives.
  bool absorbs(const Activation* activation) const;
  /// What would make predictions of a model trained with from_logits(); null for any other loss.
  const Activation* missing_activation() const;
  /// One value per sample.
  Tensor operator()(const Tensor& y, const Outputs& outputs) const;
  /// The scalar to minimise, of values per sample and weights of the same number (undefined: none).
  Tensor reduce(const Tensor& per_sample, const Tensor& weights = {}) const;
  /// What can be known before training: that targets `y` fit outputs of shape [n, ...] (n of any size), and labels their range.
  void check(const Tensor& y, const Shape& outputs) const;

 private:
  explicit Loss(const detail::LossRow& row, bool logits) : row_(&row), logits_(logits) {}

  const detail::LossRow* row_ = nullptr;  // null: function_
  bool logits_ = false;                   // predictions are logits
  std::shared_ptr<const Function> function_;
};

}  // namespace gradus::nn
