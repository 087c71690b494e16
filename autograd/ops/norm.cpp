// Vector norms: compositions.
#include <cmath>
#include <limits>

#include "autograd/ops/support.h"

namespace gradus {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Whether sums of squares stay in range when these are the largest magnitudes. Those of float16 soon do not.
bool squares_fit(const Tensor& largest) {
  if (largest.dtype() == DType::float16) return false;
  return all(logical_or(largest == 0, logical_and(largest > 1e-15, largest < 1e15))).item<bool>();
}

// sum |x|^p to the power 1/p, axes kept; 0 with gradient 0 where there is nothing to divide by.
Tensor power_norm(const Tensor& x, double p, const Axes& axes) {
  if (p == 2) {
    const Tensor s = sum(square(x), axes, true), nothing = s == 0;
    return where(nothing, 0, sqrt(where(nothing, 1, s)));
  }
  // Zeros stay out of the powers: some derivative of |x|^p is infinite there unless p is whole.
  const Tensor magnitude = abs(x), zero = magnitude == 0;
  const Tensor s = sum(where(zero, 0, pow(where(zero, 1, magnitude), p)), axes, true);
  const Tensor nothing = p > 0 ? s == 0 : any(zero, axes, true);  // 0^p is infinite for p < 0
  return where(nothing, 0, pow(where(nothing, 1, s), 1 / p));
}

}  // namespace

Tensor norm(const Tensor& x, double p, const Axes& axes, bool keepdims) {
  if (std::isnan(p)) fail<ValueError>("norm", "the order is not a number; got nan, expected a number or infinity");
  const Tensor y = detail::as_floating(x);
  const uint32_t mask = axes.mask("norm", x.ndim());
  bool empty = false;
  for (int i = 0; i < x.ndim(); ++i) empty |= (mask >> i & 1u) && x.shape()[i] == 0;
  if (empty && (p < 0 || p == kInfinity))
    fail<ShapeError>("norm", "no element to choose from; got shape ", x.shape(), ", expected reduced axes of at least 1");
  if (p == 0) return sum(abs(sign(y)), axes, keepdims);
  if (p == 1 || empty) return sum(abs(y), axes, keepdims);
  if (p == kInfinity) return max(abs(y), axes, keepdims);
  if (p == -kInfinity) return min(abs(y), axes, keepdims);
  // norm(x) = c norm(x / c) for any constant c. With the largest |x| (for p < 0: the smallest) no power leaves the range.
  const Tensor magnitude = abs(stop_gradient(y)), extreme = p > 0 ? max(magnitude, axes, true) : min(magnitude, axes, true);
  Tensor out;
  if (p == 2 && squares_fit(extreme)) {
    out = power_norm(y, p, axes);
  } else {
    const Tensor c = where(logical_and(extreme > 0, extreme < kInfinity), extreme, 1);
    out = power_norm(y / c, p, axes) * c;
  }
  return keepdims ? out : reshape(out, reduced_shape(x.shape(), mask, false));
}

Tensor normalize(const Tensor& x, double p, int64_t axis, double eps) {
  const int at = normalize_axis("normalize", axis, x.ndim());
  if (!(eps > 0)) fail<ValueError>("normalize", "eps must be positive; got ", eps, ", expected a small number above 0");
  return x / maximum(norm(x, p, at, true), eps);
}

}  // namespace gradus
