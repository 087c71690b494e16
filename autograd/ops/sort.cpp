// Sorting, searching, unique.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kSortOps{"sort", {}};

}  // namespace detail
}  // namespace gradus
