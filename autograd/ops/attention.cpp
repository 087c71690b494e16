// Attention and dropout.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kAttentionOps{"attention", {}};

}  // namespace detail
}  // namespace gradus
