#include "autograd/fused/function.h"

namespace gradus::detail {

std::shared_ptr<const FusedFunction> trace_fused(size_t arity, FusedNumber (*call)(const void* lambda, const FusedNumber* xs),
                                                 const void* lambda) {
  Expression e;
  const Tracing tracing(e);
  std::vector<FusedNumber> xs;
  for (size_t k = 0; k < arity; ++k) xs.emplace_back(ExpressionRef{&e, e.input(k)});
  const uint32_t output = call(lambda, xs.data()).ref.node;
  Expression only = e.only(output);
  const uint32_t last = only.size() - 1;
  return std::make_shared<FusedFunction>(std::move(only), last, arity);
}

const Program& FusedFunction::program(const Wanted& wanted) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [key, program] : programs_)
    if (key == wanted) return *program;
  Expression e = expression_;
  std::vector<uint32_t> outputs;
  if (wanted.value) outputs.push_back(output_);
  if (wanted.partials != 0) {
    const auto d = derivatives(e, output_, arity_);
    const Tracing tracing(e);
    const FusedNumber g = wanted.times_g ? FusedNumber(ExpressionRef{&e, e.input(arity_)}) : FusedNumber(1);
    for (size_t k = 0; k < arity_; ++k)
      if (wanted.partials >> k & 1) outputs.push_back((d[k] ? *d[k] * g : FusedNumber(0)).ref.node);
  }
  const auto& made = programs_.emplace_back(wanted, std::make_unique<Program>(e, outputs, arity_ + wanted.times_g));
  return *made.second;
}

std::shared_ptr<const FusedFunction> FusedFunction::partial(size_t k) const {
  const std::lock_guard lock(mutex_);
  if (!partials_[k]) {
    Expression e = expression_;
    const auto d = derivatives(e, output_, arity_);
    const Tracing tracing(e);
    const FusedNumber g(ExpressionRef{&e, e.input(arity_)});
    Expression only = e.only((d[k] ? *d[k] * g : FusedNumber(0)).ref.node);
    const uint32_t last = only.size() - 1;
    partials_[k] = std::make_shared<FusedFunction>(std::move(only), last, arity_ + 1);
  }
  return partials_[k];
}

}  // namespace gradus::detail
