// What the op table cannot say of normalisation, attention and dropout: fused against composed, accuracy, what the tape keeps.
#include "autograd/normalization.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "autograd/autograd.h"
#include "autograd/tape/list.h"
#include "tests/support/tensors.h"

namespace gradus::test {
namespace {

using Function = std::function<Tensor(const std::vector<Tensor>&)>;

Tensor composed_layer_norm(const std::vector<Tensor>& in) {
  const Tensor centered = in[0] - mean(in[0], -1, true);
  return centered * rsqrt(mean(square(centered), -1, true) + 1e-5) * in[1] + in[2];
}
Tensor fused_layer_norm(const std::vector<Tensor>& in) { return layer_norm(in[0], in[1], in[2]); }

/// The value, and the gradients of sum(y * w).
std::vector<Tensor> with_gradients(const Function& f, const std::vector<Tensor>& in, const Tensor& w) {
  GradientTape tape;
  for (const Tensor& x : in) tape.watch(x);
  const Tensor y = f(in);
  std::vector<Tensor> out = tape.gradient(y * w, in);
  out.push_back(y);
  return out;
}

TEST_CASE("layer_norm agrees with its composition, in value and gradient") {
  for (const auto& [rows, n] : {std::pair<int64_t, int64_t>{1, 1}, {3, 7}, {33, 16}, {100, 64}, {65, 200}, {2, 5000}}) {
    INFO(rows, " x ", n);
    random::Generator generator(static_cast<uint64_t>(rows * n));
    const auto draw = [&](const Shape& shape) { return random::normal(shape, 0.5, 2, DType::float64, generator); };
    const std::vector<Tensor> in{draw({rows, n}), draw({n}), draw({n})};
    const Tensor w = draw({rows, n});
    const std::vector<Tensor> want = with_gradients(composed_layer_norm, in, w), got = with_gradients(fused_layer_norm, in, w);
    std::vector<Tensor> narrow;
    for (const Tensor& x : in) narrow.push_back(x.astype(DType::float32));
    const std::vector<Tensor> got32 = with_gradients(fused_layer_norm, narrow, w.astype(DType::float32));
    for (size_t k = 0; k < want.size(); ++k) {
      INFO("result ", k);
      const double scale = 1 + max(abs(want[k])).item<double>();
      CHECK(max_abs_difference(got[k], want[k]) < 1e-12 * scale);
      if (n > 1) CHECK(max_abs_difference(got32[k].astype(DType::float64), want[k]) < 2e-6 * scale);
    }
  }
}

TEST_CASE("layer_norm loses nothing to a mean that is large against the deviation") {
  const Tensor small = random::normal({4, 1000}, 0, 1, DType::float32);
  // Rounded to float32 first: what is lost there is lost before the operation.
  const Tensor x = small + 3e4, exact = x.astype(DType::float64);
  CHECK(max_abs_difference(layer_norm(x).astype(DType::float64), layer_norm(exact)) < 2e-6);
  CHECK(max_abs_difference(layer_norm(exact), composed_layer_norm({exact, Tensor(1.0), Tensor(0.0)})) < 1e-10);
}

TEST_CASE("normalisation has the same bits for any number of threads") {
  const Tensor x = random::normal({700, 300}), scale = random::normal({300}), offset = random::normal({300});
  const int before = num_threads();
  std::vector<std::vector<float>> first;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    std::vector<std::vector<float>> results;
    for (const Tensor& t : with_gradients(fused_layer_norm, {x, scale, offset}, x)) results.push_back(t.to_vector<float>());
    if (first.empty()) first = results;
    CHECK((results == first));
  }
  set_num_threads(before);
}

TEST_CASE("layer_norm is one record, which keeps no more than its inputs") {
  const Tensor x = random::normal({8, 16}), scale = ones({16}), offset = zeros({16});
  GradientTape tape;
  tape.watch(x);
  const detail::List& list = detail::this_list();
  const uint32_t before = list.size();
  const Tensor y = layer_norm(x, scale, offset);
  CHECK(list.size() == before + 1);
  CHECK(list[before].saved == 2);  // x and scale
}

TEST_CASE("batch_norm: its statistics, given back at inference, reproduce training") {
  const Tensor x = random::normal({20, 5, 3}, 2, 3, DType::float64);
  const Tensor scale({1.0, 2.0, -1.0}), offset({0.5, 0.0, 1.0});
  const BatchNormResult trained = batch_norm(x, scale, offset);
  CHECK((trained.mean.shape() == Shape{3}));
  CHECK(max_abs_difference(trained.variance, var(x, {0, 1})) < 1e-12);
  CHECK(max_abs_difference(trained.y, batch_norm_inference(x, trained.mean, trained.variance, scale, offset)) < 1e-12);
}

TEST_CASE("attention: a query that may attend to nothing gets zeros, and gradients that are numbers") {
  const Tensor q = random::normal({2, 3, 4}), k = random::normal({2, 5, 4}), v = random::normal({2, 5, 4});
  for (const Tensor& mask : {zeros({3, 5}, DType::boolean), full({3, 5}, -INFINITY)}) {
    GradientTape tape;
    const std::vector<Tensor> in{q, k, v};
    for (const Tensor& x : in) tape.watch(x);
    const Tensor y = scaled_dot_product_attention(q, k, v, {.mask = mask});
    CHECK(approx(y, std::vector<double>(24, 0), 0));
    for (const Tensor& g : tape.gradient(y, in)) CHECK(approx(g, std::vector<double>(static_cast<size_t>(g.size()), 0), 0));
  }
}

TEST_CASE("attention: dropout takes its own generator, and the same weights fall out again") {
  const Tensor q = random::normal({6, 4}), k = random::normal({5, 4}), v = random::normal({5, 4});
  random::Generator a(3), b(3);
  const Tensor plain = scaled_dot_product_attention(q, k, v);
  const Tensor first = scaled_dot_product_attention(q, k, v, {.dropout = 0.5, .generator = &a});
  CHECK(max_abs_difference(first, plain) > 0);
  CHECK(max_abs_difference(first, scaled_dot_product_attention(q, k, v, {.dropout = 0.5, .generator = &b})) == 0);
  CHECK(a.stream() == 1);
}

TEST_CASE("dropout: rate 0 is the tensor itself and draws nothing; a failing call leaves the generator alone") {
  random::Generator generator(1);
  const Tensor x = ones({4});
  CHECK(&dropout(x, 0, generator).impl() == &x.impl());
  CHECK_THROWS_AS(dropout(x, 2, generator), ValueError);
  CHECK_THROWS_AS(dropout(ones({2}, DType::int32), 0.5, generator), DTypeError);
  CHECK(generator.stream() == 0);
}

TEST_CASE("dropout keeps nothing but its key on the tape") {
  random::Generator generator(1);
  GradientTape tape;
  const Tensor x = ones({1000});
  tape.watch(x);
  const Tensor y = dropout(x, 0.25, generator);
  const detail::List& list = detail::this_list();
  CHECK(list[list.size() - 1].op->name == "dropout");
  CHECK(list[list.size() - 1].saved == 0);
  // What was drawn for the value is drawn again for the gradient.
  CHECK(tape.gradient(y, x).to_vector<float>() == y.to_vector<float>());
}

}  // namespace
}  // namespace gradus::test
