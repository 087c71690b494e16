// Matrix products: our own where it is as fast (matmul_block.h, dot.h), BLAS otherwise. matmul.cpp is the only file that includes
// <cblas.h>.
#pragma once

#include "autograd/kernels/matmul_block.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// out = a @ b, or out += a @ b. a is [..., m, k], b [..., k, n], both of rank 2 or more; leading dimensions broadcast to out's.
/// All of one dtype; out is contiguous and overlaps neither operand; a and b may be transposed or otherwise strided (read in
/// place, or copied where BLAS is asked and cannot). Half types are summed in float32, integers exact modulo 2^bits. Any of m, k,
/// n, batch may be 0.
void matmul(detail::TensorImpl& out, const detail::TensorImpl& a, const detail::TensorImpl& b, bool accumulate = false);

/// out = a @ b, or out += a @ b, on raw memory: row i of out begins at out + i * out_row, and a and b lie without gaps along rows
/// or columns. m, n and k are at least 1.
void gemm(float* out, int64_t out_row, MatrixView<float> a, MatrixView<float> b, int64_t m, int64_t n, int64_t k,
          bool accumulate);
void gemm(double* out, int64_t out_row, MatrixView<double> a, MatrixView<double> b, int64_t m, int64_t n, int64_t k,
          bool accumulate);

/// Whether our threads may call gemm side by side: the OpenMP build of OpenBLAS runs on one thread inside a parallel region; one
/// with threads of its own must stay outside.
bool gemm_runs_side_by_side();

/// Threads of the BLAS library, kept equal to ours.
void set_blas_threads(int n);

}  // namespace gradus::kernels
