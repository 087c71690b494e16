// Convolution of one, two and three dimensions.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kConvolutionOps{"convolution", {}};

}  // namespace detail
}  // namespace gradus
