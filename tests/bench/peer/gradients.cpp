#include "tests/bench/peer/workloads.h"

namespace gradus::bench::peer {
namespace {

// A rep that computes a scalar and the gradients of `leaves`; gradients start undefined in every rep.
Workload grad_of(std::string unit, std::vector<Tensor> leaves, std::function<Tensor()> f) {
  Workload w;
  w.peer = kPeer;
  w.unit = unit;
  w.rep = [=]() mutable {
    for (Tensor& l : leaves) l.mutable_grad().reset();
    Tensor y = f();
    y.backward();
    return double(y.item<float>());
  };
  w.grad_sum = [=]() {
    std::vector<Tensor> g;
    for (const Tensor& l : leaves) g.push_back(l.grad());
    return abs_sum(g);
  };
  return w;
}

Workload scalar_chain() {
  Tensor a = torch::tensor(0.999f).requires_grad_(true), b = torch::tensor(0.001f).requires_grad_(true);
  Tensor x0 = torch::tensor(0.5f);
  return grad_of("10000 x (x = x*a + b) recorded on 0-dim tensors, backward to a and b, graph freed", {a, b}, [=] {
    Tensor x = x0;
    for (int i = 0; i < 10000; ++i) x = x * a + b;
    return x;
  });
}
Workload scalar_chain_fwd_nograd() {
  Tensor a = torch::tensor(0.999f), b = torch::tensor(0.001f), x0 = torch::tensor(0.5f);
  Workload w;
  w.peer = kPeer;
  w.unit = "10000 x (x = x*a + b) on 0-dim tensors, nothing recorded";
  w.rep = [=] {
    torch::NoGradGuard ng;
    Tensor x = x0;
    for (int i = 0; i < 10000; ++i) x = x * a + b;
    return double(x.item<float>());
  };
  return w;
}

Workload elementwise(int64_t n) {
  Tensor x = param({n}, 1, 2.0);
  return grad_of("y = sum(tanh(x*0.7+0.3)*sigmoid(x)), " + std::to_string(n) + " elements, forward + backward", {x},
                 [=] { return (torch::tanh(x * 0.7 + 0.3) * torch::sigmoid(x)).sum(); });
}
Workload broadcast_reduce() {
  Tensor x = param({4096, 1024}, 1), gamma = param({1024}, 2), beta = param({1024}, 3), w = filled({4096, 1024}, 4);
  return grad_of("layer norm from primitives on [4096,1024], sum(out*w), forward + backward", {x, gamma, beta}, [=] {
    Tensor xc = x - x.mean(1, true);
    Tensor rstd = torch::rsqrt((xc * xc).mean(1, true) + 1e-5);
    return ((xc * rstd * gamma + beta) * w).sum();
  });
}
Workload softmax_xent() {
  Tensor logits = param({8192, 1000}, 1, 3.0), y = labels(8192, 1000);
  return grad_of("softmax cross entropy, logits [8192,1000], mean, forward + backward", {logits},
                 [=] { return torch::nn::functional::cross_entropy(logits, y); });
}
Workload lstm_unrolled(int64_t batch) {
  const int64_t T = 100, in = 64, hid = 128;
  Tensor xs = filled({T, batch, in}, 1), W = param({in + hid, 4 * hid}, 2, 0.05), b = param({4 * hid}, 3, 0.05);
  return grad_of(
      "LSTM cell unrolled 100 steps, in 64, hid 128, batch " + std::to_string(batch) + ", sum of last h, forward + backward",
      {W, b}, [=] {
        Tensor h = torch::zeros({batch, hid}), c = torch::zeros({batch, hid});
        for (int64_t t = 0; t < T; ++t) {
          Tensor z = torch::cat({xs[t], h}, 1).matmul(W) + b;
          auto g = z.chunk(4, 1);  // i, f, g, o
          c = torch::sigmoid(g[1]) * c + torch::sigmoid(g[0]) * torch::tanh(g[2]);
          h = torch::sigmoid(g[3]) * torch::tanh(c);
        }
        return h.sum();
      });
}
Workload matmul_grad() {
  Tensor A = param({1024, 1024}, 1), B = param({1024, 1024}, 2), W = filled({1024, 1024}, 3);
  return grad_of("C=A*B [1024]^3, loss=sum(C*W), forward + backward", {A, B}, [=] { return (A.mm(B) * W).sum(); });
}
Workload second_order() {
  Tensor x = param({64}, 1), v = filled({64}, 2), W1 = filled({64, 64}, 3, 0.05), W2 = filled({64, 64}, 4, 0.05);
  auto hv = std::make_shared<Tensor>();
  Workload w;
  w.peer = kPeer;
  w.unit = "f, gradient with create_graph, Hessian-vector product; x of 64, W 64x64";
  w.rep = [=] {
    Tensor f = torch::tanh(W2.mv(torch::tanh(W1.mv(x)))).sum();
    Tensor g = torch::autograd::grad({f}, {x}, {}, /*retain_graph=*/true, /*create_graph=*/true)[0];
    *hv = torch::autograd::grad({g.dot(v)}, {x})[0];
    return double(f.item<float>());
  };
  w.grad_sum = [=] { return abs_sum({*hv}); };
  return w;
}

}  // namespace

std::vector<NamedWorkload> gradient_workloads() {
  return {{"scalar_chain", scalar_chain},
          {"scalar_chain_fwd_nograd", scalar_chain_fwd_nograd},
          {"elementwise", [] { return elementwise(4000000); }},
          {"elementwise_small", [] { return elementwise(1000); }},
          {"broadcast_reduce", broadcast_reduce},
          {"softmax_xent", softmax_xent},
          {"lstm_unrolled", [] { return lstm_unrolled(16); }},
          {"lstm_unrolled_b1", [] { return lstm_unrolled(1); }},
          {"matmul_grad", matmul_grad},
          {"second_order", second_order}};
}

}  // namespace gradus::bench::peer
