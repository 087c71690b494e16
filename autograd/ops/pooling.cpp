// Pooling windows.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kPoolingOps{"pooling", {}};

}  // namespace detail
}  // namespace gradus
