// Convolution through oneDNN agrees with the plain path: values, gradients and gradients of gradients. Where oneDNN is missing
// both are the plain path.
#include <functional>
#include <random>
#include <sstream>
#include <thread>

#include "autograd/parallel.h"
#include "tests/autograd/tape_support.h"
#include "tests/support/using_onednn.h"

namespace gradus {
namespace {

using kernels::onednn::Use;
using test::max_abs_difference;
using test::Using;

class Draw {
 public:
  explicit Draw(unsigned seed) : random_(seed) {}

  int64_t between(int64_t least, int64_t most) { return std::uniform_int_distribution<int64_t>(least, most)(random_); }
  bool coin() { return between(0, 1) == 1; }
  /// Noise of this shape, with its elements in order or the other way round in memory.
  Tensor noise(const Shape& shape) {
    Shape sizes, order;
    const bool turned = coin();
    for (int i = 0; i < shape.ndim(); ++i) {
      order.push_back(turned ? shape.ndim() - 1 - i : i);
      sizes.push_back(shape[static_cast<int>(order[i])]);
    }
    std::vector<float> values(static_cast<size_t>(numel("noise", sizes)));
    for (float& v : values) v = std::uniform_real_distribution<float>(-1, 1)(random_);
    return permute(Tensor(values, sizes), order);
  }

 private:
  std::mt19937 random_;
};

struct Case {
  int axes;
  Tensor x, w;
  ConvOptions options;

  explicit Case(Draw& draw) : axes(static_cast<int>(draw.between(1, 3))) {
    enum Kind { whole, grouped, depthwise, multiplied };
    const auto kind = static_cast<Kind>(draw.between(whole, multiplied));
    const int64_t groups = kind == whole ? 1 : kind == grouped ? draw.between(2, 4) : draw.between(1, 40);
    const int64_t in = kind >= depthwise ? 1 : draw.between(1, kind == grouped ? 17 : 40);
    const int64_t filters = kind == whole && draw.coin() ? 8 * draw.between(1, 5) : draw.between(1, kind == multiplied ? 3 : 20);
    const int64_t out = groups * (kind == depthwise ? 1 : filters);
    Shape space, size, stride, dilation, before, after;
    for (int i = 0; i < axes; ++i) {
      size.push_back(draw.between(1, 4));
      stride.push_back(draw.between(1, 3));
      dilation.push_back(draw.between(1, 2));
      const int64_t reach = (size[i] - 1) * dilation[i] + 1;
      before.push_back(draw.between(0, reach));
      after.push_back(draw.between(0, reach));
      space.push_back(draw.between(reach, reach + 8));
    }
    options = {.stride = PerAxis(stride), .dilation = PerAxis(dilation), .groups = groups};
    options.layout = draw.coin() ? Layout::channels_first : Layout::channels_last;
    using Pair = Padding::Pair;
    options.padding = draw.coin() ? Padding::same
                      : axes == 1 ? Padding{Pair{before[0], after[0]}}
                      : axes == 2 ? Padding{Pair{before[0], after[0]}, Pair{before[1], after[1]}}
                                  : Padding{Pair{before[0], after[0]}, Pair{before[1], after[1]}, Pair{before[2], after[2]}};
    Shape image{draw.between(0, 9)}, filter;
    const bool first = options.layout == Layout::channels_first;
    if (first) image.push_back(in * groups), filter = {out, in};
    for (int i = 0; i < axes; ++i) image.push_back(space[i]), filter.push_back(size[i]);
    if (!first) image.push_back(in * groups), filter.push_back(in), filter.push_back(out);
    x = draw.noise(image), w = draw.noise(filter);
  }

  Tensor operator()(const Tensor& image, const Tensor& filter) const {
    return axes == 1   ? conv1d(image, filter, options)
           : axes == 2 ? conv2d(image, filter, options)
                       : conv3d(image, filter, options);
  }
};

/// The value, both gradients, and the gradients of their squares.
std::vector<Tensor> results(const Case& f, DType dtype = DType::float32) {
  const Tensor x = f.x.astype(dtype), w = f.w.astype(dtype);
  GradientTape outer;
  outer.watch(x), outer.watch(w);
  GradientTape tape;
  tape.watch(x), tape.watch(w);
  const Tensor y = f(x, w);
  const auto [dx, dw] = tape.gradient(sum(y * sin(y)), x, w);
  const auto [ddx, ddw] = outer.gradient(sum(dx * dx) + sum(dw * dw), x, w);
  return {y, dx, dw, ddx, ddw};
}
// Relative to the largest element.
double difference(const Tensor& got, const Tensor& want) {
  REQUIRE((got.shape() == want.shape()));
  return want.size() == 0 ? 0
                          : max_abs_difference(got, want) / std::max(1.0, max(abs(want)).astype(DType::float64).item<double>());
}

TEST_CASE("convolution: oneDNN and the plain path have the values, gradients and second derivatives of float64") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    Draw draw(seed);
    const Case f(draw);
    INFO("seed ", seed, ", ", f.axes, " axes");
    const std::vector<Tensor> want = results(f, DType::float64);
    for (const Use when : {Use::never, Use::always}) {
      INFO("oneDNN: ", (when == Use::always));
      const Using set(when);
      const std::vector<Tensor> got = results(f);
      for (size_t i = 0; i < want.size(); ++i) {
        INFO("result ", i);
        CHECK(difference(got[i], want[i]) < (i == 0 ? 1e-5 : 1e-4));
      }
    }
  }
}

TEST_CASE("convolution: the same bits for any number of threads, also side by side") {
  Use when = Use::never;
  SUBCASE("through oneDNN") { when = Use::always; }
  SUBCASE("the plain way") {}
  const Using set(when);
  const int before = num_threads();
  const auto all = [] {
    Draw draw(7);
    std::vector<Tensor> out;
    for (int i = 0; i < 6; ++i) {
      const std::vector<Tensor> some = results(Case(draw));
      out.insert(out.end(), some.begin(), some.end());
    }
    const Tensor x = draw.noise({33, 24, 24, 8}), w = draw.noise({3, 3, 8, 16});  // several parts, of which the last is smaller
    const Tensor y = conv2d(x, w);
    GradientTape tape;
    tape.watch(x), tape.watch(w);
    const auto [dx, dw] = tape.gradient(sum(square(conv2d(x, w))), x, w);
    out.insert(out.end(), {y, dx, dw});
    return out;
  };
  set_num_threads(1);
  const std::vector<Tensor> one = all();
  const auto same = [&](const std::vector<Tensor>& other) {
    for (size_t i = 0; i < one.size(); ++i)
      if (difference(other[i], one[i]) != 0) return false;
    return true;
  };
  set_num_threads(3);
  CHECK(same(all()));
  std::array<std::vector<Tensor>, 2> side;
  {
    std::jthread a([&] { side[0] = all(); }), b([&] { side[1] = all(); });
  }
  CHECK(same(side[0]));
  CHECK(same(side[1]));
  set_num_threads(before);
}

}  // namespace
}  // namespace gradus
