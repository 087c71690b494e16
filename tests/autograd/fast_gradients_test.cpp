// Gradients that take one pass (of relu, sigmoid, tanh, the sparse cross entropy, products added into an adjoint) against the
// same functions written without them, to third order, on random values in every layout a gradient arrives in.
#include <functional>

#include "tests/autograd/tape_support.h"

namespace gradus {
namespace {

using test::max_abs_difference;
using Function = std::function<Tensor(const Tensor&)>;

Tensor draw(const Shape& shape, double low, double high, DType dtype, uint64_t seed) {
  random::Generator generator(seed);
  return random::uniform(shape, low, high, dtype, generator);
}

// The gradient of sum(weight f), `order` times over. The outermost walk is not recorded, the others are.
Tensor derivative(const Function& f, const Tensor& x, int order) {
  if (order == 0) return f(x);
  GradientTape tape;
  tape.watch(x);
  const Tensor y = derivative(f, x, order - 1);
  return tape.gradient(sum(y * draw(y.shape(), 0.5, 1.5, y.dtype(), 3)), x, {.unconnected = Unconnected::Zero});
}

// Sums hand back a gradient that is one element repeated, transposes a strided one.
struct Pair {
  const char* name;
  Function fast, plain;
};

const Tensor kLabels = Tensor({2, 0, 16, 5});

std::vector<Pair> pairs() {
  const auto plain_sigmoid = [](const Tensor& x) { return 1 / (1 + exp(-x)); };
  const auto plain_tanh = [](const Tensor& x) { return 1 - 2 / (1 + exp(2 * x)); };
  const auto plain_relu = [](const Tensor& x) { return where(x <= 0, 0, x); };
  const auto plain_product = [](const Tensor& a, const Tensor& b) { return (square(a + b) - square(a - b)) * 0.25; };
  const auto plain_entropy = [](const Tensor& x) { return log(sum(exp(x), -1)) - sum(x * one_hot(kLabels, 17, x.dtype()), -1); };
  return {
      {"relu", [](const Tensor& x) { return relu(x) * x * x; }, [=](const Tensor& x) { return plain_relu(x) * x * x; }},
      {"sigmoid", sigmoid, plain_sigmoid},
      {"tanh", tanh, plain_tanh},
      {"tanh and sigmoid, sum", [](const Tensor& x) { return sum(tanh(x * 0.7 + 0.3) * sigmoid(x), 0); },
       [=](const Tensor& x) { return sum(plain_tanh(x * 0.7 + 0.3) * plain_sigmoid(x), 0); }},
      {"tanh of a transpose", [](const Tensor& x) { return transpose(tanh(transpose(x))); }, plain_tanh},
      {"product of one tensor", [](const Tensor& x) { return x * x * x * x; },
       [=](const Tensor& x) { return plain_product(square(x), square(x)); }},
      {"products that broadcast", [](const Tensor& x) { return x * sum(x, 0) * x + sum(x, 1, true) * x; },
       [=](const Tensor& x) { return plain_product(plain_product(x, sum(x, 0)), x) + plain_product(sum(x, 1, true), x); }},
      {"cross entropy", [](const Tensor& x) { return sparse_softmax_cross_entropy(kLabels, x); }, plain_entropy},
      {"cross entropy, mean", [](const Tensor& x) { return square(mean(sparse_softmax_cross_entropy(kLabels, x))); },
       [=](const Tensor& x) { return square(mean(plain_entropy(x))); }},
  };
}

TEST_CASE("fast gradients: the plain ones at every order") {
  for (const DType dtype : {DType::float64, DType::float32})
    for (const Pair& pair : pairs())
      for (int order = 1; order <= 3; ++order)
        for (uint64_t seed = 1; seed <= 4; ++seed) {
          const Tensor x = draw({4, 17}, -2, 2, dtype, seed);
          const Tensor got = derivative(pair.fast, x, order), want = derivative(pair.plain, x, order);
          CAPTURE(pair.name);
          CAPTURE(order);
          CAPTURE(seed);
          const double scale = std::max(1.0, max(abs(want)).item<double>());
          CHECK(max_abs_difference(got, want) <= (dtype == DType::float64 ? 1e-11 : 3e-4) * scale);
        }
}

TEST_CASE("cross entropy: logits of any size, rows of any length") {
  for (const int64_t classes : {1, 2, 3, 10, 16, 17, 100, 1000})
    for (const double size : {1.0, 1e4}) {
      const Tensor x = draw({5, classes}, -size, size, DType::float64, 7);
      const Tensor labels = Tensor(std::vector<int64_t>{0, classes - 1, classes / 2, 0, classes / 3});
      GradientTape tape;
      tape.watch(x);
      const Tensor loss = sparse_softmax_cross_entropy(labels, x);
      const Tensor g = tape.gradient(mean(loss), x), hot = one_hot(labels, classes, DType::float64);
      CAPTURE(classes);
      CHECK(max_abs_difference(loss, -sum(log_softmax(x) * hot, -1)) <= 1e-12 * size);
      CHECK(max_abs_difference(g, (softmax(x) - hot) / 5.0) <= 1e-15);
    }
}

}  // namespace
}  // namespace gradus
