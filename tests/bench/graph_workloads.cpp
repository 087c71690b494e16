#include "optim/adam.h"
#include "tests/bench/workloads.h"

namespace gradus::bench {
namespace {

// A rep computes a scalar and the gradients of `leaves`.
Workload gradient_of(std::string unit, std::vector<Variable> leaves, std::function<Tensor()> f) {
  auto gradients = std::make_shared<std::vector<Tensor>>();
  return {.unit = std::move(unit),
          .rep =
              [=] {
                GradientTape tape;
                const Tensor y = f();
                *gradients = tape.gradient(y, leaves);
                return static_cast<double>(y.item<float>());
              },
          .grad_sum = [=] { return abs_sum(*gradients); }};
}

Workload scalar_chain() {
  const Variable a(0.999f), b(0.001f);
  const Tensor x0(0.5f);
  return gradient_of("10000 x (x = x*a + b) recorded on 0-dim tensors, backward to a and b, graph freed", {a, b}, [=] {
    Tensor x = x0;
    for (int i = 0; i < 10000; ++i) x = x * a + b;
    return x;
  });
}

Workload scalar_chain_forward() {
  const Tensor a(0.999f), b(0.001f), x0(0.5f);
  return {.unit = "10000 x (x = x*a + b) on 0-dim tensors, nothing recorded", .rep = [=] {
            Tensor x = x0;
            for (int i = 0; i < 10000; ++i) x = x * a + b;
            return static_cast<double>(x.item<float>());
          }};
}

Workload elementwise(int64_t n, bool in_one_pass) {
  const Variable x(filled({n}, 1, 2));
  const std::string unit = "y = sum(tanh(x*0.7+0.3)*sigmoid(x)), " + std::to_string(n) + " elements, forward + backward";
  if (!in_one_pass) return gradient_of(unit, {x}, [=] { return sum(tanh(x * 0.7 + 0.3) * sigmoid(x)); });
  const auto f = fused_sum([](auto v) { return tanh(v * 0.7 + 0.3) * sigmoid(v); });
  return gradient_of(unit + ", fused", {x}, [=] { return f(x); });
}

Workload broadcast_reduce() {
  const Variable x(filled({4096, 1024}, 1)), gamma(filled({1024}, 2)), beta(filled({1024}, 3));
  const Tensor w = filled({4096, 1024}, 4);
  return gradient_of("layer norm from primitives on [4096,1024], sum(out*w), forward + backward", {x, gamma, beta}, [=] {
    const Tensor xc = x - mean(x, 1, true);
    const Tensor rstd = rsqrt(mean(xc * xc, 1, true) + 1e-5);
    return sum((xc * rstd * gamma + beta) * w);
  });
}

Workload layer_norm_op() {
  const Variable x(filled({4096, 1024}, 1)), gamma(filled({1024}, 2)), beta(filled({1024}, 3));
  const Tensor w = filled({4096, 1024}, 4);
  return gradient_of("layer norm as one operation on [4096,1024], sum(out*w), forward + backward", {x, gamma, beta},
                     [=] { return sum(layer_norm(x, gamma, beta) * w); });
}

Workload softmax_xent() {
  const Variable logits(filled({8192, 1000}, 1, 3));
  const Tensor y = labels(8192, 1000);
  return gradient_of("softmax cross entropy, logits [8192,1000], mean, forward + backward", {logits},
                     [=] { return mean(sparse_softmax_cross_entropy(y, logits)); });
}

Workload lstm_unrolled(int64_t batch) {
  constexpr int64_t kSteps = 100, kIn = 64, kHidden = 128;
  const Tensor xs = filled({kSteps, batch, kIn}, 1);
  const Variable w(filled({kIn + kHidden, 4 * kHidden}, 2, 0.05)), b(filled({4 * kHidden}, 3, 0.05));
  return gradient_of(
      "LSTM cell unrolled 100 steps, in 64, hid 128, batch " + std::to_string(batch) + ", sum of last h, forward + backward",
      {w, b}, [=] {
        Tensor h = zeros({batch, kHidden}), c = zeros({batch, kHidden});
        for (int64_t t = 0; t < kSteps; ++t) {
          const Tensor z = dense(concat({xs[t], h}, 1), w, b);
          const std::vector<Tensor> gates = split(z, 4, 1);  // i, f, g, o
          c = sigmoid(gates[1]) * c + sigmoid(gates[0]) * tanh(gates[2]);
          h = sigmoid(gates[3]) * tanh(c);
        }
        return sum(h);
      });
}

Workload matmul_grad() {
  const Variable a(filled({1024, 1024}, 1)), b(filled({1024, 1024}, 2));
  const Tensor w = filled({1024, 1024}, 3);
  return gradient_of("C=A*B [1024]^3, loss=sum(C*W), forward + backward", {a, b}, [=] { return sum(matmul(a, b) * w); });
}

Workload second_order() {
  const Variable x(filled({64}, 1));
  const Tensor v = filled({64}, 2), w1 = filled({64, 64}, 3, 0.05), w2 = filled({64, 64}, 4, 0.05);
  auto product = std::make_shared<Tensor>();
  return {.unit = "f, gradient with create_graph, Hessian-vector product; x of 64, W 64x64",
          .rep =
              [=] {
                GradientTape outer;
                Tensor f, g;
                {
                  GradientTape inner;
                  f = sum(tanh(matmul(w2, tanh(matmul(w1, x)))));
                  g = inner.gradient(f, x);
                }
                *product = outer.gradient(g, x, {.output_gradients = {v}});
                return static_cast<double>(f.item<float>());
              },
          .grad_sum = [=] { return abs_sum({*product}); }};
}

}  // namespace

std::vector<NamedWorkload> graph_workloads() {
  return {{"scalar_chain", scalar_chain},
          {"scalar_chain_fwd_nograd", scalar_chain_forward},
          {"elementwise", [] { return elementwise(4000000, false); }},
          {"elementwise_fused", [] { return elementwise(4000000, true); }},
          {"elementwise_small", [] { return elementwise(1000, false); }},
          {"broadcast_reduce", broadcast_reduce},
          {"layer_norm", layer_norm_op},
          {"softmax_xent", softmax_xent},
          {"lstm_unrolled", [] { return lstm_unrolled(16); }},
          {"lstm_unrolled_b1", [] { return lstm_unrolled(1); }},
          {"matmul_grad", matmul_grad},
          {"second_order", second_order}};
}

}  // namespace gradus::bench
