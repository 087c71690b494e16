// Layer, batch, group and rms normalisation.
#include "autograd/ops/support.h"
#include "autograd/ops/table.h"

namespace gradus {
namespace detail {

const OpFamily kNormalizationOps{"normalization", {}};

}  // namespace detail
}  // namespace gradus
