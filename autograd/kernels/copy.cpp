#include "autograd/kernels/copy.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "autograd/kernels/copy.cpp"  // this file, once per target
#include "autograd/kernels/simd.h"
// Highway after simd.h
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "autograd/kernels/convert.h"
#include "autograd/kernels/half-inl.h"
#include "autograd/kernels/loops.h"
#include "autograd/kernels/strided.h"
#include "autograd/kernels/transpose-inl.h"
#include "autograd/kernels/transpose.h"

// Once for all targets: how the conversions are called.
#ifndef GRADUS_COPY_ONCE_
#define GRADUS_COPY_ONCE_
namespace gradus::kernels {

/// n contiguous elements into another dtype.
using Conversion = void (*)(const void* in, void* out, int64_t n);

struct ConversionTable {
  std::array<std::array<Conversion, kDTypes.size()>, kDTypes.size()> of;  // [from][to]; null between a dtype and itself
  WordTile transpose;
};

}  // namespace gradus::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace gradus::kernels::HWY_NAMESPACE {

constexpr int64_t kConvertBlock = 64;

template <class From, class To>
void convert_run(const void* in, void* out, int64_t n) {
  if constexpr (Half<From> && std::is_same_v<To, float>) {
    widen<From>(in, static_cast<float*>(out), n);
  } else if constexpr (std::is_same_v<From, float> && Half<To>) {
    narrow<To>(static_cast<const float*>(in), out, n);
  } else if constexpr (Half<From> || Half<To>) {
    float wide[kConvertBlock];
    const auto* from = static_cast<const From*>(in);
    auto* to = static_cast<To*>(out);
    for (; n > 0; n -= kConvertBlock, from += kConvertBlock, to += kConvertBlock) {
      const int64_t m = std::min(n, kConvertBlock);
      convert_run<From, float>(from, wide, m);
      convert_run<float, To>(wide, to, m);
    }
  } else {
    // Blocks of a fixed length between memories that do not overlap: vectors without a second version of the loop.
    const From* __restrict from = static_cast<const From*>(in);
    To* __restrict to = static_cast<To*>(out);
    for (; n >= kConvertBlock; n -= kConvertBlock, from += kConvertBlock, to += kConvertBlock)
      for (int64_t i = 0; i < kConvertBlock; ++i) to[i] = convert<To>(from[i]);
    for (int64_t i = 0; i < n; ++i) to[i] = convert<To>(from[i]);
  }
}

template <class From, class To>
constexpr Conversion conversion() {
  if constexpr (std::is_same_v<From, To>) return nullptr;
  else return convert_run<From, To>;
}

template <class From>
constexpr std::array<Conversion, kDTypes.size()> conversions_from() {
  return {conversion<From, bool>(),    conversion<From, uint8_t>(),  conversion<From, int32_t>(), conversion<From, int64_t>(),
          conversion<From, float16>(), conversion<From, bfloat16>(), conversion<From, float>(),   conversion<From, double>()};
}

constexpr ConversionTable kTable{
    {conversions_from<bool>(), conversions_from<uint8_t>(), conversions_from<int32_t>(), conversions_from<int64_t>(),
     conversions_from<float16>(), conversions_from<bfloat16>(), conversions_from<float>(), conversions_from<double>()},
    transpose_words};

const ConversionTable* conversion_table() { return &kTable; }

}  // namespace gradus::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace gradus::kernels {
namespace {

using detail::TensorImpl;

HWY_EXPORT(conversion_table);

constexpr int64_t kStageBlock = 256;

// The bits of one element of `size` bytes, repeated over a run.
void repeat(uint64_t bits, int64_t size, std::byte* to, int64_t step, int64_t n) {
  with_size(size, [&]<class U> {
    const U value = static_cast<U>(bits);
    if (step == size) {
      if (value == 0) std::memset(to, 0, static_cast<size_t>(n * size));
      else std::fill_n(reinterpret_cast<U*>(to), n, value);
    } else {
      for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * step, &value, sizeof value);
    }
  });
}

uint64_t bits_at(const std::byte* p, int64_t size) {
  uint64_t bits = 0;
  with_size(size, [&]<class U> {
    U value;
    std::memcpy(&value, p, sizeof value);
    bits = value;
  });
  return bits;
}

// One run of the same dtype; steps in bytes.
void move(std::byte* to, int64_t to_step, const std::byte* from, int64_t from_step, int64_t size, int64_t n) {
  if (from_step == 0) return repeat(bits_at(from, size), size, to, to_step, n);
  if (from_step == size && to_step == size) {
    std::memcpy(to, from, static_cast<size_t>(n * size));
    return;
  }
  with_size(size, [&]<class U> {
    if (to_step == size) return gather<U>(from, from_step, to, n);
    if (from_step == size) return scatter<U>(from, to, to_step, n);
    for (int64_t i = 0; i < n; ++i) std::memcpy(to + i * to_step, from + i * from_step, sizeof(U));
  });
}

struct Sizes {
  int64_t to, from;
};

// One run with a change of dtype; whatever is not dense goes through scratch.
void change(Conversion conversion, Sizes sizes, std::byte* to, int64_t to_step, const std::byte* from, int64_t from_step,
            int64_t n) {
  alignas(64) std::byte in[kStageBlock * 8], out[kStageBlock * 8];
  if (from_step == 0) {
    conversion(from, out, 1);
    return repeat(bits_at(out, sizes.to), sizes.to, to, to_step, n);
  }
  if (from_step == sizes.from && to_step == sizes.to) return conversion(from, to, n);
  for (int64_t begin = 0; begin < n; begin += kStageBlock) {
    const int64_t m = std::min(kStageBlock, n - begin);
    const std::byte* source = from + begin * from_step;
    std::byte* target = to + begin * to_step;
    if (from_step != sizes.from) {
      move(in, sizes.from, source, from_step, sizes.from, m);
      source = in;
    }
    if (to_step == sizes.to) {
      conversion(source, target, m);
    } else {
      conversion(source, out, m);
      move(target, to_step, out, sizes.to, sizes.to, m);
    }
  }
}

// Every element of `out` = these bits.
void fill_bits(TensorImpl& out, uint64_t bits) {
  const int64_t size = size_of(out.dtype);
  if (out.contiguous) {
    if (out.size <= kGrain) return repeat(bits, size, out.data, size, out.size);
    parallel_for(
        out.size, kGrain, [&](int64_t begin, int64_t end) { repeat(bits, size, out.data + begin * size, size, end - begin); },
        64);
    return;
  }
  Loop<1>(out.shape, {broadcast(out, out.shape)}).run(kGrain, [&](const auto& p, const auto& steps, int64_t n) {
    repeat(bits, size, p[0], steps[0], n);
  });
}

template <class Value>
void fill_value(TensorImpl& out, Value value) {
  visit_dtype(out.dtype, [&]<class T> {
    const T converted = convert<T>(value);
    std::array<std::byte, 8> bytes{};
    std::memcpy(bytes.data(), &converted, sizeof converted);
    fill_bits(out, bits_at(bytes.data(), sizeof converted));
  });
}

template <class Value, class At>
void fill_with(TensorImpl& out, const At& at) {
  visit_dtype(out.dtype, [&]<class T> {
    T* data = out.as<T>();
    parallel_for(
        out.size, kGrain,
        [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) data[i] = convert<T>(static_cast<Value>(at(i)));
        },
        64);
  });
}

}  // namespace

void copy(TensorImpl& out, const TensorImpl& in) {
  static const ConversionTable& table = *HWY_DYNAMIC_DISPATCH(conversion_table)();
  const int64_t n = out.size;
  if (n == 0) return;
  const Sizes sizes{size_of(out.dtype), size_of(in.dtype)};
  const Conversion conversion = table.of[static_cast<size_t>(in.dtype)][static_cast<size_t>(out.dtype)];
  const auto run = [&](std::byte* to, int64_t to_step, const std::byte* from, int64_t from_step, int64_t count) {
    if (conversion) change(conversion, sizes, to, to_step, from, from_step, count);
    else move(to, to_step, from, from_step, sizes.to, count);
  };
  // Equal sizes that broadcast are equal shapes.
  if (out.contiguous && in.contiguous && in.size == n) {
    parallel_for(
        n, kGrain,
        [&](int64_t begin, int64_t end) {
          run(out.data + begin * sizes.to, sizes.to, in.data + begin * sizes.from, sizes.from, end - begin);
        },
        64);
    return;
  }
  if (!conversion && out.contiguous && in.contiguous && in.size > 1 && in.size == out.shape.back() &&
      in.size == in.shape.back()) {
    const int64_t bytes = in.size * sizes.to;  // one row, repeated
    parallel_for(n / in.size, std::max<int64_t>(1, kGrain / in.size), [&](int64_t begin, int64_t end) {
      for (; begin < end; ++begin) std::memcpy(out.data + begin * bytes, in.data, static_cast<size_t>(bytes));
    });
    return;
  }
  const Loop<2> loop(out.shape, {broadcast(out, out.shape), broadcast(in, out.shape)});
  if (!conversion && transpose_copy(loop, sizes.to, table.transpose)) return;
  loop.run(kGrain, [&](const auto& p, const auto& steps, int64_t count) { run(p[0], steps[0], p[1], steps[1], count); });
}

void fill(TensorImpl& out, double value) { fill_value(out, value); }
void fill(TensorImpl& out, int64_t value) { fill_value(out, value); }

void fill_range(TensorImpl& out, double start, double step) {
  fill_with<double>(out, [=](int64_t i) { return start + static_cast<double>(i) * step; });
}
void fill_range(TensorImpl& out, int64_t start, int64_t step) {
  // Unsigned, so that a range that leaves int64 wraps.
  fill_with<int64_t>(
      out, [=](int64_t i) { return static_cast<uint64_t>(start) + static_cast<uint64_t>(i) * static_cast<uint64_t>(step); });
}

}  // namespace gradus::kernels
#endif  // HWY_ONCE
