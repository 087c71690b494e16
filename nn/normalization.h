// LayerNormalization, RMSNormalization and GroupNormalization: each sample by itself, the same while training and at inference.
// They compute in the dtype of their variables, also in mixed precision.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "nn/affine.h"

namespace gradus::nn {

struct LayerNormalizationOptions {
  Axes axis = -1;  // what is normalised together, and the shape of gamma and beta: one axis or several
  double epsilon = 1e-3;
  bool center = true, scale = true;  // offset and scale what was normalised: beta and gamma
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  DType dtype = DType::float32;
  std::string name = {};
};

struct RMSNormalizationOptions {
  Axes axis = -1;
  double epsilon = 1e-6;
  Initializer gamma_initializer = "ones";
  Regularizer gamma_regularizer = {};
  DType dtype = DType::float32;
  std::string name = {};
};

struct GroupNormalizationOptions {
  int64_t axis = -1;  // of the channels
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  DType dtype = DType::float32;
  std::string name = {};
};

/// (x - mean) / sqrt(variance + epsilon) * gamma + beta, statistics over the given axes of each sample (Ba et al., "Layer
/// normalization", 2016).
class LayerNormalization : public detail::AffineLayer {
 public:
  using Options = LayerNormalizationOptions;
  /// ValueError for a negative epsilon, DTypeError for an integer dtype.
  explicit LayerNormalization(Options options = {}) : LayerNormalization(std::move(options), "LayerNormalization") {}

  /// ShapeError for inputs without these axes behind the samples, or with other sizes along them than the first.
  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return type_; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 protected:
  LayerNormalization(Options options, std::string_view type);

 private:
  struct State;
  Shape check(const Shape& input) const;

  std::string_view type_;
  std::shared_ptr<State> state_;  // shared by copies
};

/// x / sqrt(mean of squares + epsilon) * gamma over the given axes (Zhang and Sennrich, "Root mean square layer normalization",
/// 2019).
class RMSNormalization : public LayerNormalization {
 public:
  using Options = RMSNormalizationOptions;
  explicit RMSNormalization(Options options = {});
};

/// Layer normalisation of groups of neighbouring channels, over all axes but the samples' (Wu and He, "Group normalization",
/// 2018). `groups` = -1: each channel by itself (instance normalisation).
class GroupNormalization : public detail::AffineLayer {
 public:
  using Options = GroupNormalizationOptions;
  /// ValueError unless groups > 0 or -1, or for a negative epsilon; DTypeError for an integer dtype.
  explicit GroupNormalization(int64_t groups = 32, Options options = {});

  /// ShapeError for inputs of rank below 2, channels that `groups` does not divide, or another number of them than the first.
  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "GroupNormalization"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 private:
  struct State;
  int check(const Shape& input) const;

  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
