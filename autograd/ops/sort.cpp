// Sorting, searching, unique.
#include "autograd/kernels/sort.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops/index.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

// What is differentiable gathers by these positions, which end a path for gradients.
constexpr Op kArgsort{.name = "argsort"}, kTopK{.name = "topk"}, kUnique{.name = "unique"},
    kSearchSorted{.name = "searchsorted", .arity = 2};

// Positions of the elements of ranks [first, first + count) along the axis.
Tensor order(std::string_view op, const Tensor& x, int axis, bool descending, int64_t first, int64_t count) {
  Shape shape = x.shape();
  shape[axis] = count;
  Tensor out = empty(op, shape, DType::int64);
  kernels::order(*out.ref(), x.impl(), axis, descending, first);
  return out;
}
Tensor order(std::string_view op, const Tensor& x, int axis, bool descending) {
  return order(op, x, axis, descending, 0, x.shape()[axis]);
}

// A rank between two of the sorted elements: `low`, or so much of the way from there to the next.
struct Rank {
  int64_t low;
  double part;
  int64_t high() const { return part > 0 ? low + 1 : low; }
};
Rank rank_of(double q, int64_t n) {
  if (!(q >= 0 && q <= 1)) fail<ValueError>("quantile", "q out of range; got ", q, ", expected 0 <= q <= 1");
  const double exact = q * static_cast<double>(n - 1), low = std::floor(exact);
  return {static_cast<int64_t>(low), exact - low};
}

// One quantile over the last axis per rank; `name` is that of the public function.
std::vector<Tensor> at_ranks(std::string_view op, const Tensor& x, const std::vector<Rank>& ranks) {
  if (ranks.empty()) return {};
  int64_t first = ranks[0].low, last = first;
  for (const Rank& r : ranks) first = std::min(first, r.low), last = std::max(last, r.high());
  const Tensor sorted = gather(x, order(op, x, x.ndim() - 1, false, first, last - first + 1), -1);
  const Tensor constant = stop_gradient(x), unknown = any(constant != constant, -1);
  std::vector<Tensor> out;
  for (const Rank& r : ranks) {
    Tensor y = slice(sorted, {ellipsis, r.low - first});
    // Weights, not a difference: that of two infinities would be NaN.
    if (r.part > 0) y = y * (1 - r.part) + slice(sorted, {ellipsis, r.high() - first}) * r.part;
    out.push_back(where(unknown, std::numeric_limits<double>::quiet_NaN(), y));
  }
  return out;
}

Tensor quantiles(std::string_view op, const Tensor& x, const Operand& q, const Axes& axes, bool keepdims) {
  const Tensor given = as_tensor(q, DType::float64), y = as_floating(x);
  if (given.ndim() > 1) fail<ShapeError>(op, "q has too many dimensions; got ", given.shape(), ", expected rank 0 or 1");
  const uint32_t mask = axes.mask(op, y.ndim());
  const Tensor line = reduced_last(op, y, mask);
  const int64_t n = line.shape().back();
  if (n == 0) fail<ShapeError>(op, "no element to choose from; got shape ", x.shape(), ", expected a reduced axis of at least 1");
  std::vector<Rank> ranks;
  for (const double each : given.to_vector<double>()) ranks.push_back(rank_of(each, n));
  const Shape one = reduced_shape(y.shape(), mask, keepdims);
  Shape shape = given.shape();
  for (const int64_t d : one) shape.push_back(d);
  if (ranks.empty()) return zeros(shape, y.dtype());
  return reshape(stack(at_ranks(op, line, ranks)), shape);
}

}  // namespace

constexpr const Op* kOps[] = {&kArgsort, &kTopK, &kUnique, &kSearchSorted};
const OpFamily kSortOps{"sort", kOps};

}  // namespace detail

Tensor sort(const Tensor& x, int64_t axis, bool descending) {
  const int at = normalize_axis("sort", axis, x.ndim());
  return gather(x, detail::order("sort", x, at, descending), at);
}

Tensor argsort(const Tensor& x, int64_t axis, bool descending) {
  Tensor out = detail::order("argsort", x, normalize_axis("argsort", axis, x.ndim()), descending);
  detail::record(detail::kArgsort, out, {&x});
  return out;
}

TopK topk(const Tensor& x, int64_t k, int64_t axis, bool largest) {
  const int at = normalize_axis("topk", axis, x.ndim());
  const int64_t n = x.shape()[at];
  if (k < 0 || k > n) fail<ValueError>("topk", "k out of range; got ", k, ", expected 0 <= k <= ", n);
  Tensor indices = detail::order("topk", x, at, largest, 0, k);
  detail::record(detail::kTopK, indices, {&x});
  return {gather(x, indices, at), indices};
}

Tensor quantile(const Tensor& x, const Operand& q, const Axes& axes, bool keepdims) {
  return detail::quantiles("quantile", x, q, axes, keepdims);
}
Tensor median(const Tensor& x, const Axes& axes, bool keepdims) { return detail::quantiles("median", x, 0.5, axes, keepdims); }

Unique unique(const Tensor& x) {
  const Tensor line = reshape(x, {-1});
  Tensor inverse = detail::empty("unique", x.shape(), DType::int64);
  const kernels::Groups groups = kernels::groups(*inverse.ref(), line.impl());
  Tensor counts(groups.count);
  detail::record(detail::kUnique, inverse, {&x});
  detail::record(detail::kUnique, counts, {&x});
  return {take(line, Tensor(groups.first)), inverse, counts};
}

Tensor searchsorted(const Tensor& sorted, const Tensor& values, bool right) {
  const Shape &line = sorted.shape(), &shape = values.shape();
  bool fits = line.ndim() == 1 || (line.ndim() > 1 && line.ndim() == shape.ndim());
  for (int i = 0; fits && line.ndim() > 1 && i + 1 < line.ndim(); ++i) fits = line[i] == shape[i];
  if (!fits)
    fail<ShapeError>("searchsorted", "values do not fit the sorted lines; got ", shape, " for ", line,
                     ", expected one line, or equal shapes but for the last axis");
  const DType dtype = promote(sorted.dtype(), values.dtype());
  const Tensor lines = sorted.astype(dtype).contiguous(), each = values.astype(dtype).contiguous();
  Tensor out = detail::empty("searchsorted", shape, DType::int64);
  kernels::search_sorted(*out.ref(), lines.impl(), each.impl(), right);
  detail::record(detail::kSearchSorted, out, {&sorted, &values});
  return out;
}

Tensor bincount(const Tensor& x, int64_t minlength) {
  if (x.ndim() != 1) fail<ShapeError>("bincount", "not one-dimensional; got ", x.shape(), ", expected rank 1");
  if (minlength < 0) fail<ValueError>("bincount", "negative minlength; got ", minlength, ", expected at least 0");
  const Tensor bins = detail::wrapped_indices("bincount", x, std::numeric_limits<int64_t>::max(), false);
  const int64_t used = bins.size() == 0 ? 0 : max(bins).item<int64_t>() + 1;
  Tensor out = detail::empty("bincount", {std::max(used, minlength)}, DType::int64);
  kernels::count_values(*out.ref(), bins.impl());
  return out;
}

}  // namespace gradus
