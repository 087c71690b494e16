#include "nn/preprocessing.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "autograd/ops.h"
#include "nn/mixed_precision.h"
#include "nn/window.h"

namespace gradus::nn {

Rescaling::Rescaling(double scale, const Options& options) : scale_(scale), offset_(options.offset) {
  if (!std::isfinite(scale) || !std::isfinite(offset_))
    fail<ValueError>("Rescaling", "not finite; got scale ", scale, " and offset ", offset_, ", expected finite numbers");
  if (!options.name.empty()) set_name(options.name);
}

Tensor Rescaling::call(const Tensor& x, bool) {
  const Tensor y = (is_floating(x.dtype()) ? x : x.astype(compute_dtype(DType::float32))) * scale_;
  return offset_ == 0 ? y : y + offset_;
}

struct Normalization::State {
  Options options;
  std::optional<Variable> mean, variance;  // of the sizes along the axes
};

Normalization::Normalization(Options options) {
  constexpr std::string_view op = "Normalization";
  if (!is_floating(options.dtype))
    fail<DTypeError>(op, "dtype is not floating; got ", options.dtype, ", expected float32 or another");
  if (options.mean.defined() != options.variance.defined())
    fail<ValueError>(op, "one statistic alone; got ", options.mean.defined() ? "a mean" : "a variance",
                     ", expected mean and variance or none");
  if (options.variance.defined() && any(options.variance < 0).item<bool>())
    fail<ValueError>(op, "negative variance; got ", to_string(options.variance), ", expected values >= 0");
  if (!options.name.empty()) set_name(options.name);
  state_ = std::make_shared<State>(State{std::move(options), {}, {}});
}

/// The input's shape with 1 for every axis that the statistics are taken over.
Shape Normalization::check(const Shape& input) const {
  const State& s = *state_;
  Shape kept = Shape::filled(input.ndim(), 1);
  if (s.options.axis.all()) {
    if (input.ndim() > 0) return kept;
  } else {
    const uint32_t mask = s.options.axis.mask("Normalization", input.ndim());
    for (int i = 0; i < input.ndim(); ++i)
      if (mask >> i & 1) kept[i] = input[i];
    if (input.ndim() > 1 && !(mask & 1)) {
      if (!s.mean) return kept;
      int64_t at = 0;
      bool fits = true;
      for (int i = 0; i < input.ndim(); ++i)
        if (mask >> i & 1) fits = fits && s.mean->shape()[static_cast<int>(at++)] == input[i];
      if (fits) return kept;
      fail<ShapeError>("Normalization", "input with other features than the statistics; got ", input, ", expected ",
                       s.mean->shape(), " along the axes", detail::in_layer(name()));
    }
  }
  fail<ShapeError>("Normalization", "input without features behind the samples; got ", input,
                   ", expected [samples, ..., features]", detail::in_layer(name()));
}

namespace {

/// The sizes that are not known to be 1: what statistics of this kept shape have.
Shape sizes_along(const Axes& axis, const Shape& kept) {
  Shape sizes;
  if (axis.all()) return sizes;
  const uint32_t mask = axis.mask("Normalization", kept.ndim());
  for (int i = 0; i < kept.ndim(); ++i)
    if (mask >> i & 1) sizes.push_back(kept[i]);
  return sizes;
}

}  // namespace

void Normalization::build(const Shape& input) {
  State& s = *state_;
  const Shape kept = check(input);
  if (s.mean) return;
  const Shape sizes = sizes_along(s.options.axis, kept);
  if (std::ranges::any_of(sizes, [](int64_t size) { return size < 0; }))
    fail<ShapeError>("Normalization", "unknown size; got ", input, ", expected known ones along the axes",
                     detail::in_layer(name()));
  const auto start = [&](const Tensor& given, double otherwise) {
    return given.defined() ? broadcast_to(given.astype(s.options.dtype), sizes) : full(sizes, otherwise, s.options.dtype);
  };
  s.variance = make_buffer("variance", start(s.options.variance, 1));
  s.mean = make_buffer("mean", start(s.options.mean, 0));
}

void Normalization::adapt(const Tensor& samples) {
  constexpr int64_t kChunk = 4096;  // samples converted to float64 at once
  Statistics statistics;
  const int64_t count = samples.ndim() > 0 ? samples.shape()[0] : 0;
  for (int64_t begin = 0; begin < count; begin += kChunk)
    add(statistics, samples.slice({Slice(begin, std::min(count, begin + kChunk))}));
  finish(statistics);
}

// Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1982.
void Normalization::add(Statistics& statistics, const Tensor& batch) const {
  const Shape kept = check(batch.shape());
  if (batch.size() == 0) return;
  Shape over;
  for (int i = 0; i < batch.ndim(); ++i)
    if (i == 0 || kept[i] != batch.shape()[i]) over.push_back(i);
  const Tensor x = batch.astype(DType::float64), middle = gradus::mean(x, Axes(over), true);
  const Tensor squares = sum(square(x - middle), Axes(over), true);
  const double n = static_cast<double>(x.size()) / static_cast<double>(middle.size()), total = statistics.count + n;
  if (statistics.count == 0) {
    statistics = {n, middle, squares};
    return;
  }
  if (middle.shape() != statistics.mean.shape())
    fail<ShapeError>("Normalization", "batches of different features; got ", batch.shape(),
                     ", expected features as in the first");
  const Tensor step = middle - statistics.mean;
  statistics.mean = statistics.mean + step * (n / total);
  statistics.squares = statistics.squares + squares + square(step) * (statistics.count * n / total);
  statistics.count = total;
}

void Normalization::finish(const Statistics& statistics) {
  State& s = *state_;
  if (s.options.mean.defined())
    fail<ValueError>("Normalization", "adapt() beside given statistics; got both, expected one of them");
  if (statistics.count == 0) fail<ShapeError>("Normalization", "nothing to adapt to; got no samples, expected at least one");
  build(statistics.mean.shape());
  s.mean->assign(statistics.mean.reshape(s.mean->shape()).astype(s.options.dtype));
  s.variance->assign((statistics.squares / statistics.count).reshape(s.mean->shape()).astype(s.options.dtype));
}

Tensor Normalization::call(const Tensor& input, bool) {
  State& s = *state_;
  if (!s.mean) build(input.shape());
  const Shape kept = check(input.shape());
  constexpr double kLeast = 1e-7;  // of a deviation: constant features become 0
  const Tensor x = input.astype(s.options.dtype), mean = s.mean->value().reshape(kept);
  const Tensor deviation = maximum(sqrt(s.variance->value().reshape(kept)), kLeast);
  return (s.options.invert ? x * deviation + mean : (x - mean) / deviation).astype(compute_dtype(s.options.dtype));
}

Shape Normalization::output_shape(const Shape& input) const {
  check(input);
  return input;
}

void Normalization::visit(Visitor& v) {
  if (state_->mean) v.buffer("mean", *state_->mean), v.buffer("variance", *state_->variance);
}

const Variable& Normalization::mean() const {
  if (!state_->mean)
    fail<ValueError>("Normalization",
                     "no statistics yet; got a layer that is not built, expected one that was adapted or called");
  return *state_->mean;
}

const Variable& Normalization::variance() const { return mean(), *state_->variance; }

}  // namespace gradus::nn
