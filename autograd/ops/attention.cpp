// Attention and dropout.
#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/kernels/random.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

struct DropoutAttrs {
  kernels::RandomKey key;
  double rate;
};
Tensor dropped(const Tensor& x, const DropoutAttrs& attrs);

// Linear, and its own transpose.
constexpr Op kDropout{.name = "dropout",
                      .rules = {{{0, [](const Saved& s, const Tensor& g) { return dropped(g, s.attrs<DropoutAttrs>()); }}}}};

Tensor dropped(const Tensor& x, const DropoutAttrs& attrs) {
  const Tensor dense = x.contiguous();
  Tensor out = empty(kDropout.name, x.shape(), x.dtype());
  kernels::dropout(*out.ref(), dense.impl(), attrs.key, attrs.rate);
  record(kDropout, out, {&dense}, attrs);
  return out;
}

constexpr std::string_view kAttention = "scaled_dot_product_attention";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// scores with -inf where the query may not attend.
Tensor masked(const Tensor& scores, const Tensor& mask) {
  if (broadcast_shapes(kAttention, mask.shape(), scores.shape()) != scores.shape())
    fail<ShapeError>(kAttention, "mask does not fit; got ", mask.shape(), ", expected something that broadcasts to ",
                     scores.shape());
  if (mask.dtype() == DType::boolean) return where(mask, scores, -kInfinity);
  if (!is_floating(mask.dtype()))
    fail<DTypeError>(kAttention, "integer mask; got ", mask.dtype(),
                     ", expected boolean (true may attend) or floating (is added)");
  return scores + mask.astype(scores.dtype());
}

/// Softmax over the last axis, in which a row of -inf gives zeros.
Tensor attention_weights(const Tensor& scores) {
  const Tensor shut = max(stop_gradient(scores), -1, true) == -kInfinity;
  return where(shut, 0, softmax(where(shut, 0, scores), -1));
}

void check_operands(const Tensor& q, const Tensor& k, const Tensor& v) {
  for (const Tensor* t : {&q, &k, &v}) {
    if (t->ndim() < 2) fail<ShapeError>(kAttention, "operand without two axes; got ", t->shape(), ", expected [..., L, D]");
    if (!is_floating(t->dtype()))
      fail<DTypeError>(kAttention, "integer operand; got ", t->dtype(), ", expected a floating dtype");
  }
  if (q.shape().back() != k.shape().back())
    fail<ShapeError>(kAttention, "queries and keys differ in length; got ", q.shape(), " and ", k.shape(),
                     ", expected [..., L, D] and [..., S, D]");
  if (k.shape()[k.ndim() - 2] != v.shape()[v.ndim() - 2])
    fail<ShapeError>(kAttention, "keys and values differ in number; got ", k.shape(), " and ", v.shape(),
                     ", expected [..., S, D] and [..., S, E]");
}

}  // namespace

constexpr const Op* kOps[] = {&kDropout};
const OpFamily kAttentionOps{"attention", kOps};

}  // namespace detail

Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options) {
  detail::check_operands(q, k, v);
  const double width = static_cast<double>(std::max<int64_t>(q.shape().back(), 1));
  const double scale = options.scale.value_or(1 / std::sqrt(width));
  if (!std::isfinite(scale)) fail<ValueError>(detail::kAttention, "bad scale; got ", scale, ", expected a finite number");
  const int64_t queries = q.shape()[q.ndim() - 2], keys = k.shape()[k.ndim() - 2];

  Tensor scores = matmul(q * scale, swapaxes(k, -1, -2));
  const bool limited = options.causal || options.mask.defined();
  if (options.mask.defined()) scores = detail::masked(scores, options.mask);
  if (options.causal) scores = detail::masked(scores, reshape(arange(queries), {queries, 1}) >= arange(keys));
  Tensor weights = limited && keys > 0 ? detail::attention_weights(scores) : softmax(scores, -1);
  if (options.dropout != 0)
    weights = dropout(weights, options.dropout, options.generator ? *options.generator : random::default_generator());
  return matmul(weights, v);
}

Tensor dropout(const Tensor& x, double rate, random::Generator& generator) {
  constexpr std::string_view op = detail::kDropout.name;
  if (!(rate >= 0 && rate <= 1)) fail<ValueError>(op, "rate out of range; got ", rate, ", expected [0, 1]");
  if (!is_floating(x.dtype())) fail<DTypeError>(op, "integer input; got ", x.dtype(), ", expected a floating dtype");
  if (rate == 0) return x;
  const random::Draw draw = generator.next();
  return detail::dropped(x, {{draw.seed, draw.stream}, rate});
}

}  // namespace gradus
