// Writing and adding by index; segments.
#include <limits>

#include "autograd/kernels/copy.h"
#include "autograd/kernels/index.h"
#include "autograd/ops/index.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

struct AxisAttrs {
  int axis;
};

// Inputs: the tensor, wrapped indices, updates of their shape.
Tensor scatter_elements(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis);

// True for the indices whose update stayed: no later one of the line writes to the same element.
Tensor last_writers(const Tensor& indices, const Shape& whole, int axis) {
  Shape along = Shape::filled(indices.ndim(), 1);
  along[axis] = indices.shape()[axis];
  const Tensor position = broadcast_to(reshape(gradus::arange(along[axis]), along), indices.shape());
  return gather_elements(scatter_elements(zeros(whole, DType::int64), indices, position, axis), indices, axis) == position;
}

constexpr Op kScatter{.name = "scatter",
                      .arity = 3,
                      .rules = {{{kIn1,
                                  [](const Saved& s, const Tensor& g) {
                                    const Tensor none = broadcast_to(zeros({}, g.dtype()), s.in(1).shape());
                                    return scatter_elements(g, s.in(1), none, s.attrs<AxisAttrs>().axis);
                                  }},
                                 {},
                                 {kIn1, [](const Saved& s, const Tensor& g) {
                                    const int axis = s.attrs<AxisAttrs>().axis;
                                    return where(last_writers(s.in(1), g.shape(), axis), gather_elements(g, s.in(1), axis), 0);
                                  }}}}};

constexpr Op kScatterAdd{
    .name = "scatter_add",
    .arity = 3,
    .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }},
               {},
               {kIn1, [](const Saved& s, const Tensor& g) { return gather_elements(g, s.in(1), s.attrs<AxisAttrs>().axis); }}}}};

using Kernel = void (*)(TensorImpl& out, const TensorImpl& updates, const TensorImpl& indices, int axis);

Tensor write(const Op& op, Kernel kernel, const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  Tensor out = empty(op.name, x.shape(), x.dtype());
  kernels::copy(*out.ref(), x.impl());
  kernel(*out.ref(), updates.impl(), indices.impl(), axis);
  record(op, out, {&x, &indices, &updates}, AxisAttrs{axis});
  return out;
}
Tensor scatter_elements(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  return write(kScatter, kernels::scatter, x, indices, updates, axis);
}

// What scatter and scatter_add share: checks, one dtype, one shape for indices and updates.
template <class F>
Tensor checked(std::string_view op, const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis, const F& f) {
  const int at = normalize_axis(op, axis, x.ndim());
  const Tensor wrapped = wrapped_elements(op, x, indices, at);
  if (broadcast_shapes(op, updates.shape(), indices.shape()) != indices.shape())
    fail<ShapeError>(op, "updates do not fit; got ", updates.shape(), " for indices ", indices.shape(),
                     ", expected a shape that broadcasts to theirs");
  const DType dtype = promote(x.dtype(), updates.dtype());
  return f(x.astype(dtype), wrapped, broadcast_to(updates.astype(dtype), indices.shape()), at);
}

// Ties share the gradient equally. A segment without elements asks for none and must not divide by 0.
constexpr Op kSegmentMax{
    .name = "segment_max", .arity = 2, .rules = {{{kIn0 | kIn1 | kOut, [](const Saved& s, const Tensor& g) {
                                                     const Tensor &ids = s.in(1),
                                                                  ties =
                                                                      (s.in(0) == take_rows(s.out(), ids, 0)).astype(g.dtype());
                                                     const Tensor count = maximum(add_rows(ties, ids, 0, s.out_shape()), 1);
                                                     return take_rows(g / count, ids, 0) * ties;
                                                   }}}}};

Tensor segment_ids_of(std::string_view op, const Tensor& values, const Tensor& ids, int64_t segments) {
  if (values.ndim() == 0) fail<ShapeError>(op, "no rows; got values of shape [], expected rank 1 or more");
  if (ids.shape() != Shape{values.shape()[0]})
    fail<ShapeError>(op, "one segment id per row; got ids ", ids.shape(), " for values ", values.shape(), ", expected ",
                     Shape{values.shape()[0]});
  if (segments < 0) fail<ValueError>(op, "negative number of segments; got ", segments, ", expected at least 0");
  return wrapped_indices(op, ids, segments, false);
}
Shape segmented(const Tensor& values, int64_t segments) {
  Shape shape = values.shape();
  shape[0] = segments;
  return shape;
}

}  // namespace

Tensor add_elements(const Tensor& x, const Tensor& indices, const Tensor& updates, int axis) {
  return write(kScatterAdd, kernels::gather_add, x, indices, updates, axis);
}

constexpr const Op* kOps[] = {&kScatter, &kScatterAdd, &kSegmentMax};
const OpFamily kScatterOps{"scatter", kOps};

}  // namespace detail

Tensor scatter(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis) {
  return detail::checked("scatter", x, indices, updates, axis, detail::scatter_elements);
}
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis) {
  return detail::checked("scatter_add", x, indices, updates, axis, detail::add_elements);
}

Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis) {
  const int at = normalize_axis("take_along_axis", axis, x.ndim());
  if (indices.ndim() != x.ndim())
    fail<ShapeError>("take_along_axis", "ranks differ; got ", indices.shape(), " for ", x.shape(), ", expected equal ranks");
  Shape outside = x.shape(), outside_indices = indices.shape();
  outside[at] = outside_indices[at] = 1;
  Shape shape = broadcast_shapes("take_along_axis", outside, outside_indices), index_shape = shape;
  shape[at] = x.shape()[at];
  index_shape[at] = indices.shape()[at];
  const Tensor wrapped = detail::wrapped_indices("take_along_axis", indices, shape[at], true);
  numel("take_along_axis", shape);
  numel("take_along_axis", index_shape);
  return detail::gather_elements(broadcast_to(x, shape), broadcast_to(wrapped, index_shape), at);
}

Tensor embedding(const Tensor& table, const Tensor& indices) {
  if (table.ndim() != 2)
    fail<ShapeError>("embedding", "the table is not a matrix; got shape ", table.shape(), ", expected [rows, width]");
  return detail::take_rows(table, detail::wrapped_indices("embedding", indices, table.shape()[0], false), 0);
}

Tensor segment_sum(const Tensor& values, const Tensor& segment_ids, int64_t num_segments) {
  const Tensor ids = detail::segment_ids_of("segment_sum", values, segment_ids, num_segments);
  const Tensor x = is_floating(values.dtype()) ? values : values.astype(DType::int64);
  return detail::add_rows(x, ids, 0, detail::segmented(x, num_segments), "segment_sum");
}

Tensor segment_mean(const Tensor& values, const Tensor& segment_ids, int64_t num_segments) {
  const Tensor ids = detail::segment_ids_of("segment_mean", values, segment_ids, num_segments), x = detail::as_floating(values);
  const Tensor total = detail::add_rows(x, ids, 0, detail::segmented(x, num_segments), "segment_mean");
  Shape column = Shape::filled(x.ndim(), 1);
  column[0] = num_segments;
  return total / reshape(maximum(segment_sum(ones(ids.shape(), DType::int64), ids, num_segments), 1), column);
}

Tensor segment_max(const Tensor& values, const Tensor& segment_ids, int64_t num_segments) {
  const Tensor ids = detail::segment_ids_of("segment_max", values, segment_ids, num_segments);
  Tensor out = detail::empty("segment_max", detail::segmented(values, num_segments), values.dtype());
  if (values.dtype() == DType::boolean) kernels::fill(*out.ref(), int64_t{0});
  else kernels::fill(*out.ref(), -std::numeric_limits<double>::infinity());
  kernels::take_max(*out.ref(), values.impl(), ids.impl(), 0);
  detail::record(detail::kSegmentMax, out, {&values, &ids});
  return out;
}

}  // namespace gradus
