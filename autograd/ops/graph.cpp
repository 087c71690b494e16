// Conversions and cuts.
#include "autograd/kernels/copy.h"
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

constexpr Op kAstype{.name = "astype", .rules = {{{0, [](const Saved& s, const Tensor& g) { return g.astype(s.in_dtype()); }}}}};
// To or from an integer dtype nothing flows.
constexpr Op kTruncate{.name = "astype to or from an integer dtype"};
constexpr Op kStopGradient{.name = "stop_gradient"};

}  // namespace

constexpr const Op* kOps[] = {&kAstype, &kTruncate, &kStopGradient};
const OpFamily kGraphOps{"graph", kOps};

}  // namespace detail

Tensor Tensor::astype(DType dtype) const {
  if (dtype == this->dtype()) return *this;
  Tensor out = detail::empty("astype", shape(), dtype);
  kernels::copy(*out.ref(), impl());
  detail::record(is_floating(dtype) && is_floating(this->dtype()) ? detail::kAstype : detail::kTruncate, out, {this});
  return out;
}

Tensor stop_gradient(const Tensor& x) {
  Tensor out(detail::TensorImpl::view(x.impl(), x.shape(), x.strides(), 0));
  detail::record(detail::kStopGradient, out, {&x});
  return out;
}

}  // namespace gradus
