// Derivatives as functions of functions. Everything here is GradientTape underneath: results can be differentiated again, inside
// or outside a tape.
#pragma once

#include <functional>
#include <utility>

#include "autograd/custom_gradient.h"
#include "autograd/tape.h"

namespace gradus {

using TensorFunction = std::function<Tensor(const Tensor&)>;

/// x -> df/dx. ShapeError unless f returns one element; zeros where f does not depend on x.
TensorFunction grad(TensorFunction f);
/// x -> (f(x), df/dx).
std::function<std::pair<Tensor, Tensor>(const Tensor&)> value_and_grad(TensorFunction f);
/// (f(x), v^T J): v shaped like f(x).
std::pair<Tensor, Tensor> vjp(const TensorFunction& f, const Tensor& x, const Tensor& v);
/// (f(x), J v): v shaped like x. Forward mode, as the transpose of the transpose.
std::pair<Tensor, Tensor> jvp(const TensorFunction& f, const Tensor& x, const Tensor& v);
/// df/dx shaped f(x).shape + x.shape.
Tensor jacobian(const TensorFunction& f, const Tensor& x);
/// Of a function that maps each sample x[b] by itself to y[b], shaped [batch, y..., x...]: one walk per element of y[b], not per
/// element of y. ShapeError unless f(x) has as many samples as x.
Tensor batch_jacobian(const TensorFunction& f, const Tensor& x);
/// Second derivatives of a scalar f, shaped x.shape + x.shape.
Tensor hessian(const TensorFunction& f, const Tensor& x);
/// H v without forming H: one gradient of a gradient.
Tensor hvp(const TensorFunction& f, const Tensor& x, const Tensor& v);

struct FixedPointOptions {
  double tolerance = 1e-6;  // on the largest change of an element, relative to 1 and to the largest element
  int max_iterations = 1000;
};

/// z with z = f(z), by iteration from z0: ValueError unless it settles. Differentiable to any order in whatever f closes over, by
/// the implicit function theorem: the iterations are not recorded, and the backward pass is a fixed point itself,
/// u = g + (df/dz)^T u. No gradient flows to z0. The tape keeps f: let it capture tensors by value.
Tensor fixed_point(const TensorFunction& f, const Tensor& z0, const FixedPointOptions& options = {});

}  // namespace gradus
