// Indexing by integer tensors.
#include "autograd/kernels/index.h"

#include "autograd/kernels/copy.h"
#include "autograd/ops/index.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

struct AxisAttrs {
  int axis;
  Shape whole;  // of the tensor that is indexed
};

// Input 0 is the tensor or gradient, input 1 the wrapped indices.
constexpr Op kTake{.name = "take",
                   .arity = 2,
                   .rules = {{{.saves = kIn1,
                               .gradient =
                                   [](const Saved& s, const Tensor& g) {
                                     const auto& attrs = s.attrs<AxisAttrs>();
                                     return add_rows(g, s.in(1), attrs.axis, attrs.whole);
                                   },
                               .accumulate =
                                   [](const Saved& s, const Tensor& g, TensorImpl& adjoint) {
                                     kernels::take_add(adjoint, g.impl(), s.in(1).impl(), s.attrs<AxisAttrs>().axis);
                                     return true;
                                   },
                               .accumulate_from_zero = true}}}};
constexpr Op kTakeAdd{.name = "take_add", .arity = 2, .rules = {{{kIn1, [](const Saved& s, const Tensor& g) {
                                                                    return take_rows(g, s.in(1), s.attrs<AxisAttrs>().axis);
                                                                  }}}}};
constexpr Op kGather{.name = "gather",
                     .arity = 2,
                     .rules = {{{.saves = kIn1,
                                 .gradient =
                                     [](const Saved& s, const Tensor& g) {
                                       const auto& attrs = s.attrs<AxisAttrs>();
                                       return add_elements(zeros(attrs.whole, g.dtype()), s.in(1), g, attrs.axis);
                                     },
                                 .accumulate =
                                     [](const Saved& s, const Tensor& g, TensorImpl& adjoint) {
                                       kernels::gather_add(adjoint, g.impl(), s.in(1).impl(), s.attrs<AxisAttrs>().axis);
                                       return true;
                                     },
                                 .accumulate_from_zero = true}}}};
constexpr Op kOneHot{.name = "one_hot"}, kNonzero{.name = "nonzero"};

}  // namespace

Tensor take_rows(const Tensor& x, const Tensor& indices, int axis) {
  Shape shape;
  for (int i = 0; i < axis; ++i) shape.push_back(x.shape()[i]);
  for (const int64_t d : indices.shape()) shape.push_back(d);
  for (int i = axis + 1; i < x.ndim(); ++i) shape.push_back(x.shape()[i]);
  Tensor out = empty("take", shape, x.dtype());
  kernels::take(*out.ref(), x.impl(), indices.impl(), axis);
  record(kTake, out, {&x, &indices}, AxisAttrs{axis, x.shape()});
  return out;
}
Tensor add_rows(const Tensor& g, const Tensor& indices, int axis, const Shape& whole, std::string_view op) {
  Tensor out = empty(op, whole, g.dtype());
  kernels::fill(*out.ref(), int64_t{0});
  kernels::take_add(*out.ref(), g.impl(), indices.impl(), axis);
  record(kTakeAdd, out, {&g, &indices}, AxisAttrs{axis, whole});
  return out;
}
Tensor gather_elements(const Tensor& x, const Tensor& indices, int axis) {
  Tensor out = empty("gather", indices.shape(), x.dtype());
  kernels::gather(*out.ref(), x.impl(), indices.impl(), axis);
  record(kGather, out, {&x, &indices}, AxisAttrs{axis, x.shape()});
  return out;
}

Tensor wrapped_indices(std::string_view op, const Tensor& indices, int64_t size, bool allow_negative) {
  if (is_floating(indices.dtype()) || indices.dtype() == DType::boolean)
    fail<DTypeError>(op, "indices must be integers; got ", indices.dtype(), ", expected uint8, int32 or int64");
  Tensor out = empty(op, indices.shape(), DType::int64);
  const int64_t bad = kernels::wrap_indices(*out.ref(), indices.impl(), size, allow_negative);
  if (bad >= 0)
    fail<ValueError>(op, "index out of range; got ", indices.to_vector<int64_t>()[static_cast<size_t>(bad)], " at position ", bad,
                     ", expected ", allow_negative ? -size : 0, " <= index < ", size);
  return out;
}

Tensor wrapped_elements(std::string_view op, const Tensor& x, const Tensor& indices, int axis) {
  bool fits = indices.ndim() == x.ndim();
  for (int i = 0; fits && i < x.ndim(); ++i) fits = i == axis || indices.shape()[i] == x.shape()[i];
  if (!fits)
    fail<ShapeError>(op, "indices do not fit; got ", indices.shape(), " for ", x.shape(), ", expected equal shapes outside axis ",
                     axis);
  return wrapped_indices(op, indices, x.shape()[axis], true);
}

constexpr const Op* kOps[] = {&kTake, &kTakeAdd, &kGather, &kOneHot, &kNonzero};
const OpFamily kIndexOps{"index", kOps};

}  // namespace detail

Tensor take(const Tensor& x, const Tensor& indices, int64_t axis) {
  const int at = normalize_axis("take", axis, x.ndim());
  return detail::take_rows(x, detail::wrapped_indices("take", indices, x.shape()[at], true), at);
}

Tensor gather(const Tensor& x, const Tensor& indices, int64_t axis) {
  const int at = normalize_axis("gather", axis, x.ndim());
  return detail::gather_elements(x, detail::wrapped_elements("gather", x, indices, at), at);
}

Tensor one_hot(const Tensor& indices, int64_t depth, DType dtype) {
  if (depth < 0) fail<ValueError>("one_hot", "negative depth; got ", depth, ", expected at least 0");
  const Tensor checked = detail::wrapped_indices("one_hot", indices, depth, false);
  Shape shape = indices.shape();
  shape.push_back(depth);
  Tensor out = detail::empty("one_hot", shape, dtype);
  kernels::one_hot(*out.ref(), checked.impl());
  detail::record(detail::kOneHot, out, {&indices});
  return out;
}

Tensor nonzero(const Tensor& x) {
  Tensor out(kernels::nonzero(x.impl()));
  detail::record(detail::kNonzero, out, {&x});
  return out;
}

}  // namespace gradus
