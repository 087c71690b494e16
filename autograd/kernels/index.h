// Gathering and scattering along one axis, with int64 indices that are already checked and non-negative.
#pragma once

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// Range check: position of the first index outside [0, size) after wrapping negatives, or -1; `out` (int64, contiguous, same
/// shape) receives the wrapped indices. `indices` is any integer dtype and layout.
int64_t wrap_indices(detail::TensorImpl& out, const detail::TensorImpl& indices, int64_t size, bool allow_negative);

/// out = in with `axis` replaced by the dimensions of `indices`. out contiguous; in any layout.
void take(detail::TensorImpl& out, const detail::TensorImpl& in, const detail::TensorImpl& indices, int axis);
/// The transpose: out (contiguous, shaped like take's in) += grad (shaped like take's out); repeated indices add up, in index
/// order.
void take_add(detail::TensorImpl& out, const detail::TensorImpl& grad, const detail::TensorImpl& indices, int axis);
/// The same with the larger of the two instead of +=; NaN wins.
void take_max(detail::TensorImpl& out, const detail::TensorImpl& in, const detail::TensorImpl& indices, int axis);
/// out[..., i, ...] = in[..., indices[..., i, ...], ...]; out contiguous, shaped like indices; in any layout.
void gather(detail::TensorImpl& out, const detail::TensorImpl& in, const detail::TensorImpl& indices, int axis);
/// The transpose: out[..., indices[..., i, ...], ...] += grad[..., i, ...]; out contiguous.
void gather_add(detail::TensorImpl& out, const detail::TensorImpl& grad, const detail::TensorImpl& indices, int axis);
/// The same with = : of several updates of one element the last along the axis stays.
void scatter(detail::TensorImpl& out, const detail::TensorImpl& updates, const detail::TensorImpl& indices, int axis);
/// out (contiguous, indices.shape + [depth]) = 1 at the index, 0 elsewhere.
void one_hot(detail::TensorImpl& out, const detail::TensorImpl& indices);

/// Positions of the elements that are not 0, in row-major order: int64 [n, ndim].
Ref<detail::TensorImpl> nonzero(const detail::TensorImpl& x);

}  // namespace gradus::kernels
