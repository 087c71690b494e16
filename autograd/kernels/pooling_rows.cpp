#include "autograd/kernels/pooling_rows.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/pooling_rows.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Calls f(d, pixel, channel, done) for vectors that cover the row; the last of a pixel may repeat `done` channels of the one
/// before it.
template <class D, class F>
HWY_INLINE void each_vector(D d, const PoolRow& row, const F& f) {
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  if constexpr (hn::MaxLanes(D()) > static_cast<size_t>(kLeastPoolChannels)) {
    if (row.channels < lanes) return each_vector(hn::Half<D>(), row, f);
  }
  for (int64_t p = 0; p < row.pixels; ++p)
    for (int64_t c = 0; c < row.channels; c += lanes) {
      const int64_t from = std::min(c, row.channels - lanes);
      f(d, p, from, c - from);
    }
}

void largest(const PoolRow& row) {
  each_vector(hn::ScalableTag<float>(), row, [&](auto d, int64_t p, int64_t c, int64_t) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> words;
    const float* window = row.image + p * row.step + c;
    auto best = hn::LoadU(d, window + row.met[0].offset);
    auto mark = hn::Set(words, static_cast<int32_t>(row.met[0].mark));
    for (const Meeting& m : row.met.subspan(1)) {
      const auto x = hn::LoadU(d, window + m.offset);
      const auto larger = hn::And(hn::Not(hn::Le(x, best)), hn::Eq(best, best));
      best = hn::IfThenElse(larger, x, best);
      mark = hn::IfThenElse(hn::RebindMask(words, larger), hn::Set(words, static_cast<int32_t>(m.mark)), mark);
    }
    const int64_t at = p * row.channels + c;
    hn::StoreU(best, d, row.out + at);
    const hn::Rebind<uint8_t, decltype(d)> bytes;
    if (row.index != nullptr) hn::StoreU(hn::DemoteTo(bytes, mark), bytes, row.index + at);
  });
}

template <bool kAdd>
void put_back(const PoolRow& row) {
  each_vector(hn::ScalableTag<float>(), row, [&](auto d, int64_t p, int64_t c, int64_t done) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> words;
    const hn::Rebind<uint8_t, decltype(d)> bytes;
    const int64_t at = p * row.channels + c;
    const auto again = hn::FirstN(d, static_cast<size_t>(kAdd ? done : 0));
    const auto value = hn::IfThenZeroElse(again, hn::LoadU(d, row.out + at));
    const auto mark = hn::PromoteTo(words, hn::LoadU(bytes, row.index + at));
    for (const Meeting& m : row.met) {
      const auto here = hn::RebindMask(d, hn::Eq(mark, hn::Set(words, static_cast<int32_t>(m.mark))));
      float* to = row.image + p * row.step + c + m.offset;
      const auto part = hn::IfThenElseZero(here, value);
      if constexpr (kAdd) hn::StoreU(hn::Add(hn::LoadU(d, to), part), d, to);
      else hn::StoreU(part, d, to);
    }
  });
}

void mean(const PoolRow& row, float divisor) {
  each_vector(hn::ScalableTag<float>(), row, [&](auto d, int64_t p, int64_t c, int64_t) HWY_ATTR {
    const float* window = row.image + p * row.step + c;
    auto sum = hn::Zero(d);
    for (const Meeting& m : row.met) sum = hn::Add(sum, hn::LoadU(d, window + m.offset));
    hn::StoreU(hn::Div(sum, hn::Set(d, divisor)), d, row.out + p * row.channels + c);
  });
}

template <bool kAdd>
void share_back(const PoolRow& row, float divisor) {
  each_vector(hn::ScalableTag<float>(), row, [&](auto d, int64_t p, int64_t c, int64_t done) HWY_ATTR {
    const auto again = hn::FirstN(d, static_cast<size_t>(kAdd ? done : 0));
    const auto all = hn::Div(hn::LoadU(d, row.out + p * row.channels + c), hn::Set(d, divisor));
    const auto share = hn::IfThenZeroElse(again, all);
    float* window = row.image + p * row.step + c;
    for (const Meeting& m : row.met) {
      if constexpr (kAdd) hn::StoreU(hn::Add(hn::LoadU(d, window + m.offset), share), d, window + m.offset);
      else hn::StoreU(share, d, window + m.offset);
    }
  });
}

void share_into(const PoolRow& row, float divisor) { share_back<false>(row, divisor); }
void share_to(const PoolRow& row, float divisor) { share_back<true>(row, divisor); }
void put_into(const PoolRow& row) { put_back<false>(row); }
void add_to(const PoolRow& row) { put_back<true>(row); }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

HWY_EXPORT(largest);
HWY_EXPORT(put_into);
HWY_EXPORT(add_to);
HWY_EXPORT(mean);
HWY_EXPORT(share_into);
HWY_EXPORT(share_to);

}  // namespace

void largest_in_row(const PoolRow& row) { HWY_DYNAMIC_DISPATCH(largest)(row); }
void put_row_back(const PoolRow& row, bool add) {
  if (add) HWY_DYNAMIC_DISPATCH(add_to)(row);
  else HWY_DYNAMIC_DISPATCH(put_into)(row);
}
void mean_of_row(const PoolRow& row, float divisor) { HWY_DYNAMIC_DISPATCH(mean)(row, divisor); }
void share_row_back(const PoolRow& row, float divisor, bool add) {
  if (add) HWY_DYNAMIC_DISPATCH(share_to)(row, divisor);
  else HWY_DYNAMIC_DISPATCH(share_into)(row, divisor);
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
