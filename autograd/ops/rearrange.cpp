// Pad, roll, tile, triangles, diagonals: compositions of views, takes and joins, but for padding with a constant.
#include <algorithm>
#include <cstdlib>
#include <limits>

#include "autograd/kernels/copy.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"
#include "autograd/ops/view.h"

namespace gradus {
namespace detail {
namespace {

struct PadAttrs {
  Shape before;
};

// The transpose of a slice.
constexpr Op kPad{.name = "pad_constant", .rules = {{{0, [](const Saved& s, const Tensor& g) {
                                                        const Shape& before = s.attrs<PadAttrs>().before;
                                                        std::vector<Index> inside;
                                                        for (int i = 0; i < before.ndim(); ++i)
                                                          inside.emplace_back(Slice(before[i], before[i] + s.in_shape()[i]));
                                                        return g.slice(std::span<const Index>(inside));
                                                      }}}}};

Tensor pad_constant(const Tensor& x, const std::vector<PadWidth>& widths, const Shape& shape, double value) {
  Tensor out = empty("pad", shape, x.dtype());
  kernels::fill(*out.ref(), value);
  int64_t offset = 0;
  PadAttrs attrs;
  for (size_t i = 0; i < widths.size(); ++i) {
    attrs.before.push_back(widths[i].before);
    offset += widths[i].before * out.strides()[i];
  }
  kernels::copy(*TensorImpl::view(*out.ref(), x.shape(), out.strides(), x.size() == 0 ? 0 : offset), x.impl());
  record(kPad, out, {&x}, attrs);
  return out;
}

// Which element of an axis of size n stands at position i in [-before, n + after).
int64_t padded_index(PadMode mode, int64_t i, int64_t n) {
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
    case PadMode::wrap: return (i % n + n) % n;
    default: return std::clamp<int64_t>(i, 0, n - 1);
  }
}

// `count` int64 values f(0), f(1), ...
template <class F>
Tensor indices_of(std::string_view op, int64_t count, const F& f) {
  Tensor out = empty(op, {count}, DType::int64);
  for (int64_t i = 0; i < count; ++i) out.ref()->as<int64_t>()[i] = f(i);
  return out;
}

int64_t product(const Shape& shape, int first, int last) {
  int64_t n = 1;
  for (int i = first; i < last; ++i) n *= shape[i];
  return n;
}

Tensor roll_axis(const Tensor& x, int64_t shift, int axis) {
  const int64_t n = x.shape()[axis], behind = n == 0 ? 0 : (shift % n + n) % n;
  if (behind == 0) return x;
  const std::vector<Tensor> parts = split(x, {n - behind, behind}, axis);
  return concat({parts[1], parts[0]}, axis);
}

Tensor triangle(std::string_view op, const Tensor& x, int64_t k, bool lower) {
  if (x.ndim() < 2) fail<ShapeError>(op, "not a matrix; got shape ", x.shape(), ", expected rank 2 or more");
  const int64_t m = x.shape(-2), n = x.shape(-1);
  const Tensor rows = reshape(gradus::arange(m), {m, 1}) + std::clamp(k, -m, n), columns = gradus::arange(n);
  return where(lower ? columns <= rows : columns >= rows, x, zeros({}, x.dtype()));
}

// Diagonal k of axes a and b of a tensor with these strides, as its last axis.
ViewSpec diagonal_spec(const Shape& shape, const Strides& strides, int64_t k, int a, int b) {
  ViewSpec spec;
  for (int i = 0; i < shape.ndim(); ++i) {
    if (i == a || i == b) continue;
    spec.strides[static_cast<size_t>(spec.shape.ndim())] = strides[static_cast<size_t>(i)];
    spec.shape.push_back(shape[i]);
  }
  const int64_t down = std::clamp<int64_t>(k, -shape[a], 0), right = std::clamp<int64_t>(k, 0, shape[b]);  // down <= 0
  const int64_t along_a = strides[static_cast<size_t>(a)], along_b = strides[static_cast<size_t>(b)];
  const int64_t length = std::min(shape[a] + down, shape[b] - right);
  spec.strides[static_cast<size_t>(spec.shape.ndim())] = along_a + along_b;
  spec.shape.push_back(length);
  if (length > 0) spec.offset = right * along_b - down * along_a;
  return spec;
}

}  // namespace

constexpr const Op* kOps[] = {&kPad};
const OpFamily kRearrangeOps{"rearrange", kOps};

}  // namespace detail

// Padding, rolling, repeating

Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, PadMode mode, double value) {
  if (std::ssize(widths) != x.ndim())
    fail<ShapeError>("pad", "one width per axis; got ", widths.size(), " widths for shape ", x.shape(), ", expected ", x.ndim());
  Shape shape;
  for (int i = 0; i < x.ndim(); ++i) {
    const auto [before, after] = widths[static_cast<size_t>(i)];
    const int64_t n = x.shape()[i];
    int64_t total;
    if (before < 0 || after < 0)
      fail<ValueError>("pad", "negative width; got ", before, " and ", after, " for axis ", i, ", expected at least 0");
    if (__builtin_add_overflow(before, after, &total) || __builtin_add_overflow(total, n, &total))
      fail<ShapeError>("pad", "axis ", i, " grows too long; got widths ", before, " and ", after, ", expected a sum below 2^63");
    if (mode != PadMode::constant && n == 0 && total > 0)
      fail<ShapeError>("pad", "no element to repeat; got shape ", x.shape(), ", expected at least 1 along axis ", i);
    if (mode == PadMode::reflect && std::max(before, after) >= n && total > n)
      fail<ValueError>("pad", "reflection is wider than the axis; got widths ", before, " and ", after, " for axis ", i,
                       " of size ", n, ", expected less than the size");
    shape.push_back(total);
  }
  numel("pad", shape);
  if (mode == PadMode::constant) return detail::pad_constant(x, widths, shape, value);
  Tensor y = x;
  for (int i = 0; i < x.ndim(); ++i) {
    const int64_t n = x.shape()[i], before = widths[static_cast<size_t>(i)].before;
    if (shape[i] == n) continue;
    const auto from = [&](int64_t k) { return detail::padded_index(mode, k - before, n); };
    y = take(y, detail::indices_of("pad", shape[i], from), i);
  }
  return y;
}

Tensor roll(const Tensor& x, int64_t shift, const Axes& axes) {
  if (axes.all()) return reshape(detail::roll_axis(reshape(x, {x.size()}), shift, 0), x.shape());
  return roll(x, Shape::filled(axes.list().ndim(), shift), axes);
}

Tensor roll(const Tensor& x, const Shape& shifts, const Axes& axes) {
  axes.mask("roll", x.ndim());
  const Shape& list = axes.list();
  if (shifts.ndim() != list.ndim() || axes.all())
    fail<ShapeError>("roll", "one shift per axis; got shifts ", shifts, " for axes ", list, ", expected as many of both");
  Tensor y = x;
  for (int i = 0; i < list.ndim(); ++i) y = detail::roll_axis(y, shifts[i], normalize_axis("roll", list[i], x.ndim()));
  return y;
}

Tensor tile(const Tensor& x, const Shape& repeats) {
  const int ndim = std::max(x.ndim(), repeats.ndim());
  Shape before = Shape::filled(ndim, 1), times = before, after;
  for (int i = 1; i <= x.ndim(); ++i) before[ndim - i] = x.shape()[x.ndim() - i];
  for (int i = 1; i <= repeats.ndim(); ++i) times[ndim - i] = repeats[repeats.ndim() - i];
  for (int i = 0; i < ndim; ++i) {
    int64_t d;
    if (times[i] < 0) fail<ValueError>("tile", "negative number of repeats; got ", repeats, ", expected at least 0");
    if (__builtin_mul_overflow(before[i], times[i], &d))
      fail<ShapeError>("tile", "too many elements; got ", repeats, " for shape ", x.shape(), ", expected a product below 2^63");
    after.push_back(d);
  }
  numel("tile", after);
  Tensor y = reshape(x, before);
  for (const bool none_first : {true, false})  // where nothing is left, nothing large is built on the way
    for (int i = ndim; i-- > 0;) {
      if (times[i] == 1 || (times[i] == 0) != none_first) continue;
      Shape shape = y.shape();
      const int64_t outer = detail::product(shape, 0, i), inner = detail::product(shape, i, ndim);
      shape[i] = after[i];
      y = reshape(broadcast_to(reshape(y, {outer, 1, inner}), {outer, times[i], inner}), shape);
    }
  return y;
}

Tensor repeat(const Tensor& x, int64_t count, std::optional<int64_t> axis) {
  if (!axis) return repeat(reshape(x, {x.size()}), count, 0);
  const int at = normalize_axis("repeat", *axis, x.ndim());
  if (count < 0) fail<ValueError>("repeat", "negative count; got ", count, ", expected at least 0");
  Shape shape = x.shape();
  if (__builtin_mul_overflow(shape[at], count, &shape[at]))
    fail<ShapeError>("repeat", "too many elements; got ", count, " times shape ", x.shape(), ", expected a product below 2^63");
  numel("repeat", shape);
  return take(x, detail::indices_of("repeat", shape[at], [&](int64_t i) { return i / count; }), at);
}

Tensor repeat(const Tensor& x, const Tensor& counts, std::optional<int64_t> axis) {
  if (!axis) return repeat(reshape(x, {x.size()}), counts, 0);
  const int at = normalize_axis("repeat", *axis, x.ndim());
  if (is_floating(counts.dtype()) || counts.dtype() == DType::boolean)
    fail<DTypeError>("repeat", "counts must be integers; got ", counts.dtype(), ", expected uint8, int32 or int64");
  if (counts.shape() != Shape{x.shape()[at]})
    fail<ShapeError>("repeat", "one count per element of the axis; got shape ", counts.shape(), ", expected ",
                     Shape{x.shape()[at]});
  const auto times = counts.to_vector<int64_t>();
  Shape shape = x.shape();
  shape[at] = 0;
  for (const int64_t n : times) {
    if (n < 0) fail<ValueError>("repeat", "negative count; got ", n, ", expected at least 0");
    if (__builtin_add_overflow(shape[at], n, &shape[at]))
      fail<ShapeError>("repeat", "too many elements; got counts that add up beyond 2^63, expected less");
  }
  numel("repeat", shape);
  size_t element = 0;
  int64_t left = times.empty() ? 0 : times[0];
  const auto from = [&](int64_t) {
    while (left == 0) left = times[++element];
    --left;
    return static_cast<int64_t>(element);
  };
  return take(x, detail::indices_of("repeat", shape[at], from), at);
}

// Axes and coordinates

Tensor moveaxis(const Tensor& x, int64_t source, int64_t destination) { return moveaxis(x, Shape{source}, Shape{destination}); }
Tensor moveaxis(const Tensor& x, const Shape& source, const Shape& destination) {
  const int ndim = x.ndim();
  const uint32_t moved = Axes(source).mask("moveaxis", ndim), taken = Axes(destination).mask("moveaxis", ndim);
  if (source.ndim() != destination.ndim())
    fail<ShapeError>("moveaxis", "axes come in pairs; got ", source, " and ", destination, ", expected lists of one length");
  Shape order = Shape::filled(ndim, 0);
  for (int i = 0; i < source.ndim(); ++i)
    order[normalize_axis("moveaxis", destination[i], ndim)] = normalize_axis("moveaxis", source[i], ndim);
  for (int from = 0, to = 0; from < ndim; ++from) {
    if (moved >> from & 1u) continue;
    while (taken >> to & 1u) ++to;
    order[to++] = from;
  }
  return permute(x, order);
}

std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors) {
  Shape shape;
  for (const Tensor& t : tensors) shape = broadcast_shapes("broadcast_tensors", shape, t.shape());
  numel("broadcast_tensors", shape);
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(broadcast_to(t, shape));
  return out;
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& coordinates, std::string_view indexing) {
  if (indexing != "xy" && indexing != "ij")
    fail<ValueError>("meshgrid", "unknown indexing; got \"", indexing, "\", expected \"xy\" or \"ij\"");
  const int n = static_cast<int>(std::min<size_t>(coordinates.size(), kMaxRank + 1));
  if (n > kMaxRank) fail<ShapeError>("meshgrid", "too many axes; got ", coordinates.size(), ", expected at most ", kMaxRank);
  std::vector<Tensor> grids;
  for (int k = 0; k < n; ++k) {
    const Tensor& x = coordinates[static_cast<size_t>(k)];
    if (x.ndim() != 1) fail<ShapeError>("meshgrid", "not a vector; got shape ", x.shape(), ", expected rank 1");
    Shape shape = Shape::filled(n, 1);
    shape[indexing == "xy" && n > 1 && k < 2 ? 1 - k : k] = x.size();
    grids.push_back(reshape(x, shape));
  }
  return broadcast_tensors(grids);
}

// Triangles and diagonals

Tensor tril(const Tensor& x, int64_t k) { return detail::triangle("tril", x, k, true); }
Tensor triu(const Tensor& x, int64_t k) { return detail::triangle("triu", x, k, false); }

Tensor diag(const Tensor& x, int64_t k) {
  if (x.ndim() == 2) return diagonal(x, k);
  if (x.ndim() != 1) fail<ShapeError>("diag", "not a vector or matrix; got shape ", x.shape(), ", expected rank 1 or 2");
  int64_t n;
  if (k == std::numeric_limits<int64_t>::min() || __builtin_add_overflow(x.size(), std::abs(k), &n))
    fail<ShapeError>("diag", "too many elements; got diagonal ", k, ", expected a matrix below 2^63 elements");
  const Shape whole{n, n};
  numel("diag", whole);
  return detail::place(x, {detail::diagonal_spec(whole, contiguous_strides(whole), k, 0, 1), whole}, "diag");
}

Tensor diagonal(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2) {
  const int a = normalize_axis("diagonal", axis1, x.ndim()), b = normalize_axis("diagonal", axis2, x.ndim());
  if (a == b) fail<ShapeError>("diagonal", "one axis given twice; got ", axis1, " and ", axis2, ", expected two");
  return detail::view_part(x, detail::diagonal_spec(x.shape(), x.strides(), offset, a, b),
                           detail::diagonal_spec(x.shape(), contiguous_strides(x.shape()), offset, a, b));
}

Tensor trace(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2) {
  const int a = normalize_axis("trace", axis1, x.ndim()), b = normalize_axis("trace", axis2, x.ndim());
  if (a == b) fail<ShapeError>("trace", "one axis given twice; got ", axis1, " and ", axis2, ", expected two");
  return sum(diagonal(x, offset, a, b), -1);
}

}  // namespace gradus
