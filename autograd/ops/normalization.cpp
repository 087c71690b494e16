// Layer, rms, group and batch normalisation. The first three rest on one primitive, which normalises the rows of a matrix.
#include "autograd/kernels/normalize.h"

#include <cmath>
#include <utility>

#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {
namespace {

using kernels::Normalization;

// x [rows, n]; scale [n], or 0-dim for none; offset [n] or undefined; all contiguous and of one dtype.
Tensor normalize_rows(const Tensor& x, const Tensor& scale, const Tensor& offset, Normalization how);
Tensor normalize_rows_grad(const Tensor& x, const Tensor& g, const Tensor& scale, Normalization how);
Tensor normalize_rows_scale_grad(const Tensor& x, const Tensor& g, Normalization how);

Tensor no_scale(DType dtype) { return ones({}, dtype); }
Tensor scaled(const Tensor& g, const Tensor& scale) { return scale.ndim() == 0 ? g : g * scale; }

// Inputs: x, scale, the offset if there is one. Gradients find the statistics again: cheaper than a pass over memory.
constexpr Op kNormalizeRows{
    .name = "normalize_rows",
    .arity = 3,
    .rules = {
        {{kIn0 | kIn1,
          [](const Saved& s, const Tensor& g) { return normalize_rows_grad(s.in(0), g, s.in(1), s.attrs<Normalization>()); }},
         {kIn0, [](const Saved& s, const Tensor& g) { return normalize_rows_scale_grad(s.in(0), g, s.attrs<Normalization>()); }},
         {0, [](const Saved&, const Tensor& g) { return sum(g, 0); }}}}};

// N(h) = normalize_rows_grad(x, h) is symmetric: v . N(h) = N(v) . h. With r = 1 / sqrt(variance + epsilon), per row
//   v . N(h) = n r (c - a b),  a = mean(h xhat),  b = mean(v xhat),  c = mean(h v) - mean(h) mean(v),
// and the slopes in x are dr = -r^2 xhat / n, da = N(h) / n, db = N(v) / n.
Tensor slope_in_x(const Saved& s, const Tensor& v) {
  const auto how = s.attrs<Normalization>();
  const Tensor &x = s.in(0), h = scaled(s.in(1), s.in(2)), none = no_scale(x.dtype());
  const auto row_mean = [](const Tensor& t) { return mean(t, 1, true); };
  const Tensor xhat = normalize_rows(x, none, {}, how), centered = how.centered ? x - row_mean(x) : x;
  const Tensor r = rsqrt(row_mean(square(centered)) + how.epsilon);
  const Tensor a = row_mean(h * xhat), b = row_mean(v * xhat);
  const Tensor c = how.centered ? row_mean((h - row_mean(h)) * v) : row_mean(h * v);
  return -r * ((c - a * b) * r * xhat + b * normalize_rows_grad(x, h, none, how) + a * normalize_rows_grad(x, v, none, how));
}
Tensor transposed(const Saved& s, const Tensor& v) {
  return normalize_rows_grad(s.in(0), v, no_scale(v.dtype()), s.attrs<Normalization>());
}

// Inputs: x, g, scale.
constexpr Op kNormalizeRowsGrad{
    .name = "normalize_rows_grad",
    .arity = 3,
    .rules = {{{kIn0 | kIn1 | kIn2, slope_in_x},
               {kIn0 | kIn2, [](const Saved& s, const Tensor& v) { return scaled(transposed(s, v), s.in(2)); }},
               {kIn0 | kIn1, [](const Saved& s, const Tensor& v) { return sum(transposed(s, v) * s.in(1), 0); }}}}};

// Inputs: x, g. sum over the rows of g * xhat.
constexpr Op kNormalizeRowsScaleGrad{
    .name = "normalize_rows_scale_grad",
    .arity = 2,
    .rules = {{{kIn0 | kIn1, [](const Saved& s,
                                const Tensor& v) { return normalize_rows_grad(s.in(0), s.in(1), v, s.attrs<Normalization>()); }},
               {kIn0, [](const Saved& s, const Tensor& v) {
                  const Tensor none = no_scale(v.dtype());
                  return v * normalize_rows(s.in(0), none, {}, s.attrs<Normalization>());
                }}}}};

Tensor normalize_rows(const Tensor& x, const Tensor& scale, const Tensor& offset, Normalization how) {
  Tensor out = empty(kNormalizeRows.name, x.shape(), x.dtype());
  kernels::normalize_rows(*out.ref(), x.impl(), scale.impl(), offset.defined() ? &offset.impl() : nullptr, how);
  if (offset.defined()) record(kNormalizeRows, out, {&x, &scale, &offset}, how);
  else record(kNormalizeRows, out, {&x, &scale}, how);
  return out;
}
Tensor normalize_rows_grad(const Tensor& x, const Tensor& g, const Tensor& scale, Normalization how) {
  const Tensor h = g.contiguous(), factors = scale.contiguous();
  Tensor out = empty(kNormalizeRowsGrad.name, x.shape(), x.dtype());
  kernels::normalize_rows_grad(*out.ref(), x.impl(), h.impl(), factors.impl(), how);
  record(kNormalizeRowsGrad, out, {&x, &h, &factors}, how);
  return out;
}
Tensor normalize_rows_scale_grad(const Tensor& x, const Tensor& g, Normalization how) {
  const Tensor h = g.contiguous();
  Tensor out = empty(kNormalizeRowsScaleGrad.name, {x.shape()[1]}, x.dtype());
  kernels::normalize_rows_scale_grad(*out.ref(), x.impl(), h.impl(), how);
  record(kNormalizeRowsScaleGrad, out, {&x, &h}, how);
  return out;
}

// Arguments

Normalization checked(std::string_view op, double epsilon, bool centered = true) {
  if (!(epsilon >= 0 && std::isfinite(epsilon)))
    fail<ValueError>(op, "bad epsilon; got ", epsilon, ", expected a finite number of at least 0");
  return {epsilon, centered};
}

/// Brings x and what is defined of the others to one floating dtype.
void meet(Tensor& x, std::initializer_list<Tensor*> others) {
  DType dtype = to_floating(x.dtype());
  for (const Tensor* t : others)
    if (t->defined()) dtype = promote(dtype, t->dtype());
  x = x.astype(dtype);
  for (Tensor* t : others)
    if (t->defined()) *t = t->astype(dtype);
}

void check_shape(std::string_view op, std::string_view name, const Tensor& t, const Shape& expected) {
  if (t.defined() && t.shape() != expected)
    fail<ShapeError>(op, name, " does not fit; got shape ", t.shape(), ", expected ", expected);
}

/// x as a matrix whose rows are the last `axes` axes.
Tensor over_last_axes(std::string_view op, Tensor x, Tensor scale, Tensor offset, const LayerNormOptions& options,
                      bool centered) {
  const Normalization how = checked(op, options.epsilon, centered);
  if (options.axes < 1 || options.axes > x.ndim())
    fail<ShapeError>(op, "number of axes out of range; got ", options.axes, " for shape ", x.shape(), ", expected 1 to ",
                     x.ndim());
  Shape inner;
  int64_t rows = 1, n = 1;
  const int first = x.ndim() - static_cast<int>(options.axes);
  for (int i = 0; i < first; ++i) rows *= x.shape()[i];
  for (int i = first; i < x.ndim(); ++i) inner.push_back(x.shape()[i]), n *= x.shape()[i];
  check_shape(op, "scale", scale, inner);
  check_shape(op, "offset", offset, inner);
  meet(x, {&scale, &offset});
  const Tensor matrix = reshape(x, {rows, n}).contiguous();
  const auto row = [n](const Tensor& t) { return reshape(t, {n}).contiguous(); };
  if (!scale.defined()) {
    const Tensor y = reshape(normalize_rows(matrix, no_scale(x.dtype()), {}, how), x.shape());
    return offset.defined() ? y + offset : y;
  }
  return reshape(normalize_rows(matrix, row(scale), offset.defined() ? row(offset) : Tensor(), how), x.shape());
}

/// The channels of a tensor: where they are, and how a vector of them lies along x.
struct Channels {
  int axis;
  Shape vector, along;
};
Channels channels_of(std::string_view op, const Tensor& x, int64_t axis) {
  const int at = normalize_axis(op, axis, x.ndim());
  Channels c{at, {x.shape()[at]}, Shape::filled(x.ndim(), 1)};
  c.along[at] = x.shape()[at];
  return c;
}

Tensor affine(Tensor y, const Tensor& scale, const Tensor& offset, const Channels& c) {
  if (scale.defined()) y = y * reshape(scale, c.along);
  return offset.defined() ? y + reshape(offset, c.along) : y;
}

}  // namespace

constexpr const Op* kOps[] = {&kNormalizeRows, &kNormalizeRowsGrad, &kNormalizeRowsScaleGrad};
const OpFamily kNormalizationOps{"normalization", kOps};

}  // namespace detail

Tensor layer_norm(const Tensor& x, const Tensor& scale, const Tensor& offset, const LayerNormOptions& options) {
  return detail::over_last_axes("layer_norm", x, scale, offset, options, true);
}

Tensor rms_norm(const Tensor& x, const Tensor& scale, const LayerNormOptions& options) {
  return detail::over_last_axes("rms_norm", x, scale, {}, options, false);
}

Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& scale_in, const Tensor& offset_in,
                  const ChannelNormOptions& options) {
  constexpr std::string_view op = "group_norm";
  Tensor x = input, scale = scale_in, offset = offset_in;
  const kernels::Normalization how = detail::checked(op, options.epsilon);
  const detail::Channels c = detail::channels_of(op, x, options.axis);
  if (c.axis == 0)
    fail<ShapeError>(op, "channels on the axis of the batch; got axis ", options.axis, " of shape ", x.shape(),
                     ", expected another axis");
  const int64_t channels = x.shape()[c.axis];
  if (groups < 1 || channels % groups != 0)
    fail<ShapeError>(op, "groups do not divide the channels; got ", groups, " for ", channels,
                     ", expected a divisor of at least 1");
  detail::check_shape(op, "scale", scale, c.vector);
  detail::check_shape(op, "offset", offset, c.vector);
  detail::meet(x, {&scale, &offset});
  const Tensor moved = swapaxes(x, c.axis, 1);
  int64_t n = channels / groups;
  for (int i = 2; i < moved.ndim(); ++i) n *= moved.shape()[i];
  const Tensor rows = reshape(moved, {moved.shape()[0] * groups, n}).contiguous();
  const Tensor xhat = detail::normalize_rows(rows, detail::no_scale(x.dtype()), {}, how);
  return detail::affine(swapaxes(reshape(xhat, moved.shape()), c.axis, 1), scale, offset, c);
}

BatchNormResult batch_norm(const Tensor& input, const Tensor& scale_in, const Tensor& offset_in,
                           const ChannelNormOptions& options) {
  constexpr std::string_view op = "batch_norm";
  Tensor x = input, scale = scale_in, offset = offset_in;
  detail::checked(op, options.epsilon);
  const detail::Channels c = detail::channels_of(op, x, options.axis);
  detail::check_shape(op, "scale", scale, c.vector);
  detail::check_shape(op, "offset", offset, c.vector);
  detail::meet(x, {&scale, &offset});
  // Composed: channels mostly come last, and rows of them would have to be copied there and back.
  Shape others;
  for (int i = 0; i < x.ndim(); ++i)
    if (i != c.axis) others.push_back(i);
  const Tensor middle = mean(x, Axes(others), true), distance = x - middle;
  const Tensor variance = reshape(mean(square(distance), Axes(others), true), c.vector);
  const Tensor inverse = rsqrt(variance + options.epsilon);
  return {detail::affine(distance, scale.defined() ? inverse * scale : inverse, offset, c), reshape(middle, c.vector), variance};
}

Tensor batch_norm_inference(const Tensor& input, const Tensor& mean_in, const Tensor& variance_in, const Tensor& scale_in,
                            const Tensor& offset_in, const ChannelNormOptions& options) {
  constexpr std::string_view op = "batch_norm_inference";
  Tensor x = input, mean = mean_in, variance = variance_in, scale = scale_in, offset = offset_in;
  const kernels::Normalization how = detail::checked(op, options.epsilon);
  const detail::Channels c = detail::channels_of(op, x, options.axis);
  for (const auto& [name, t] : {std::pair{"mean", &mean}, {"variance", &variance}, {"scale", &scale}, {"offset", &offset}})
    detail::check_shape(op, name, *t, c.vector);
  detail::meet(x, {&mean, &variance, &scale, &offset});
  const Tensor inverse = rsqrt(variance + how.epsilon);
  return detail::affine(x - reshape(mean, c.along), scale.defined() ? inverse * scale : inverse, offset, c);
}

}  // namespace gradus
