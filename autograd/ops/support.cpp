#include "autograd/ops/support.h"

#include <algorithm>

#include "autograd/kernels/copy.h"

namespace gradus::detail {
namespace {

// as_tensor without a new handle where the operand is one already; `held` keeps it otherwise.
const Tensor& resolve(const Operand& operand, DType dtype, Tensor& held) {
  const Tensor* x = operand.tensor();
  if (x && x->dtype() == dtype) return *x;
  return held = as_tensor(operand, dtype);
}

}  // namespace

DType common_dtype(std::string_view op, std::initializer_list<const Operand*> operands) {
  DType dtype = DType::boolean;
  bool tensor = false, floating_number = false, integer_number = false;
  for (const Operand* o : operands) {
    if (o->tensor()) {
      dtype = tensor ? promote(dtype, o->tensor()->dtype()) : o->tensor()->dtype();
      tensor = true;
    } else {
      floating_number |= o->kind() == DType::float64;
      integer_number |= o->kind() == DType::int64;
    }
  }
  if (!tensor) fail<ValueError>(op, "no operand is a tensor; got numbers only, expected at least one Tensor");
  if (floating_number) return to_floating(dtype);
  return integer_number && dtype == DType::boolean ? DType::int64 : dtype;
}

Tensor as_tensor(const Operand& operand, DType dtype) {
  if (operand.tensor()) return operand.tensor()->dtype() == dtype ? *operand.tensor() : operand.tensor()->astype(dtype);
  Tensor out = empty("Operand", Shape{}, dtype);
  switch (dtype) {  // the two common cases without a kernel call
    case DType::float32: *out.ref()->as<float>() = static_cast<float>(operand.floating()); break;
    case DType::float64: *out.ref()->as<double>() = operand.floating(); break;
    default:
      if (operand.kind() == DType::float64) kernels::fill(*out.ref(), operand.floating());
      else kernels::fill(*out.ref(), operand.integer());
  }
  return out;
}

Tensor binary(const Op& op, Fn fn, const Operand& a, const Operand& b, DType dtype, DType result) {
  Tensor held[2];
  return pointwise(op, fn, {&resolve(a, dtype, held[0]), &resolve(b, dtype, held[1])}, result);
}

Tensor binary_floating(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  const DType dtype = to_floating(common_dtype(op.name, {&a, &b}));
  return binary(op, fn, a, b, dtype, dtype);
}

template <size_t N>
Tensor pointwise(const Op& op, Fn fn, const Tensor* const (&inputs)[N], DType result) {
  const TensorImpl* in[N];
  const TensorImpl* whole = nullptr;  // the input whose shape the result has, unless they broadcast together
  for (size_t k = 0; k < N; ++k) {
    in[k] = &inputs[k]->impl();
    if (!whole || (whole->size <= in[k]->size && whole->ndim() <= in[k]->ndim())) whole = in[k];
  }
  bool together = false;
  for (const TensorImpl* x : in) together = together || (x != whole && x->ndim() != 0 && x->shape != whole->shape);
  Tensor out;
  if (together) {
    Shape shape = in[0]->shape;
    for (size_t k = 1; k < N; ++k) shape = broadcast_shapes(op.name, shape, in[k]->shape);
    out = empty(op.name, shape, result);
  } else {
    out = Tensor(TensorImpl::like(op.name, *whole, result));
  }
  kernels::pointwise(fn, *out.ref(), in);
  if (recording_depth > 0) record_bytes(op, out, inputs, {});
  return out;
}
template Tensor pointwise(const Op&, Fn, const Tensor* const (&)[1], DType);
template Tensor pointwise(const Op&, Fn, const Tensor* const (&)[2], DType);
template Tensor pointwise(const Op&, Fn, const Tensor* const (&)[3], DType);

}  // namespace gradus::detail
