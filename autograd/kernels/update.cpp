#include "autograd/kernels/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/update.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/kernels/half-inl.h"
#include "autograd/kernels/math-inl.h"
#include "autograd/kernels/vec-inl.h"

// Once for all targets: how the loops of the rules are called.
#ifndef GRADUS_UPDATE_ONCE_
#define GRADUS_UPDATE_ONCE_
namespace gradus::kernels {

inline constexpr size_t kRules = static_cast<size_t>(Rule::count);

/// data: the states, then the gradient.
using UpdateKernel = void (*)(const Coefficients& coefficients, void* const* data, int64_t n);

struct UpdateTable {
  std::array<UpdateKernel, kRules> of_float, of_double;
  std::array<size_t, kRules> states;
  void (*widen[2])(const void* in, float* out, int64_t n);  // float16, bfloat16
  void (*narrow[2])(const float* in, void* out, int64_t n);
};

}  // namespace gradus::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <class V>
HWY_INLINE V larger(V a, V b) {
  return select(a <= b, b, a);
}
template <class V>
HWY_INLINE V sign(V x) {  // of NaN: NaN
  return select(x > 0, V(1), select(x < 0, V(-1), x));
}

// x: the parameter, then the states; c, g: coefficients and gradient. The formulas are in update.h.
template <Rule>
struct Update;

template <>
struct Update<Rule::sgd> {
  static constexpr size_t states = 1;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[0] = mul_add(-c[0], g, x[0]);
  }
};

template <>
struct Update<Rule::momentum> {
  static constexpr size_t states = 2;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[1] = mul_add(c[0], x[1], c[1] * g);
    x[0] = x[0] + mul_add(c[2], x[1], c[3] * g);
  }
};

template <bool centered, bool momentum>
struct Rmsprop {
  static constexpr size_t states = 2 + centered + momentum;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[1] = mul_add(c[1], x[1], c[2] * (g * g));
    V square = x[1];
    if constexpr (centered) {
      V& mean = x[states - 1];
      mean = mul_add(c[1], mean, c[2] * g);
      square = larger(x[1] - mean * mean, V(0.0));
    }
    const V change = c[0] * g / (sqrt(square + c[3]) + c[4]);
    if constexpr (momentum) {
      x[2] = mul_add(c[5], x[2], change);
      x[0] = x[0] - c[6] * x[2];
    } else {
      x[0] = x[0] - change;
    }
  }
};
template <>
struct Update<Rule::rmsprop> : Rmsprop<false, false> {};
template <>
struct Update<Rule::rmsprop_momentum> : Rmsprop<false, true> {};
template <>
struct Update<Rule::rmsprop_centered> : Rmsprop<true, false> {};
template <>
struct Update<Rule::rmsprop_centered_momentum> : Rmsprop<true, true> {};

template <bool largest>
struct AdamLike {
  static constexpr size_t states = 3 + largest;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[1] = mul_add(c[2], x[1], c[3] * g);
    x[2] = mul_add(c[4], x[2], c[5] * (g * g));
    if constexpr (largest) x[3] = larger(x[3], x[2]);
    x[0] = x[0] - mul_add(c[1], g, c[0] * x[1]) / mul_add(c[6], sqrt(x[states - 1]), c[7]);
  }
};
template <>
struct Update<Rule::adam> : AdamLike<false> {};
template <>
struct Update<Rule::amsgrad> : AdamLike<true> {};

template <>
struct Update<Rule::adamax> {
  static constexpr size_t states = 3;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[1] = mul_add(c[1], x[1], c[2] * g);
    x[2] = larger(c[3] * x[2], abs(g) + c[4]);
    x[0] = x[0] - c[0] * x[1] / (x[2] + c[5]);
  }
};

template <>
struct Update<Rule::adadelta> {
  static constexpr size_t states = 3;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[1] = mul_add(c[1], x[1], c[2] * (g * g));
    const V change = sqrt(x[2] + c[3]) / sqrt(x[1] + c[3]) * g;
    x[2] = mul_add(c[1], x[2], c[2] * (change * change));
    x[0] = mul_add(-c[0], change, x[0]);
  }
};

template <>
struct Update<Rule::ftrl> {
  static constexpr size_t states = 3;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    const V sum = mul_add(g, g, x[1]), power = pow(sum, c[1]);
    x[2] = x[2] + mul_add(c[4], x[0], g) - (power - pow(x[1], c[1])) / c[0] * x[0];
    x[1] = sum;
    x[0] = (select(x[2] < -c[2], -c[2], select(x[2] > c[2], c[2], x[2])) - x[2]) / (power / c[0] + c[3]);
  }
};

template <>
struct Update<Rule::lion> {
  static constexpr size_t states = 2;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    x[0] = mul_add(-c[0], sign(mul_add(c[1], x[1], c[2] * g)), x[0]);
    x[1] = mul_add(c[3], x[1], c[4] * g);
  }
};

template <>
struct Update<Rule::rprop> {
  static constexpr size_t states = 3;
  template <class V, class C>
  static HWY_INLINE void step(const C& c, V (&x)[states], V g) {
    const V turn = g * x[1];
    const V size = x[2] * select(turn > 0, c[1], select(turn < 0, c[0], V(1)));
    x[2] = select(size < c[2], c[2], select(size > c[3], c[3], size));
    x[1] = select(turn < 0, V(0.0), g);
    x[0] = mul_add(-sign(x[1]), x[2], x[0]);
  }
};

template <Rule rule, class T>
void update_kernel(const Coefficients& coefficients, void* const* data, int64_t n) {
  using V = Vec<T>;
  constexpr size_t kStates = Update<rule>::states;
  T* states[kStates];
  for (size_t k = 0; k < kStates; ++k) states[k] = static_cast<T*>(data[k]);
  const T* gradient = static_cast<const T*>(data[kStates]);
  V c[std::tuple_size_v<Coefficients>];
  for (size_t k = 0; k < coefficients.size(); ++k) c[k] = V(coefficients[k]);
  for (int64_t i = 0; i < n; i += V::kLanes) {
    V x[kStates];
    for (size_t k = 0; k < kStates; ++k) x[k] = load_some(states[k] + i, n - i);
    Update<rule>::step(c, x, load_some(gradient + i, n - i));
    for (size_t k = 0; k < kStates; ++k) store_some(x[k], states[k] + i, n - i);
  }
}

template <size_t... rule>
constexpr UpdateTable make_table(std::index_sequence<rule...>) {
  return {{update_kernel<static_cast<Rule>(rule), float>...},
          {update_kernel<static_cast<Rule>(rule), double>...},
          {Update<static_cast<Rule>(rule)>::states...},
          {widen<float16>, widen<bfloat16>},
          {narrow<float16>, narrow<bfloat16>}};
}

constexpr UpdateTable kTable = make_table(std::make_index_sequence<kRules>());

const UpdateTable* update_table() { return &kTable; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

using detail::TensorImpl;

HWY_EXPORT(update_table);

// Half types: states and gradient in float32 scratch, block by block.
void update_halves(const UpdateTable& table, Rule rule, DType dtype, const Coefficients& c, void* const* data, int64_t n) {
  constexpr int64_t kBlock = 256;
  const size_t states = table.states[static_cast<size_t>(rule)], half = dtype == DType::float16 ? 0 : 1;
  float scratch[kMostStates + 1][kBlock];
  void* wide[kMostStates + 1];
  for (size_t k = 0; k <= states; ++k) wide[k] = scratch[k];
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t m = std::min(kBlock, n - begin);
    for (size_t k = 0; k <= states; ++k) table.widen[half](static_cast<uint16_t*>(data[k]) + begin, scratch[k], m);
    table.of_float[static_cast<size_t>(rule)](c, wide, m);
    for (size_t k = 0; k < states; ++k) table.narrow[half](scratch[k], static_cast<uint16_t*>(data[k]) + begin, m);
  }
}

}  // namespace

void update(Rule rule, const Coefficients& c, std::span<const TensorImpl* const> arrays) {
  static const UpdateTable& table = *HWY_DYNAMIC_DISPATCH(update_table)();
  const size_t expected = table.states[static_cast<size_t>(rule)] + 1;
  if (arrays.size() != expected)
    fail<ValueError>("update", "wrong number of arrays; got ", arrays.size(), ", expected ", expected);
  const TensorImpl& p = *arrays[0];
  for (const TensorImpl* x : arrays)
    if (x->size != p.size || x->dtype != p.dtype || !x->contiguous || !is_floating(x->dtype))
      fail<ValueError>("update", "state or gradient does not fit the parameter; got ", x->dtype, " ", x->shape,
                       ", expected contiguous ", p.dtype, " ", p.shape);
  const int64_t size = size_of(p.dtype);
  parallel_for(
      p.size, kGrain,
      [&](int64_t begin, int64_t end) {
        void* data[kMostStates + 1];
        for (size_t k = 0; k < arrays.size(); ++k) data[k] = arrays[k]->data + begin * size;
        if (p.dtype == DType::float32) table.of_float[static_cast<size_t>(rule)](c, data, end - begin);
        else if (p.dtype == DType::float64) table.of_double[static_cast<size_t>(rule)](c, data, end - begin);
        else update_halves(table, rule, p.dtype, c, data, end - begin);
      },
      64);
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
