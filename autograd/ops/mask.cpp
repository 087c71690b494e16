// Choosing and filling by boolean masks: compositions.
#include "autograd/ops/index.h"
#include "autograd/ops/support.h"

namespace gradus {
namespace {

void check_mask(std::string_view op, const Tensor& mask) {
  if (mask.dtype() != DType::boolean)
    fail<DTypeError>(op, "the mask must be boolean; got ", mask.dtype(), ", expected bool; compare with != 0");
}

// The rows of x, seen as [mask.size(), rest], where the mask is true.
Tensor chosen_rows(const Tensor& x, const Tensor& mask) {
  Shape rows{mask.size()};
  for (int i = mask.ndim(); i < x.ndim(); ++i) rows.push_back(x.shape()[i]);
  const Tensor at = nonzero(reshape(mask, {mask.size()}));
  return detail::take_rows(reshape(x, rows), reshape(at, {at.size()}), 0);
}

}  // namespace

Tensor boolean_mask(const Tensor& x, const Tensor& mask) {
  check_mask("boolean_mask", mask);
  bool fits = mask.ndim() <= x.ndim();
  for (int i = 0; fits && i < mask.ndim(); ++i) fits = mask.shape()[i] == x.shape()[i];
  if (!fits)
    fail<ShapeError>("boolean_mask", "the mask does not fit; got ", mask.shape(), " for ", x.shape(),
                     ", expected the sizes of the leading axes");
  return chosen_rows(x, mask);
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  check_mask("masked_select", mask);
  const Shape shape = broadcast_shapes("masked_select", x.shape(), mask.shape());
  numel("masked_select", shape);
  return chosen_rows(broadcast_to(x, shape), broadcast_to(mask, shape));
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, const Operand& value) {
  check_mask("masked_fill", mask);
  Shape shape = broadcast_shapes("masked_fill", x.shape(), mask.shape());
  if (value.tensor()) shape = broadcast_shapes("masked_fill", shape, value.tensor()->shape());
  if (shape != x.shape())
    fail<ShapeError>("masked_fill", "mask or value is larger than x; got a result of shape ", shape, ", expected ", x.shape());
  return where(mask, value, x);
}

}  // namespace gradus
