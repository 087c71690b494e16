#include "autograd/kernels/pairs.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/pairs.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <array>
#include <utility>

#include "autograd/kernels/vec-inl.h"

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

template <Simple op, class V>
HWY_INLINE V simple(V a, V b) {
  if constexpr (op == Simple::add) return a + b;
  else if constexpr (op == Simple::subtract) return a - b;
  else if constexpr (op == Simple::reversed_subtract) return b - a;
  else return a * b;
}
template <Simple first, Simple second, class V>
HWY_INLINE V pair(V a, V b, V c) {
  if constexpr (first == Simple::multiply && second == Simple::add) return mul_add(a, b, c);
  else if constexpr (first == Simple::multiply && second == Simple::subtract) return mul_add(a, b, -c);
  else if constexpr (first == Simple::multiply && second == Simple::reversed_subtract) return mul_add(-a, b, c);
  else return simple<second>(simple<first>(a, b), c);
}

/// Whole vectors; b and c may be repeated, which saves their loads. Bound by the loads and stores of the first cache.
template <Simple first, Simple second, bool b_repeats, bool c_repeats, class T>
HWY_INLINE void pair_loop(T* out, const T* a, int64_t a_step, const T* b, const T* c, int64_t n) {
  using V = Vec<T>;
  const V all_b = V::fill(*b), all_c = V::fill(*c);
  for (int64_t i = 0; i < n; i += V::kLanes) {
    const V vb = b_repeats ? all_b : V::load(b + i), vc = c_repeats ? all_c : V::load(c + i);
    pair<first, second>(V::load(a + i * a_step), vb, vc).store(out + i);
  }
}

template <Simple first, Simple second, class T>
void run_pair(void* out_data, const void* const* in, const int64_t* steps, int64_t n) {
  using V = Vec<T>;
  T* out = static_cast<T*>(out_data);
  const T *a = static_cast<const T*>(in[0]), *b = static_cast<const T*>(in[1]), *c = static_cast<const T*>(in[2]);
  alignas(64) T repeated[V::kLanes];
  if (steps[0] == 0 && n > 1) V::fill(*a).store(repeated), a = repeated;
  const int64_t whole = n / V::kLanes * V::kLanes;
  if (whole > 0) {
    if (steps[1] == 0 && steps[2] == 0) pair_loop<first, second, true, true>(out, a, steps[0], b, c, whole);
    else if (steps[1] == 0) pair_loop<first, second, true, false>(out, a, steps[0], b, c, whole);
    else if (steps[2] == 0) pair_loop<first, second, false, true>(out, a, steps[0], b, c, whole);
    else pair_loop<first, second, false, false>(out, a, steps[0], b, c, whole);
  }
  if (whole == n) return;
  const auto rest = [&](const T* p, int64_t step) HWY_ATTR { return step == 0 ? V::fill(*p) : load_some(p + whole, n - whole); };
  store_some(pair<first, second>(rest(a, steps[0]), rest(b, steps[1]), rest(c, steps[2])), out + whole, n - whole);
}

template <class T>
double sum_of(const T* p, int64_t n) {
  using Wide = Vec<double>;
  constexpr int64_t kStep = Wide::kLanes;
  const Wide::Tag wide;
  const hn::Rebind<T, Wide::Tag> narrow;
  const auto load = [&](const T* from) HWY_ATTR {
    if constexpr (sizeof(T) == 8) return Wide(hn::LoadU(narrow, from));
    else return Wide(hn::PromoteTo(wide, hn::LoadU(narrow, from)));
  };
  Wide sums[4] = {0.0, 0.0, 0.0, 0.0};
  for (; n >= 4 * kStep; n -= 4 * kStep, p += 4 * kStep) {
    sums[0] = sums[0] + load(p);
    sums[1] = sums[1] + load(p + kStep);
    sums[2] = sums[2] + load(p + 2 * kStep);
    sums[3] = sums[3] + load(p + 3 * kStep);
  }
  double sum = hn::GetLane(hn::SumOfLanes(wide, ((sums[0] + sums[1]) + (sums[2] + sums[3])).raw));
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(p[i]);
  return sum;
}

double sum_of_target(const void* data, int64_t n, DType dtype) {
  return dtype == DType::float64 ? sum_of(static_cast<const double*>(data), n) : sum_of(static_cast<const float*>(data), n);
}

constexpr size_t kSimple = static_cast<size_t>(Simple::count);
using PairTable = std::array<std::array<Kernel, 2>, kSimple * kSimple>;

template <size_t... i>
constexpr PairTable make_pairs(std::index_sequence<i...>) {
  return {{{run_pair<Simple(i / kSimple), Simple(i % kSimple), float>,
            run_pair<Simple(i / kSimple), Simple(i % kSimple), double>}...}};
}
constexpr PairTable kPairs = make_pairs(std::make_index_sequence<kSimple * kSimple>());

Kernel pair_of_target(Simple first, Simple second, DType dtype) {
  return kPairs[static_cast<size_t>(first) * kSimple + static_cast<size_t>(second)][dtype == DType::float64];
}

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {

HWY_EXPORT(pair_of_target);
HWY_EXPORT(sum_of_target);

Kernel pair_kernel(Simple first, Simple second, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(pair_of_target)(first, second, dtype);
}
double block_sum(const void* data, int64_t n, DType dtype) { return HWY_DYNAMIC_DISPATCH(sum_of_target)(data, n, dtype); }

}  // namespace gradus::kernels
#endif  // HWY_ONCE
