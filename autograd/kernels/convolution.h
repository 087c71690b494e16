// Convolution and its two gradients: through oneDNN where that is installed (convolution_onednn.h), directly where few inputs
// make an output (convolution_direct.h), channel by channel (depthwise.h), and otherwise as matrix products of unfolded images
// (Chellapilla, Puri and Simard 2006), a block of outputs at a time: the memory needed does not grow with the batch.
#pragma once

#include "autograd/kernels/window.h"

namespace gradus::kernels {

struct Convolution {
  Windows windows;  // and the layout of images
  int64_t groups = 1;
  bool filter_first = false;  // [out, in / groups, spatial...] rather than [spatial..., in / groups, out]
};

// Each is linear in both arguments, and the gradients of each are the other two. All tensors of one floating dtype, half types
// computed in float32; arguments in any layout of memory, results contiguous. Shapes fit, none but the batch is empty.

/// y = x * w
void convolution(detail::TensorImpl& y, const detail::TensorImpl& x, const detail::TensorImpl& w, const Convolution& c);
/// dx = the transpose in x of the same, applied to a gradient of y.
void convolution_input(detail::TensorImpl& dx, const detail::TensorImpl& dy, const detail::TensorImpl& w, const Convolution& c);
/// dw = the transpose in w.
void convolution_filter(detail::TensorImpl& dw, const detail::TensorImpl& x, const detail::TensorImpl& dy, const Convolution& c);

}  // namespace gradus::kernels
