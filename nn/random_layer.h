// RandomLayer: a layer that draws random numbers while training and is the identity (or nearly so) at inference.
//
// Such a layer has no variables. Its numbers come from a generator of its own where a seed was given, and from
// random::default_generator() otherwise; visit() shows the former, so that a checkpoint can save where it is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "autograd/random.h"
#include "nn/layer.h"

namespace gradus::nn {

struct RandomOptions {
  std::optional<uint64_t> seed = std::nullopt;  // a generator of its own; otherwise random::default_generator()
  std::string name = {};
};

class RandomLayer : public Layer {
 public:
  std::string_view type() const override { return type_; }
  /// Of the same shape as the input.
  Shape output_shape(const Shape& input) const override { return input; }
  void visit(Visitor& v) override;

 protected:
  /// `type` has static storage.
  RandomLayer(std::string_view type, const RandomOptions& options);
  random::Generator& generator() const { return generator_ ? *generator_ : random::default_generator(); }
  /// DTypeError for integers, which noise cannot be added to.
  void check_floating(const Tensor& x) const;

 private:
  std::string_view type_;
  std::shared_ptr<random::Generator> generator_;  // null: the default one
};

namespace detail {
/// ValueError unless low <= value <= high, or < high if `open`.
void check_range(std::string_view layer, std::string_view what, double value, double low, double high, bool open = false);
}  // namespace detail

}  // namespace gradus::nn
