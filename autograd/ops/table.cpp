#include "autograd/ops/table.h"

#include "autograd/op_table.h"

namespace gradus {
namespace detail {

std::span<const OpFamily* const> op_families() {
  static constexpr const OpFamily* kFamilies[] = {
      &kArithmeticOps,  &kMathOps,      &kTrigonometryOps,  &kSpecialOps,   &kActivationOps,  &kReduceOps,
      &kMatmulOps,      &kViewOps,      &kJoinOps,          &kIndexOps,     &kSoftmaxOps,     &kScanOps,
      &kSortOps,        &kRearrangeOps, &kScatterOps,       &kLinalgOps,    &kDeterminantOps, &kDecompositionOps,
      &kConvolutionOps, &kPoolingOps,   &kNormalizationOps, &kAttentionOps, &kGraphOps,       &kCustomOps};
  return kFamilies;
}

std::vector<const Op*> all_ops() {
  std::vector<const Op*> ops;
  for (const OpFamily* family : op_families()) ops.insert(ops.end(), family->ops.begin(), family->ops.end());
  return ops;
}

}  // namespace detail

std::vector<OpInfo> all_ops() {
  std::vector<OpInfo> out;
  for (const detail::OpFamily* family : detail::op_families())
    for (const detail::Op* op : family->ops) {
      OpInfo info{.name = op->name,
                  .family = family->name,
                  .inputs = op->variadic ? OpInfo::kAnyNumber : op->arity,
                  .differentiable = {},
                  .broadcasts = op->broadcasts,
                  .order = 0};
      for (uint32_t k = 0; k < op->rules.size(); ++k)
        if (op->rules[k].gradient) info.differentiable.push_back(static_cast<int>(k));
      if (!info.differentiable.empty()) info.order = OpInfo::kEveryOrder;
      out.push_back(std::move(info));
    }
  return out;
}

}  // namespace gradus
