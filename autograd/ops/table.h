// The table of all operations, family by family. Each family's file ends with its list.
#pragma once

#include <span>
#include <vector>

#include "autograd/tape/op.h"

namespace gradus::detail {

struct OpFamily {
  std::string_view name;
  std::span<const Op* const> ops;
};

extern const OpFamily kArithmeticOps, kMathOps, kTrigonometryOps, kSpecialOps, kActivationOps, kReduceOps, kMatmulOps, kViewOps,
    kJoinOps, kIndexOps, kSoftmaxOps, kGraphOps, kCustomOps;
extern const OpFamily kScanOps, kSortOps, kRearrangeOps, kScatterOps, kLinalgOps, kDeterminantOps, kDecompositionOps,
    kConvolutionOps, kPoolingOps, kNormalizationOps, kAttentionOps;

std::span<const OpFamily* const> op_families();

/// Every operation the tape can hold.
std::vector<const Op*> all_ops();

}  // namespace gradus::detail
