// The pointwise functions, each written once for any number type V: Vec<T>, float, double, Wrapped<integer>, dual numbers.
//
// A functor derives from its domain (which says what it accepts and how dear it is) and has `eval`. V brings arithmetic,
// comparisons, V(constant), select(condition, a, b) and the functions of <cmath> by name. Branches are taken so that a dual
// number with the plain derivative rules comes out right at the joints too.
#if defined(GRADUS_FUNCTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_FUNCTORS_INL_H_
#undef GRADUS_FUNCTORS_INL_H_
#else
#define GRADUS_FUNCTORS_INL_H_
#endif

#include "autograd/kernels/math-inl.h"
#include "autograd/kernels/pointwise.h"
#include "autograd/kernels/scalar.h"
#include "autograd/kernels/trig-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

namespace scalar_functions = gradus::kernels::scalar;
using scalar_functions::abs, scalar_functions::ceil, scalar_functions::cos, scalar_functions::cosh, scalar_functions::erf;
using scalar_functions::exp, scalar_functions::exp_minus_square, scalar_functions::expm1;
using scalar_functions::floor, scalar_functions::log, scalar_functions::log1p, scalar_functions::normal_cdf,
    scalar_functions::pow, scalar_functions::rint;
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

// Arithmetic
// -----------------------------------------------------------------------------------------------------------------------

template <>
struct Functor<Fn::add> : Arithmetic<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return a + b;
  }
};
template <>
struct Functor<Fn::subtract> : Arithmetic<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return a - b;
  }
};
template <>
struct Functor<Fn::multiply> : Arithmetic<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return a * b;
  }
};
template <>
struct Functor<Fn::divide> : Traits<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return a / b;
  }
};
template <>
struct Functor<Fn::maximum> : Arithmetic<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return select(a != a, a, select(a > b, a, b));  // NaN wins
  }
};
template <>
struct Functor<Fn::minimum> : Arithmetic<2> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return select(a != a, a, select(a < b, a, b));
  }
};
template <>
struct Functor<Fn::pow> : Traits<2, Domain::numbers, 16> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return pow(a, b);
  }
};
template <>
struct Functor<Fn::negative> : Arithmetic<1> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return -x;
  }
};
template <>
struct Functor<Fn::abs> : Arithmetic<1> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return abs(x);
  }
};
template <>
struct Functor<Fn::sign> : Arithmetic<1> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const V zero(0), one(1);
    return select(x > zero, one, select(x < zero, zero - one, x + zero));  // NaN stays
  }
};
template <>
struct Functor<Fn::square> : Arithmetic<1> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return x * x;
  }
};

// Elementary functions
// -------------------------------------------------------------------------------------------------------------

template <>
struct Functor<Fn::sqrt> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return sqrt(x);
  }
};
template <>
struct Functor<Fn::rsqrt> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return V(1) / sqrt(x);
  }
};
template <>
struct Functor<Fn::reciprocal> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return V(1) / x;
  }
};
template <>
struct Functor<Fn::exp> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return exp(x);
  }
};
template <>
struct Functor<Fn::expm1> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return expm1(x);
  }
};
template <>
struct Functor<Fn::log> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return log(x);
  }
};
template <>
struct Functor<Fn::log1p> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return log1p(x);
  }
};
template <>
struct Functor<Fn::sin> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return sin(x);
  }
};
template <>
struct Functor<Fn::cos> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return cos(x);
  }
};
template <>
struct Functor<Fn::tan> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return tan(x);
  }
};
template <>
struct Functor<Fn::sinh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return sinh(x);
  }
};
template <>
struct Functor<Fn::cosh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return cosh(x);
  }
};
template <>
struct Functor<Fn::tanh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return tanh(x);
  }
};
template <>
struct Functor<Fn::erf> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return erf(x);
  }
};
template <>
struct Functor<Fn::floor> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return floor(x);
  }
};
template <>
struct Functor<Fn::ceil> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return ceil(x);
  }
};
template <>
struct Functor<Fn::round> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return rint(x);
  }
};
template <>
struct Functor<Fn::gaussian> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return exp_minus_square(x);
  }
};

// Activations
// ----------------------------------------------------------------------------------------------------------------------

template <>
struct Functor<Fn::sigmoid> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const auto positive = x >= V(0);
    const V z = exp(select(positive, -x, x));
    return select(positive, V(1), z) / (V(1) + z);
  }
};
template <>
struct Functor<Fn::softplus> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const auto positive = x >= V(0);
    return select(positive, x, V(0)) + log1p(exp(select(positive, -x, x)));
  }
};
template <>
struct Functor<Fn::sigmoid_cross_entropy> : Traits<2, Domain::floats, 8> {
  template <class V>
  static HWY_INLINE V eval(V target, V logit) {
    const auto positive = logit >= V(0);
    return select(positive, logit, V(0)) - logit * target + log1p(exp(select(positive, -logit, logit)));
  }
};
template <>
struct Functor<Fn::relu> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return select(x <= V(0), V(0), x);  // NaN stays
  }
};
template <>
struct Functor<Fn::leaky_relu> : Traits<2> {
  template <class V>
  static HWY_INLINE V eval(V x, V slope) {
    return select(x < V(0), slope * x, x);
  }
};
template <>
struct Functor<Fn::elu> : Traits<2, Domain::floats, 8> {
  template <class V>
  static HWY_INLINE V eval(V x, V alpha) {
    return select(x > V(0), x, alpha * expm1(x));
  }
};
template <>
struct Functor<Fn::selu> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const V alpha(1.6732632423543772), scale(1.0507009873554805);
    return scale * select(x > V(0), x, alpha * expm1(x));
  }
};
template <>
struct Functor<Fn::gelu> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return x * normal_cdf(x);
  }
};
template <>
struct Functor<Fn::gelu_tanh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    // x (1 + tanh u) / 2 = x sigmoid(2 u)
    const V u = x * (V(1.5957691216057308) + V(0.071354816272600219) * (x * x));
    return x * Functor<Fn::sigmoid>::eval(u);
  }
};
template <>
struct Functor<Fn::silu> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return x * Functor<Fn::sigmoid>::eval(x);
  }
};
template <>
struct Functor<Fn::clip> : Traits<3> {
  template <class V>
  static HWY_INLINE V eval(V x, V low, V high) {
    return select(x < low, low, select(x > high, high, x));
  }
};

// Comparison and choice
// --------------------------------------------------------------------------------------------------------------

using Comparison = Traits<2, Domain::comparison>;

template <>
struct Functor<Fn::equal> : Comparison {
  template <class V>
  static HWY_INLINE auto eval(V a, V b) {
    return a == b;
  }
};
template <>
struct Functor<Fn::not_equal> : Comparison {
  template <class V>
  static HWY_INLINE auto eval(V a, V b) {
    return a != b;
  }
};
template <>
struct Functor<Fn::less> : Comparison {
  template <class V>
  static HWY_INLINE auto eval(V a, V b) {
    return a < b;
  }
};
template <>
struct Functor<Fn::less_equal> : Comparison {
  template <class V>
  static HWY_INLINE auto eval(V a, V b) {
    return a <= b;
  }
};
template <>
struct Functor<Fn::logical_and> : Traits<2, Domain::logic> {
  static HWY_INLINE bool eval(bool a, bool b) { return a & b; }
};
template <>
struct Functor<Fn::logical_or> : Traits<2, Domain::logic> {
  static HWY_INLINE bool eval(bool a, bool b) { return a | b; }
};
template <>
struct Functor<Fn::logical_not> : Traits<1, Domain::logic> {
  static HWY_INLINE bool eval(bool a) { return !a; }
};
template <>
struct Functor<Fn::where> : Traits<3, Domain::choice> {
  template <class M, class V>
  static HWY_INLINE V eval(M condition, V a, V b) {
    if constexpr (std::is_integral_v<V>) return condition ? a : b;
    else return select(condition, a, b);
  }
};

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_FUNCTORS_INL_H_
