#include "nn/pooling.h"

#include <array>

#include "autograd/ops.h"

namespace gradus::nn::detail {
namespace {

struct Kind {
  std::string_view type, global_type;
  Tensor (*over_windows)(const Tensor& x, const PoolOptions& options);
};
// By Pool and number of spatial axes.
constexpr std::array<std::array<Kind, 3>, 2> kKinds{{{{{"MaxPooling1D", "GlobalMaxPooling1D", max_pool1d},
                                                       {"MaxPooling2D", "GlobalMaxPooling2D", max_pool2d},
                                                       {"MaxPooling3D", "GlobalMaxPooling3D", max_pool3d}}},
                                                     {{{"AveragePooling1D", "GlobalAveragePooling1D", avg_pool1d},
                                                       {"AveragePooling2D", "GlobalAveragePooling2D", avg_pool2d},
                                                       {"AveragePooling3D", "GlobalAveragePooling3D", avg_pool3d}}}}};

const Kind& kind_of(Pool pool, int axes) { return kKinds[static_cast<size_t>(pool)][static_cast<size_t>(axes - 1)]; }

}  // namespace

PoolingLayer::PoolingLayer(Pool pool, int axes, const PerAxis& size, const Options& options)
    : pool_(pool),
      window_(kind_of(pool, axes).type, axes, size, options.strides, 1, options.padding, options.data_format),
      count_include_pad_(options.count_include_pad) {
  if (options.padding.causal())
    fail<ValueError>(type(), "padding causal has no meaning here; got causal, expected valid, same or numbers");
  for (const Shape& padding : {window_.padding.before(), window_.padding.after()})
    for (int i = 0; i < axes && padding.ndim() > 0; ++i)
      if (const int64_t positions = padding[padding.ndim() == 1 ? 0 : i]; positions > window_.size[i] / 2)
        fail<ValueError>(type(), "padding larger than half the window; got ", positions, " for ", window_.size[i],
                         ", expected at most half");
  if (!options.name.empty()) set_name(options.name);
}

Tensor PoolingLayer::call(const Tensor& x, bool) {
  window_.check_rank(x.shape(), name());
  return kind_of(pool_, window_.axes)
      .over_windows(x, {.window = PerAxis(window_.size),
                        .stride = PerAxis(window_.stride),
                        .padding = window_.padding,
                        .count_include_pad = count_include_pad_,
                        .layout = window_.layout});
}

Shape PoolingLayer::output_shape(const Shape& input) const {
  window_.check_rank(input, name());
  return window_.output(input, input[channel_axis(input.ndim(), window_.layout)]);
}

GlobalPoolingLayer::GlobalPoolingLayer(Pool pool, int axes, const Options& options)
    : pool_(pool),
      window_(kind_of(pool, axes).global_type, axes, 1, 1, 1, Padding::valid, options.data_format),
      keepdims_(options.keepdims) {
  if (!options.name.empty()) set_name(options.name);
}

Tensor GlobalPoolingLayer::call(const Tensor& x, bool) {
  window_.check_rank(x.shape(), name());
  return (pool_ == Pool::max ? global_max_pool : global_avg_pool)(x, window_.layout, keepdims_);
}

Shape GlobalPoolingLayer::output_shape(const Shape& input) const {
  window_.check_rank(input, name());
  const int at = channel_axis(input.ndim(), window_.layout);
  if (!keepdims_) return {input[0], input[at]};
  Shape out = Shape::filled(input.ndim(), 1);
  out[0] = input[0], out[at] = input[at];
  return out;
}

}  // namespace gradus::nn::detail
