#include "autograd/functional.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "autograd/ops.h"
#include "autograd/tape/checkpoint.h"

namespace gradus {
namespace {

void check_scalar(std::string_view op, const Tensor& y) {
  if (y.size() != 1)
    fail<ShapeError>(op, "the function must return one element; got shape ", y.shape(), ", expected []; use jacobian");
}

Tensor or_zeros(const Tensor& g, const Tensor& like) { return g.defined() ? g : zeros_like(like); }

void check_like(std::string_view op, std::string_view what, const Tensor& v, const Tensor& like) {
  if (v.shape() != like.shape())
    fail<ShapeError>(op, "v must be shaped like ", what, "; got ", v.shape(), ", expected ", like.shape());
}

}  // namespace

TensorFunction grad(TensorFunction f) {
  return [f = std::move(f)](const Tensor& x) { return value_and_grad(f)(x).second; };
}

std::function<std::pair<Tensor, Tensor>(const Tensor&)> value_and_grad(TensorFunction f) {
  return [f = std::move(f)](const Tensor& x) {
    const Tensor own = detail::fresh(x);
    GradientTape tape;
    tape.watch(own);
    Tensor y = f(own);
    check_scalar("grad", y);
    return std::pair{y, or_zeros(tape.gradient(y, own), x)};
  };
}

std::pair<Tensor, Tensor> vjp(const TensorFunction& f, const Tensor& x, const Tensor& v) {
  const Tensor own = detail::fresh(x);
  GradientTape tape;
  tape.watch(own);
  Tensor y = f(own);
  check_like("vjp", "f(x)", v, y);
  return {y, or_zeros(tape.gradient(y, own, {.output_gradients = {v}}), x)};
}

std::pair<Tensor, Tensor> jvp(const TensorFunction& f, const Tensor& x, const Tensor& v) {
  check_like("jvp", "x", v, x);
  const Tensor own = detail::fresh(x);
  GradientTape outer({.watch_accessed_variables = false});
  Tensor y, u, g;
  {
    GradientTape inner;
    inner.watch(own);
    y = f(own);
    u = zeros_like(y);  // the gradient is linear in its seed, whatever the seed is
    outer.watch(u);
    g = inner.gradient(y, own, {.output_gradients = {u}});
  }
  if (!g.defined()) return {y, zeros_like(y)};
  return {y, or_zeros(outer.gradient(g, u, {.output_gradients = {v}}), y)};
}

Tensor jacobian(const TensorFunction& f, const Tensor& x) {
  const Tensor own = detail::fresh(x);
  GradientTape tape;
  tape.watch(own);
  return tape.jacobian(f(own), own);
}

Tensor batch_jacobian(const TensorFunction& f, const Tensor& x) {
  const Tensor own = detail::fresh(x);
  GradientTape tape;
  tape.watch(own);
  return tape.batch_jacobian(f(own), own);
}

Tensor hessian(const TensorFunction& f, const Tensor& x) { return jacobian(grad(f), x); }

Tensor hvp(const TensorFunction& f, const Tensor& x, const Tensor& v) {
  check_like("hvp", "x", v, x);
  return vjp(grad(f), x, v).second;
}

namespace {

// Iterates z = f(z) until it settles, unrecorded.
Tensor settle(const TensorFunction& f, Tensor z, const FixedPointOptions& options) {
  const NoRecord constant;
  double change = std::numeric_limits<double>::infinity();
  for (int i = 0; i < options.max_iterations; ++i) {
    const Tensor next = f(z);
    check_like("fixed_point", "f(z)", z, next);
    if (next.size() == 0) return next;
    change = max(abs(next - z)).item<double>() / std::max(1.0, max(abs(next)).item<double>());
    z = next;
    if (change <= options.tolerance) return z;
    if (!std::isfinite(change))
      fail<ValueError>("fixed_point", "the iteration diverges; got values that are not finite after ", i + 1,
                       " iterations, expected a map that contracts");
  }
  fail<ValueError>("fixed_point", "no convergence; got a change of ", change, " after ", options.max_iterations,
                   " iterations, expected at most ", options.tolerance,
                   "; allow more of them, or use a map that contracts faster");
}

}  // namespace

Tensor fixed_point(const TensorFunction& f, const Tensor& z0, const FixedPointOptions& options) {
  const Tensor z = settle(f, z0, options);
  if (!is_recording()) return z;
  // The result is one record over what f closes over. For it f runs once more, at this very result: that makes the rule a
  // function of everything the result depends on, so that it can be differentiated again.
  detail::Rehearsed step;
  const Tensor y = detail::rehearse([&] { return f(z); }, step);
  const auto result = std::make_shared<Tensor>();
  *result = detail::record_rerun(y, step.ids, [f, step, result, options](const Tensor& g) {
    const auto map = [f, g, result](const Tensor& u) { return g + vjp(f, *result, u).second; };
    return detail::rerun(
        "fixed_point", [&] { return f(*result); }, step, fixed_point(map, g, options));
  });
  return *result;
}

}  // namespace gradus
