// The mathematical functions as functors; most are a name.
#if defined(GRADUS_FUNCTORS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_FUNCTORS_MATH_INL_H_
#undef GRADUS_FUNCTORS_MATH_INL_H_
#else
#define GRADUS_FUNCTORS_MATH_INL_H_
#endif

#include "autograd/kernels/functor-inl.h"
#include "autograd/kernels/inverse-inl.h"
#include "autograd/kernels/special-inl.h"
#include "autograd/kernels/trig-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

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
struct Functor<Fn::cbrt> : Traits<1, Domain::floats, 16> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return cbrt(x);
  }
};
template <>
struct Functor<Fn::hypot> : Traits<2, Domain::floats, 4> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return hypot(a, b);
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
struct Functor<Fn::exp2> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return exp2(x);
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
struct Functor<Fn::log2> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return log2(x);
  }
};
template <>
struct Functor<Fn::log10> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return log10(x);
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
struct Functor<Fn::logaddexp> : Traits<2, Domain::floats, 16> {
  template <class V>
  static HWY_INLINE V eval(V a, V b) {
    return logaddexp(a, b);
  }
};
template <>
struct Functor<Fn::xlogy> : Traits<2, Domain::floats, 8> {
  template <class V>
  static HWY_INLINE V eval(V x, V y) {
    return xlogy(x, y);
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
struct Functor<Fn::asin> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return asin(x);
  }
};
template <>
struct Functor<Fn::acos> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return acos(x);
  }
};
template <>
struct Functor<Fn::atan> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return atan(x);
  }
};
template <>
struct Functor<Fn::atan2> : Traits<2, Domain::floats, 8> {
  template <class V>
  static HWY_INLINE V eval(V y, V x) {
    return atan2(y, x);
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
struct Functor<Fn::asinh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return asinh(x);
  }
};
template <>
struct Functor<Fn::acosh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return acosh(x);
  }
};
template <>
struct Functor<Fn::atanh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return atanh(x);
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
struct Functor<Fn::erfc> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return erfc(x);
  }
};
template <>
struct Functor<Fn::lgamma> : Traits<1, Domain::floats, 16> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return lgamma(x);
  }
};
template <>
struct Functor<Fn::digamma> : Traits<1, Domain::floats, 16> {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return digamma(x);
  }
};
template <>
struct Functor<Fn::polygamma> : Traits<2, Domain::floats, 64> {
  template <class V>
  static HWY_INLINE V eval(V n, V x) {
    return polygamma(n, x);
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
struct Functor<Fn::trunc> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return trunc(x);
  }
};
template <>
struct Functor<Fn::gaussian> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return exp_minus_square(x);
  }
};

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_FUNCTORS_MATH_INL_H_
