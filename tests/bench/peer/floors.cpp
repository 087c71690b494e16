#include <cblas.h>

#include <cmath>
#include <memory>

#include "tests/bench/peer/workloads.h"

namespace gradus::bench::peer {
namespace {

// C[m,n] = op(A)*op(B), row major
void gemm(bool ta, bool tb, int m, int n, int k, const float* a, const float* b, float* c) {
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1.0f, a, ta ? m : k, b,
              tb ? k : n, 0.0f, c, n);
}
std::shared_ptr<std::vector<float>> buffer(int64_t n, double seed, double scale = 1.0) {
  return std::make_shared<std::vector<float>>(filled_values(n, seed, scale));
}
Workload blas_floor_matmul_grad() {
  const int n = 1024;
  auto A = buffer(n * n, 1), B = buffer(n * n, 2), W = buffer(n * n, 3), C = buffer(n * n, 0), dA = buffer(n * n, 0),
       dB = buffer(n * n, 0);
  Workload w;

  w.peer = "openblas";
  w.unit = "3 cblas_sgemm of [1024]^3 (A*B, W*B^T, A^T*W)";
  w.rep = [=] {
    gemm(false, false, n, n, n, A->data(), B->data(), C->data());
    gemm(false, true, n, n, n, W->data(), B->data(), dA->data());
    gemm(true, false, n, n, n, A->data(), W->data(), dB->data());
    return double((*dA)[1]);
  };
  w.grad_sum = [=] {
    double s = 0;
    for (float f : *dA) s += std::fabs(f);
    for (float f : *dB) s += std::fabs(f);
    return s;
  };
  return w;
}
Workload blas_floor_mnist_step() {
  const int N = 128, I = 784, H = 512, O = 10;
  auto X = buffer(N * I, 1), W1 = buffer(H * I, 10, 0.005), W2 = buffer(O * H, 11, 0.05), dL = buffer(N * O, 5, 0.01);
  auto h = buffer(N * H, 0), logits = buffer(N * O, 0), dW1 = buffer(H * I, 0), dW2 = buffer(O * H, 0), dh = buffer(N * H, 0);
  Workload w;

  w.peer = "openblas";
  w.unit = "the 5 GEMMs of mnist_step through cblas_sgemm";
  w.rep = [=] {
    gemm(false, true, N, H, I, X->data(), W1->data(), h->data());
    gemm(false, true, N, O, H, h->data(), W2->data(), logits->data());
    gemm(true, false, O, H, N, dL->data(), h->data(), dW2->data());
    gemm(false, false, N, H, O, dL->data(), W2->data(), dh->data());
    gemm(true, false, H, I, N, dh->data(), X->data(), dW1->data());
    return double((*dW1)[1]);
  };
  return w;
}

}  // namespace

std::vector<NamedWorkload> floor_workloads() {
  return {{"blas_floor_matmul_grad", blas_floor_matmul_grad}, {"blas_floor_mnist_step", blas_floor_mnist_step}};
}

}  // namespace gradus::bench::peer
