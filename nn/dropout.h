// Dropout (Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "autograd/random.h"
#include "nn/layer.h"

namespace gradus::nn {

struct DropoutOptions {
  std::optional<uint64_t> seed = std::nullopt;  // a generator of its own; otherwise random::default_generator()
  std::string name = {};
};

/// While training, each element is 0 with probability `rate` and multiplied by 1 / (1 - rate) otherwise; the identity at
/// inference and for rate 0. Rate 1 gives zeros.
class Dropout : public Layer {
 public:
  using Options = DropoutOptions;
  /// ValueError unless 0 <= rate <= 1.
  explicit Dropout(double rate, Options options = {});

  /// DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "Dropout"; }
  Shape output_shape(const Shape& input) const override { return input; }

  void visit(Visitor& v) override {
    if (generator_) v("generator", *generator_);
  }

  double rate() const { return rate_; }

 private:
  double rate_;
  std::shared_ptr<random::Generator> generator_;  // null: the default one
};

}  // namespace gradus::nn
