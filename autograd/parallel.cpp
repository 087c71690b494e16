#include "autograd/parallel.h"

#include "autograd/base/error.h"
#include "autograd/base/parallel.h"
#include "autograd/kernels/matmul.h"

namespace gradus {

void set_num_threads(int n) {
  if (n < 1) fail<ValueError>("set_num_threads", "no threads to work with; got ", n, ", expected at least 1");
  detail::set_pool_size(n);
  kernels::set_blas_threads(n);
}

}  // namespace gradus
