// Mixed precision: layers compute in a 16-bit type, their variables stay float32 (Keras' mixed_precision.Policy).
//
//   model.compile({.optimizer = "adam", .loss = "mse", .precision = nn::mixed_bfloat16});
//
// or, in a training loop of one's own:
//
//   const nn::PrecisionScope scope(nn::mixed_float16);
//   optim::LossScale scale = nn::mixed_float16.loss_scale();
//   ...
//   const Tensor loss = mean(nn::sparse_categorical_crossentropy(y, model(x)));  // float32
//   scale.step(optimizer, tape.gradient(scale.apply(loss), weights), weights);   // float32 gradients
//
// A layer converts its input and its variables; conversions are operations like others, so that gradients come back in float32
// and optimisers, files and summaries never see another dtype. Softmax activations and losses give float32. What is written with
// plain operations computes in whatever its tensors are: such a layer asks compute_dtype().
//
// Beside the scope there is no state: outside of it, and outside of what compile() has set for fit(), evaluate() and predict(), a
// layer computes in the dtype of its variables.
#pragma once

#include <string>
#include <string_view>

#include "autograd/tensor.h"
#include "optim/loss_scale.h"

namespace gradus::nn {

class Precision {
 public:
  /// "float32": no mixing.
  constexpr Precision() = default;
  /// "float32", "mixed_bfloat16" or "mixed_float16"; ValueError listing these for any other name.
  Precision(std::string_view name);
  Precision(const char* name) : Precision(std::string_view(name)) {}
  Precision(const std::string& name) : Precision(std::string_view(name)) {}

  std::string_view name() const { return name_; }
  /// What layers with float32 variables compute in.
  DType compute_dtype() const { return compute_dtype_; }
  bool mixed() const { return compute_dtype_ != DType::float32; }
  /// For float16 one that adapts, as gradients leave its range. bfloat16 has the range of float32: always 1.
  optim::LossScale loss_scale() const;

 private:
  friend struct KnownPrecision;
  constexpr Precision(std::string_view name, DType compute_dtype) : name_(name), compute_dtype_(compute_dtype) {}

  std::string_view name_ = "float32";  // static storage
  DType compute_dtype_ = DType::float32;
};

/// Use bfloat16 where there is a choice: it needs no loss scale, and has 8 significant bits to float16's 11.
extern const Precision mixed_bfloat16, mixed_float16;

/// While it lives, layers that this thread calls compute as `precision` says. Scopes nest, the innermost holds. Layers under
/// checkpoint() are called again when gradients are taken, which therefore belongs into the scope.
class PrecisionScope {
 public:
  explicit PrecisionScope(const Precision& precision);
  ~PrecisionScope();
  PrecisionScope(const PrecisionScope&) = delete;
  PrecisionScope& operator=(const PrecisionScope&) = delete;

 private:
  Precision before_;
};

/// This thread's: "float32" outside of all scopes.
const Precision& active_precision();

/// For layers: the dtype to compute in with variables of dtype `variable`. Only float32 gives way to the active precision: who
/// asked for another dtype meant it.
DType compute_dtype(DType variable);

namespace detail {
/// x in float32, if it is what layers of the active precision give; otherwise x.
Tensor leave_mixed_precision(const Tensor& x);
}  // namespace detail

}  // namespace gradus::nn
