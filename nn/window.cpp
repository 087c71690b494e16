#include "nn/window.h"

#include <array>

#include "autograd/ops/window.h"
#include "optim/lookup.h"

namespace gradus::nn {
namespace {

struct KnownPadding {
  std::string_view name;
  Padding padding;
};
constexpr std::array<KnownPadding, 3> kPaddings{{{"valid", Padding::valid}, {"same", Padding::same}, {"causal", Padding::valid}}};

struct KnownLayout {
  std::string_view name;
  Layout layout;
};
constexpr std::array<KnownLayout, 2> kLayouts{
    {{"channels_last", Layout::channels_last}, {"channels_first", Layout::channels_first}}};

}  // namespace

NamedPadding::NamedPadding(std::string_view name)
    : Padding(gradus::detail::find_by_name("padding", "padding", name, kPaddings).padding), causal_(name == "causal") {}

DataFormat::DataFormat(std::string_view name)
    : layout_(gradus::detail::find_by_name("data_format", "data format", name, kLayouts).layout) {}

namespace detail {

Window::Window(std::string_view layer, int axes, const PerAxis& size, const PerAxis& stride, const PerAxis& dilation,
               const NamedPadding& padding, Layout layout)
    : layer(layer),
      axes(axes),
      size(gradus::detail::per_axis(layer, "window", size, axes, 1)),
      stride(stride.values().ndim() == 0 ? this->size : gradus::detail::per_axis(layer, "stride", stride, axes, 1)),
      dilation(gradus::detail::per_axis(layer, "dilation", dilation, axes, 1)),
      padding(padding),
      layout(layout) {
  if (padding.mode() == Padding::Mode::given)
    for (const Shape& side : {padding.before(), padding.after()})
      gradus::detail::per_axis(layer, "padding", PerAxis(side), axes, 0);
  if (!padding.causal()) return;
  if (axes != 1) fail<ValueError>(layer, "padding causal has no meaning here; got causal, expected valid, same or numbers");
  if (this->size[0] - 1 > (int64_t{1} << 60) / this->dilation[0])
    fail<ValueError>(layer, "window out of range; got size ", this->size[0], " with dilation ", this->dilation[0],
                     ", expected a span of at most 2^60");
  this->padding = Padding{{(this->size[0] - 1) * this->dilation[0], 0}};
}

void check_image_rank(std::string_view layer, int axes, const Shape& image, Layout layout, const std::string& name) {
  if (image.ndim() == axes + 2) return;
  constexpr std::array<std::string_view, 4> kSpatial{"", "steps", "height, width", "depth, height, width"};
  const std::string_view spatial = kSpatial[static_cast<size_t>(axes)];
  const bool first = layout == Layout::channels_first;
  fail<ShapeError>(layer, "input of the wrong rank; got ", image, ", expected [samples, ", first ? "channels, " : "", spatial,
                   first ? "" : ", channels", "]", in_layer(name));
}

namespace {

/// An image with f(spatial sizes) positions; unknown sizes stay unknown.
template <class F>
Shape resized(const Window& window, const Shape& image, int64_t channels, const F& f) {
  constexpr int64_t kAny = int64_t{1} << 40;  // stands for an unknown size: every window fits
  const Shape known = gradus::detail::spatial(image, window.layout);
  Shape spatial = known;
  for (int i = 0; i < window.axes; ++i)
    if (known[i] < 0) spatial[i] = kAny;
  Shape out = f(spatial, {.size = window.size,
                          .stride = window.stride,
                          .dilation = window.dilation,
                          .padding = window.padding,
                          .layout = window.layout});
  for (int i = 0; i < window.axes; ++i)
    if (known[i] < 0) out[i] = -1;
  return gradus::detail::image_shape(image[0], out, channels, window.layout);
}

}  // namespace

Shape Window::output(const Shape& image, int64_t channels) const {
  return resized(*this, image, channels, [&](const Shape& spatial, const gradus::detail::WindowRequest& request) {
    return gradus::detail::outputs(gradus::detail::windows_over(layer, spatial, request), axes);
  });
}

Shape Window::transposed_output(const Shape& image, int64_t channels, const Shape& more) const {
  return resized(*this, image, channels, [&](const Shape& spatial, const gradus::detail::WindowRequest& request) {
    return gradus::detail::inputs(gradus::detail::windows_giving(layer, spatial, request, more), axes);
  });
}

std::string in_layer(const std::string& name) { return name.empty() ? std::string() : text("; in layer ", name); }

}  // namespace detail

}  // namespace gradus::nn
