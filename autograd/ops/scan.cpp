// Running sums, products and maxima.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kScanOps{"scan", {}};

}  // namespace detail
}  // namespace gradus
