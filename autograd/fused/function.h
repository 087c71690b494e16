// A fused function: its expression, and the programs for its value and its gradients, each made when first asked for.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "autograd/fused.h"
#include "autograd/fused/program.h"

namespace gradus::detail {

/// Which results a program gives, in this order: the value, and (g times) the partial derivatives whose bits are set. g is one
/// more input, the last.
struct Wanted {
  bool value, times_g;
  uint64_t partials;
  bool operator==(const Wanted&) const = default;
};

class FusedFunction {
 public:
  FusedFunction(Expression expression, uint32_t output, size_t arity)
      : expression_(std::move(expression)), output_(output), arity_(arity), partials_(arity) {}

  size_t arity() const { return arity_; }
  const Program& program(const Wanted& wanted) const;
  /// (x..., g) -> g * df/dx_k.
  std::shared_ptr<const FusedFunction> partial(size_t k) const;

 private:
  const Expression expression_;
  const uint32_t output_;
  const size_t arity_;
  mutable std::mutex mutex_;  // of what follows
  mutable std::vector<std::pair<Wanted, std::unique_ptr<const Program>>> programs_;
  mutable std::vector<std::shared_ptr<const FusedFunction>> partials_;
};

}  // namespace gradus::detail
