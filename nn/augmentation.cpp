#include "nn/augmentation.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <vector>

#include "autograd/ops.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

/// f(sample, number) of each sample, joined again. Samples are views: only what f makes of them is copied.
template <class F>
Tensor each_sample(const Tensor& x, const F& f) {
  std::vector<Tensor> parts;
  for (int64_t n = 0; n < x.shape()[0]; ++n) parts.push_back(f(x[n], static_cast<size_t>(n)));
  return stack(parts);
}

/// Positions [begin, end) along one axis. A view.
Tensor part(const Tensor& x, int axis, int64_t begin, int64_t end) {
  std::vector<Index> index(static_cast<size_t>(x.ndim()), Slice());
  index[static_cast<size_t>(axis)] = Slice(begin, end);
  return x.slice(index);
}

struct Mode {
  std::string_view name;
  bool horizontal, vertical;
};
constexpr std::array<Mode, 3> kModes{
    {{"horizontal", true, false}, {"vertical", false, true}, {"horizontal_and_vertical", true, true}}};

/// What comes in over an edge: from the strip at this edge, the one at the other, or the edge itself.
struct KnownFill {
  std::string_view name;
  RandomTranslation::Fill fill;
};
constexpr std::array<KnownFill, 4> kFills{
    {{"reflect", [](const Tensor& near, const Tensor&, const Tensor&, int axis) { return flip(near, axis); }},
     {"nearest", [](const Tensor& near, const Tensor&, const Tensor& edge, int) { return broadcast_to(edge, near.shape()); }},
     {"wrap", [](const Tensor&, const Tensor& far, const Tensor&, int) { return far; }},
     {"constant", [](const Tensor& near, const Tensor&, const Tensor&, int) { return zeros_like(near); }}}};

/// x moved `shift` positions towards the end of an axis, or back.
Tensor shifted(const Tensor& x, int axis, int64_t shift, RandomTranslation::Fill fill) {
  if (shift == 0) return x;
  const int64_t n = x.shape()[axis], count = std::abs(shift);
  const Tensor first = part(x, axis, 0, count), last = part(x, axis, n - count, n);
  if (shift > 0) return concat({fill(first, last, part(x, axis, 0, 1), axis), part(x, axis, 0, n - count)}, axis);
  return concat({part(x, axis, count, n), fill(last, first, part(x, axis, n - 1, n), axis)}, axis);
}

}  // namespace

namespace detail {

Augmentation::Augmentation(std::string_view type, const AugmentationOptions& options)
    : RandomLayer(type, {options.seed, options.name}), layout_(options.data_format) {}

void Augmentation::check(const Shape& x) const { check_image_rank(type(), 2, x, layout_, name()); }

Shape Augmentation::output_shape(const Shape& input) const {
  check(input);
  return input;
}

}  // namespace detail

RandomFlip::RandomFlip(std::string_view mode, const Options& options) : Augmentation("RandomFlip", options) {
  const Mode& known = gradus::detail::find_by_name(type(), "mode", mode, kModes);
  horizontal_ = known.horizontal, vertical_ = known.vertical;
}

Tensor RandomFlip::call(const Tensor& x, bool training) {
  check(x.shape());
  if (!training || x.shape()[0] == 0) return x;
  const auto coins = [&] { return random::randint({x.shape()[0]}, 0, 2, DType::int64, generator()).to_vector<int64_t>(); };
  const std::vector<int64_t> sideways = coins(), upside_down = coins();
  return each_sample(x, [&](const Tensor& sample, size_t n) {
    const Tensor y = horizontal_ && sideways[n] ? flip(sample, width_axis() - 1) : sample;
    return vertical_ && upside_down[n] ? flip(y, height_axis() - 1) : y;
  });
}

RandomCrop::RandomCrop(int64_t height, int64_t width, const Options& options)
    : Augmentation("RandomCrop", options), height_(height), width_(width) {
  if (height <= 0 || width <= 0) fail<ValueError>(type(), "size out of range; got ", height, " x ", width, ", expected > 0");
}

Shape RandomCrop::output_shape(const Shape& input) const {
  Shape out = Augmentation::output_shape(input);
  for (const auto& [axis, size] : {std::pair{height_axis(), height_}, {width_axis(), width_}}) {
    if (input[axis] >= 0 && input[axis] < size)
      fail<ShapeError>(type(), "image smaller than the window; got ", input, ", expected at least ", height_, " x ", width_,
                       detail::in_layer(name()));
    out[axis] = size;
  }
  return out;
}

Tensor RandomCrop::call(const Tensor& x, bool training) {
  output_shape(x.shape());                                                                              // for its refusals
  const int64_t rows = x.shape()[height_axis()] - height_, columns = x.shape()[width_axis()] - width_;  // to spare
  const auto window = [&](const Tensor& y, int first_axis, int64_t top, int64_t left) {
    return part(part(y, first_axis, top, top + height_), first_axis + 1, left, left + width_);
  };
  if (!training || x.shape()[0] == 0) return window(x, height_axis(), rows / 2, columns / 2);
  const auto places = [&](int64_t spare) {
    return random::randint({x.shape()[0]}, 0, spare + 1, DType::int64, generator()).to_vector<int64_t>();
  };
  const std::vector<int64_t> tops = places(rows), lefts = places(columns);
  return each_sample(x, [&](const Tensor& sample, size_t n) { return window(sample, height_axis() - 1, tops[n], lefts[n]); });
}

RandomTranslation::RandomTranslation(double height_factor, double width_factor, const Options& options)
    : Augmentation("RandomTranslation", {options.seed, options.data_format, options.name}),
      height_factor_(height_factor),
      width_factor_(width_factor),
      fill_(gradus::detail::find_by_name(type(), "fill mode", options.fill_mode, kFills).fill) {
  detail::check_range(type(), "height factor", height_factor, 0, 1);
  detail::check_range(type(), "width factor", width_factor, 0, 1);
}

Tensor RandomTranslation::call(const Tensor& x, bool training) {
  check(x.shape());
  if (!training || x.shape()[0] == 0) return x;
  const auto shifts = [&](int axis, double factor) {
    const auto most = static_cast<int64_t>(factor * static_cast<double>(x.shape()[axis]) + 0.5);
    return random::randint({x.shape()[0]}, -most, most + 1, DType::int64, generator()).to_vector<int64_t>();
  };
  const std::vector<int64_t> down = shifts(height_axis(), height_factor_), right = shifts(width_axis(), width_factor_);
  return each_sample(x, [&](const Tensor& sample, size_t n) {
    return shifted(shifted(sample, height_axis() - 1, down[n], fill_), width_axis() - 1, right[n], fill_);
  });
}

}  // namespace gradus::nn
