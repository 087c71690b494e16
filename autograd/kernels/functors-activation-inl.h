// The activations as functors.
#if defined(GRADUS_FUNCTORS_ACTIVATION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef GRADUS_FUNCTORS_ACTIVATION_INL_H_
#undef GRADUS_FUNCTORS_ACTIVATION_INL_H_
#else
#define GRADUS_FUNCTORS_ACTIVATION_INL_H_
#endif

#include "autograd/kernels/functor-inl.h"
#include "autograd/kernels/tails-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

/// e^x for x <= 0; vectors have a faster one.
template <class V>
HWY_INLINE V exp_nonpositive(V x) {
  return exp(x);
}

template <>
struct Functor<Fn::sigmoid> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const auto positive = x >= V(0);
    const V z = exp_nonpositive(select(positive, -x, x));
    return select(positive, V(1), z) / (V(1) + z);
  }
};

/// Left of this x Phi(x) and x s(x) are 0, also at -inf.
template <class V>
HWY_INLINE V held(V x) {
  return select(x < V(kFarLeft), V(kFarLeft), x);
}
// x Phi(x), x s(1.596 (x + 0.0447 x^3)) and x s(x) for any number; vectors of float32 have their own, with exact tails.
template <class V>
HWY_INLINE V times_normal_cdf(V x) {
  return held(x) * normal_cdf(x);
}
template <class V>
HWY_INLINE V times_tanh_cdf(V x) {
  // x (1 + tanh u) / 2 = x sigmoid(2 u)
  return held(x) * Functor<Fn::sigmoid>::eval(x * (V(kTanhCdfLinear) + V(kTanhCdfCubic) * (x * x)));
}
template <class V>
HWY_INLINE V times_sigmoid(V x) {
  return held(x) * Functor<Fn::sigmoid>::eval(x);
}

template <>
struct Functor<Fn::log_sigmoid> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const auto positive = x >= V(0);
    return -(select(positive, V(0), -x) + log1p(exp_nonpositive(select(positive, -x, x))));
  }
};
template <>
struct Functor<Fn::softplus> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    const auto positive = x >= V(0);
    return select(positive, x, V(0)) + log1p(exp_nonpositive(select(positive, -x, x)));
  }
};
template <>
struct Functor<Fn::sigmoid_cross_entropy> : Traits<2, Domain::floats, 8> {
  template <class V>
  static HWY_INLINE V eval(V target, V logit) {
    const auto positive = logit >= V(0);
    return select(positive, logit, V(0)) - logit * target + log1p(exp_nonpositive(select(positive, -logit, logit)));
  }
};
template <>
struct Functor<Fn::relu> : Cheap {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return select(x <= V(0), V(0), x);  // NaN stays
  }
};
// The derivatives, from the output.
template <>
struct Functor<Fn::relu_gradient> : Traits<2> {
  template <class V>
  static HWY_INLINE V eval(V y, V g) {
    return select(y <= V(0), V(0), g);
  }
};
template <>
struct Functor<Fn::sigmoid_gradient> : Traits<2> {
  template <class V>
  static HWY_INLINE V eval(V y, V g) {
    return g * y * (V(1) - y);
  }
};
template <>
struct Functor<Fn::tanh_gradient> : Traits<2> {
  template <class V>
  static HWY_INLINE V eval(V y, V g) {
    return g * (V(1) - y * y);
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
    return times_normal_cdf(x);
  }
};
template <>
struct Functor<Fn::gelu_tanh> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return times_tanh_cdf(x);
  }
};
template <>
struct Functor<Fn::silu> : Costly {
  template <class V>
  static HWY_INLINE V eval(V x) {
    return times_sigmoid(x);
  }
};
template <>
struct Functor<Fn::clip> : Traits<3> {
  template <class V>
  static HWY_INLINE V eval(V x, V low, V high) {
    return select(x < low, low, select(x > high, high, x));
  }
};

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // GRADUS_FUNCTORS_ACTIVATION_INL_H_
