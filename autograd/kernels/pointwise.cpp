#include "autograd/kernels/pointwise.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/pointwise.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "autograd/kernels/functors-inl.h"
#include "autograd/kernels/half-inl.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/strided.h"

// Once for all targets: how the kernels are called.
#ifndef GRADUS_POINTWISE_ONCE_
#define GRADUS_POINTWISE_ONCE_
namespace gradus::kernels {

/// One run: a contiguous `out`, inputs with steps of 1 or 0 elements.
using Kernel = void (*)(void* out, const void* const* in, const int64_t* steps, int64_t n);

inline constexpr size_t kFunctions = static_cast<size_t>(Fn::count);

struct FunctionRow {
  std::array<Kernel, kDTypes.size()> kernels;  // null where the function does not take the dtype
  size_t arity;
  int64_t grain;
};

struct KernelTable {
  std::array<FunctionRow, kFunctions> functions;
  void (*widen[2])(const void* in, float* out, int64_t n);              // float16, bfloat16
  void (*narrow[2])(const float* in, void* out, int64_t n);
};

}  // namespace gradus::kernels
#endif

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
    ((steps[k] == 0 ? (std::get<k>(repeated).fill(*std::get<k>(p)), void(std::get<k>(p) = std::get<k>(repeated).data())) : void()), ...);
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
  return {{kernel_for<fn, bool>(),    kernel_for<fn, uint8_t>(),  kernel_for<fn, int32_t>(), kernel_for<fn, int64_t>(),
          kernel_for<fn, float16>(), kernel_for<fn, bfloat16>(), kernel_for<fn, float>(),   kernel_for<fn, double>()},
          static_cast<size_t>(F::arity),
          kGrain / F::cost};
}

template <size_t... fn>
constexpr KernelTable make_table(std::index_sequence<fn...>) {
  return {{row_of<static_cast<Fn>(fn)>()...}, {widen<float16>, widen<bfloat16>}, {narrow<float16>, narrow<bfloat16>}};
}

constexpr KernelTable kTable = make_table(std::make_index_sequence<kFunctions>());

const KernelTable* pointwise_table() { return &kTable; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

using detail::TensorImpl;

HWY_EXPORT(pointwise_table);

const KernelTable& table() {
  static const KernelTable* const chosen = HWY_DYNAMIC_DISPATCH(pointwise_table)();
  return *chosen;
}

bool is_half(DType dtype) { return dtype == DType::float16 || dtype == DType::bfloat16; }
size_t half_index(DType dtype) { return dtype == DType::float16 ? 0 : 1; }

// A kernel and what its operands need on the way in and out.
struct Call {
  Kernel kernel;
  bool in_half, out_half;  // converted to and from float32
  DType half;
  int64_t out_size;  // bytes per element
};

constexpr int64_t kStageBlock = 256, kShortRow = 48;

// Steps and sizes in bytes. Whatever the kernel cannot take as it lies goes through scratch, block by block.
template <size_t N>
void run(const Call& call, const std::array<std::byte*, N + 1>& p, const std::array<int64_t, N + 1>& steps,
         const std::array<int64_t, N>& sizes, int64_t n) {
  alignas(64) std::byte scratch[N + 1][kStageBlock * 8];
  alignas(64) uint16_t halves[kStageBlock];
  const void* in[N];
  int64_t in_steps[N];
  bool staged[N], any = call.out_half || steps[0] != call.out_size;
  for (size_t k = 0; k < N; ++k) {
    in[k] = p[k + 1];
    in_steps[k] = steps[k + 1] != 0;
    staged[k] = steps[k + 1] != 0 && (call.in_half || steps[k + 1] != sizes[k]);
    any = any || staged[k];
    if (call.in_half && steps[k + 1] == 0) {
      table().widen[half_index(call.half)](p[k + 1], reinterpret_cast<float*>(scratch[k]), 1);
      in[k] = scratch[k];
    }
  }
  if (!any) return call.kernel(p[0], in, in_steps, n);

  for (int64_t begin = 0; begin < n; begin += kStageBlock) {
    const int64_t m = std::min(kStageBlock, n - begin);
    for (size_t k = 0; k < N; ++k) {
      if (steps[k + 1] == 0) continue;
      const std::byte* from = p[k + 1] + begin * steps[k + 1];
      in[k] = from;
      if (!staged[k]) continue;
      in[k] = scratch[k];
      if (!call.in_half) {
        with_size(sizes[k], [&]<class U> { gather<U>(from, steps[k + 1], scratch[k], m); });
        continue;
      }
      if (steps[k + 1] != 2) {
        gather<uint16_t>(from, steps[k + 1], reinterpret_cast<std::byte*>(halves), m);
        from = reinterpret_cast<const std::byte*>(halves);
      }
      table().widen[half_index(call.half)](from, reinterpret_cast<float*>(scratch[k]), m);
    }
    std::byte* to = p[0] + begin * steps[0];
    const bool direct = steps[0] == call.out_size;
    if (direct && !call.out_half) {
      call.kernel(to, in, in_steps, m);
      continue;
    }
    call.kernel(scratch[N], in, in_steps, m);
    const std::byte* results = scratch[N];
    if (call.out_half) {
      std::byte* narrow_to = direct ? to : reinterpret_cast<std::byte*>(halves);
      table().narrow[half_index(call.half)](reinterpret_cast<const float*>(scratch[N]), narrow_to, m);
      results = narrow_to;
    }
    if (!direct) with_size(call.out_size, [&]<class U> { scatter<U>(results, to, steps[0], m); });
  }
}

// Short rows, as of a bias: operands that do not lie like the dense `out` are first laid out like it, so that a kernel gets whole blocks.
template <size_t N>
void run_rows(const Call& call, const Loop<N + 1>& loop, const std::array<int64_t, N>& flat_steps, const std::array<int64_t, N>& sizes,
              int64_t begin, int64_t end) {
  alignas(64) std::byte rows[N][kStageBlock * 8];
  for (; begin < end; begin += kStageBlock) {
    const int64_t n = std::min(kStageBlock, end - begin);
    int64_t at = 0;
    loop.walk(begin, begin + n, [&](const auto& p, const auto& steps, int64_t m) {
      for (size_t k = 0; k < N; ++k)
        if (flat_steps[k] == 0) with_size(sizes[k], [&]<class U> { gather<U>(p[k + 1], steps[k + 1], rows[k] + at * sizes[k], m); });
      at += m;
    });
    std::array<std::byte*, N + 1> p{loop.data()[0] + begin * call.out_size};
    std::array<int64_t, N + 1> steps{call.out_size};
    for (size_t k = 0; k < N; ++k) {
      p[k + 1] = flat_steps[k] == 0 ? rows[k] : loop.data()[k + 1] + begin * sizes[k];
      steps[k + 1] = sizes[k];
    }
    run<N>(call, p, steps, sizes, n);
  }
}

template <size_t N>
void pointwise_of(Fn fn, const FunctionRow& row, TensorImpl& out, const TensorImpl* const* in) {
  const DType dtype = in[N - 1]->dtype;
  Kernel kernel = row.kernels[static_cast<size_t>(dtype)];
  const bool convert = !kernel && is_half(dtype);
  if (convert) kernel = row.kernels[static_cast<size_t>(DType::float32)];
  if (!kernel) fail<DTypeError>("pointwise", "no loop for function ", static_cast<int>(fn), "; got ", dtype, ", expected another dtype");
  const int64_t n = out.size;
  if (n == 0) return;

  // Operands that lie like `out`, or are one element, need no plan: equal sizes that broadcast are equal shapes.
  bool flat = out.contiguous;
  std::array<int64_t, N> steps;
  for (size_t k = 0; k < N; ++k) {
    steps[k] = in[k]->size == n && in[k]->contiguous;
    flat = flat && (steps[k] == 1 || in[k]->size == 1);
  }
  if (flat && !convert && n <= row.grain) {
    const void* data[N];
    for (size_t k = 0; k < N; ++k) data[k] = in[k]->data;
    return kernel(out.data, data, steps.data(), n);
  }

  const Call call{kernel, convert, convert && is_half(out.dtype), dtype, size_of(out.dtype)};
  std::array<int64_t, N> sizes;
  for (size_t k = 0; k < N; ++k) sizes[k] = size_of(in[k]->dtype);
  if (flat) {
    parallel_for(
        n, row.grain,
        [&](int64_t begin, int64_t end) {
          std::array<std::byte*, N + 1> p{out.data + begin * call.out_size};
          std::array<int64_t, N + 1> bytes{call.out_size};
          for (size_t k = 0; k < N; ++k) bytes[k + 1] = steps[k] * sizes[k], p[k + 1] = in[k]->data + begin * bytes[k + 1];
          run<N>(call, p, bytes, sizes, end - begin);
        },
        Loop<N + 1>::kCutAlign);
    return;
  }
  std::array<Array, N + 1> arrays{broadcast(out, out.shape)};
  for (size_t k = 0; k < N; ++k) arrays[k + 1] = broadcast(*in[k], out.shape);
  const Loop<N + 1> loop(out.shape, arrays);
  if (out.contiguous && loop.size(0) < kShortRow) {
    parallel_for(
        n, row.grain, [&](int64_t begin, int64_t end) { run_rows<N>(call, loop, steps, sizes, begin, end); }, Loop<N + 1>::kCutAlign);
    return;
  }
  loop.run(row.grain, [&](const auto& p, const auto& bytes, int64_t m) { run<N>(call, p, bytes, sizes, m); });
}

}  // namespace

void pointwise(Fn fn, TensorImpl& out, std::span<const TensorImpl* const> in) {
  const FunctionRow& row = table().functions[static_cast<size_t>(fn)];
  const size_t arity = row.arity;
  if (arity != in.size())
    fail<ValueError>("pointwise", "wrong number of inputs for function ", static_cast<int>(fn), "; got ", in.size(), ", expected ", arity);
  if (arity == 1) return pointwise_of<1>(fn, row, out, in.data());
  if (arity == 2) return pointwise_of<2>(fn, row, out, in.data());
  pointwise_of<3>(fn, row, out, in.data());
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
