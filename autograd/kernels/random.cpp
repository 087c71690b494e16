// Which element gets which random words is told in random_chunks.h. All but the normals have the same bits on every machine;
// those may differ in the last places between instruction sets.
#include "autograd/kernels/random.h"

#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/kernels/copy.h"
#include "autograd/kernels/random_chunks.h"

namespace gradus::kernels {
namespace {

using detail::TensorImpl;

/// Elements of a chunk.
template <class T>
constexpr int64_t kPerChunk = sizeof(T) == 8 ? kChunkWords / 2 : kChunkWords;

/// Calls f(to, chunk) for every chunk of out, which writes kChunk elements of type T; the last chunk and other dtypes through a
/// buffer.
template <class T, int64_t kChunk, class To, class F>
void by_chunks(To* out, int64_t size, const F& f) {
  constexpr int64_t kWorth = 8;  // an element is as dear as so many of simple arithmetic
  parallel_for((size + kChunk - 1) / kChunk, kGrain / kWorth / kChunk, [&](int64_t begin, int64_t end) {
    for (int64_t chunk = begin; chunk < end; ++chunk) {
      To* to = out + chunk * kChunk;
      const int64_t n = std::min(kChunk, size - chunk * kChunk);
      if constexpr (std::same_as<T, To>) {
        if (n == kChunk) {
          f(to, chunk);
          continue;
        }
      }
      T buffer[kChunk];
      f(buffer, chunk);
      for (int64_t i = 0; i < n; ++i) to[i] = static_cast<To>(buffer[i]);
    }
  });
}

/// The floating type in which elements of type T are computed.
template <class T>
using Computed = std::conditional_t<std::same_as<T, double>, double, float>;

template <class F>
void visit_floating(TensorImpl& out, const F& f) {
  visit_dtype(out.dtype, [&]<class T>() {
    if constexpr (is_floating(dtype_of<T>)) f(out.as<T>());
    else fail<DTypeError>("random", "integers have no such distribution; got ", out.dtype, ", expected a floating dtype");
  });
}

/// The largest number of type T below x.
template <class T>
T below(T x) {
  if constexpr (std::floating_point<T>) {
    return std::nextafter(x, -std::numeric_limits<T>::infinity());
  } else {
    const bool negative = (x.bits & 0x8000u) != 0;
    if ((x.bits & 0x7fffu) == 0) x.bits = 0x8001u;
    else x.bits = static_cast<uint16_t>(negative ? x.bits + 1 : x.bits - 1);
    return x;
  }
}

/// Two words as one number.
uint64_t two_words(const uint32_t* words, int64_t element) {
  const int64_t at = element / kChunkBlocks * 2 * kChunkBlocks + element % kChunkBlocks;
  return static_cast<uint64_t>(words[at]) << 32 | words[at + kChunkBlocks];
}

/// bits / 2^64 * range, rounded down.
uint64_t scaled(uint64_t bits, uint64_t range) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(static_cast<Wide>(bits) * range >> 64);
}

/// word < probability * 2^32; the comparison with the last such word stays within 32 bits.
struct Threshold {
  bool never;
  uint32_t last;

  explicit Threshold(double probability) {
    const double words = std::nearbyint(probability * 0x1p32);
    never = !(words >= 1);
    last = never ? 0 : static_cast<uint32_t>(std::min(words, 0x1p32) - 1);
  }
};

}  // namespace

std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < Philox::kRounds; ++round) {
    const uint64_t p0 = uint64_t{Philox::kMultiplier0} * counter[0], p1 = uint64_t{Philox::kMultiplier1} * counter[2];
    counter = {static_cast<uint32_t>(p1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(p1),
               static_cast<uint32_t>(p0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(p0)};
    key = {key[0] + Philox::kWeyl0, key[1] + Philox::kWeyl1};
  }
  return counter;
}

void fill_uniform(TensorImpl& out, RandomKey key, double low, double high) {
  visit_floating(out, [&]<class T>(T* data) {
    using C = Computed<T>;
    const T last = below(static_cast<T>(static_cast<C>(high)));
    const C from = static_cast<C>(static_cast<T>(static_cast<C>(low))), to = static_cast<C>(static_cast<T>(static_cast<C>(high)));
    const C most = std::max(from, static_cast<C>(last));
    by_chunks<T, kPerChunk<C>>(data, out.size, [&](T* elements, int64_t chunk) {
      uint32_t words[kChunkWords];
      chunk_words(words, chunk, key);
      for (int64_t i = 0; i < kPerChunk<C>; ++i) {
        C u;
        if constexpr (sizeof(C) == 8) u = static_cast<C>(two_words(words, i) >> 11) * 0x1p-53;
        else u = static_cast<C>(static_cast<int32_t>(words[i] >> 8)) * 0x1p-24f;
        const C value = from * (1 - u) + to * u;  // reaches neither infinity nor past the ends
        elements[i] = static_cast<T>(std::min(static_cast<C>(static_cast<T>(value)), most));
      }
    });
  });
}

void fill_normal(TensorImpl& out, RandomKey key, double mean, double stddev) {
  visit_floating(out, [&]<class T>(T* data) {
    using C = Computed<T>;
    by_chunks<C, kPerChunk<C>>(data, out.size,
                               [&](C* elements, int64_t chunk) { normal_chunk(elements, chunk, key, mean, stddev); });
  });
}

void fill_truncated_normal(TensorImpl& out, RandomKey key, double mean, double stddev) {
  visit_floating(out, [&]<class T>(T* data) {
    using C = Computed<T>;
    by_chunks<C, kPerChunk<C>>(data, out.size,
                               [&](C* elements, int64_t chunk) { truncated_normal_chunk(elements, chunk, key, mean, stddev); });
  });
}

void fill_bernoulli(TensorImpl& out, RandomKey key, double probability) {
  const Threshold kept(probability);
  visit_dtype(out.dtype, [&]<class T>() {
    const T choice[2] = {static_cast<T>(0.0f),
                         static_cast<T>(kept.never ? 0.0f : 1.0f)};  // a branch would be guessed wrong half the time
    by_chunks<T, kChunkWords>(out.as<T>(), out.size, [&](T* elements, int64_t chunk) {
      uint32_t words[kChunkWords];
      chunk_words(words, chunk, key);
      for (int64_t i = 0; i < kChunkWords; ++i) elements[i] = choice[words[i] <= kept.last];
    });
  });
}

void dropout(TensorImpl& out, const TensorImpl& in, RandomKey key, double rate) {
  const Threshold kept(1 - rate);
  if (kept.never) return fill(out, int64_t{0});
  visit_floating(out, [&]<class T>(T* data) {
    using C = Computed<T>;
    const C factor[2] = {0, static_cast<C>(1 / (1 - rate))};
    const T* from = in.as<T>();
    by_chunks<T, kChunkWords>(data, out.size, [&](T* elements, int64_t chunk) {
      uint32_t words[kChunkWords];
      chunk_words(words, chunk, key);
      const T* x = from + chunk * kChunkWords;
      const int64_t n = std::min(kChunkWords, out.size - chunk * kChunkWords);
      for (int64_t i = 0; i < n; ++i) elements[i] = static_cast<T>(static_cast<C>(x[i]) * factor[words[i] <= kept.last]);
    });
  });
}

void fill_randint(TensorImpl& out, RandomKey key, int64_t low, int64_t high) {
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  visit_dtype(out.dtype, [&]<class T>() {
    by_chunks<T, kChunkWords / 2>(out.as<T>(), out.size, [&](T* elements, int64_t chunk) {
      uint32_t words[kChunkWords];
      chunk_words(words, chunk, key);
      for (int64_t i = 0; i < kChunkWords / 2; ++i) {
        const auto value = static_cast<int64_t>(static_cast<uint64_t>(low) + scaled(two_words(words, i), range));
        if constexpr (std::integral<T>) elements[i] = static_cast<T>(value);
        else elements[i] = static_cast<T>(static_cast<Computed<T>>(value));
      }
    });
  });
}

void fill_permutation(TensorImpl& out, RandomKey key) {
  auto* order = out.as<int64_t>();
  for (int64_t i = 0; i < out.size; ++i) order[i] = i;
  // Step s puts one of the first n - s elements last among them.
  uint32_t words[kChunkWords];
  for (int64_t s = 0; s + 1 < out.size; ++s) {
    const int64_t at = s % (kChunkWords / 2);
    if (at == 0) chunk_words(words, s / (kChunkWords / 2), key);
    const int64_t left = out.size - s;
    std::swap(order[left - 1], order[static_cast<int64_t>(scaled(two_words(words, at), static_cast<uint64_t>(left)))]);
  }
}

}  // namespace gradus::kernels
