// Matrix products too small for BLAS, whose entry alone costs more than they do.
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// A strided matrix, strides in elements.
template <class T>
struct MatrixView {
  const T* data;
  int64_t row, column;
};

/// out = a @ b, or out += a @ b; row i of out begins at out + i * out_row. Any sizes and strides, on the calling thread. An
/// element depends on its row of a and column of b alone: the same bits however its neighbours are laid out.
void matmul_small(float* out, int64_t out_row, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate);
void matmul_small(double* out, int64_t out_row, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate);

}  // namespace gradus::kernels
