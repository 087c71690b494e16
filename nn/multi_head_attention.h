// MultiHeadAttention (Vaswani et al., "Attention is all you need", 2017).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nn/initializer.h"
#include "nn/multi_input_layer.h"

namespace gradus::nn {

struct MultiHeadAttentionOptions {
  std::optional<int64_t> value_dim = std::nullopt;   // of each head; key_dim when left out
  std::optional<int64_t> output_dim = std::nullopt;  // the query's width when left out
  double dropout = 0;                                // of the attention weights, while training
  bool use_bias = true;
  bool causal = false;  // step i attends to the steps 0 to i
  Initializer kernel_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  Regularizer kernel_regularizer = {};
  Regularizer bias_regularizer = {};
  std::optional<uint64_t> seed = std::nullopt;  // of dropout; otherwise random::default_generator()
  DType dtype = DType::float32;
  std::string name = {};
};

/// Each head projects query [n, t, a] and key [n, s, b] to key_dim, value [n, s, c] to value_dim, and gives each query the mean
/// of the values weighted by softmax(query . key / sqrt(key_dim)); a last projection of all heads gives [n, t, output_dim].
///
/// layer(x) is self-attention. layer({query, value}) takes the values for keys; layer({query, value, key}), Keras' order, not.
/// The heads of a projection lie side by side: kernels [a, num_heads * key_dim], initialised as Keras' [a, num_heads, key_dim].
class MultiHeadAttention : public MultiInputLayer {
 public:
  using Options = MultiHeadAttentionOptions;
  /// ValueError unless all sizes are > 0 and the rate lies in [0, 1].
  MultiHeadAttention(int64_t num_heads, int64_t key_dim, Options options = {});

  /// ShapeError for inputs that are not [samples, time, width], or of different samples or numbers of keys and values.
  Tensor call_all(const std::vector<Tensor>& inputs, bool training) override;
  /// The same with a mask that broadcasts to [n, num_heads, t, s]: boolean, true may attend; floating, added to the products.
  Tensor attend(const Tensor& query, const Tensor& value, const Tensor& key, const Tensor& mask, bool training = false);
  std::string_view type() const override { return "MultiHeadAttention"; }
  Shape output_shape_all(const std::vector<Shape>& inputs) const override;
  void build_all(const std::vector<Shape>& inputs) override;
  void visit(Visitor& v) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
