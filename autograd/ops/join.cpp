// Joining and splitting.
#include <numeric>

#include "autograd/kernels/copy.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/ops/view.h"

namespace gradus {
namespace detail {
namespace {

// Without the parsing of an index: recurrent networks take apart and join small tensors all the time.
Tensor part(const Tensor& x, int axis, int64_t begin, int64_t end) {
  const auto at = static_cast<size_t>(axis);
  ViewSpec own{x.shape(), x.strides(), begin * x.strides()[at]};
  own.shape[axis] = end - begin;
  ViewSpec contiguous{own.shape, contiguous_strides(x.shape()), 0};
  contiguous.offset = begin * contiguous.strides[at];
  return view_part(x, own, contiguous);
}

// Attributes: the axis, then where each input starts.
constexpr Op kConcat{.name = "concat",
                     .rules = {{{0,
                                 [](const Saved& s, const Tensor& g) {
                                   const int64_t* attrs = &s.attrs<int64_t>();
                                   const auto axis = static_cast<int>(attrs[0]);
                                   const int64_t begin = attrs[1 + s.index()];
                                   return part(g, axis, begin, begin + s.in_shape()[axis]);
                                 }}}},
                     .variadic = true};

std::vector<Tensor> split_at(const Tensor& x, std::span<const int64_t> sizes, int axis) {
  std::vector<Tensor> parts;
  parts.reserve(sizes.size());
  int64_t begin = 0;
  for (const int64_t n : sizes) {
    parts.push_back(part(x, axis, begin, begin + n));
    begin += n;
  }
  return parts;
}

}  // namespace

constexpr const Op* kOps[] = {&kConcat};
const OpFamily kJoinOps{"join", kOps};

}  // namespace detail

Tensor concat(const std::vector<Tensor>& tensors, int64_t axis) {
  if (tensors.empty()) fail<ShapeError>("concat", "nothing to join; got 0 tensors, expected at least 1");
  const int at = normalize_axis("concat", axis, tensors[0].ndim());
  DType dtype = tensors[0].dtype();
  for (const Tensor& t : tensors) dtype = promote(dtype, t.dtype());

  std::vector<Tensor> parts;
  std::vector<const Tensor*> inputs;
  std::vector<int64_t> attrs{at};
  Shape shape = tensors[0].shape();
  shape[at] = 0;
  parts.reserve(tensors.size());
  inputs.reserve(tensors.size());
  attrs.reserve(tensors.size() + 1);
  for (const Tensor& t : tensors) {
    bool fits = t.ndim() == shape.ndim();
    for (int i = 0; fits && i < shape.ndim(); ++i) fits = i == at || t.shape()[i] == shape[i];
    if (!fits)
      fail<ShapeError>("concat", "shapes differ outside axis ", at, "; got ", t.shape(), ", expected ", tensors[0].shape());
    attrs.push_back(shape[at]);
    if (__builtin_add_overflow(shape[at], t.shape()[at], &shape[at]))
      fail<ShapeError>("concat", "the joined axis is too long; got a sum beyond 2^63 - 1, expected one below");
    inputs.push_back(&parts.emplace_back(t.astype(dtype)));
  }
  Tensor out = detail::empty("concat", shape, dtype);
  for (size_t k = 0; k < parts.size(); ++k) {
    const int64_t offset = attrs[k + 1] * out.strides()[static_cast<size_t>(at)];
    const auto to = detail::TensorImpl::view(*out.ref(), parts[k].shape(), out.strides(), offset);
    kernels::copy(*to, parts[k].impl());
  }
  if (detail::recording_depth > 0)
    detail::record_bytes(detail::kConcat, out, inputs, std::as_bytes(std::span<const int64_t>(attrs)));
  return out;
}

Tensor stack(const std::vector<Tensor>& tensors, int64_t axis) {
  if (tensors.empty()) fail<ShapeError>("stack", "nothing to join; got 0 tensors, expected at least 1");
  const int at = normalize_axis("stack", axis, tensors[0].ndim() + 1);
  std::vector<Tensor> rows;
  rows.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    if (t.shape() != tensors[0].shape())
      fail<ShapeError>("stack", "shapes differ; got ", t.shape(), ", expected ", tensors[0].shape());
    rows.push_back(expand_dims(t, at));
  }
  return concat(rows, at);
}

std::vector<Tensor> split(const Tensor& x, int64_t parts, int64_t axis) {
  const int at = normalize_axis("split", axis, x.ndim());
  if (parts < 1 || x.shape()[at] % parts != 0)
    fail<ShapeError>("split", "axis of size ", x.shape()[at], " does not divide; got ", parts,
                     " parts, expected a divisor; or give sizes");
  return detail::split_at(x, std::vector<int64_t>(static_cast<size_t>(parts), x.shape()[at] / parts), at);
}
std::vector<Tensor> split(const Tensor& x, std::initializer_list<int64_t> sizes, int64_t axis) {
  const int at = normalize_axis("split", axis, x.ndim());
  int64_t total = 0;
  for (const int64_t n : sizes)
    if (n < 0 || __builtin_add_overflow(total, n, &total)) total = -1;
  if (total != x.shape()[at])
    fail<ShapeError>("split", "sizes do not add up to the axis; got ",
                     Shape(std::span(sizes.begin(), std::min<size_t>(sizes.size(), 8))), ", expected a sum of ", x.shape()[at]);
  return detail::split_at(x, std::span(sizes.begin(), sizes.size()), at);
}

}  // namespace gradus
