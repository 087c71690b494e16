#include "optim/clip.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autograd/ops.h"
#include "autograd/tape.h"

namespace gradus::optim {
namespace {

double sum_of_squares(const Tensor& gradient) {
  const auto sum_in = [&](DType dtype) { return sum(square(gradient.astype(dtype))).item<double>(); };
  if (gradient.dtype() == DType::float64) return sum_in(DType::float64);
  const double squares = sum_in(DType::float32);
  return std::isfinite(squares) ? squares : sum_in(DType::float64);  // the squares may be what is too large
}

void scale(std::vector<Tensor>& gradients, double factor) {
  for (Tensor& gradient : gradients)
    if (gradient.defined()) gradient = gradient * factor;
}

}  // namespace

double global_norm(const std::vector<Tensor>& gradients) {
  const NoRecord pause;
  double squares = 0;
  for (const Tensor& gradient : gradients)
    if (gradient.defined()) squares += sum_of_squares(gradient);
  return std::sqrt(squares);
}

double clip_grad_norm(std::vector<Tensor>& gradients, double max_norm, ClipGradNormOptions options) {
  constexpr std::string_view op = "clip_grad_norm";
  if (!(max_norm > 0)) fail<ValueError>(op, "max_norm out of range; got ", max_norm, ", expected a value > 0");
  const NoRecord pause;
  const double norm = global_norm(gradients);
  if (options.error_if_nonfinite && !std::isfinite(norm))
    fail<ValueError>(op, "norm is not finite; got ", norm, ", expected a number; AnomalyMode finds where it comes from");
  const double factor = max_norm / (norm + 1e-6);
  if (!(factor >= 1)) scale(gradients, factor);
  return norm;
}

Tensor clip_by_norm(const Tensor& gradient, double max_norm) {
  const NoRecord pause;
  const double norm = std::sqrt(sum_of_squares(gradient));
  return norm <= max_norm ? gradient : gradient * (max_norm / norm);
}

std::vector<Tensor> clip_by_global_norm(std::vector<Tensor> gradients, double max_norm) {
  const NoRecord pause;
  const double norm = global_norm(gradients);
  if (!std::isfinite(norm)) scale(gradients, std::numeric_limits<double>::quiet_NaN());
  else if (norm > max_norm) scale(gradients, max_norm / norm);
  return gradients;
}

}  // namespace gradus::optim
