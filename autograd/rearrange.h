// Moving elements about: padding, rolling, tiling, triangles and diagonals, scattering, segments, masks.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"

namespace gradus {

class Operand;  // autograd/ops.h

// Padding, rolling, repeating

/// How many elements pad() adds at the two ends of an axis.
struct PadWidth {
  int64_t before = 0, after = 0;
};
/// What pad() adds: one value, the mirrored tensor without its edge (dcb|abcd|cba), its edge (aa|abcd|dd), or the tensor again
/// (cd|abcd|ab).
enum class PadMode : uint8_t { constant, reflect, edge, wrap };
/// NumPy's pad with one width per axis; `value` is converted to x's dtype. ValueError for a negative width, and in reflect mode
/// for one that reaches the size; ShapeError where an axis is empty and the mode needs an element.
Tensor pad(const Tensor& x, const std::vector<PadWidth>& widths, PadMode mode = PadMode::constant, double value = 0);
/// Elements move `shift` places towards the end and come back in at the front; over all axes: of the flattened tensor.
Tensor roll(const Tensor& x, int64_t shift, const Axes& axes = {});
/// One shift per axis.
Tensor roll(const Tensor& x, const Shape& shifts, const Axes& axes);
/// x laid side by side with itself, `repeats` times along each axis; the shorter of shape and repeats is filled up with leading
/// 1s.
Tensor tile(const Tensor& x, const Shape& repeats);
/// Each element `count` times in a row, along one axis or in the flattened tensor.
Tensor repeat(const Tensor& x, int64_t count, std::optional<int64_t> axis = none);
/// Element i counts[i] times; `counts` is a 1-D integer tensor as long as the axis.
Tensor repeat(const Tensor& x, const Tensor& counts, std::optional<int64_t> axis = none);

// Axes and coordinates. Views.

/// The axes `source` moved to the places `destination`; the others keep their order.
Tensor moveaxis(const Tensor& x, int64_t source, int64_t destination);
Tensor moveaxis(const Tensor& x, const Shape& source, const Shape& destination);
/// All tensors in the shape they broadcast to.
std::vector<Tensor> broadcast_tensors(const std::vector<Tensor>& tensors);
/// Coordinate grids of 1-D tensors: grid k varies along axis k ("ij"), the first two exchanged ("xy", NumPy's default).
std::vector<Tensor> meshgrid(const std::vector<Tensor>& coordinates, std::string_view indexing = "xy");

// Triangles and diagonals: diagonal k lies k above the main one, or -k below. Leading axes are batches.

/// The lower triangle of the last two axes up to diagonal k; zeros above.
Tensor tril(const Tensor& x, int64_t k = 0);
/// The upper triangle of the last two axes from diagonal k; zeros below.
Tensor triu(const Tensor& x, int64_t k = 0);
/// A square matrix with the vector x on diagonal k, or diagonal k of the matrix x. ShapeError for other ranks.
Tensor diag(const Tensor& x, int64_t k = 0);
/// Diagonal `offset` of two axes, as a new last axis. A view.
Tensor diagonal(const Tensor& x, int64_t offset = 0, int64_t axis1 = 0, int64_t axis2 = 1);
/// Sum of a diagonal; of integers: int64.
Tensor trace(const Tensor& x, int64_t offset = 0, int64_t axis1 = 0, int64_t axis2 = 1);

// Writing and adding by index. Indices are integers; negative ones count from the end where nothing else is said. ValueError for
// an index out of range.

/// NumPy's take_along_axis: gather, with dimensions outside `axis` that broadcast.
Tensor take_along_axis(const Tensor& x, const Tensor& indices, int64_t axis = -1);
/// x with out[i][indices[i][j]] = updates[i][j] for the last axis. Of several updates of one element the last stays, and it alone
/// gets a gradient. Indices have x's shape outside `axis`; updates broadcast to their shape.
Tensor scatter(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis = -1);
/// The same with +=: several updates of one element add up.
Tensor scatter_add(const Tensor& x, const Tensor& indices, const Tensor& updates, int64_t axis = -1);
/// Row i of `table` [rows, width] for each index, in a new last axis. ValueError for a negative index.
Tensor embedding(const Tensor& table, const Tensor& indices);
/// Row s of the result is the sum of the rows of `values` whose id is s; of none: 0. Ids: 1-D, in [0, num_segments).
Tensor segment_sum(const Tensor& values, const Tensor& segment_ids, int64_t num_segments);
/// The mean of each segment; of nothing: 0. Integers: float32.
Tensor segment_mean(const Tensor& values, const Tensor& segment_ids, int64_t num_segments);
/// The largest of each segment; of nothing: -inf (or the dtype's lowest). NaN wins; ties share the gradient equally.
Tensor segment_max(const Tensor& values, const Tensor& segment_ids, int64_t num_segments);

// Masks

/// Positions (int64, [n, ndim]) of the elements that are not 0, in row-major order: PyTorch's nonzero, NumPy's argwhere.
Tensor nonzero(const Tensor& x);
/// NumPy's x[mask]: what lies at the true elements of `mask`, whose shape is that of x's leading axes; [n, rest of x's shape].
Tensor boolean_mask(const Tensor& x, const Tensor& mask);
/// 1-D: the elements of x where `mask` is true; the two broadcast.
Tensor masked_select(const Tensor& x, const Tensor& mask);
/// where(mask, value, x); the mask and a tensor `value` broadcast to x's shape.
Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value);

}  // namespace gradus
