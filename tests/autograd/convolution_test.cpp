// Convolution and pooling beyond their rows in the table of operations: against another library's numbers, against the same
// computed from slices and products, in sizes that take several blocks, on several threads, and in memory.
#include <functional>

#include "autograd/parallel.h"
#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::approx;
using test::max_abs_difference;

// Values k / 4 in [-1.25, 1.25], in an order without pattern.
Tensor filled(const Shape& shape, int64_t step, int64_t start) {
  std::vector<double> values;
  for (int64_t i = 0; i < numel("filled", shape); ++i) values.push_back(static_cast<double>((step * i + start) % 11 - 5) / 4);
  return Tensor(values, shape);
}

struct Results {
  Tensor y, dx, dw;
};
using Bilinear = std::function<Tensor(const Tensor&, const Tensor&)>;
Results results(const Bilinear& f, const Tensor& x, const Tensor& w) {
  GradientTape tape;
  tape.watch(x);
  tape.watch(w);
  const Tensor y = f(x, w);
  const auto [dx, dw] = tape.gradient(sum(y * sin(y)), x, w);
  return {y, dx, dw};
}
// Relative to the largest element.
double difference(const Tensor& got, const Tensor& want) {
  return max_abs_difference(got, want) / std::max(1.0, max(abs(want)).item<double>());
}
double difference(const Results& got, const Results& want) {
  return std::max({difference(got.y, want.y), difference(got.dx, want.dx), difference(got.dw, want.dw)});
}

// [batch, height, width, channels] to [batch, channels, height, width], filters likewise.
Tensor first(const Tensor& image) { return permute(image, {0, 3, 1, 2}); }
Tensor filter_first(const Tensor& filter) { return permute(filter, {3, 2, 0, 1}); }

// A valid convolution as a sum of products, one for each element of the filter.
Tensor from_slices(const Tensor& x, const Tensor& w, int64_t stride) {
  const int64_t height = (x.shape(1) - w.shape(0)) / stride + 1, width = (x.shape(2) - w.shape(1)) / stride + 1;
  Tensor y;
  for (int64_t i = 0; i < w.shape(0); ++i)
    for (int64_t j = 0; j < w.shape(1); ++j) {
      const Tensor seen = x.slice(
          {Slice(), Slice(i, i + (height - 1) * stride + 1, stride), Slice(j, j + (width - 1) * stride + 1, stride), Slice()});
      const Tensor term = matmul(seen, w[i][j]);
      y = y.defined() ? y + term : term;
    }
  return y;
}

TEST_CASE("conv2d: PyTorch's values and gradients") {
  const Tensor x = filled({1, 2, 4, 5}, 3, 1), w = filled({4, 1, 3, 2}, 5, 2), g = filled({1, 4, 2, 5}, 7, 3);
  GradientTape tape;
  tape.watch(x);
  tape.watch(w);
  const Tensor y =
      conv2d(x, w, {.stride = {2, 1}, .padding = 1, .dilation = {1, 2}, .groups = 2, .layout = Layout::channels_first});
  CHECK(approx(y, {-0.0625, 1.125,   -0.375, 0.875,   -0.625,  0.125,  -0.75,   0.3125, 0.6875,  1.4375,
                   -0.4375, -0.3125, 0.0625, -0.25,   0.875,   0.3125, 0.3125,  0.75,   -1.5625, -1.0625,
                   -2.1875, 1.3125,  1.5,    -2.4375, -0.0625, 2.0,    -1.6875, 0.1875, 2.75,    0.125,
                   0.375,   -1.8125, 0.25,   0.25,    -0.4375, 0.0625, -0.0625, -0.875, -1.0,    0.3125}));
  const auto [dx, dw] = tape.gradient(sum(y * g), x, w);
  CHECK(approx(
      dx, {-1.75,   0.625,  1.5625,  -2.3125, -0.3125, -1.1875, -1.8125, 2.125,  -1.5,    -0.5,   1.0,     -2.25, 0.75,    1.6875,
           -0.4375, 1.25,   -2.4375, 0.875,   2.125,   -0.5625, 0.75,    1.0,    -1.0,    0.4375, -1.9375, 1.625, -1.3125, -1.875,
           0.3125,  2.3125, 0.625,   0.625,   -2.0625, 1.4375,  1.25,    0.5625, -1.5625, 0.875,  1.25,    -1.25}));
  CHECK(approx(dw, {1.5,    0.8125, -2.75,   1.9375, 2.75,   -3.8125, -1.5625, 1.4375, 0.0625, 0.4375,  1.875,  1.3125,
                    1.8125, 1.8125, -3.9375, 0.0625, 2.4375, -3.4375, -2.4375, 0.5625, 2.0,    -1.0625, -0.125, 2.0625}));
}

TEST_CASE("conv2d_transpose: PyTorch's values") {
  const Tensor z = conv2d_transpose(
      filled({1, 2, 2, 3}, 3, 1), filled({2, 1, 2, 3}, 5, 2),
      {.stride = {2, 1}, .padding = {0, 1}, .output_padding = {1, 0}, .groups = 2, .layout = Layout::channels_first});
  CHECK((z.shape() == Shape{1, 2, 5, 3}));
  CHECK(approx(z, {-0.3125, 0.5,    0.5,    1.1875, 0.4375, -0.625, 1.1875, -1.625, 0.75, -1.75,   0.9375, 0,    0, 0, 0,
                   -1.75,   0.4375, -1.125, 1.1875, -1.25,  0.5625, 1.1875, -1.25,  1.25, -0.3125, 1.0625, -1.5, 0, 0, 0}));
}

TEST_CASE("conv2d: several blocks agree with slices and products, in both layouts") {
  for (const int64_t channels : {1, 3, 9})
    for (const int64_t stride : {1, 2}) {
      INFO("channels ", channels, ", stride ", stride);
      const Tensor x = filled({5, 41, 38, channels}, 7, 1), w = filled({3, 4, channels, 6}, 5, 2);
      const Results want = results([=](const Tensor& a, const Tensor& b) { return from_slices(a, b, stride); }, x, w);
      CHECK(difference(results([=](const Tensor& a, const Tensor& b) { return conv2d(a, b, {.stride = stride}); }, x, w), want) <
            1e-13);
      const Bilinear channels_first = [=](const Tensor& a, const Tensor& b) {
        const ConvOptions options{.stride = stride, .layout = Layout::channels_first};
        return permute(conv2d(first(a).contiguous(), filter_first(b).contiguous(), options), {0, 2, 3, 1});
      };
      CHECK(difference(results(channels_first, x, w), want) < 1e-13);
    }
}

TEST_CASE("conv2d: the layouts agree with groups, padding and dilation") {
  struct Case {
    int64_t channels, filters, groups;
    Padding padding;
    PerAxis dilation;
  };
  for (const Case& c : {Case{12, 6, 3, 1, 1}, Case{8, 8, 2, Padding::same, {1, 2}}, Case{6, 12, 6, {{2, 0}, {0, 1}}, 1}}) {
    INFO("channels ", c.channels, ", groups ", c.groups);
    const ConvOptions last{.stride = {1, 2}, .padding = c.padding, .dilation = c.dilation, .groups = c.groups};
    ConvOptions before = last;
    before.layout = Layout::channels_first;
    const Tensor x = filled({2, 9, 8, c.channels}, 7, 1), w = filled({3, 3, c.channels / c.groups, c.filters}, 5, 2);
    const Results want = results([&](const Tensor& a, const Tensor& b) { return conv2d(a, b, last); }, x, w);
    const Bilinear channels_first = [&](const Tensor& a, const Tensor& b) {
      return permute(conv2d(first(a), filter_first(b), before), {0, 2, 3, 1});
    };
    CHECK(difference(results(channels_first, x, w), want) < 1e-13);

    const Tensor half = conv2d(first(x).astype(DType::bfloat16), filter_first(w).astype(DType::bfloat16), before);
    CHECK(half.dtype() == DType::bfloat16);
    CHECK(max_abs_difference(half, first(want.y)) < 0.1);
  }
}

TEST_CASE("conv2d_transpose is the adjoint of conv2d") {
  for (const Layout layout : {Layout::channels_last, Layout::channels_first}) {
    const bool last = layout == Layout::channels_last;
    const Tensor x = filled(last ? Shape{2, 9, 7, 4} : Shape{2, 4, 9, 7}, 3, 1);
    const Tensor w = filled(last ? Shape{3, 2, 2, 6} : Shape{6, 2, 3, 2}, 5, 2);
    const Tensor y = conv2d(x, w, {.stride = 2, .padding = {1, 0}, .groups = 2, .layout = layout});
    const Tensor g = filled(y.shape(), 7, 4);
    const Tensor back =
        conv2d_transpose(g, w, {.stride = 2, .padding = {1, 0}, .output_padding = {0, 1}, .groups = 2, .layout = layout});
    REQUIRE((back.shape() == x.shape()));
    CHECK(sum(y * g).item<double>() == doctest::Approx(sum(x * back).item<double>()).epsilon(1e-12));
  }
}

TEST_CASE("conv2d: the third derivative") {
  const Tensor x = filled({1, 4, 4, 1}, 3, 1), w = filled({2, 2, 1, 2}, 5, 2);
  const auto third = [&](const Bilinear& f) {
    GradientTape a, b, c;
    for (GradientTape* tape : {&a, &b, &c}) tape->watch(w);
    const Tensor y = f(x, w);
    const Tensor d1 = c.gradient(sum(y * y * y * y), w);
    const Tensor d2 = b.gradient(sum(d1 * d1), w);
    return a.gradient(sum(d2 * d2), w);
  };
  const Tensor want = third([](const Tensor& p, const Tensor& q) { return from_slices(p, q, 1); });
  const Tensor got = third([](const Tensor& p, const Tensor& q) { return conv2d(p, q); });
  CHECK(difference(got, want) < 1e-13);
}

TEST_CASE("convolution and pooling: the same bits for any number of threads") {
  const int before = num_threads();
  const Tensor x = filled({6, 40, 40, 8}, 7, 1).astype(DType::float32), w = filled({3, 3, 8, 8}, 5, 2).astype(DType::float32);
  const Tensor deep = filled({3, 3, 8, 2}, 5, 2).astype(DType::float32);
  const std::vector<Bilinear> functions{
      [](const Tensor& a, const Tensor& b) { return conv2d(a, b, {.padding = 1}); },
      [](const Tensor& a, const Tensor& b) {
        return conv2d(first(a), filter_first(b), {.stride = 2, .layout = Layout::channels_first});
      },
      [&](const Tensor& a, const Tensor& b) {
        return depthwise_conv2d(a, b.slice({Slice(), Slice(), Slice(), Slice(0, 2)}));
      },
      [](const Tensor& a, const Tensor& b) { return max_pool2d(a, {.window = 3, .stride = 1}) * sum(b); },
      [](const Tensor& a, const Tensor& b) { return avg_pool2d(a, {.window = 3, .stride = 1}) * sum(b); }};
  for (size_t i = 0; i < functions.size(); ++i) {
    INFO("function ", i);
    set_num_threads(1);
    const Results one = results(functions[i], x, w);
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      CHECK(difference(results(functions[i], x, w), one) == 0);
    }
  }
  set_num_threads(before);
}

TEST_CASE("conv2d: memory does not grow with the batch beyond arguments and results") {
  const Tensor x = zeros({32, 64, 64, 16}), w = zeros({3, 3, 16, 16});  // 8 MiB each; unfolded it would be 72
  const int64_t megabyte = 1 << 20;
  const int64_t before = memory::stats().live_bytes;
  memory::reset_peak();
  {
    GradientTape tape;
    tape.watch(x);
    tape.watch(w);
    const Tensor y = conv2d(x, w, {.padding = Padding::same});
    const auto [dx, dw] = tape.gradient(y, x, w);  // y, its gradient and dx
    CHECK((dx.shape() == x.shape()));
  }
  CHECK(memory::stats().peak_bytes - before < (3 * 8 + 8) * megabyte);
}

TEST_CASE("pooling: windows far larger than the image take no longer than the image") {
  const int64_t huge = int64_t{1} << 30;
  const Tensor x = filled({1, 5, 4, 2}, 3, 1);
  const Tensor most = max_pool2d(x, {.window = huge, .padding = Padding::same});
  CHECK(max_abs_difference(most, global_max_pool(x, Layout::channels_last, true)) == 0);
  const Tensor mean = avg_pool2d(x, {.window = huge, .stride = 1, .padding = Padding::same});
  CHECK((mean.shape() == x.shape()));
  CHECK(max_abs_difference(mean, x * 0 + global_avg_pool(x, Layout::channels_last, true)) < 1e-12);
  CHECK(max_abs_difference(max_pool2d(x, {.window = huge, .stride = huge / 2, .padding = huge / 2}),
                           global_max_pool(x, Layout::channels_last, true)) == 0);
}

TEST_CASE("convolution: an image and a filter of two dtypes meet as elsewhere") {
  const Tensor x = ones({1, 3, 3, 1}, DType::uint8), w = ones({2, 2, 1, 1}, DType::float16);
  CHECK(conv2d(x, w).dtype() == DType::float16);
  CHECK(conv2d(x, ones({2, 2, 1, 1}, DType::int32)).dtype() == DType::float32);
  CHECK(conv2d(x.astype(DType::float32), ones({2, 2, 1, 1}, DType::float64)).dtype() == DType::float64);
}

}  // namespace
}  // namespace gradus
