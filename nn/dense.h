// Dense: the fully connected layer.
#pragma once

#include <memory>
#include <string>

#include "autograd/ops.h"
#include "nn/initializer.h"
#include "nn/layer.h"

namespace gradus::nn {

struct DenseOptions {
  Activation activation = linear;
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  DType dtype = DType::float32;  // of kernel and bias; inputs of other dtypes are converted (see also mixed_precision.h)
  std::string name = {};
};

/// activation(x @ kernel + bias) over the last axis: x [..., in], kernel [in, units], bias [units], output [..., units].
/// The width `in` is taken from the first input.
class Dense : public Layer {
 public:
  using Options = DenseOptions;
  /// ValueError unless units > 0; DTypeError for an integer dtype.
  explicit Dense(int64_t units, Options options = {});

  /// ShapeError for inputs of rank below 2 or of another width than the kernel's.
  Tensor call(const Tensor& x, bool training) override;
  Tensor logits(const Tensor& x, bool training) override;
  const Activation* output_activation() const override;
  std::string_view type() const override { return "Dense"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  int64_t units() const;
  /// ValueError before the layer is built; bias() also without one.
  const Variable& kernel() const;
  const Variable& bias() const;

 private:
  Tensor sums(const Tensor& input, DenseActivation activation);

  struct State;
  std::shared_ptr<State> state_;  // shared by copies, so that they share the variables of the first call
};

}  // namespace gradus::nn
