// fused(lambda): a pointwise function of one's own, run in one pass forward and one backward.
//
//   auto swish = fused([](auto x, auto beta) { return x * sigmoid(beta * x); });
//   Tensor y = swish(x, beta);
//
// The lambda is generic and is called once, at the first use, with numbers that write down what is done to them
// (autograd/fused_number.h). Derivatives of any order are derived from what they wrote. Both are run by the library's SIMD
// kernels, for the processor at hand, on blocks that stay in the first cache: no compiler flags matter, and values are those of
// the operations. It may use + - * /, comparisons with where(mask, a, b), C++ numbers, and abs sqrt cbrt rsqrt reciprocal square
// exp exp2 expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh hypot erf erfc lgamma
// digamma polygamma logaddexp xlogy pow fmod remainder sign floor ceil round trunc isnan isinf isfinite sigmoid log_sigmoid relu
// softplus silu gelu gaussian maximum minimum. It must not have side effects. What it captures is copied; that, and whatever else
// it reads, is read at that first call alone.
#pragma once

#include <array>
#include <concepts>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>

#include "autograd/fused_number.h"
#include "autograd/ops.h"

namespace gradus {
namespace detail {

class FusedFunction;  // what a lambda wrote down

inline constexpr size_t kMaxFusedArguments = 6;

/// A function of `arity` numbers; `lambda` is called with them.
std::shared_ptr<const FusedFunction> trace_fused(size_t arity, FusedNumber (*call)(const void* lambda, const FusedNumber* xs),
                                                 const void* lambda);

/// What becomes of the results: all of them, their sum or their mean.
enum class Fold : uint8_t { none, sum, mean };
Tensor apply_fused(const std::shared_ptr<const FusedFunction>& f, std::span<const Operand> operands, Fold fold);

template <size_t N, class F>
std::shared_ptr<const FusedFunction> trace_fused(const F& f) {
  const auto call = [](const void* lambda, const FusedNumber* xs) {
    return [&]<size_t... I>(std::index_sequence<I...>) { return FusedNumber((*static_cast<const F*>(lambda))(xs[I]...)); }
    (std::make_index_sequence<N>());
  };
  return trace_fused(N, call, &f);
}

}  // namespace detail

/// The callable: one to six tensors, variables or numbers, broadcast together, in their common dtype (integers become float32;
/// half types are computed in float32). The number of arguments is that of the lambda.
template <class F, detail::Fold fold = detail::Fold::none>
class Fused {
 public:
  explicit Fused(F f) : f_(std::move(f)) {}

  template <class... A>
  requires(sizeof...(A) >= 1 && sizeof...(A) <= detail::kMaxFusedArguments &&
           (std::convertible_to<const A&, Operand> && ...)) Tensor
  operator()(const A&... args) const {
    const Operand operands[] = {Operand(args)...};
    return detail::apply_fused(function<sizeof...(A)>(), operands, fold);
  }

 private:
  template <size_t N>
  const std::shared_ptr<const detail::FusedFunction>& function() const {
    if constexpr (std::is_empty_v<F>) {
      static const std::shared_ptr<const detail::FusedFunction> f = detail::trace_fused<N>(f_);  // without captures: one for all
      return f;
    } else {
      Traced& traced = (*traced_)[N - 1];
      std::call_once(traced.once, [&] { traced.function = detail::trace_fused<N>(f_); });
      return traced.function;
    }
  }

  struct Traced {
    std::once_flag once;
    std::shared_ptr<const detail::FusedFunction> function;
  };

  F f_;
  std::shared_ptr<std::array<Traced, detail::kMaxFusedArguments>> traced_ =
      std::is_empty_v<F> ? nullptr : std::make_shared<std::array<Traced, detail::kMaxFusedArguments>>();
};

template <class F>
Fused<F> fused(F f) {
  return Fused<F>(std::move(f));
}
/// The sum of all results, 0-dim: no tensor of results is ever made. Where a tape records, the same pass makes the gradients,
/// too, and the walk hands them out.
template <class F>
Fused<F, detail::Fold::sum> fused_sum(F f) {
  return Fused<F, detail::Fold::sum>(std::move(f));
}
/// Their mean; NaN of nothing.
template <class F>
Fused<F, detail::Fold::mean> fused_mean(F f) {
  return Fused<F, detail::Fold::mean>(std::move(f));
}

}  // namespace gradus
