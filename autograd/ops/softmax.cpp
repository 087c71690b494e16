// Softmax and the cross entropies, computed row by row without overflow.
#include "autograd/kernels/softmax.h"

#include "autograd/ops/index.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kSoftmax{.name = "softmax", .rules = {{{kOut, [](const Saved& s, const Tensor& g) {
                                                       const Tensor& y = s.out();
                                                       return y * (g - sum(g * y, -1, true));
                                                     }}}}};
constexpr Op kLogSoftmax{
    .name = "log_softmax",
    .rules = {{{kOut, [](const Saved& s, const Tensor& g) { return g - exp(s.out()) * sum(g, -1, true); }}}}};

Tensor cross_entropy_grad(const Tensor& logits, const Tensor& g, const Tensor& labels, const Tensor& statistics);

// Inputs: logits, labels, and what the kernel kept of each row.
constexpr Op kSparseCrossEntropy{
    .name = "sparse_softmax_cross_entropy", .arity = 3, .rules = {{{kIn0 | kIn1 | kIn2, [](const Saved& s, const Tensor& g) {
                                                                      return cross_entropy_grad(s.in(0), g, s.in(1), s.in(2));
                                                                    }}}}};

Tensor target_rows(const Tensor& logits, const Tensor& labels) { return one_hot(labels, logits.shape().back(), logits.dtype()); }

// (softmax(logits) - onehot(labels)) * g per row, in one pass. Inputs: logits, g, labels.
constexpr Op kSparseCrossEntropyGrad{.name = "sparse_softmax_cross_entropy_grad",
                                     .arity = 3,
                                     .rules = {{{kIn0 | kIn1,
                                                 [](const Saved& s, const Tensor& h) {
                                                   const Tensor p = softmax(s.in(0));
                                                   return expand_dims(s.in(1), -1) * p * (h - sum(h * p, -1, true));
                                                 }},
                                                {kIn0 | kIn2, [](const Saved& s, const Tensor& h) {
                                                   return sum(h * (softmax(s.in(0)) - target_rows(s.in(0), s.in(2))), -1);
                                                 }}}}};

Tensor cross_entropy_grad(const Tensor& logits, const Tensor& g, const Tensor& labels, const Tensor& statistics) {
  const Tensor dense = g.contiguous();
  Tensor out = empty("sparse_softmax_cross_entropy", logits.shape(), logits.dtype());
  kernels::sparse_cross_entropy_grad(*out.ref(), statistics.impl(), logits.impl(), labels.impl(), dense.impl());
  record(kSparseCrossEntropyGrad, out, {&logits, &dense, &labels});
  return out;
}

// The kernels work on the last axis of contiguous tensors.
Tensor over_last_axis(const Op& op, const Tensor& x, int64_t axis, bool logarithm) {
  const Tensor y = as_floating(x);
  if (y.ndim() == 0) fail<ShapeError>(op.name, "0-dim tensor; got [], expected rank 1 or more");
  const int at = normalize_axis(op.name, axis, y.ndim());
  if (at != y.ndim() - 1) return swapaxes(over_last_axis(op, swapaxes(y, at, -1), -1, logarithm), at, -1);
  const Tensor dense = y.contiguous();
  Tensor out = empty(op.name, y.shape(), y.dtype());
  kernels::softmax(*out.ref(), dense.impl(), logarithm);
  record(op, out, {&dense});
  return out;
}

// max(z, 0) - t z + log(1 + e^-|z|). Inputs: targets, logits.
constexpr Op kSigmoidCrossEntropy{
    .name = "sigmoid_cross_entropy",
    .arity = 2,
    .rules = {{{kIn1, [](const Saved& s, const Tensor& g) { return -(g * s.in(1)); }},
               {kIn0 | kIn1, [](const Saved& s, const Tensor& g) { return g * (sigmoid(s.in(1)) - s.in(0)); }}}},
    .broadcasts = true};

}  // namespace

constexpr const Op* kOps[] = {&kSoftmax, &kLogSoftmax, &kSparseCrossEntropy, &kSparseCrossEntropyGrad, &kSigmoidCrossEntropy};
const OpFamily kSoftmaxOps{"softmax", kOps};

}  // namespace detail

Tensor softmax(const Tensor& x, int64_t axis) { return detail::over_last_axis(detail::kSoftmax, x, axis, false); }
Tensor log_softmax(const Tensor& x, int64_t axis) { return detail::over_last_axis(detail::kLogSoftmax, x, axis, true); }

Tensor sparse_softmax_cross_entropy(const Tensor& labels, const Tensor& logits) {
  constexpr std::string_view name = detail::kSparseCrossEntropy.name;
  const Tensor z = detail::as_floating(logits).contiguous();
  bool fits = labels.ndim() + 1 == z.ndim();
  for (int i = 0; fits && i < labels.ndim(); ++i) fits = labels.shape()[i] == z.shape()[i];
  if (!fits)
    fail<ShapeError>(name, "labels do not fit the logits; got ", labels.shape(), " and ", z.shape(),
                     ", expected [...] and [..., classes]");
  const Tensor checked = detail::wrapped_indices(name, labels, z.shape().back(), false);
  Tensor out = detail::empty(name, labels.shape(), z.dtype());
  if (detail::recording_depth == 0) {
    kernels::sparse_cross_entropy(*out.ref(), nullptr, z.impl(), checked.impl());
    return out;
  }
  const DType dtype = z.dtype() == DType::float64 ? DType::float64 : DType::float32;
  const Tensor statistics = detail::empty(name, {out.size(), 2}, dtype);
  kernels::sparse_cross_entropy(*out.ref(), statistics.ref().get(), z.impl(), checked.impl());
  detail::record(detail::kSparseCrossEntropy, out, {&z, &checked, &statistics});
  return out;
}

Tensor softmax_cross_entropy(const Tensor& targets, const Tensor& logits) {
  if (targets.shape() != logits.shape())
    fail<ShapeError>("softmax_cross_entropy", "targets and logits differ in shape; got ", targets.shape(), " and ",
                     logits.shape(), ", expected [..., classes] twice");
  return -sum(targets * log_softmax(logits), -1);
}

Tensor sigmoid_cross_entropy(const Tensor& targets, const Tensor& logits) {
  const DType dtype = to_floating(promote(targets.dtype(), logits.dtype()));
  const Tensor t = targets.astype(dtype), z = logits.astype(dtype);
  return detail::pointwise(detail::kSigmoidCrossEntropy, detail::Fn::sigmoid_cross_entropy, {&t, &z}, dtype);
}

}  // namespace gradus
