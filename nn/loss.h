// Loss: a loss function as an option of compile(): by name, by kind with options, or as a function of one's own.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "autograd/tensor.h"
#include "nn/activation.h"
#include "nn/loss_options.h"

namespace gradus::nn {

/// What a model gave for one batch: its predictions, or what they are before the output activation. Lives for one batch.
class Outputs {
 public:
  /// `activation` null: `raw` are the predictions.
  Outputs(Tensor raw, const Activation* activation) : raw_(std::move(raw)), activation_(activation) {}

  const Tensor& raw() const { return raw_; }
  bool are_logits() const { return activation_ != nullptr; }
  /// What makes predictions of raw(); null where they are the same.
  const Activation* activation() const { return activation_; }
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

class Loss;

namespace detail {
struct LossRow;
/// The row of this name; null if there is none.
const LossRow* find_loss(std::string_view name);
/// Appends the names of all losses, separated by ", ".
void list_losses(std::string& out);
}  // namespace detail

/// A loss of nn/losses.h to be given options: nn::Huber({.delta = 2}).
struct LossKind {
  std::string_view name;
  /// ValueError for options that the loss does not take, or out of range.
  Loss operator()(const LossOptions& options = {}) const;
};

class Loss {
 public:
  using Function = std::function<Tensor(const Tensor& y, const Tensor& predictions)>;

  /// A function of nn/losses.h by its name, or "mse", "mae", "mape", "msle", "bce", "kld". ValueError listing the names for any
  /// other.
  Loss(std::string_view name);
  Loss(const char* name) : Loss(std::string_view(name)) {}
  Loss(const std::string& name) : Loss(std::string_view(name)) {}
  Loss(const LossKind& kind) : Loss(kind.name) {}
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
  /// One value per sample. With ignore_class and a mean as reduction, those that count are scaled so that their mean comes out.
  Tensor operator()(const Tensor& y, const Outputs& outputs) const;
  /// The scalar to minimise, of values per sample and weights of the same number (undefined: none): see nn::reduce. ValueError
  /// for Reduction::none.
  Tensor reduce(const Tensor& per_sample, const Tensor& weights = {}) const;
  /// What can be known before training: that targets `y` fit outputs of shape [n, ...] (n of any size), and that labels, and
  /// targets of the binary and categorical cross entropies, are in their range.
  void check(const Tensor& y, const Shape& outputs) const;

 private:
  friend struct LossKind;
  Loss(std::string_view name, const LossOptions& options);

  const detail::LossRow* row_ = nullptr;  // null: function_
  LossOptions options_;                   // without the reduction, which the functions do not take
  Reduction reduction_ = Reduction::sum_over_batch_size;
  std::shared_ptr<const Function> function_;
};

// Formulas and options at the functions in nn/losses.h.
inline constexpr LossKind MeanSquaredError{"mean_squared_error"};
inline constexpr LossKind MeanAbsoluteError{"mean_absolute_error"};
inline constexpr LossKind MeanAbsolutePercentageError{"mean_absolute_percentage_error"};
inline constexpr LossKind MeanSquaredLogarithmicError{"mean_squared_logarithmic_error"};
inline constexpr LossKind Huber{"huber"};
inline constexpr LossKind SmoothL1{"smooth_l1"};
inline constexpr LossKind LogCosh{"log_cosh"};
inline constexpr LossKind Poisson{"poisson"};
inline constexpr LossKind CosineSimilarity{"cosine_similarity"};
inline constexpr LossKind Hinge{"hinge"};
inline constexpr LossKind SquaredHinge{"squared_hinge"};
inline constexpr LossKind CategoricalHinge{"categorical_hinge"};
inline constexpr LossKind KLDivergence{"kl_divergence"};
inline constexpr LossKind BinaryCrossentropy{"binary_crossentropy"};
inline constexpr LossKind CategoricalCrossentropy{"categorical_crossentropy"};
inline constexpr LossKind SparseCategoricalCrossentropy{"sparse_categorical_crossentropy"};
inline constexpr LossKind BinaryFocalCrossentropy{"binary_focal_crossentropy"};
inline constexpr LossKind CategoricalFocalCrossentropy{"categorical_focal_crossentropy"};
inline constexpr LossKind CategoricalGeneralizedCrossEntropy{"categorical_generalized_cross_entropy"};
inline constexpr LossKind NLLLoss{"nll_loss"};
inline constexpr LossKind Dice{"dice"};
inline constexpr LossKind Tversky{"tversky"};

}  // namespace gradus::nn
