// Maxima and means under sliding windows. Images of either layout, in any memory layout; results are contiguous.
#pragma once

#include "autograd/kernels/window.h"

namespace gradus::kernels {

/// Dtype of an index: uint8 for elements of small windows, int64 for row-major positions among the inputs of a channel.
DType pool_index(const Windows& windows);
/// The largest element under each window (NaN counts as the largest, the first of equals wins), and where it is in `index`,
/// unless that is null: [batch, spatial..., channels] for either layout. Any dtype. Every window meets an input.
void max_pool(detail::TensorImpl& y, detail::TensorImpl* index, const detail::TensorImpl& x, const Windows& windows);
/// y[i] = x[index[i]], channel by channel, with the index that max_pool gave. y and index are contiguous.
void pick(detail::TensorImpl& y, const detail::TensorImpl& x, const detail::TensorImpl& index, const Windows& windows);
/// The transpose: x[index[i]] += y[i] over zeros. Floating dtypes. x and index are contiguous.
void put_back(detail::TensorImpl& x, const detail::TensorImpl& y, const detail::TensorImpl& index, const Windows& windows);
/// The mean under each window, of the inputs it meets or, with `whole`, of all its elements. Floating dtypes.
void avg_pool(detail::TensorImpl& y, const detail::TensorImpl& x, const Windows& windows, bool whole);
/// The transpose.
void avg_pool_input(detail::TensorImpl& dx, const detail::TensorImpl& dy, const Windows& windows, bool whole);

}  // namespace gradus::kernels
