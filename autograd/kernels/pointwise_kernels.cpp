#include "autograd/kernels/pointwise_table.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/pointwise_kernels.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/kernels/functors-inl.h"
#include "autograd/kernels/half-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

/// Registers of T. There is one site of evaluation, so that full registers and rests compute the same bits.
template <Fn fn, class T, size_t... k>
HWY_INLINE void vector_loop(std::index_sequence<k...>, T* out, const void* const* in, const int64_t* steps, int64_t n) {
  using V = Vec<T>;
  alignas(64) T repeated[sizeof...(k)][V::kLanes];
  const T* p[] = {static_cast<const T*>(in[k])...};
  const int64_t advance[] = {steps[k] * V::kLanes...};
  if (n > 1) ((advance[k] == 0 ? (V::fill(*p[k]).store(repeated[k]), void(p[k] = repeated[k])) : void()), ...);
  for (;; n -= V::kLanes) {
    store_some(Functor<fn>::eval(load_some(p[k], n)...), out, n);
    if (n <= V::kLanes) return;
    out += V::kLanes;
    ((p[k] += advance[k]), ...);
  }
}

template <Fn fn, class T>
void vector_kernel(void* out, const void* const* in, const int64_t* steps, int64_t n) {
  vector_loop<fn, T>(std::make_index_sequence<Functor<fn>::arity>(), static_cast<T*>(out), in, steps, n);
}

/// Lanes of T that are true, from booleans.
template <class T>
HWY_INLINE typename Vec<T>::Mask load_mask(const uint8_t* p) {
  const typename Vec<T>::Tag d;
  const hn::RebindToUnsigned<decltype(d)> du;
  const hn::Rebind<uint32_t, decltype(d)> d32;
  const auto words = hn::PromoteTo(d32, hn::LoadU(hn::Rebind<uint8_t, decltype(d)>(), p));
  if constexpr (sizeof(T) == 4) return {hn::RebindMask(d, hn::Ne(words, hn::Zero(d32)))};
  else return {hn::RebindMask(d, hn::Ne(hn::PromoteTo(du, words), hn::Zero(du)))};
}

/// Choice between elements as large as T; only bits are moved.
template <class T>
void choice_kernel(void* out_data, const void* const* in, const int64_t* steps, int64_t n) {
  using V = Vec<T>;
  T* out = static_cast<T*>(out_data);
  const auto* condition = static_cast<const uint8_t*>(in[0]);
  alignas(64) T repeated[2][V::kLanes];
  const T* p[] = {static_cast<const T*>(in[1]), static_cast<const T*>(in[2])};
  uint8_t flags[V::kLanes] = {};
  if (steps[0] == 0) std::memset(flags, *condition, sizeof flags);
  for (size_t k = 0; k < 2; ++k)
    if (steps[k + 1] == 0) V::fill(*p[k]).store(repeated[k]), p[k] = repeated[k];
  for (;; n -= V::kLanes) {
    if (steps[0] != 0 && n < V::kLanes) std::memcpy(flags, condition, static_cast<size_t>(n));
    const auto mask = load_mask<T>(steps[0] == 0 || n < V::kLanes ? flags : condition);
    store_some(Functor<Fn::where>::eval(mask, load_some(p[0], n), load_some(p[1], n)), out, n);
    if (n <= V::kLanes) return;
    condition += steps[0] * V::kLanes, out += V::kLanes;
    p[0] += steps[1] * V::kLanes, p[1] += steps[2] * V::kLanes;
  }
}

// Everything that is not floating arithmetic: loops of a fixed length into local results, which compilers turn into vectors.
constexpr int64_t kPlainBlock = 64;

template <class V>
struct Storage {
  using type = V;
};
template <class T>
struct Storage<scalar::Wrapped<T>> {
  using type = T;
};
template <class V>
using Stored = typename Storage<V>::type;

template <class T>
HWY_INLINE T stored(T value) {
  return value;
}
template <class T>
HWY_INLINE T stored(scalar::Wrapped<T> wrapped) {
  return wrapped.value;
}

template <class F, class R, class... V>
struct Plain {
  template <size_t... k>
  static HWY_INLINE void blocks(std::index_sequence<k...>, R* out, const void* const* in, const int64_t* steps, int64_t n) {
    std::tuple<std::array<Stored<V>, kPlainBlock>...> repeated;
    std::tuple<const Stored<V>*...> p(static_cast<const Stored<V>*>(in[k])...);
    ((steps[k] == 0 ? (std::get<k>(repeated).fill(*std::get<k>(p)), void(std::get<k>(p) = std::get<k>(repeated).data()))
                    : void()),
     ...);
    for (; n >= kPlainBlock; n -= kPlainBlock) {
      R results[kPlainBlock];
      for (int64_t i = 0; i < kPlainBlock; ++i) results[i] = stored(F::eval(V(std::get<k>(p)[i])...));
      for (int64_t i = 0; i < kPlainBlock; ++i) out[i] = results[i];
      out += kPlainBlock;
      ((std::get<k>(p) += steps[k] * kPlainBlock), ...);
    }
    for (int64_t i = 0; i < n; ++i) out[i] = stored(F::eval(V(std::get<k>(p)[i])...));
  }
  template <size_t... k>
  static HWY_INLINE void few(std::index_sequence<k...>, R* out, const void* const* in, const int64_t* steps, int64_t n) {
    for (int64_t i = 0; i < n; ++i) out[i] = stored(F::eval(V(static_cast<const Stored<V>*>(in[k])[i * steps[k]])...));
  }
  static void run(void* out, const void* const* in, const int64_t* steps, int64_t n) {
    constexpr std::make_index_sequence<sizeof...(V)> kAll;
    if (n < kPlainBlock) few(kAll, static_cast<R*>(out), in, steps, n);
    else blocks(kAll, static_cast<R*>(out), in, steps, n);
  }
};

template <class F, class R, class V>
constexpr Kernel plain_kernel() {
  if constexpr (F::arity == 1) return Plain<F, R, V>::run;
  else return Plain<F, R, V, V>::run;
}

template <Fn fn, class T>
constexpr Kernel kernel_for() {
  using F = Functor<fn>;
  constexpr bool kVector = std::is_same_v<T, float> || std::is_same_v<T, double>;
  if constexpr (F::domain == Domain::choice) {
    if constexpr (sizeof(T) == 8) return choice_kernel<double>;
    else if constexpr (sizeof(T) == 4) return choice_kernel<float>;
    else if constexpr (sizeof(T) == 2) return Plain<F, uint16_t, bool, uint16_t, uint16_t>::run;
    else return Plain<F, uint8_t, bool, uint8_t, uint8_t>::run;
  } else if constexpr (F::domain == Domain::logic) {
    if constexpr (std::is_same_v<T, bool>) return plain_kernel<F, bool, bool>();
    else return nullptr;
  } else if constexpr (F::domain == Domain::comparison) {
    if constexpr (kVector || std::is_integral_v<T>) return plain_kernel<F, bool, T>();
    else return nullptr;
  } else if constexpr (kVector) {
    return vector_kernel<fn, T>;
  } else if constexpr (F::domain == Domain::numbers && std::is_integral_v<T>) {
    return plain_kernel<F, T, scalar::Wrapped<T>>();
  } else {
    return nullptr;
  }
}

template <Fn fn>
constexpr FunctionRow row_of() {
  using F = Functor<fn>;
  return {{kernel_for<fn, bool>(), kernel_for<fn, uint8_t>(), kernel_for<fn, int32_t>(), kernel_for<fn, int64_t>(),
           kernel_for<fn, float16>(), kernel_for<fn, bfloat16>(), kernel_for<fn, float>(), kernel_for<fn, double>()},
          static_cast<size_t>(F::arity),
          kGrain / F::cost};
}

template <size_t... fn>
constexpr KernelTable make_table(std::index_sequence<fn...>) {
  return {{row_of<static_cast<Fn>(fn)>()...}, {widen<float16>, widen<bfloat16>}, {narrow<float16>, narrow<bfloat16>}};
}

constexpr KernelTable kTable = make_table(std::make_index_sequence<kFunctions>());

const KernelTable* table_of_target() { return &kTable; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(table_of_target);

const KernelTable& pointwise_table() {
  static const KernelTable* const chosen = HWY_DYNAMIC_DISPATCH(table_of_target)();
  return *chosen;
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
