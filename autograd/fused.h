// fused(lambda): a pointwise function of one's own, compiled into one SIMD pass forward and one backward.
//
//   auto swish = fused([](auto x, auto beta) { return x * sigmoid(beta * x); });
//   Tensor y = swish(x, beta);
//
// The lambda is generic: it is called with vectors of float32 or float64, with dual vectors for its first and second derivatives,
// which the compiler takes, and with tensors for those beyond, which are recorded operation by operation: derivatives of any
// order. It may use + - * /, comparisons with where(mask, a, b), C++ numbers, and abs sqrt cbrt rsqrt reciprocal square exp exp2
// expm1 log log2 log10 log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh hypot erf erfc lgamma digamma
// polygamma logaddexp xlogy pow fmod remainder trunc isnan isinf isfinite sigmoid log_sigmoid relu softplus silu gelu gaussian
// maximum minimum. It must not have side effects. What it captures is copied.
#pragma once

#include <functional>
#include <memory>

#include "autograd/kernels/dual-inl.h"
#include "autograd/ops.h"

namespace gradus {
namespace detail {

/// Elements per call of a kernel; a multiple of every vector length.
inline constexpr int64_t kFusedBlock = 512;
inline constexpr int kFusedOrders = 2;  // that are compiled; each costs every user compile time

/// A compiled function without its type. Arrays are contiguous and padded to whole vectors; n is a multiple of 16, at most
/// kFusedBlock.
class FusedFunction {
 public:
  explicit FusedFunction(size_t arity) : arity_(arity) {}
  virtual ~FusedFunction() = default;
  size_t arity() const { return arity_; }
  /// out[i] = f(in[0][i], ...)
  virtual void value(float* out, const float* const* in, int64_t n) const = 0;
  virtual void value(double* out, const double* const* in, int64_t n) const = 0;
  /// out[k][i] = g[i] * df/dx_k
  virtual void gradient(float* const* out, const float* g, const float* const* in, int64_t n) const = 0;
  virtual void gradient(double* const* out, const double* g, const double* const* in, int64_t n) const = 0;
  /// (x..., g) -> g * df/dx_k; null beyond the last compiled order.
  virtual std::shared_ptr<const FusedFunction> partial(size_t k) const = 0;
  /// f of tensors, by plain operations.
  virtual Tensor compose(std::span<const Tensor> xs) const = 0;

 private:
  size_t arity_;
};

/// What becomes of the results: all of them, their sum or their mean.
enum class Fold : uint8_t { none, sum, mean };
Tensor apply_fused(const std::shared_ptr<const FusedFunction>& f, std::span<const Operand> operands, Fold fold);

/// g * df/dx_k, by the tape.
Tensor composed_partial(const std::function<Tensor(std::span<const Tensor>)>& f, std::span<const Tensor> xs_and_g, size_t k);

namespace lanes = kernels::HWY_NAMESPACE;

/// f of N tensors, by plain operations.
template <size_t N, class F>
Tensor composed(const F& f, std::span<const Tensor> xs) {
  if constexpr (requires { f.template compose<N>(xs); }) {
    return f.template compose<N>(xs);
  } else {
    return [&]<size_t... I>(std::index_sequence<I...>) { return Tensor(f(xs[I]...)); }
    (std::make_index_sequence<N>());
  }
}

/// g * df/dx_k as a function of (x..., g).
template <class F>
struct PartialOf {
  F f;
  size_t k;

  template <class... V>
  auto operator()(const V&... xs_and_g) const {
    return call(std::make_index_sequence<sizeof...(V) - 1>(), std::get<sizeof...(V) - 1>(std::tie(xs_and_g...)), xs_and_g...);
  }
  template <size_t N>
  Tensor compose(std::span<const Tensor> xs_and_g) const {
    return composed_partial([this](std::span<const Tensor> xs) { return composed<N - 1>(f, xs); }, xs_and_g, k);
  }

 private:
  template <size_t... I, class G, class... V>
  auto call(std::index_sequence<I...>, const G& g, const V&... xs) const {
    using D = lanes::Dual<G, 1>;
    const auto all = std::tie(xs...);
    const auto seeded = [&](const G& x, size_t i) { return i == k ? D(x, 0) : D(x); };
    return g * D(f(seeded(std::get<I>(all), I)...)).partials[0];
  }
};

template <class F, size_t N, int kOrder>
class FusedInstance final : public FusedFunction {
 public:
  explicit FusedInstance(F f) : FusedFunction(N), f_(std::move(f)) {}

  void value(float* out, const float* const* in, int64_t n) const override { value_loop(Inputs(), out, in, n); }
  void value(double* out, const double* const* in, int64_t n) const override { value_loop(Inputs(), out, in, n); }
  void gradient(float* const* out, const float* g, const float* const* in, int64_t n) const override {
    gradient_loop(Inputs(), out, g, in, n);
  }
  void gradient(double* const* out, const double* g, const double* const* in, int64_t n) const override {
    gradient_loop(Inputs(), out, g, in, n);
  }
  std::shared_ptr<const FusedFunction> partial([[maybe_unused]] size_t k) const override {
    if constexpr (kOrder + 1 < kFusedOrders)
      return std::make_shared<FusedInstance<PartialOf<F>, N + 1, kOrder + 1>>(PartialOf<F>{f_, k});
    else return nullptr;
  }
  Tensor compose(std::span<const Tensor> xs) const override { return composed<N>(f_, xs); }

 private:
  using Inputs = std::make_index_sequence<N>;

  template <class T, size_t... I>
  void value_loop(std::index_sequence<I...>, T* out, const T* const* in, int64_t n) const {
    using V = lanes::Vec<T>;
    for (int64_t i = 0; i < n; i += V::kLanes) V(f_(V::load(in[I] + i)...)).store(out + i);
  }
  template <class T, size_t... I>
  void gradient_loop(std::index_sequence<I...>, T* const* out, const T* g, const T* const* in, int64_t n) const {
    using V = lanes::Vec<T>;
    using D = lanes::Dual<V, N>;
    for (int64_t i = 0; i < n; i += V::kLanes) {
      const V seed = V::load(g + i);
      const D y(f_(D(V::load(in[I] + i), I)...));
      ((seed * y.partials[I]).store(out[I] + i), ...);
    }
  }

  F f_;
};

}  // namespace detail

/// The callable: one to six tensors, variables or numbers, broadcast together, in their common dtype (integers become float32;
/// half types are computed in float32). The number of arguments is that of the lambda.
template <class F, detail::Fold fold = detail::Fold::none>
class Fused {
 public:
  explicit Fused(F f) : f_(std::move(f)) {}

  template <class... A>
  requires(sizeof...(A) >= 1 && sizeof...(A) <= 6 && (std::convertible_to<const A&, Operand> && ...)) Tensor operator()(
      const A&... args) const {
    // Made once per call: a lambda's captures are small, and the record must own what it needs.
    const std::shared_ptr<const detail::FusedFunction> f = std::make_shared<detail::FusedInstance<F, sizeof...(A), 0>>(f_);
    const Operand operands[] = {Operand(args)...};
    return detail::apply_fused(f, operands, fold);
  }

 private:
  F f_;
};

template <class F>
Fused<F> fused(F f) {
  return Fused<F>(std::move(f));
}
/// The sum of all results, 0-dim, in the same single pass: no tensor of results is ever made, forward or backward.
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
