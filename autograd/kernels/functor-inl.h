// What a pointwise functor is. It derives from its domain (which says what it accepts and how dear it is) and has `eval`, generic
// in its number type V.
#if defined(GRADUS_FUNCTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_FUNCTOR_INL_H_
#undef GRADUS_FUNCTOR_INL_H_
#else
#define GRADUS_FUNCTOR_INL_H_
#endif

#include "autograd/kernels/math-inl.h"
#include "autograd/kernels/pointwise.h"
#include "autograd/kernels/scalar.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

namespace scalar_functions = gradus::kernels::scalar;
using scalar_functions::abs, scalar_functions::ceil, scalar_functions::cos, scalar_functions::cosh, scalar_functions::erf;
using scalar_functions::exp, scalar_functions::exp_minus_square, scalar_functions::expm1;
using scalar_functions::floor, scalar_functions::log, scalar_functions::log1p, scalar_functions::normal_cdf,
    scalar_functions::pow, scalar_functions::rint;
using scalar_functions::isfinite, scalar_functions::isinf, scalar_functions::isnan;
using scalar_functions::select, scalar_functions::sin, scalar_functions::sinh, scalar_functions::sqrt, scalar_functions::tan;
using scalar_functions::tanh;

enum class Domain : uint8_t { floats, numbers /* all dtypes */, comparison /* of all dtypes */, logic /* booleans */, choice };

/// What every functor states: its number of arguments, its domain, and the work per element relative to an addition.
template <int kArguments, Domain kWhere = Domain::floats, int kWork = 1>
struct Traits {
  static constexpr int arity = kArguments;
  static constexpr Domain domain = kWhere;
  static constexpr int cost = kWork;
};
template <int kArguments>
using Arithmetic = Traits<kArguments, Domain::numbers>;
using Cheap = Traits<1>;
using Costly = Traits<1, Domain::floats, 8>;

template <Fn>
struct Functor;

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_FUNCTOR_INL_H_
