// The pointwise functions, each written once for any number type V: Vec<T>, float, double, Wrapped<integer>.
//
// A functor derives from its domain (which says what it accepts and how dear it is) and has `eval`. V brings arithmetic,
// comparisons, V(constant), select(condition, a, b) and the functions of <cmath> by name.
//
// Here: arithmetic, comparison and choice.
#if defined(GRADUS_FUNCTORS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_FUNCTORS_INL_H_
#undef GRADUS_FUNCTORS_INL_H_
#else
#define GRADUS_FUNCTORS_INL_H_
#endif

#include "autograd/kernels/functor-inl.h"
#include "autograd/kernels/functors-activation-inl.h"
#include "autograd/kernels/functors-math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

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
struct Functor<Fn::multiply_add> : Traits<3> {
  template <class V>
  static HWY_INLINE V eval(V a, V b, V c) {
    return mul_add(a, b, c);
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
struct Functor<Fn::fmod> : Traits<2, Domain::numbers, 16> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return fmod(a, b);
  }
};
template <>
struct Functor<Fn::remainder> : Traits<2, Domain::numbers, 16> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return remainder(a, b);
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
template <>
struct Functor<Fn::isnan> : Traits<1, Domain::comparison> {
  template <class V>
  static HWY_INLINE auto eval(V x) {
    return isnan(x);
  }
};
template <>
struct Functor<Fn::isinf> : Traits<1, Domain::comparison> {
  template <class V>
  static HWY_INLINE auto eval(V x) {
    return isinf(x);
  }
};
template <>
struct Functor<Fn::isfinite> : Traits<1, Domain::comparison> {
  template <class V>
  static HWY_INLINE auto eval(V x) {
    return isfinite(x);
  }
};

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_FUNCTORS_INL_H_
