// Linear algebra on LAPACK.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kLinalgOps{"linalg", {}};

}  // namespace detail
}  // namespace gradus
