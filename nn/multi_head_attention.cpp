#include "nn/multi_head_attention.h"

#include <utility>

#include "autograd/normalization.h"
#include "autograd/ops.h"
#include "nn/dense.h"

namespace gradus::nn {

struct MultiHeadAttention::State {
  int64_t heads, key_dim, value_dim;
  Options options;
  Dense query, key, value;
  std::optional<Dense> output = {};                   // its width may be that of the first query
  std::shared_ptr<random::Generator> generator = {};  // null: the default one

  /// [n, t, heads * width] -> [n, heads, t, width]
  Tensor by_head(const Tensor& x, int64_t width) const {
    return swapaxes(x.reshape({x.shape()[0], x.shape()[1], heads, width}), 1, 2);
  }
};

namespace {

/// A projection whose kernel starts as one of the shape that `whole` makes of its number of inputs.
template <class F>
Dense projection(int64_t width, const MultiHeadAttentionOptions& options, F whole) {
  const Initializer kernel = [initializer = options.kernel_initializer, whole](const Shape& shape, DType dtype,
                                                                               random::Generator& generator) {
    const Tensor value = initializer(whole(shape[0]), dtype, generator);
    return value.size() == numel("MultiHeadAttention", shape) ? value.reshape(shape) : value;
  };
  return Dense(width, {.use_bias = options.use_bias,
                       .kernel_initializer = kernel,
                       .bias_initializer = options.bias_initializer,
                       .kernel_regularizer = options.kernel_regularizer,
                       .bias_regularizer = options.bias_regularizer,
                       .dtype = options.dtype});
}

Dense heads_of(int64_t heads, int64_t width, const MultiHeadAttentionOptions& options) {
  return projection(heads * width, options, [=](int64_t in) { return Shape{in, heads, width}; });
}

}  // namespace

MultiHeadAttention::MultiHeadAttention(int64_t num_heads, int64_t key_dim, Options options) {
  const int64_t value_dim = options.value_dim.value_or(key_dim);
  for (const int64_t size : {num_heads, key_dim, value_dim, options.output_dim.value_or(1)})
    if (size <= 0 || size > int64_t{1} << 31)  // so that the width of all heads is a number
      fail<ValueError>(type(), "size out of range; got ", size, ", expected > 0 and at most 2^31");
  if (!(options.dropout >= 0 && options.dropout <= 1))
    fail<ValueError>(type(), "rate out of range; got ", options.dropout, ", expected [0, 1]");
  if (!options.name.empty()) set_name(options.name);
  Dense query = heads_of(num_heads, key_dim, options), key = heads_of(num_heads, key_dim, options),
        value = heads_of(num_heads, value_dim, options);
  state_ = std::make_shared<State>(State{num_heads, key_dim, value_dim, std::move(options), query, key, value});
  if (state_->options.seed) state_->generator = std::make_shared<random::Generator>(*state_->options.seed);
}

Tensor MultiHeadAttention::call_all(const std::vector<Tensor>& inputs, bool training) {
  if (inputs.empty() || inputs.size() > 3)
    fail<ValueError>(type(), "wrong number of inputs; got ", inputs.size(), ", expected query, value and key, or less");
  const Tensor& value = inputs[std::min<size_t>(1, inputs.size() - 1)];
  return attend(inputs[0], value, inputs.size() == 3 ? inputs[2] : value, {}, training);
}

Tensor MultiHeadAttention::attend(const Tensor& query, const Tensor& value, const Tensor& key, const Tensor& mask,
                                  bool training) {
  State& s = *state_;
  build_all({query.shape(), value.shape(), key.shape()});
  const Tensor attended = scaled_dot_product_attention(
      s.by_head(s.query(query), s.key_dim), s.by_head(s.key(key), s.key_dim), s.by_head(s.value(value), s.value_dim),
      {.mask = mask, .causal = s.options.causal, .dropout = training ? s.options.dropout : 0, .generator = s.generator.get()});
  return (*s.output)(swapaxes(attended, 1, 2).reshape({query.shape()[0], query.shape()[1], s.heads * s.value_dim}));
}

Shape MultiHeadAttention::output_shape_all(const std::vector<Shape>& inputs) const {
  if (inputs.empty() || inputs.size() > 3)
    fail<ValueError>(type(), "wrong number of inputs; got ", inputs.size(), ", expected query, value and key, or less");
  const Shape &query = inputs[0], &value = inputs[std::min<size_t>(1, inputs.size() - 1)], &key = inputs.back();
  for (const Shape& shape : inputs)
    if (shape.ndim() != 3)
      fail<ShapeError>(type(), "input is not a batch of sequences; got ", shape, ", expected [samples, time, width]");
  const auto differ = [](int64_t a, int64_t b) { return a >= 0 && b >= 0 && a != b; };
  if (differ(query[0], value[0]) || (inputs.size() == 3 && (differ(query[0], key[0]) || differ(value[1], key[1]))))
    fail<ShapeError>(type(), "inputs do not fit together; got query ", query, ", value ", value, ", key ",
                     inputs.size() == 3 ? key : value, ", expected the same samples, and as many keys as values");
  const State& s = *state_;
  s.query.output_shape(query);  // refuse other widths than the kernels'
  s.value.output_shape(value);
  s.key.output_shape(inputs.size() == 3 ? key : value);
  return {query[0], query[1], s.output ? s.output->units() : s.options.output_dim.value_or(query[2])};
}

void MultiHeadAttention::build_all(const std::vector<Shape>& inputs) {
  State& s = *state_;
  const Shape out = output_shape_all(inputs);
  if (s.output) return;
  if (out[2] < 0) fail<ShapeError>(type(), "unknown width; got ", inputs[0], ", expected a known last dimension");
  const Shape &value = inputs[std::min<size_t>(1, inputs.size() - 1)], &key = inputs.size() == 3 ? inputs[2] : value;
  s.query.build(inputs[0]);
  s.key.build(key);
  s.value.build(value);
  const Shape whole{s.heads, s.value_dim, out[2]};
  Dense output = projection(out[2], s.options, [whole](int64_t) { return whole; });
  output.set_trainable(trainable());
  output.build({-1, -1, s.heads * s.value_dim});
  s.output = std::move(output);
}

void MultiHeadAttention::visit(Visitor& v) {
  State& s = *state_;
  v("query", s.query);
  v("key", s.key);
  v("value", s.value);
  if (s.output) v("output", *s.output);
  if (s.generator) v("generator", *s.generator);
}

}  // namespace gradus::nn
