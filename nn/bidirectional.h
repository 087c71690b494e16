// Bidirectional: a recurrent layer and its mirror image, which reads the sequence from its end.
#pragma once

#include <string>

#include "nn/recurrent.h"

namespace gradus::nn {

struct BidirectionalOptions {
  std::string merge_mode = "concat";  // of the two outputs: "concat", "sum", "mul" or "ave"
  std::string name = {};
};

/// With return_sequences the outputs of one step meet: the second layer's come out in its order and are turned round.
class Bidirectional : public Layer {
 public:
  using Options = BidirectionalOptions;
  /// ValueError for an unknown merge mode.
  explicit Bidirectional(Recurrent layer, Options options = {});

  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "Bidirectional"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  const Recurrent& forward_layer() const { return forward_; }
  const Recurrent& backward_layer() const { return backward_; }

 private:
  Recurrent forward_, backward_;
  Tensor (*merge_)(const Tensor& a, const Tensor& b);
  bool widens_;  // concat
};

}  // namespace gradus::nn
