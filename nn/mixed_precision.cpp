#include "nn/mixed_precision.h"

#include <array>
#include <utility>

#include "optim/lookup.h"

namespace gradus::nn {

// A row of the table below; not in its namespace, for Precision must know it as a friend.
struct KnownPrecision {
  std::string_view name;
  DType compute_dtype;

  constexpr Precision precision() const { return {name, compute_dtype}; }
};

namespace {

constexpr std::array<KnownPrecision, 3> kKnown{
    {{"float32", DType::float32}, {"mixed_bfloat16", DType::bfloat16}, {"mixed_float16", DType::float16}}};

constinit thread_local Precision active;

}  // namespace

// Initialised at compile time: usable from constructors of other static objects.
constinit const Precision mixed_bfloat16 = kKnown[1].precision();
constinit const Precision mixed_float16 = kKnown[2].precision();

Precision::Precision(std::string_view name)
    : Precision(gradus::detail::find_by_name("Precision", "precision", name, kKnown).precision()) {}

optim::LossScale Precision::loss_scale() const {
  return compute_dtype_ == DType::float16 ? optim::LossScale() : optim::LossScale({.initial = 1, .growth_steps = 0});
}

PrecisionScope::PrecisionScope(const Precision& precision) : before_(std::exchange(active, precision)) {}
PrecisionScope::~PrecisionScope() { active = before_; }

const Precision& active_precision() { return active; }

DType compute_dtype(DType variable) { return variable == DType::float32 ? active.compute_dtype() : variable; }

Tensor detail::leave_mixed_precision(const Tensor& x) {
  return active.mixed() && x.dtype() == active.compute_dtype() ? x.astype(DType::float32) : x;
}

}  // namespace gradus::nn
