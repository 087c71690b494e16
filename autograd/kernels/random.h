// Philox4x32-10 and the distributions made from it. Element i depends on (seed, stream, i) only.
#pragma once

#include <array>
#include <cstdint>

#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// Ten rounds of Philox4x32 (Salmon et al. 2011), the known-answer form: counter and key as 32-bit words.
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

struct RandomKey {
  uint64_t seed = 0, stream = 0;
};

/// Contiguous out of any floating dtype. uniform: [low, high), 24 (float32 and below) or 53 bits.
void fill_uniform(detail::TensorImpl& out, RandomKey key, double low, double high);
/// Box-Muller, computed in double for float64 and in float otherwise; never infinite.
void fill_normal(detail::TensorImpl& out, RandomKey key, double mean, double stddev);
/// Normal cut at two standard deviations, by inversion of its distribution function.
void fill_truncated_normal(detail::TensorImpl& out, RandomKey key, double mean, double stddev);
/// 1 with the probability given, else 0; any dtype.
void fill_bernoulli(detail::TensorImpl& out, RandomKey key, double probability);
/// out = in / (1 - rate) where fill_bernoulli gives 1 for the probability 1 - rate, else 0; both contiguous, one floating dtype.
void dropout(detail::TensorImpl& out, const detail::TensorImpl& in, RandomKey key, double rate);
/// Uniform integers in [low, high), unbiased to 2^-64; any integer or floating dtype.
void fill_randint(detail::TensorImpl& out, RandomKey key, int64_t low, int64_t high);
/// 0..n-1 shuffled by Fisher and Yates; out is int64.
void fill_permutation(detail::TensorImpl& out, RandomKey key);

}  // namespace gradus::kernels
