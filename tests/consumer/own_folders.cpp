// data/data.h and nn/dense.h are the consumer's, gradus/... the library's, in either order of inclusion.
#include "data/data.h"

#include <gradus/autograd.h>
#include <gradus/data.h>
#include <gradus/nn.h>
#include <gradus/nn/dense.h>
#include <gradus/optim.h>

#include <iostream>

#include "nn/dense.h"

int main() {
  gradus::Variable w(3.0);
  gradus::GradientTape tape;
  gradus::Tensor loss = w * w;
  const double slope = tape.gradient(loss, w).item<double>();
  gradus::nn::Dense dense(4);
  const gradus::Tensor out = dense(gradus::ones({2, 3}));
  std::cout << slope << ' ' << out.shape(1) << ' ' << consumer::kOwnData << consumer::kOwnDense << '\n';
  return slope == 6 && out.shape(1) == 4 ? 0 : 1;
}
