// Convolution and pooling layers: the common harness, then values against loops over windows whose padding is written down here.
#include "nn/convolution.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograd/autograd.h"
#include "nn/nn.h"
#include "tests/autograd/naive_windows.h"
#include "tests/nn/check_layer.h"

using namespace gradus;
using test::check_layer;

namespace {

Tensor random_tensor(const Shape& shape, uint64_t seed) {
  random::Generator generator(seed);
  return random::normal(shape, 0, 1, DType::float64, generator);
}
test::Array array_of(const Tensor& x) { return {x.shape(), x.to_vector<double>()}; }

void check_equal(const Tensor& got, const test::Array& expected) {
  REQUIRE((got.shape() == expected.shape));
  const std::vector<double> values = got.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i) CHECK(values[i] == doctest::Approx(expected.values[i]).epsilon(1e-12));
}

/// x [n, s..., in] with kernel [k..., in / groups, out] and bias; `w` says where windows lie.
test::Array naive_convolution(const test::Array& x, const test::Array& kernel, const test::Array& bias, int64_t groups,
                              const test::NaiveWindow& w) {
  const int axes = x.shape.ndim() - 2;
  const Shape in = test::spatial_of(x.shape, false), size(std::span(kernel.shape.begin(), static_cast<size_t>(axes)));
  const Shape out = test::fitting(in, size, w);
  const int64_t channels = kernel.shape[axes], filters = kernel.shape.back();
  test::Array y =
      test::build(test::image_at(x.shape[0], out, filters, false), [&](const Shape& at) { return bias({at.back()}); });
  for (int64_t n = 0; n < x.shape[0]; ++n)
    test::for_each_meeting(in, out, size, w, [&](const Shape& o, const Shape& k, const Shape& p) {
      for (int64_t f = 0; f < filters; ++f)
        for (int64_t c = 0; c < channels; ++c) {
          const int64_t from = f / (filters / groups) * channels + c;
          y.values[y.position(test::image_at(n, o, f, false))] +=
              x(test::image_at(n, p, from, false)) * kernel(test::filter_at(k, c, f, false));
        }
    });
  return y;
}

template <class Layer>
void check_convolution(Layer layer, const Shape& input, int64_t groups, const test::NaiveWindow& w) {
  const Tensor x = random_tensor(input, 3);
  layer.build(input);
  layer.bias().assign(random_tensor(layer.bias().shape(), 4));
  check_equal(layer(x), naive_convolution(array_of(x), array_of(layer.kernel()), array_of(layer.bias()), groups, w));
}

}  // namespace

TEST_CASE("convolution and pooling layers keep the promises of a layer") {
  check_layer(
      [](DType dtype) { return nn::Conv1D(3, 2, {.padding = "causal", .dilation_rate = 2, .dtype = dtype}); },
      {.input = {2, 5, 2}, .output = {2, 5, 3}, .parameters = 15, .refused = {{2, 5, 3}}, .never = {{2, 5}, {2, 5, 2, 1}}});
  check_layer([](DType dtype) { return nn::Conv2D(2, 3, {.activation = nn::tanh, .dtype = dtype}); },
              {.input = {2, 4, 5, 3},
               .output = {2, 2, 3, 2},
               .parameters = 56,
               .refused = {{2, 4, 5, 2}},
               .never = {{2, 2, 5, 3}, {4, 5, 3}, {}}});
  check_layer(
      [](DType dtype) {
        return nn::Conv2D(4, {2, 3},
                          {.strides = {2, 1},
                           .padding = "same",
                           .data_format = "channels_first",
                           .groups = 2,
                           .activation = "sigmoid",
                           .dtype = dtype});
      },
      {.input = {2, 4, 3, 4}, .output = {2, 4, 2, 4}, .parameters = 52, .refused = {{2, 6, 3, 4}}, .never = {{2, 3, 3, 4}}});
  check_layer([](DType dtype) { return nn::Conv3D(2, 2, {.use_bias = false, .dtype = dtype}); },
              {.input = {1, 2, 3, 2, 2}, .output = {1, 1, 2, 1, 2}, .parameters = 32, .never = {{1, 1, 3, 2, 2}}});

  check_layer([](DType dtype) { return nn::Conv1DTranspose(3, 3, {.strides = 2, .activation = "tanh", .dtype = dtype}); },
              {.input = {2, 3, 2}, .output = {2, 7, 3}, .parameters = 21, .refused = {{2, 3, 3}}, .never = {{2, 3}}});
  check_layer(
      [](DType dtype) {
        return nn::Conv2DTranspose(
            4, 3, {.strides = {2, 1}, .padding = "same", .data_format = "channels_first", .groups = 2, .dtype = dtype});
      },
      {.input = {2, 2, 3, 4}, .output = {2, 4, 6, 4}, .parameters = 40, .never = {{2, 3, 3, 4}}});

  check_layer([] { return nn::MaxPooling2D(2); },
              {.input = {2, 4, 5, 3}, .output = {2, 2, 2, 3}, .never = {{2, 4, 5}, {2, 1, 5, 3}}});
  check_layer([] { return nn::MaxPooling1D(3, {.strides = 2, .padding = "same"}); }, {.input = {2, 5, 2}, .output = {2, 3, 2}});
  check_layer(
      [] {
        return nn::AveragePooling2D({2, 1}, {.padding = "same", .data_format = "channels_first"});
      },
      {.input = {2, 3, 5, 4}, .output = {2, 3, 3, 4}});
  check_layer([] { return nn::AveragePooling3D(); }, {.input = {1, 2, 4, 2, 2}, .output = {1, 1, 2, 1, 2}});
  check_layer([] { return nn::GlobalMaxPooling2D(); }, {.input = {2, 3, 4, 5}, .output = {2, 5}, .never = {{2, 3, 5}}});
  check_layer([] { return nn::GlobalAveragePooling1D({.keepdims = true, .data_format = "channels_first"}); },
              {.input = {2, 3, 4}, .output = {2, 3, 1}, .never = {{2, 3, 4, 5}}});
  check_layer([] { return nn::GlobalMaxPooling3D({.keepdims = true}); }, {.input = {1, 2, 2, 2, 3}, .output = {1, 1, 1, 1, 3}});
}

TEST_CASE("a convolution layer is the sum over its windows, plus the bias") {
  check_convolution(nn::Conv1D(3, 3, {.strides = 2, .dtype = DType::float64}), {2, 8, 2}, 1, {.stride = {2}});
  check_convolution(nn::Conv2D(2, {2, 3}, {.strides = {1, 2}, .dilation_rate = {2, 1}, .dtype = DType::float64}), {2, 6, 7, 3}, 1,
                    {.stride = {1, 2}, .dilation = {2, 1}});
  check_convolution(nn::Conv2D(6, 3, {.padding = {{0, 2}, {1, 1}}, .groups = 3, .dtype = DType::float64}), {1, 4, 5, 6}, 3,
                    {.before = {0, 1}, .after = {2, 1}});
  check_convolution(nn::Conv3D(2, 2, {.padding = 1, .dtype = DType::float64}), {1, 2, 3, 2, 2}, 1, {.before = {1}, .after = {1}});
}

TEST_CASE("padding same is TensorFlow's: the odd position goes after, and depends on size and stride") {
  // Total max((ceil(n / stride) - 1) * stride + size - n, 0), worked out by hand.
  check_convolution(nn::Conv1D(2, 2, {.padding = "same", .dtype = DType::float64}), {1, 5, 1}, 1, {.before = {0}, .after = {1}});
  check_convolution(nn::Conv1D(2, 4, {.strides = 2, .padding = "same", .dtype = DType::float64}), {1, 5, 1}, 1,
                    {.stride = {2}, .before = {1}, .after = {2}});
  check_convolution(nn::Conv1D(2, 3, {.strides = 2, .padding = "same", .dtype = DType::float64}), {1, 6, 1}, 1,
                    {.stride = {2}, .before = {0}, .after = {1}});
  check_convolution(nn::Conv1D(2, 3, {.strides = 2, .padding = "same", .dtype = DType::float64}), {1, 7, 1}, 1,
                    {.stride = {2}, .before = {1}, .after = {1}});
  check_convolution(nn::Conv2D(2, {4, 1}, {.strides = {3, 2}, .padding = Padding::same, .dtype = DType::float64}), {1, 6, 4, 2},
                    1, {.stride = {3, 2}, .before = {0, 0}, .after = {1, 0}});
  check_convolution(nn::Conv1D(2, 3, {.padding = "causal", .dilation_rate = 2, .dtype = DType::float64}), {1, 6, 2}, 1,
                    {.dilation = {2}, .before = {4}, .after = {0}});
}

TEST_CASE("a transposed convolution spreads each position over a window") {
  // y[s i + k] += x[i] kernel[k], less the padding; worked out for one channel with a kernel of 1, 10, 100.
  const Tensor x = Tensor({1.0, 2.0, 3.0}).reshape({1, 3, 1});
  const auto spread = [&](nn::ConvolutionOptions options) {
    options.use_bias = false;
    options.dtype = DType::float64;
    nn::Conv1DTranspose layer(1, 3, options);
    layer.build(x.shape());
    layer.kernel().assign(Tensor({1.0, 10.0, 100.0}).reshape({3, 1, 1}));
    const Tensor y = layer(x);
    CHECK((y.shape() == layer.output_shape(x.shape())));
    return y.to_vector<double>();
  };
  CHECK(spread({}) == std::vector<double>{1, 12, 123, 230, 300});
  CHECK(spread({.strides = 2}) == std::vector<double>{1, 10, 102, 20, 203, 30, 300});
  CHECK(spread({.strides = 2, .output_padding = 1}) == std::vector<double>{1, 10, 102, 20, 203, 30, 300, 0});
  CHECK(spread({.strides = 2, .padding = "same"}) == std::vector<double>{1, 10, 102, 20, 203, 30});  // 0 before, 1 after
  CHECK(spread({.padding = "same"}) == std::vector<double>{12, 123, 230});
  CHECK(spread({.dilation_rate = 2}) == std::vector<double>{1, 2, 13, 20, 130, 200, 300});

  // A kernel for several channels: [size, filters, channels], as Keras'.
  nn::Conv2DTranspose layer(5, {2, 3});
  layer.build({-1, 4, 4, 7});
  CHECK((layer.kernel().shape() == Shape{2, 3, 5, 7}));
  CHECK((layer.output_shape({-1, 4, -1, 7}) == Shape{-1, 5, -1, 5}));
  CHECK_THROWS_WITH_AS(nn::Conv2D(4, 3, {.output_padding = 1}), doctest::Contains("not transposed; got [1, 1], expected 0"),
                       ValueError);
  CHECK_THROWS_AS(nn::Conv1DTranspose(4, 3, {.padding = "causal"}), ValueError);
  CHECK_THROWS_AS(nn::Conv1DTranspose(4, 3, {.padding = "same", .output_padding = 1})(zeros({1, 3, 1})), ValueError);
}

TEST_CASE("channels first: the same kernel, the same numbers in the other layout") {
  nn::Conv2D last(4, 3, {.padding = "same", .groups = 2, .dtype = DType::float64});
  nn::Conv2D first(4, 3, {.padding = "same", .data_format = "channels_first", .groups = 2, .dtype = DType::float64});
  const Tensor x = random_tensor({2, 5, 6, 4}, 8);
  last.build(x.shape());
  first.build({2, 4, 5, 6});
  REQUIRE((first.kernel().shape() == Shape{3, 3, 2, 4}));
  first.kernel().assign(last.kernel());
  last.bias().assign(random_tensor({4}, 9));
  first.bias().assign(last.bias());
  check_equal(permute(first(permute(x, {0, 3, 1, 2})), {0, 2, 3, 1}), array_of(last(x)));
}

TEST_CASE("convolution layers start as Keras' and name what is wrong") {
  random::seed(4);
  nn::Conv2D conv(64, 3, {.name = "stem"});
  CHECK_THROWS_AS(conv.kernel(), ValueError);
  CHECK_THROWS_AS(conv.bias(), ValueError);
  conv(zeros({1, 5, 5, 16}));
  CHECK(conv.filters() == 64);
  CHECK(conv.kernel().name() == "stem.kernel");
  CHECK(conv.kernel().dtype() == DType::float32);
  const double limit = std::sqrt(6.0 / (9 * 16 + 9 * 64));  // Glorot uniform, with the receptive field
  double largest = 0;
  for (const double w : conv.kernel().value().to_vector<double>()) largest = std::max(largest, std::abs(w));
  CHECK(largest <= limit);
  CHECK(largest > 0.99 * limit);
  for (const double b : conv.bias().value().to_vector<double>()) CHECK(b == 0);

  CHECK_THROWS_WITH_AS(conv(zeros({1, 5, 5, 3})), doctest::Contains("expected 16 channels; in layer stem"), ShapeError);
  CHECK_THROWS_WITH_AS(conv(zeros({5, 5, 16})), doctest::Contains("expected [samples, height, width, channels]"), ShapeError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(2, 3)(zeros({1, 2, 5, 1})), doctest::Contains("Conv2D: window larger than the padded image"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(nn::Conv1D(2, 3).build({1, 5, -1}), doctest::Contains("unknown number of channels"), ShapeError);
  CHECK_THROWS_WITH_AS(nn::Conv1D(4, 3, {.groups = 2})(zeros({1, 5, 3})), doctest::Contains("groups do not divide the channels"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(0, 3), doctest::Contains("Conv2D: number of filters out of range; got 0"), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, 0), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, {3, 3, 3}), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, 3, {.strides = 0}), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, 3, {.padding = -1}), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, 3, {.dilation_rate = {1, 2, 3}}), ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(4, 3, {.groups = 3}), doctest::Contains("3 groups for 4 filters"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(4, 3, {.padding = "full"}), doctest::Contains("expected one of valid, same, causal"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(4, 3, {.padding = "causal"}), doctest::Contains("expected valid, same or numbers"), ValueError);
  CHECK_THROWS_WITH_AS(nn::Conv2D(4, 3, {.data_format = "NCHW"}),
                       doctest::Contains("expected one of channels_last, channels_first"), ValueError);
  CHECK_THROWS_AS(nn::Conv2D(4, 3, {.dtype = DType::int32}), DTypeError);
  CHECK_THROWS_AS(nn::Conv2D(4, 3, {.name = "a.b"}), ValueError);
  CHECK_NOTHROW(nn::Conv2D(4, 3, {.padding = 0}));
  CHECK_NOTHROW(nn::Conv2D(4, 3, {.padding = std::string("same")}));
}

TEST_CASE("a convolution shows its regularizers, leaves its softmax to the loss and takes bytes") {
  nn::Conv1D conv(
      3, 1, {.activation = "softmax", .kernel_initializer = "ones", .kernel_regularizer = nn::l2(0.5), .bias_regularizer = "l1"});
  const Tensor y = conv(Tensor(std::vector<uint8_t>{1, 2, 250, 3}, {1, 2, 2}));
  CHECK(y.dtype() == DType::float32);
  CHECK(conv.output_activation()->name() == "softmax");
  CHECK(conv.logits(Tensor(std::vector<uint8_t>{1, 2, 250, 3}, {1, 2, 2}), false).to_vector<double>() ==
        std::vector<double>{3, 3, 3, 253, 253, 253});
  CHECK(conv.penalties().size() == 2);
  CHECK(conv.penalty().item<double>() == doctest::Approx(0.5 * 6));
  CHECK(nn::Conv1D(3, 1).output_activation() == nullptr);
}

TEST_CASE("unknown sizes stay unknown where windows slide") {
  CHECK((nn::Conv2D(8, 3, {.strides = 2, .padding = "same"}).output_shape({-1, -1, 7, 3}) == Shape{-1, -1, 4, 8}));
  CHECK((nn::MaxPooling2D(2).output_shape({-1, 28, -1, -1}) == Shape{-1, 14, -1, -1}));
  CHECK((nn::GlobalAveragePooling2D().output_shape({-1, -1, -1, 16}) == Shape{-1, 16}));
}

TEST_CASE("pooling takes the largest or the mean under each window, without the padding") {
  const Tensor x = random_tensor({2, 5, 6, 3}, 12);
  const test::Array in = array_of(x);
  // "same" over 5 and 6 positions, windows of 2 x 3, strides 2 x 2: before 0 and 0, after 1 and 1.
  const test::NaiveWindow w{.stride = {2, 2}, .before = {0, 0}, .after = {1, 1}};
  const Shape out{3, 3};
  REQUIRE((test::fitting({5, 6}, {2, 3}, w) == out));
  test::Array largest = test::build({2, 3, 3, 3}, [](const Shape&) { return -std::numeric_limits<double>::infinity(); });
  test::Array total = test::build({2, 3, 3, 3}, [](const Shape&) { return 0.0; }), count = total;
  for (int64_t n = 0; n < 2; ++n)
    test::for_each_meeting({5, 6}, out, {2, 3}, w, [&](const Shape& o, const Shape&, const Shape& p) {
      for (int64_t c = 0; c < 3; ++c) {
        const size_t at = largest.position(test::image_at(n, o, c, false));
        const double value = in(test::image_at(n, p, c, false));
        largest.values[at] = std::max(largest.values[at], value);
        total.values[at] += value, count.values[at] += 1;
      }
    });
  test::Array mean = total, mean_with_zeros = total;
  for (size_t i = 0; i < mean.values.size(); ++i) mean.values[i] /= count.values[i], mean_with_zeros.values[i] /= 6;
  check_equal(nn::MaxPooling2D({2, 3}, {.strides = 2, .padding = "same"})(x), largest);
  check_equal(nn::AveragePooling2D({2, 3}, {.strides = 2, .padding = "same"})(x), mean);
  check_equal(nn::AveragePooling2D({2, 3}, {.strides = 2, .padding = "same", .count_include_pad = true})(x), mean_with_zeros);

  const Tensor one({{{1.0, -5.0}, {3.0, -7.0}, {2.0, -6.0}}});
  CHECK(nn::GlobalMaxPooling1D()(one).to_vector<double>() == std::vector<double>{3, -5});
  CHECK(nn::GlobalAveragePooling1D()(one).to_vector<double>() == std::vector<double>{2, -6});
  CHECK(nn::MaxPooling1D()(one.astype(DType::int32)).dtype() == DType::int32);
}

TEST_CASE("pooling names what is wrong") {
  CHECK_THROWS_WITH_AS(nn::MaxPooling2D(0), doctest::Contains("MaxPooling2D: window out of range"), ValueError);
  CHECK_THROWS_AS(nn::MaxPooling2D({2, 2, 2}), ValueError);
  CHECK_THROWS_AS(nn::MaxPooling2D(2, {.strides = -1}), ValueError);
  CHECK_THROWS_WITH_AS(nn::AveragePooling1D(2, {.padding = 2}), doctest::Contains("larger than half the window; got 2 for 2"),
                       ValueError);
  CHECK_THROWS_WITH_AS(nn::MaxPooling1D(2, {.padding = "causal"}), doctest::Contains("causal"), ValueError);
  CHECK_THROWS_WITH_AS(nn::GlobalMaxPooling2D({.name = "top"})(zeros({1, 3, 4})), doctest::Contains("in layer top"), ShapeError);
  CHECK_THROWS_AS(nn::GlobalMaxPooling2D()(zeros({1, 0, 4, 2})), ShapeError);
}

TEST_CASE("convolution and pooling stack in a model") {
  nn::Sequential model{nn::Conv2D(4, 3, {.padding = "same", .activation = nn::relu}),
                       nn::MaxPooling2D(2),
                       nn::Conv2D(8, 3, {.activation = nn::relu}),
                       nn::GlobalAveragePooling2D(),
                       nn::RMSNormalization(),
                       nn::Dense(3)};
  CHECK((model.output_shape({-1, 8, 8, 1}) == Shape{-1, 3}));
  CHECK((model(zeros({5, 8, 8, 1})).shape() == Shape{5, 3}));
  std::vector<std::string> names;
  for (const nn::NamedVariable& part : model.named_variables()) names.push_back(part.name);
  CHECK(names[0] == "conv2d.kernel");
  CHECK((nn::Sequential{nn::Conv2DTranspose(1, 2), nn::relu})[0].name() == "conv2d_transpose");
  CHECK(names[2] == "conv2d_1.kernel");
  CHECK(names[4] == "rms_normalization.gamma");
}
