// Pooling a vector of channels at a time agrees with the plain loops (float64 takes those): values, gradients, gradients of
// gradients, ties, NaN, in both layouts.
#include <limits>
#include <random>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::max_abs_difference;

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}
  int64_t between(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random_); }
  /// Small integers, so that windows have ties, in memory in order or the other way round.
  Tensor numbers(const Shape& shape) {
    Shape sizes, order;
    const bool turned = between(0, 1) == 1;
    for (int i = 0; i < shape.ndim(); ++i) {
      order.push_back(turned ? shape.ndim() - 1 - i : i);
      sizes.push_back(shape[static_cast<int>(order[i])]);
    }
    std::vector<float> values(static_cast<size_t>(numel("numbers", sizes)));
    for (float& v : values) v = static_cast<float>(between(-4, 4));
    return permute(Tensor(values, sizes), order);
  }

 private:
  std::mt19937 random_;
};

struct Case {
  int axes;
  Tensor x;
  PoolOptions options;

  explicit Case(Draw& draw) : axes(static_cast<int>(draw.between(1, 3))) {
    Shape window, stride, before, image{draw.between(0, 4)};
    const bool first = draw.between(0, 1) == 1;
    const int64_t channels = draw.between(1, 40);
    if (first) image.push_back(channels);
    for (int i = 0; i < axes; ++i) {
      window.push_back(draw.between(1, draw.between(0, 9) == 0 ? 17 : 3));
      stride.push_back(draw.between(0, 1) == 1 ? window[i] : draw.between(1, 4));
      before.push_back(draw.between(0, window[i] / 2));
      image.push_back(window[i] * draw.between(1, 4) + draw.between(0, 1) * draw.between(0, 2));
    }
    if (!first) image.push_back(channels);
    options = {
        .window = PerAxis(window), .stride = PerAxis(stride), .layout = first ? Layout::channels_first : Layout::channels_last};
    using Pair = Padding::Pair;
    if (draw.between(0, 1) == 1)
      options.padding = axes == 1   ? Padding{Pair{before[0], before[0]}}
                        : axes == 2 ? Padding{Pair{before[0], 0}, Pair{0, before[1]}}
                                    : Padding{Pair{before[0], 0}, Pair{0, before[1]}, Pair{before[2], before[2]}};
    x = draw.numbers(image);
  }
  Tensor mean(const Tensor& image) const {
    return axes == 1 ? avg_pool1d(image, options) : axes == 2 ? avg_pool2d(image, options) : avg_pool3d(image, options);
  }
  Tensor operator()(const Tensor& image) const {
    return axes == 1 ? max_pool1d(image, options) : axes == 2 ? max_pool2d(image, options) : max_pool3d(image, options);
  }
};

/// The value, the gradient, and the gradient of its squares: whole numbers all.
std::vector<Tensor> results(const Case& f, DType dtype) {
  const Tensor x = f.x.astype(dtype);
  GradientTape outer;
  outer.watch(x);
  GradientTape tape;
  tape.watch(x);
  const Tensor y = f(x);
  const Tensor dx = tape.gradient(sum(y * y * y), x);
  return {y, dx, outer.gradient(sum(dx * dx), x)};
}

TEST_CASE("max pooling: vectors of channels agree with plain loops to the last bit") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    const Case f(draw);
    INFO("seed ", seed, ", ", f.axes, " axes");
    const std::vector<Tensor> want = results(f, DType::float64), got = results(f, DType::float32);
    for (size_t i = 0; i < want.size(); ++i) {
      INFO("result ", i);
      REQUIRE((got[i].shape() == want[i].shape()));
      CHECK((want[i].size() == 0 || max_abs_difference(got[i], want[i]) == 0));
    }
    const Tensor unrecorded = f(f.x);
    CHECK((unrecorded.size() == 0 || max_abs_difference(unrecorded, got[0]) == 0));
  }
}

TEST_CASE("average pooling: vectors of channels agree with plain loops") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    Case f(draw);
    f.options.count_include_pad = draw.between(0, 1) == 1;
    INFO("seed ", seed, ", ", f.axes, " axes");
    const auto both = [&](DType dtype) {
      const Tensor x = f.x.astype(dtype);
      GradientTape outer;
      outer.watch(x);
      GradientTape tape;
      tape.watch(x);
      const Tensor y = f.mean(x), dx = tape.gradient(sum(y * y * y), x);
      return std::vector<Tensor>{y, dx, outer.gradient(sum(dx * dx), x)};
    };
    const std::vector<Tensor> want = both(DType::float64), got = both(DType::float32);
    for (size_t i = 0; i < want.size(); ++i) {
      INFO("result ", i);
      REQUIRE((got[i].shape() == want[i].shape()));
      CHECK((want[i].size() == 0 || max_abs_difference(got[i], want[i]) <= 1e-5 * (1 + max(abs(want[i])).item<double>())));
    }
  }
}

TEST_CASE("max pooling: the first NaN of a window wins, whatever is beside it") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const int64_t channels : {1, 19})
    for (const Layout layout : {Layout::channels_last, Layout::channels_first}) {
      const Tensor row = Tensor(std::vector<float>{nan, 1, inf, 2, nan, nan, -inf, -inf}, {1, 8, 1}) + zeros({1, 8, channels});
      const Tensor x = layout == Layout::channels_last ? row : swapaxes(row, 1, 2).contiguous();
      GradientTape tape;
      tape.watch(x);
      const Tensor y = max_pool1d(x, {.window = 4, .layout = layout});
      const Tensor dx = tape.gradient(sum(y), x);
      const Tensor want = Tensor(std::vector<float>{1, 0, 0, 0, 1, 0, 0, 0}, {1, 8, 1}) + zeros({1, 8, channels});
      CHECK(max_abs_difference(layout == Layout::channels_last ? dx : swapaxes(dx, 1, 2), want) == 0);
      CHECK(all(isnan(y)).item<bool>());
    }
}

}  // namespace
}  // namespace gradus
