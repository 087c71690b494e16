#include "autograd/ops/table.h"

namespace gradus::detail {

std::vector<const Op*> all_ops() {
  std::vector<const Op*> ops;
  for (const OpFamily* family :
       {&kArithmeticOps,    &kMathOps,      &kTrigonometryOps, &kSpecialOps, &kActivationOps,  &kReduceOps,
        &kMatmulOps,        &kViewOps,      &kJoinOps,         &kIndexOps,   &kSoftmaxOps,     &kScanOps,
        &kSortOps,          &kRearrangeOps, &kScatterOps,      &kLinalgOps,  &kConvolutionOps, &kPoolingOps,
        &kNormalizationOps, &kAttentionOps, &kGraphOps,        &kCustomOps})
    ops.insert(ops.end(), family->ops.begin(), family->ops.end());
  return ops;
}

}  // namespace gradus::detail
