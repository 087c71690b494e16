#include "autograd/kernels/convolution_onednn.h"

#include "autograd/kernels/onednn.h"

#ifndef GRADUS_HAVE_ONEDNN
namespace gradus::kernels {
bool convolution_onednn(ConvolutionResult, const detail::TensorImpl&, const detail::TensorImpl&, const detail::TensorImpl&,
                        const Convolution&) {
  return false;
}
}  // namespace gradus::kernels
#else

#include <atomic>
#include <bit>

#include "autograd/kernels/copy.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;
using onednn::Layout;
using onednn::Primitive;
using Sizes = std::vector<int64_t>;

// Images are worked on in parts of about so many multiplications; gradients of a filter are summed from a few parts of so many
// elements in all.
constexpr double kPartProducts = 1 << 22;
constexpr int64_t kMostParts = 16, kPartialSums = 8, kPartialElements = 1 << 22;
// What the code generators were made for; beyond it they count in 32 bits.
constexpr int64_t kMostElements = (int64_t{1} << 31) - 1, kMostReach = 1 << 12;
// With fewer input channels than this, gradients of the image are faster as matrix products.
constexpr int64_t kLeastInputChannels = 8;

/// An image as [batch, spatial..., channels], which may be a view.
Ref<TensorImpl> channels_last(const TensorImpl& image, bool channels_first) {
  if (!channels_first) return TensorImpl::view(image, image.shape, image.strides, 0);
  Shape shape;
  Strides strides{};
  for (int i = 0; i < image.ndim(); ++i) {
    const int from = i == 0 ? 0 : i + 1 < image.ndim() ? i + 1 : 1;
    shape.push_back(image.shape[from]);
    strides[static_cast<size_t>(i)] = image.stride(from);
  }
  return TensorImpl::view(image, shape, strides, 0);
}
/// Contiguous memory for that image: its own, or a new one.
Ref<TensorImpl> memory_for(const Ref<TensorImpl>& image) {
  return image->contiguous ? image : TensorImpl::make("convolution", image->shape, image->dtype);
}
Ref<TensorImpl> contiguous(const Ref<TensorImpl>& image) {
  Ref<TensorImpl> memory = memory_for(image);
  if (memory.get() != image.get()) copy(*memory, *image);
  return memory;
}

/// [batch, channels, spatial...]
Sizes image_sizes(const TensorImpl& last, int64_t batch) {
  Sizes sizes{batch, last.shape.back()};
  for (int i = 1; i + 1 < last.ndim(); ++i) sizes.push_back(last.shape[i]);
  return sizes;
}

/// [groups if there are several, out / groups, in / groups, spatial...], where they lie.
struct FilterAxes {
  Sizes sizes, strides;

  FilterAxes(const TensorImpl& w, const Convolution& c) {
    const int rank = w.ndim(), out = c.filter_first ? 0 : rank - 1, in = c.filter_first ? 1 : rank - 2;
    const auto add = [&](int64_t size, int64_t stride) { sizes.push_back(size), strides.push_back(stride); };
    const int64_t each = w.shape[out] / c.groups;
    if (c.groups > 1) add(c.groups, w.stride(out) * each);
    add(each, w.stride(out));
    add(w.shape[in], w.stride(in));
    for (int i = 0; i + 2 < rank; ++i) add(w.shape[c.filter_first ? i + 2 : i], w.stride(c.filter_first ? i + 2 : i));
  }
};

/// False for windows that oneDNN does not take, or that nobody tried.
bool geometry_of(const Windows& windows, int axes, onednn::Geometry& g) {
  for (int i = 0; i < axes; ++i) {
    const WindowAxis& a = windows.axes[static_cast<size_t>(3 - axes + i)];
    if (std::max({a.size, a.stride, a.dilation, a.before}) > kMostReach) return false;
    const int64_t reach = (a.size - 1) * a.dilation + 1;
    const int64_t after = std::max<int64_t>(0, (a.out - 1) * a.stride + reach - a.in - a.before);
    if (a.before >= reach || after >= reach || (a.in + a.before + after - reach) / a.stride + 1 != a.out) return false;
    g.stride[i] = a.stride, g.dilation[i] = a.dilation - 1, g.before[i] = a.before, g.after[i] = after;
  }
  return true;
}

/// The images of a batch in parts, all but the last of the same size.
struct Parts {
  int64_t count, images, last;

  Parts(int64_t batch, double products, int64_t most) {
    const auto wanted = static_cast<uint64_t>(std::clamp(products / kPartProducts, 1.0, static_cast<double>(most)));
    images = ceil_div(batch, static_cast<int64_t>(std::bit_floor(wanted)));
    count = ceil_div(batch, images);
    last = batch - (count - 1) * images;
  }
};

/// Compiled for one part of a batch and for the last, which share a layout of the filter.
struct Plan {
  std::unique_ptr<const Primitive> part, last;  // last is null where it is like the others
  std::unique_ptr<const Primitive> move;        // the filter from or to where it lies; null: there already
  Layout x, y, w, x_last, y_last, given;
};

/// Neither a plain loop nor im2col and a GEMM, which is what there is anyway.
bool direct(std::string_view implementation) {
  return implementation.find("ref") == implementation.npos && implementation.find("gemm:") == implementation.npos;
}

std::shared_ptr<const Plan> make_plan(ConvolutionResult result, const TensorImpl& x, const FilterAxes& w, const TensorImpl& y,
                                      const onednn::Geometry& geometry, const Parts& parts) {
  constexpr DType f32 = DType::float32;
  const dnnl_prop_kind_t kind = result == ConvolutionResult::output  ? dnnl_forward_training
                                : result == ConvolutionResult::input ? dnnl_backward_data
                                                                     : dnnl_backward_weights;
  const auto compiled = [&](const Layout& image, const Layout& filter, const Layout& out) -> std::unique_ptr<const Primitive> {
    const Layout any = onednn::any(w.sizes, f32);
    dnnl_convolution_desc_t op, forward;
    if (!describe(op, kind, image, filter, out, geometry) || !describe(forward, dnnl_forward_training, image, any, out, geometry))
      return nullptr;
    return Primitive::make(&op, kind == dnnl_forward_training ? nullptr : &forward, direct);
  };
  auto plan = std::make_shared<Plan>();
  plan->x = onednn::channels_last(image_sizes(x, parts.images), f32);
  plan->y = onednn::channels_last(image_sizes(y, parts.images), f32);
  plan->x_last = onednn::channels_last(image_sizes(x, parts.last), f32);
  plan->y_last = onednn::channels_last(image_sizes(y, parts.last), f32);
  plan->given = onednn::with_strides(w.sizes, w.strides, f32);
  plan->part = compiled(plan->x, onednn::any(w.sizes, f32), plan->y);
  if (!plan->part) return nullptr;
  const bool writes = result == ConvolutionResult::filter;
  plan->w = plan->part->layout(writes ? dnnl_query_diff_weights_md : dnnl_query_weights_md);
  if (parts.last != parts.images && !(plan->last = compiled(plan->x_last, plan->w, plan->y_last))) return nullptr;
  if (!onednn::same(plan->w, plan->given)) {
    plan->move = writes ? Primitive::reorder(plan->w, plan->given) : Primitive::reorder(plan->given, plan->w);
    if (!plan->move) return nullptr;
  }
  return plan;
}

std::shared_ptr<const Plan> plan_for(ConvolutionResult result, const TensorImpl& x, const FilterAxes& w, const TensorImpl& y,
                                     const onednn::Geometry& geometry, const Parts& parts) {
  static auto& plans = *new onednn::Cache<Plan>;  // outlives every thread
  Sizes key{static_cast<int64_t>(result), parts.images, parts.last, x.ndim()};
  const auto add = [&](const auto& numbers) { key.insert(key.end(), std::begin(numbers), std::end(numbers)); };
  add(std::span(x.shape.begin() + 1, x.shape.end()));
  add(std::span(y.shape.begin() + 1, y.shape.end()));
  add(w.sizes), add(w.strides);
  const auto axes = static_cast<size_t>(x.ndim() - 2);
  add(std::span(geometry.stride, axes)), add(std::span(geometry.dilation, axes));
  add(std::span(geometry.before, axes)), add(std::span(geometry.after, axes));
  return plans.find_or_make(key, [&] { return make_plan(result, x, w, y, geometry, parts); });
}

Ref<TensorImpl> bytes(size_t count) { return TensorImpl::make("convolution", {static_cast<int64_t>(count)}, DType::uint8); }

/// out = the sum of `parts` rows, element by element and in their order.
void add_up(float* out, const float* rows, int64_t parts, int64_t size) {
  parallel_for(size, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      float sum = rows[i];
      for (int64_t k = 1; k < parts; ++k) sum += rows[k * size + i];
      out[i] = sum;
    }
  });
}

}  // namespace

bool convolution_onednn(ConvolutionResult result, const TensorImpl& x, const TensorImpl& w, const TensorImpl& y,
                        const Convolution& c) {
  using enum ConvolutionResult;
  const int64_t batch = x.shape[0];
  if (x.dtype != DType::float32 || x.size == 0 || y.size == 0 || std::max({x.size, y.size, w.size}) > kMostElements) return false;
  const FilterAxes axes(w, c);
  const int64_t in = axes.sizes[c.groups > 1 ? 2 : 1];  // of a group
  const double products = static_cast<double>(y.size) * static_cast<double>(in * c.windows.size());
  if (result == input && c.groups == 1 && in < kLeastInputChannels) return false;
  onednn::Geometry geometry;
  if (!onednn::wanted(products) || !geometry_of(c.windows, x.ndim() - 2, geometry)) return false;

  const Ref<TensorImpl> image = channels_last(x, c.windows.channels_first), out = channels_last(y, c.windows.channels_first);
  const Parts parts(batch, products,
                    result == filter ? std::clamp<int64_t>(kPartialElements / w.size, 1, kPartialSums) : kMostParts);
  const std::shared_ptr<const Plan> plan = plan_for(result, *image, axes, *out, geometry, parts);
  if (!plan) return false;

  const size_t filter_bytes = onednn::bytes(plan->w);
  const auto filter_size = static_cast<int64_t>(filter_bytes / sizeof(float));
  const Ref<TensorImpl> from = result == input ? memory_for(image) : contiguous(image),
                        to = result == output ? memory_for(out) : contiguous(out);
  // The filter as the primitives want it: one, or one for each part that is summed.
  Ref<TensorImpl> filters;
  const auto copies = static_cast<size_t>(result == filter ? parts.count : 1);
  if (plan->move || copies > 1) filters = bytes(filter_bytes * copies);
  float* weights = filters ? filters->as<float>() : w.as<float>();
  const auto moved = [&](void* source, const Layout& a, void* target, const Layout& b) {
    const onednn::Argument arguments[] = {{DNNL_ARG_FROM, a, source}, {DNNL_ARG_TO, b, target}};
    return plan->move->run(arguments);
  };
  if (result != filter && plan->move && !moved(w.data, plan->given, weights, plan->w)) return false;

  std::atomic<bool> done = true;
  parallel_for(parts.count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const bool last = i + 1 == parts.count && plan->last;
      void* x_data = from->as<float>() + i * parts.images * (from->size / batch);
      void* y_data = to->as<float>() + i * parts.images * (to->size / batch);
      const onednn::Argument arguments[] = {
          {result == input ? DNNL_ARG_DIFF_SRC : DNNL_ARG_SRC, last ? plan->x_last : plan->x, x_data},
          {result == filter ? DNNL_ARG_DIFF_WEIGHTS : DNNL_ARG_WEIGHTS, plan->w, weights + (copies > 1 ? i * filter_size : 0)},
          {result == output ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, last ? plan->y_last : plan->y, y_data}};
      if (!(last ? plan->last : plan->part)->run(arguments)) done = false;
    }
  });
  if (!done) return false;
  if (result == input && from.get() != image.get()) copy(*image, *from);
  if (result == output && to.get() != out.get()) copy(*out, *to);
  if (result == filter) {
    float* sum = plan->move ? weights : w.as<float>();
    if (copies > 1) add_up(sum, weights, parts.count, filter_size);
    if (plan->move && !moved(sum, plan->w, w.data, plan->given)) return false;
  }
  return true;
}

}  // namespace gradus::kernels
#endif
