// Views: other shapes and strides on the same memory, and the copies where no view will do.
#include <algorithm>
#include <numeric>

#include "autograd/kernels/copy.h"
#include "autograd/kernels/pointwise.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/ops/view.h"

namespace gradus {
namespace detail {
namespace {

Tensor view_of(const Tensor& x, const Shape& shape, const Strides& strides, int64_t offset = 0) {
  return Tensor(TensorImpl::view(x.impl(), shape, strides, offset));
}

constexpr Op kReshape{.name = "reshape",
                      .rules = {{{0, [](const Saved& s, const Tensor& g) { return reshape(g, s.in_shape()); }}}}};

struct PermuteAttrs {
  Shape order;
};
Tensor permuted(const Tensor& x, const Shape& order);

constexpr Op kPermute{.name = "permute", .rules = {{{0, [](const Saved& s, const Tensor& g) {
                                                       const Shape& order = s.attrs<PermuteAttrs>().order;
                                                       Shape inverse = order;
                                                       for (int i = 0; i < order.ndim(); ++i)
                                                         inverse[static_cast<int>(order[i])] = i;
                                                       return permuted(g, inverse);
                                                     }}}}};

constexpr Op kBroadcast{
    .name = "broadcast_to", .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}}}, .broadcasts = true};

constexpr Op kContiguous{.name = "contiguous", .rules = {{{0, [](const Saved&, const Tensor& g) { return g; }}}}};

extern const Op kSlice;

Tensor part_of(const Tensor& whole, const PartAttrs& attrs) {
  const Tensor dense = whole.contiguous();
  Tensor out = view_of(dense, attrs.part.shape, attrs.part.strides, attrs.part.offset);
  record(kSlice, out, {&dense}, attrs);
  return out;
}

const Op kSlice{.name = "slice",
                .rules = {{{.gradient = [](const Saved& s, const Tensor& g) { return place(g, s.attrs<PartAttrs>()); },
                            .accumulate =
                                [](const Saved& s, const Tensor& g, TensorImpl& adjoint) {
                                  const ViewSpec& part = s.attrs<PartAttrs>().part;
                                  const Ref<TensorImpl> to = TensorImpl::view(adjoint, part.shape, part.strides, part.offset);
                                  const TensorImpl* in[] = {to.get(), &g.impl()};
                                  kernels::pointwise(kernels::Fn::add, *to, in);
                                  return true;
                                },
                            .accumulate_from_zero = true}}}};

// The transpose of slice: zeros of the whole's shape with g in place of the part.
constexpr Op kPlace{.name = "place",
                    .rules = {{{0, [](const Saved& s, const Tensor& g) { return part_of(g, s.attrs<PartAttrs>()); }}}}};

// permute for an order that is known to be one.
Tensor permuted(const Tensor& x, const Shape& order) {
  Shape shape = order;
  Strides strides;
  for (int i = 0; i < order.ndim(); ++i) {
    const auto from = static_cast<int>(order[i]);
    shape[i] = x.shape()[from];
    strides[static_cast<size_t>(i)] = x.impl().stride(from);
  }
  Tensor out = view_of(x, shape, strides);
  record(kPermute, out, {&x}, PermuteAttrs{order});
  return out;
}

// What Tensor's indexing forms share: the index is resolved against the tensor's own strides for the value, and against
// contiguous ones for the record.
template <class I>
Tensor index_into(const Tensor& x, I index) {
  const ViewSpec own = resolve_index(index, x.shape(), x.strides());
  if (recording_depth == 0) return view_of(x, own.shape, own.strides, own.offset);
  return view_part(x, own, resolve_index(index, x.shape(), contiguous_strides(x.shape())));
}

// Strides of `shape` over the memory of x without a copy; false when there are none.
bool reshape_strides(const TensorImpl& x, const Shape& shape, Strides& strides) {
  if (x.contiguous || x.size == 0) {
    strides = contiguous_strides(shape);
    return true;
  }
  // Match groups of old and new axes with equal products; inside a group the old axes must be evenly spaced.
  int i = 0, j = 0;
  while (i < x.ndim() || j < shape.ndim()) {
    int64_t old_n = i < x.ndim() ? x.shape[i] : 1, new_n = j < shape.ndim() ? shape[j] : 1;
    int i_end = std::min(i + 1, x.ndim()), j_end = std::min(j + 1, shape.ndim());
    while (old_n != new_n) {
      if (old_n < new_n) old_n *= x.shape[i_end++];
      else new_n *= shape[j_end++];
    }
    int last = -1;  // the innermost old axis of the group that has a stride that matters
    for (int k = i; k < i_end; ++k) {
      if (x.shape[k] == 1) continue;
      if (last >= 0 && x.stride(last) != x.shape[k] * x.stride(k)) return false;
      last = k;
    }
    int64_t step = last >= 0 ? x.stride(last) : 1;
    for (int k = j_end; k-- > j;) strides[static_cast<size_t>(k)] = step, step *= shape[k];
    i = i_end, j = j_end;
  }
  return true;
}

Shape infer(const Tensor& x, const Shape& request) {
  Shape shape = request;
  int unknown = -1;
  int64_t known = 1;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (shape[i] == -1) {
      if (unknown >= 0)
        fail<ShapeError>("reshape", "more than one unknown dimension; got ", request, ", expected at most one -1");
      unknown = i;
    } else if (shape[i] < 0 || __builtin_mul_overflow(known, shape[i], &known)) {
      fail<ShapeError>("reshape", "impossible dimension; got ", request, ", expected dimensions of at least 0, or one -1");
    }
  }
  if (unknown >= 0 && known != 0 && x.size() % known == 0) shape[unknown] = x.size() / known, known = x.size();
  if (known != x.size() || (unknown >= 0 && shape[unknown] < 0))
    fail<ShapeError>("reshape", "number of elements differs; got ", request, " from shape ", x.shape(), ", expected ", x.size(),
                     " elements");
  return shape;
}

}  // namespace

Tensor place(const Tensor& g, const PartAttrs& attrs, std::string_view op) {
  Tensor out = empty(op, attrs.whole, g.dtype());
  kernels::fill(*out.ref(), int64_t{0});
  const Ref<TensorImpl> to = TensorImpl::view(*out.ref(), attrs.part.shape, attrs.part.strides, attrs.part.offset);
  kernels::copy(*to, g.impl());
  record(kPlace, out, {&g}, attrs);
  return out;
}

Tensor view_part(const Tensor& x, const ViewSpec& own, const ViewSpec& contiguous) {
  Tensor out = view_of(x, own.shape, own.strides, own.offset);
  record(kSlice, out, {&x}, PartAttrs{contiguous, x.shape()});
  return out;
}

constexpr const Op* kOps[] = {&kReshape, &kPermute, &kBroadcast, &kContiguous, &kSlice, &kPlace};
const OpFamily kViewOps{"view", kOps};

}  // namespace detail

Tensor reshape(const Tensor& x, const Shape& request) {
  const Shape shape = detail::infer(x, request);
  if (shape == x.shape()) return x;
  Strides strides;
  if (!detail::reshape_strides(x.impl(), shape, strides)) return reshape(x.contiguous(), shape);
  Tensor out = detail::view_of(x, shape, strides);
  detail::record(detail::kReshape, out, {&x});
  return out;
}

Tensor permute(const Tensor& x, const Shape& axes) {
  const Axes checked(axes);
  if (axes.ndim() != x.ndim() || checked.mask("permute", x.ndim()) != (1u << x.ndim()) - 1)
    fail<ShapeError>("permute", "not an order of the axes; got ", axes, ", expected each of ", x.ndim(), " axes once");
  Shape order;
  for (const int64_t axis : axes) order.push_back(normalize_axis("permute", axis, x.ndim()));
  return detail::permuted(x, order);
}

Tensor transpose(const Tensor& x) {
  Shape order = Shape::filled(x.ndim(), 0);
  for (int i = 0; i < x.ndim(); ++i) order[i] = x.ndim() - 1 - i;
  return detail::permuted(x, order);
}

Tensor swapaxes(const Tensor& x, int64_t a, int64_t b) {
  Shape order = Shape::filled(x.ndim(), 0);
  for (int i = 0; i < x.ndim(); ++i) order[i] = i;
  std::swap(order[normalize_axis("swapaxes", a, x.ndim())], order[normalize_axis("swapaxes", b, x.ndim())]);
  return detail::permuted(x, order);
}

Tensor flatten(const Tensor& x, int64_t first_axis) {
  if (x.ndim() == 0) return reshape(x, {1});
  const int first = normalize_axis("flatten", first_axis, x.ndim());
  Shape shape;
  for (int i = 0; i < first; ++i) shape.push_back(x.shape()[i]);
  int64_t rest = 1;  // not -1, which is ambiguous where another dimension is 0
  for (int i = first; i < x.ndim(); ++i) rest *= x.shape()[i];
  shape.push_back(rest);
  return reshape(x, shape);
}

Tensor squeeze(const Tensor& x, const Axes& axes) {
  const uint32_t mask = axes.mask("squeeze", x.ndim());
  Shape shape;
  for (int i = 0; i < x.ndim(); ++i) {
    const bool drop = (mask >> i & 1u) && x.shape()[i] == 1;
    if ((mask >> i & 1u) && !drop && !axes.all())
      fail<ShapeError>("squeeze", "axis ", i, " is not of size 1; got shape ", x.shape(), ", expected size 1");
    if (!drop) shape.push_back(x.shape()[i]);
  }
  return reshape(x, shape);
}

Tensor expand_dims(const Tensor& x, int64_t axis) {
  const int at = normalize_axis("expand_dims", axis, x.ndim() + 1);
  Shape shape;
  for (int i = 0; i <= x.ndim(); ++i) {
    if (i == at) shape.push_back(1);
    if (i < x.ndim()) shape.push_back(x.shape()[i]);
  }
  return reshape(x, shape);
}

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (shape == x.shape()) return x;
  if (broadcast_shapes("broadcast_to", x.shape(), shape) != shape)
    fail<ShapeError>("broadcast_to", "shape does not broadcast; got ", x.shape(), ", expected something that fits ", shape);
  Strides strides{};
  const int extra = shape.ndim() - x.ndim();
  for (int i = 0; i < x.ndim(); ++i)
    strides[static_cast<size_t>(i + extra)] = x.shape()[i] == 1 ? 0 : x.strides()[static_cast<size_t>(i)];
  Tensor out = detail::view_of(x, shape, strides);
  detail::record(detail::kBroadcast, out, {&x});
  return out;
}

Tensor slice(const Tensor& x, std::initializer_list<Index> index) { return x.slice(index); }

Tensor flip(const Tensor& x, const Axes& axes) {
  const uint32_t mask = axes.mask("flip", x.ndim());
  std::vector<Index> index;
  for (int i = 0; i < x.ndim(); ++i) index.push_back(mask >> i & 1u ? Slice(none, none, -1) : Slice());
  return x.slice(std::span<const Index>(index));
}

Tensor Tensor::contiguous() const {
  if (is_contiguous()) return *this;
  Tensor out = detail::empty(detail::kContiguous.name, shape(), dtype());
  kernels::copy(*out.ref(), impl());
  detail::record(detail::kContiguous, out, {this});
  return out;
}

Tensor Tensor::reshape(const Shape& shape) const { return gradus::reshape(*this, shape); }
Tensor Tensor::transpose() const { return gradus::transpose(*this); }
Tensor Tensor::transpose(std::initializer_list<int64_t> axes) const { return permute(*this, Shape(axes)); }

Tensor Tensor::at(int64_t i) const {
  const Index index[] = {Index(i)};
  return detail::index_into(*this, std::span<const Index>(index));
}
Tensor Tensor::operator[](std::string_view index) const { return detail::index_into(*this, index); }
Tensor Tensor::slice(std::span<const Index> index) const { return detail::index_into(*this, index); }

}  // namespace gradus
