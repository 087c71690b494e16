#include "nn/augmentation.h"

#include <algorithm>
#include <array>
#include <vector>

#include "autograd/ops.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

/// Along one axis, position i of sample n's result is position from(draws[n], i) of the sample; `size` positions.
template <class Draw, class From>
Tensor gathered(const Tensor& x, int axis, int64_t size, const std::vector<Draw>& draws, const From& from) {
  std::vector<int64_t> indices;
  indices.reserve(draws.size() * static_cast<size_t>(size));
  for (const Draw draw : draws)
    for (int64_t i = 0; i < size; ++i) indices.push_back(from(draw, i));
  Shape shape = Shape::filled(x.ndim(), 1);
  shape[0] = x.shape()[0], shape[axis] = size;
  return take_along_axis(x, Tensor(indices, shape), axis);
}

struct Mode {
  std::string_view name;
  bool horizontal, vertical;
};
constexpr std::array<Mode, 3> kModes{
    {{"horizontal", true, false}, {"vertical", false, true}, {"horizontal_and_vertical", true, true}}};

struct KnownFill {
  std::string_view name;
  RandomTranslation::Fill fill;
};
int64_t modulo(int64_t i, int64_t n) { return (i % n + n) % n; }
constexpr std::array<KnownFill, 3> kFills{
    {{"reflect", [](int64_t i, int64_t n) { return std::min(modulo(i, 2 * n), 2 * n - 1 - modulo(i, 2 * n)); }},
     {"nearest", [](int64_t i, int64_t n) { return std::clamp<int64_t>(i, 0, n - 1); }},
     {"wrap", modulo}}};

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
  if (!training) return x;
  const auto flipped = [&](const Tensor& y, int axis) {
    const int64_t n = y.shape()[axis];
    const auto coins = random::bernoulli({y.shape()[0]}, 0.5, DType::uint8, generator()).to_vector<uint8_t>();
    return gathered(y, axis, n, coins, [n](uint8_t flip, int64_t i) { return flip ? n - 1 - i : i; });
  };
  Tensor y = x;
  if (horizontal_) y = flipped(y, width_axis());
  if (vertical_) y = flipped(y, height_axis());
  return y;
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
  output_shape(x.shape());  // for its refusals
  const auto cropped = [&](const Tensor& y, int axis, int64_t size) {
    const int64_t samples = y.shape()[0], places = y.shape()[axis] - size + 1;
    const auto starts = training ? random::randint({samples}, 0, places, DType::int64, generator()).to_vector<int64_t>()
                                 : std::vector<int64_t>(static_cast<size_t>(samples), (places - 1) / 2);
    return gathered(y, axis, size, starts, [](int64_t start, int64_t i) { return start + i; });
  };
  return cropped(cropped(x, height_axis(), height_), width_axis(), width_);
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
  if (!training) return x;
  const auto shifted = [&](const Tensor& y, int axis, double factor) {
    const int64_t n = y.shape()[axis], most = static_cast<int64_t>(factor * static_cast<double>(n) + 0.5);
    if (most == 0) return y;
    const auto shifts = random::randint({y.shape()[0]}, -most, most + 1, DType::int64, generator()).to_vector<int64_t>();
    return gathered(y, axis, n, shifts, [n, this](int64_t shift, int64_t i) { return fill_(i - shift, n); });
  };
  return shifted(shifted(x, height_axis(), height_factor_), width_axis(), width_factor_);
}

}  // namespace gradus::nn
