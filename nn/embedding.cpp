#include "nn/embedding.h"

#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"

namespace gradus::nn {
namespace {

void check_options(std::string_view op, std::initializer_list<int64_t> sizes, const EmbeddingOptions& options) {
  for (const int64_t size : sizes)
    if (size <= 0) fail<ValueError>(op, "size out of range; got ", size, ", expected > 0");
  if (!is_floating(options.dtype))
    fail<DTypeError>(op, "dtype is not floating; got ", options.dtype, ", expected float32 or another");
}

Tensor in_compute_dtype(const Tensor& x, DType dtype) {
  const DType as = compute_dtype(dtype);
  return x.dtype() == as ? x : x.astype(as);
}

}  // namespace

struct Embedding::State {
  int64_t rows, width;
  Options options;
  std::optional<Variable> table = {};
};

Embedding::Embedding(int64_t input_dim, int64_t output_dim, Options options) {
  check_options(type(), {input_dim, output_dim}, options);
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{input_dim, output_dim, std::move(options)});
}

Tensor Embedding::call(const Tensor& x, bool) {
  State& s = *state_;
  if (is_floating(x.dtype()) || x.dtype() == DType::boolean)
    fail<DTypeError>(type(), "input is not of integers; got ", x.dtype(), ", expected int32 or another; astype() converts");
  build(x.shape());
  return in_compute_dtype(embedding(*s.table, x), s.options.dtype);
}

Shape Embedding::output_shape(const Shape& input) const {
  if (input.ndim() < 1) fail<ShapeError>(type(), "no sample axis; got ", input, ", expected [samples, ...]");
  Shape out = input;
  out.push_back(state_->width);
  return out;
}

void Embedding::build(const Shape& input) {
  State& s = *state_;
  output_shape(input);
  if (!s.table) s.table = make_variable("embeddings", s.options.embeddings_initializer, {s.rows, s.width}, s.options.dtype);
}

void Embedding::visit(Visitor& v) {
  if (state_->table) v("embeddings", *state_->table, state_->options.embeddings_regularizer);
}

struct PositionalEmbedding::State {
  int64_t length;
  Options options;
  std::optional<Variable> table = {};
};

PositionalEmbedding::PositionalEmbedding(int64_t length, Options options) {
  check_options(type(), {length}, options);
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{length, std::move(options)});
}

Tensor PositionalEmbedding::call(const Tensor& x, bool) {
  State& s = *state_;
  build(x.shape());
  const Tensor rows = s.table->value().slice({Slice(0, x.shape()[1])});
  return in_compute_dtype(x, s.options.dtype) + in_compute_dtype(rows, s.options.dtype);
}

Shape PositionalEmbedding::output_shape(const Shape& input) const {
  const State& s = *state_;
  if (input.ndim() != 3 || input[1] > s.length || (s.table && input[2] >= 0 && input[2] != s.table->shape()[1]))
    fail<ShapeError>(type(), "input does not fit; got ", input, ", expected [samples, up to ", s.length, ", ",
                     s.table ? text(s.table->shape()[1]) : "width", "]");
  return input;
}

void PositionalEmbedding::build(const Shape& input) {
  State& s = *state_;
  output_shape(input);
  if (s.table) return;
  if (input[2] < 0) fail<ShapeError>(type(), "unknown width; got ", input, ", expected a known last dimension");
  s.table = make_variable("embeddings", s.options.embeddings_initializer, {s.length, input[2]}, s.options.dtype);
}

void PositionalEmbedding::visit(Visitor& v) {
  if (state_->table) v("embeddings", *state_->table, state_->options.embeddings_regularizer);
}

}  // namespace gradus::nn
