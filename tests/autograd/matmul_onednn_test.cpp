// Products of half types through oneDNN agree with the plain path. Where oneDNN or the processor has none both are the plain
// path.
#include <random>

#include "autograd/kernels/matmul.h"
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
  /// A tensor of this shape: contiguous, its last two dimensions the other way round in memory, or the odd ones of twice as many.
  Tensor noise(Shape shape, DType dtype) {
    const int last = shape.ndim() - 1;
    const int64_t how = between(0, 2);
    if (how == 1) std::swap(shape[last], shape[last - 1]);
    if (how == 2) shape[last] *= 2;
    std::vector<float> values(static_cast<size_t>(numel("noise", shape)));
    for (float& v : values) v = std::uniform_real_distribution<float>(-1, 1)(random_);
    const Tensor x = Tensor(values, shape).astype(dtype);
    if (how == 1) return swapaxes(x, -1, -2);
    return how == 2 ? x["..., 1::2"] : x;
  }

 private:
  std::mt19937 random_;
};

/// The value, both gradients, and the gradients of their squares.
std::vector<Tensor> results(const Tensor& a, const Tensor& b, Use when) {
  const Using set(when);
  GradientTape outer;
  outer.watch(a), outer.watch(b);
  GradientTape tape;
  tape.watch(a), tape.watch(b);
  const Tensor y = matmul(a, b);
  const auto [da, db] = tape.gradient(sum(y * y), a, b);
  const auto [dda, ddb] = outer.gradient(sum(da * da) + sum(db * db), a, b);
  return {y, da, db, dda, ddb};
}

TEST_CASE("products of half types through oneDNN: values, gradients and second derivatives of the plain path") {
  for (const DType dtype : {DType::bfloat16, DType::float16})
    for (unsigned seed = 0; seed < 60; ++seed) {
      Draw draw(seed);
      const int64_t m = draw.between(0, 70), k = draw.between(0, 40), n = draw.between(0, 70), batch = draw.between(0, 4);
      const int64_t kind = draw.between(0, 3);
      const Shape left = kind == 0 ? Shape{m, k} : kind == 1 ? Shape{batch, m, k} : Shape{2, batch, m, k};
      const Shape right = kind <= 1 ? Shape{k, n} : kind == 2 ? Shape{batch, k, n} : Shape{2, 1, k, n};
      const Tensor a = draw.noise(left, dtype) / 8, b = draw.noise(right, dtype) / 8;
      INFO("bfloat16: ", (dtype == DType::bfloat16), ", seed ", seed);
      const std::vector<Tensor> want = results(a, b, Use::never), got = results(a, b, Use::always);
      for (size_t i = 0; i < want.size(); ++i) {
        INFO("result ", i);
        REQUIRE((got[i].shape() == want[i].shape()));
        CHECK(got[i].dtype() == dtype);
        if (want[i].size() == 0) continue;
        const Tensor exact = want[i].astype(DType::float32);
        CHECK(max_abs_difference(got[i].astype(DType::float32), exact) <= 0.02 * double{max(abs(exact)).item<float>()});
      }
    }
}

TEST_CASE("products of half types through oneDNN: sums are of float32, rounded once, and may be added to") {
  Draw draw(3);
  for (const Use when : {Use::never, Use::always}) {
    const Using set(when);
    // 1 + 4096 / 2^12 in bfloat16 stays 1 when every sum is rounded.
    const Tensor a = concat({ones({1, 1}), full({1, 4096}, 1.0 / 4096)}, 1).astype(DType::bfloat16);
    CHECK(matmul(a, ones({4097, 1}, DType::bfloat16)).astype(DType::float32).item<float>() == 2);
    const Tensor x = draw.noise({65, 33}, DType::bfloat16), y = draw.noise({33, 129}, DType::bfloat16);
    const Tensor out = ones({65, 129}, DType::bfloat16) * 3;
    kernels::matmul(*out.ref(), x.impl(), y.impl(), true);
    const Tensor want = matmul(x.astype(DType::float32), y.astype(DType::float32)) + 3;
    CHECK(max_abs_difference(out.astype(DType::float32), want) < 0.05);
  }
}

TEST_CASE("products of half types through oneDNN: the same bits for any number of threads") {
  const Using always(Use::always);
  const int before = num_threads();
  Draw draw(5);
  const Tensor a = draw.noise({515, 300}, DType::bfloat16), b = draw.noise({300, 400}, DType::bfloat16);
  set_num_threads(1);
  const Tensor one = matmul(a, b);
  set_num_threads(3);
  CHECK(max_abs_difference(matmul(a, b).astype(DType::float32), one.astype(DType::float32)) == 0);
  set_num_threads(before);
}

}  // namespace
}  // namespace gradus
