#include "autograd/ops/support.h"

#include <algorithm>

#include "autograd/kernels/copy.h"

namespace gradus::detail {

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

Tensor binary_floating(const Op& op, Fn fn, const Operand& a, const Operand& b) {
  const DType dtype = to_floating(common_dtype(op.name, {&a, &b}));
  const Tensor x = as_tensor(a, dtype), y = as_tensor(b, dtype);
  return pointwise(op, fn, {&x, &y}, dtype);
}

Tensor pointwise(const Op& op, Fn fn, std::initializer_list<const Tensor*> inputs, DType result) {
  const TensorImpl* in[4];
  size_t n = 0;
  const Shape* shape = nullptr;
  Shape wide;
  for (const Tensor* x : inputs) {
    in[n++] = &x->impl();
    if (!shape) {
      shape = &x->shape();
    } else if (*shape != x->shape()) {
      wide = broadcast_shapes(op.name, *shape, x->shape());
      shape = &wide;
    }
  }
  Tensor out = empty(op.name, *shape, result);
  kernels::pointwise(fn, *out.ref(), {in, n});
  if (recording_depth > 0) record_bytes(op, out, {inputs.begin(), inputs.size()}, {});
  return out;
}

}  // namespace gradus::detail
