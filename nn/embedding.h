// Embedding: a vector for each of a number of symbols, and one for each position of a sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "nn/initializer.h"
#include "nn/layer.h"

namespace gradus::nn {

struct EmbeddingOptions {
  Initializer embeddings_initializer = "random_uniform";  // within 0.05; PyTorch draws from N(0, 1)
  Regularizer embeddings_regularizer = {};
  DType dtype = DType::float32;
  std::string name = {};
};

/// Row i of embeddings [input_dim, output_dim] for each integer i: x [n, ...] -> [n, ..., output_dim].
class Embedding : public Layer {
 public:
  using Options = EmbeddingOptions;
  /// ValueError unless both sizes are > 0.
  Embedding(int64_t input_dim, int64_t output_dim, Options options = {});

  /// DTypeError unless x holds integers; ValueError naming one that is out of [0, input_dim).
  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "Embedding"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by copies
};

/// x [n, time, width] + embeddings[0 .. time), embeddings [length, width]: what tells attention where in the sequence a vector
/// stands. ShapeError for sequences longer than `length`. Starts as Glorot uniform unless another initialiser is given.
class PositionalEmbedding : public Layer {
 public:
  using Options = EmbeddingOptions;
  explicit PositionalEmbedding(int64_t length, Options options = {.embeddings_initializer = "glorot_uniform"});

  Tensor call(const Tensor& x, bool training) override;
  std::string_view type() const override { return "PositionalEmbedding"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
