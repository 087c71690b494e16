// Half types through float32, for kernels that compute in float and double only.
#pragma once

#include "autograd/kernels/copy.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// Calls f(out, in...): float32 and float64 as they are, half types as float32, rounded once at the end.
template <class F, class... In>
void in_float(detail::TensorImpl& out, const F& f, const In&... in) {
  using detail::TensorImpl;
  if (size_of(out.dtype) > 2) return f(out, in...);
  const auto widened = [](const TensorImpl& x) {
    Ref<TensorImpl> result = TensorImpl::make("astype", x.shape, DType::float32);
    copy(*result, x);
    return result;
  };
  const Ref<TensorImpl> wide = TensorImpl::make("astype", out.shape, DType::float32);
  f(*wide, *widened(in)...);
  copy(out, *wide);
}

}  // namespace gradus::kernels
