// Convolution through oneDNN: direct, vectorised over channels, with nothing unfolded. Bounded by multiplications: about nine
// tenths of what the processor can do at most, where im2col and GEMM reach half on images with few channels.
#pragma once

#include "autograd/kernels/convolution.h"

namespace gradus::kernels {

enum class ConvolutionResult { output, input, filter };

/// Computes one of y = x * w, x = the transpose in x, w = the transpose in w, float32, from the other two; all in any layout of
/// memory. False where oneDNN is missing or no better than the plain path; nothing is lost but what the result held.
bool convolution_onednn(ConvolutionResult result, const detail::TensorImpl& x, const detail::TensorImpl& w,
                        const detail::TensorImpl& y, const Convolution& c);

}  // namespace gradus::kernels
