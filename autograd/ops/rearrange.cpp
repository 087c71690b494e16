// Pad, roll, tile, triangles, diagonals.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kRearrangeOps{"rearrange", {}};

}  // namespace detail
}  // namespace gradus
