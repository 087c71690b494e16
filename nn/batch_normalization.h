// BatchNormalization (Ioffe and Szegedy, "Batch normalization: accelerating deep network training", 2015).
#pragma once

#include <memory>
#include <string>

#include "nn/affine.h"

namespace gradus::nn {

struct BatchNormalizationOptions {
  int64_t axis = -1;       // of the features; 1 for images with their channels first
  double momentum = 0.99;  // moving = momentum * moving + (1 - momentum) * batch; PyTorch names 1 - momentum so
  double epsilon = 1e-3;
  bool center = true, scale = true;  // offset and scale what was normalised: beta and gamma
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros";
  Initializer moving_variance_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  bool unbiased = false;  // the moving variance is that of a sample (n - 1), as PyTorch's
  DType dtype = DType::float32;
  std::string name = {};

  /// PyTorch's defaults: axis 1, momentum 0.9, epsilon 1e-5, unbiased.
  static BatchNormalizationOptions torch();
};

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta, each feature by itself. While training with the statistics of the batch
/// over all other axes, through which gradients flow, and the moving statistics follow them; at inference, and while the layer is
/// frozen (set_trainable(false)), with the moving ones. Computes in the dtype of its variables, also in mixed precision.
///
/// A batch without samples moves nothing, and one value per feature has no sample variance: the biased one is taken.
class BatchNormalization : public detail::AffineLayer {
 public:
  using Options = BatchNormalizationOptions;
  /// ValueError unless 0 <= momentum <= 1 and epsilon >= 0; DTypeError for an integer dtype.
  explicit BatchNormalization(Options options = {});

  /// ShapeError for inputs of rank below 2 or with another number of features than the first.
  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "BatchNormalization"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  /// ValueError before the layer is built.
  const Variable& moving_mean() const;
  const Variable& moving_variance() const;

 private:
  struct State;
  const State& built() const;
  int check(const Shape& input) const;

  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
