// Reductions.
#include "autograd/kernels/reduce.h"

#include <limits>

#include "autograd/kernels/copy.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

using kernels::Reduction;

struct ReduceAttrs {
  uint32_t mask;
};

// The gradient of the reduced tensor, with the reduced axes back as size 1.
Tensor with_kept_axes(const Saved& s, const Tensor& g) {
  return reshape(g, reduced_shape(s.in_shape(), s.attrs<ReduceAttrs>().mask, true));
}

Tensor spread(const Saved& s, const Tensor& g) { return broadcast_to(g.ndim() == 0 ? g : with_kept_axes(s, g), s.in_shape()); }
constexpr Op kSum{.name = "sum", .rules = {{{0, spread}}}};

struct MeanAttrs : ReduceAttrs {
  double factor;  // 1 / number of elements
};
constexpr Op kMean{.name = "mean",
                   .rules = {{{0, [](const Saved& s, const Tensor& g) { return spread(s, g * s.attrs<MeanAttrs>().factor); }}}}};

// Ties share the gradient equally.
Tensor share_among_ties(const Saved& s, const Tensor& g) {
  const Tensor& x = s.in(0);
  const uint32_t mask = s.attrs<ReduceAttrs>().mask;
  const Tensor best = reshape(s.out(), reduced_shape(x.shape(), mask, true));
  const Tensor ties = (x == best).astype(x.dtype());
  Shape axes;
  for (int i = 0; i < x.ndim(); ++i)
    if (mask >> i & 1u) axes.push_back(i);
  return with_kept_axes(s, g) * (ties / sum(ties, Axes(axes), true));
}
constexpr Op kMax{.name = "max", .rules = {{{kIn0 | kOut, share_among_ties}}}};
constexpr Op kMin{.name = "min", .rules = {{{kIn0 | kOut, share_among_ties}}}};

constexpr Op kArgmax{.name = "argmax"}, kArgmin{.name = "argmin"}, kAny{.name = "any"}, kAll{.name = "all"};
// Integers only; floating products are trees of multiplications, exact to every order at zeros.
constexpr Op kProd{.name = "prod"};

Tensor reduce(const Op& op, Reduction kind, const Tensor& x, const Axes& axes, bool keepdims, DType result) {
  const uint32_t mask = axes.mask(op.name, x.ndim());
  Tensor out = empty(op.name, reduced_shape(x.shape(), mask, keepdims), result);
  kernels::reduce(kind, *out.ref(), x.impl(), mask);
  record(op, out, {&x}, ReduceAttrs{mask});
  return out;
}

int64_t reduced_count(std::string_view op, const Tensor& x, const Axes& axes) {
  const uint32_t mask = axes.mask(op, x.ndim());
  int64_t n = 1;
  for (int i = 0; i < x.ndim(); ++i)
    if (mask >> i & 1u) n *= x.shape()[i];
  return n;
}

void check_not_empty(std::string_view op, const Tensor& x, const Axes& axes) {
  if (reduced_count(op, x, axes) == 0)
    fail<ShapeError>(op, "no element to choose from; got shape ", x.shape(), ", expected a reduced axis of at least 1");
}

Tensor arg_reduce(const Op& op, Reduction kind, const Tensor& x, int64_t axis, bool keepdims) {
  check_not_empty(op.name, x, axis);
  return reduce(op, kind, x, axis, keepdims, DType::int64);
}

}  // namespace

Tensor reduced_last(std::string_view op, const Tensor& x, uint32_t mask) {
  Shape order, kept;
  for (int i = 0; i < x.ndim(); ++i)
    if (!(mask >> i & 1u)) order.push_back(i), kept.push_back(x.shape()[i]);
  for (int i = 0; i < x.ndim(); ++i)
    if (mask >> i & 1u) order.push_back(i);
  int64_t n = 1;
  for (int i = kept.ndim(); i < order.ndim(); ++i) n *= x.shape()[static_cast<int>(order[i])];
  if (kept.ndim() == kMaxRank) fail<ShapeError>(op, "too many dimensions; got ", x.shape(), ", expected a reduced axis");
  kept.push_back(n);
  return reshape(permute(x, order), kept);
}

constexpr const Op* kOps[] = {&kSum, &kMean, &kMax, &kMin, &kArgmax, &kArgmin, &kAny, &kAll, &kProd};
const OpFamily kReduceOps{"reduce", kOps};

}  // namespace detail

using kernels::Reduction;

Tensor sum(const Tensor& x, const Axes& axes, bool keepdims) {
  return detail::reduce(detail::kSum, Reduction::sum, x, axes, keepdims, is_floating(x.dtype()) ? x.dtype() : DType::int64);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keepdims) {
  const Tensor y = detail::as_floating(x);
  if (y.dtype() == DType::float16 || y.dtype() == DType::bfloat16)  // the sum may not fit
    return mean(y.astype(DType::float32), axes, keepdims).astype(y.dtype());
  const uint32_t mask = axes.mask("mean", y.ndim());
  const double factor = 1.0 / static_cast<double>(detail::reduced_count("mean", y, axes));
  Tensor out = detail::empty("mean", reduced_shape(y.shape(), mask, keepdims), y.dtype());
  kernels::reduce(Reduction::sum, *out.ref(), y.impl(), mask);
  const Tensor scale = detail::as_tensor(factor, y.dtype());
  const detail::TensorImpl* in[] = {out.ref().get(), scale.ref().get()};
  kernels::pointwise(detail::Fn::multiply, *out.ref(), in);
  detail::record(detail::kMean, out, {&y}, detail::MeanAttrs{{mask}, factor});
  return out;
}

Tensor prod(const Tensor& x, const Axes& axes, bool keepdims) {
  if (!is_floating(x.dtype())) return detail::reduce(detail::kProd, Reduction::prod, x, axes, keepdims, DType::int64);
  if (!detail::on_tape(x)) return detail::reduce(detail::kProd, Reduction::prod, x, axes, keepdims, x.dtype());
  const uint32_t mask = axes.mask("prod", x.ndim());
  const Shape shape = reduced_shape(x.shape(), mask, keepdims);
  if (mask == 0) return reshape(x, shape);
  // Halves are multiplied until one is left: log2(n) records, and no division by elements that may be zero.
  Tensor y = detail::reduced_last("prod", x, mask);
  while (y.shape().back() > 1) {
    const int64_t n = y.shape().back(), half = n / 2;
    const Tensor product = slice(y, {ellipsis, Slice(0, half)}) * slice(y, {ellipsis, Slice(half, 2 * half)});
    y = n % 2 ? concat({product, slice(y, {ellipsis, Slice(2 * half)})}, -1) : product;
  }
  if (y.shape().back() == 0) return ones(shape, x.dtype());
  return reshape(y, shape);
}

Tensor max(const Tensor& x, const Axes& axes, bool keepdims) {
  detail::check_not_empty("max", x, axes);
  return detail::reduce(detail::kMax, Reduction::max, x, axes, keepdims, x.dtype());
}
Tensor min(const Tensor& x, const Axes& axes, bool keepdims) {
  detail::check_not_empty("min", x, axes);
  return detail::reduce(detail::kMin, Reduction::min, x, axes, keepdims, x.dtype());
}

namespace {

Tensor variance(std::string_view op, const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  const Tensor y = detail::as_floating(x);
  const double n = static_cast<double>(detail::reduced_count(op, y, axes)) - correction;
  return sum(square(y - mean(y, axes, true)), axes, keepdims) * (1.0 / (n > 0 ? n : 0));
}

}  // namespace

Tensor var(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  return variance("var", x, axes, keepdims, correction);
}
Tensor std(const Tensor& x, const Axes& axes, bool keepdims, double correction) {
  // The root has no slope at 0: elements that are all equal get the gradient 0 (PyTorch), not inf * 0.
  const Tensor v = variance("std", x, axes, keepdims, correction), constant = v == 0;
  return where(constant, 0, sqrt(where(constant, 1, v)));
}

Tensor logsumexp(const Tensor& x, const Axes& axes, bool keepdims) {
  const Tensor y = detail::as_floating(x);
  if (detail::reduced_count("logsumexp", y, axes) == 0) return log(sum(y, axes, keepdims));
  // The largest element is a constant of the formula; an infinite one would make inf - inf.
  const Tensor largest = stop_gradient(max(y, axes, true));
  const Tensor shift = where(abs(largest) < std::numeric_limits<double>::infinity(), largest, 0);
  const Tensor out = log(sum(exp(y - shift), axes, true)) + shift;
  return keepdims ? out : reshape(out, reduced_shape(y.shape(), axes.mask("logsumexp", y.ndim()), false));
}

Tensor argmax(const Tensor& x) { return argmax(reshape(x, {-1}), 0); }
Tensor argmin(const Tensor& x) { return argmin(reshape(x, {-1}), 0); }
Tensor argmax(const Tensor& x, int64_t axis, bool keepdims) {
  return detail::arg_reduce(detail::kArgmax, Reduction::argmax, x, axis, keepdims);
}
Tensor argmin(const Tensor& x, int64_t axis, bool keepdims) {
  return detail::arg_reduce(detail::kArgmin, Reduction::argmin, x, axis, keepdims);
}
Tensor any(const Tensor& x, const Axes& axes, bool keepdims) {
  return detail::reduce(detail::kAny, Reduction::any, x, axes, keepdims, DType::boolean);
}
Tensor all(const Tensor& x, const Axes& axes, bool keepdims) {
  return detail::reduce(detail::kAll, Reduction::all, x, axes, keepdims, DType::boolean);
}

}  // namespace gradus
