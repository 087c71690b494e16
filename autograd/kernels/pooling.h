// Maxima and means under sliding windows. Images of either layout, in any memory layout; results are contiguous.
#pragma once

#include "autograd/kernels/window.h"

namespace gradus::kernels {

/// The largest element under each window (NaN counts as the largest, the first of equals wins), and in `index` (int64) its
/// row-major position among the inputs of its channel. Any dtype. Every window meets an input.
void max_pool(detail::TensorImpl& y, detail::TensorImpl& index, const detail::TensorImpl& x, const Windows& windows);
/// y[i] = x[index[i]], channel by channel, with the index that max_pool gave. All contiguous.
void pick(detail::TensorImpl& y, const detail::TensorImpl& x, const detail::TensorImpl& index, bool channels_first);
/// The transpose: x[index[i]] += y[i] over zeros. Floating dtypes.
void put_back(detail::TensorImpl& x, const detail::TensorImpl& y, const detail::TensorImpl& index, bool channels_first);
/// The mean under each window, of the inputs it meets or, with `whole`, of all its elements. Floating dtypes.
void avg_pool(detail::TensorImpl& y, const detail::TensorImpl& x, const Windows& windows, bool whole);
/// The transpose.
void avg_pool_input(detail::TensorImpl& dx, const detail::TensorImpl& dy, const Windows& windows, bool whole);

}  // namespace gradus::kernels
