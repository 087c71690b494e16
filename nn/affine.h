// What normalising layers share: a scale (gamma) and an offset (beta) as variables.
#pragma once

#include <optional>
#include <string_view>

#include "nn/layer.h"

namespace gradus::nn::detail {

class AffineLayer : public Layer {
 protected:
  struct Affine {
    std::optional<Variable> gamma, beta;

    Tensor scale() const { return gamma ? gamma->value() : Tensor(); }
    Tensor offset() const { return beta ? beta->value() : Tensor(); }
  };

  /// The variables that `options` asks for.
  template <class Options>
  Affine make_affine(const Options& options, const Shape& shape) const {
    Affine out;
    if (options.scale) out.gamma = make_variable("gamma", options.gamma_initializer, shape, options.dtype);
    if (options.center) out.beta = make_variable("beta", options.beta_initializer, shape, options.dtype);
    return out;
  }
  template <class Options>
  static void show(Visitor& v, const Affine& affine, const Options& options) {
    if (affine.gamma) v("gamma", *affine.gamma, options.gamma_regularizer);
    if (affine.beta) v("beta", *affine.beta, options.beta_regularizer);
  }

  /// ValueError for a bad epsilon, DTypeError for an integer dtype.
  static void check_options(std::string_view layer, double epsilon, DType dtype);
  /// The axis counted from the front. ShapeError for inputs without samples or without this axis, and for the axis of the
  /// samples.
  int feature_axis(const Shape& input, int64_t axis) const;
  /// The input's size along an axis. ShapeError for an unknown one.
  int64_t known_size(const Shape& input, int axis) const;
  /// ShapeError unless the input has as many features along the axis as the variables.
  void check_features(const Shape& input, int axis, int64_t expected) const;
};

}  // namespace gradus::nn::detail
