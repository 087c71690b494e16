// Our own matrix product, of blocks that stay in registers: for sizes at which the call of BLAS, or its packing of both operands,
// costs more than it gains (matmul.cpp says which).
#pragma once

#include <cstdint>

namespace gradus::kernels {

/// A strided matrix, strides in elements.
template <class T>
struct MatrixView {
  const T* data;
  int64_t row, column;
};

/// out = a @ b, or out += a @ b; row i of out begins at out + i * out_row, and out overlaps neither operand. m and n are at least
/// 1, k may be 0; any strides; on the calling thread. An element depends on its row of a and column of b alone: the same bits
/// however its neighbours are laid out.
void matmul_block(float* out, int64_t out_row, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate);
void matmul_block(double* out, int64_t out_row, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k,
                  bool accumulate);

}  // namespace gradus::kernels
