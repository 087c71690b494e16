// Writing and adding by index; segments; masks.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kScatterOps{"scatter", {}};

}  // namespace detail
}  // namespace gradus
