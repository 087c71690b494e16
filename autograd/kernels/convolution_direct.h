// Convolution of float32 images without unfolding them: each output is summed in registers, a vector of channels and several
// pixels at a time. Bounded by multiplications; for few input channels, where unfolding and packing for a GEMM cost more than
// they are.
#pragma once

#include "autograd/kernels/convolution.h"

namespace gradus::kernels {

/// Whether the functions below take it, and are faster than im2col and GEMM. Output channels a multiple of 8, in one group or all
/// by themselves (`lone`).
bool direct_worthwhile(const Windows& windows, int64_t batch, int64_t in, int64_t out, int64_t groups);

// Images have their channels together and no gaps between pixels; the filter is packed, [spatial..., in / groups, out].

/// y = x * w
void direct_output(const detail::TensorImpl& y, const detail::TensorImpl& x, const float* w, const Windows& windows, bool lone);
/// w = the transpose in w. The partial sums do not depend on the number of threads.
void direct_filter(float* w, const detail::TensorImpl& x, const detail::TensorImpl& y, const Windows& windows, bool lone);

/// Makes of `windows` those under which gradients of the image are a convolution of gradients of the output, with the filter
/// turned round. False where there are none; they are of no use then.
bool turned(Windows& windows);
/// That filter: [spatial..., out, in], elements in reverse.
void turn_filter(float* turned, const float* w, int64_t elements, int64_t in, int64_t out);

}  // namespace gradus::kernels
