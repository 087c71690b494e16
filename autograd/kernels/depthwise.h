// Convolution in which every channel is by itself, straight from the definition: too little work per element for matrix products.
#pragma once

#include "autograd/kernels/window.h"

namespace gradus::kernels {

// The filter is packed, [spatial..., 1, out]; output o belongs to input channel o / (out / in). Images of either layout with any
// strides; dx is contiguous. float and double.

template <class T>
void depthwise_forward(detail::TensorImpl& y, const detail::TensorImpl& x, const T* w, const Windows& windows);
template <class T>
void depthwise_input(detail::TensorImpl& dx, const detail::TensorImpl& dy, const T* w, const Windows& windows);
template <class T>
void depthwise_filter(T* dw, const detail::TensorImpl& x, const detail::TensorImpl& dy, const Windows& windows);

}  // namespace gradus::kernels
