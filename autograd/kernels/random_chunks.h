// How random words are laid out and who gets which.
//
// Counters count blocks of four 32-bit words: counter = (block, stream), low words first, key = seed. Sixteen blocks make a
// chunk, whose words lie in rows: word w of block 16 c + b is word b of row w of chunk c.
//
//   one word per element  (float32 and below, bernoulli): element 64 c + 16 w + b has word w of block 16 c + b;
//   two words per element (float64, randint, shuffling):  element 32 c + 16 h + b has words 2 h and 2 h + 1 of block 16 c + b.
//
// Normals come in pairs: in rows of elements counted from 0, an even row gives the radius and the odd one behind it the angle of
// points in the plane; their coordinates are the elements of the two rows.
#pragma once

#include <cstdint>

#include "autograd/kernels/random.h"

namespace gradus::kernels {

inline constexpr int64_t kChunkBlocks = 16, kChunkWords = 4 * kChunkBlocks;

/// Philox4x32-10 (Salmon et al. 2011).
struct Philox {
  static constexpr int kRounds = 10;
  static constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
  static constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
};

/// The words of a chunk, row by row.
void chunk_words(uint32_t* to, int64_t chunk, const RandomKey& key);
/// The elements of a chunk: 64 float, or 32 double.
void normal_chunk(float* to, int64_t chunk, const RandomKey& key, double mean, double stddev);
void normal_chunk(double* to, int64_t chunk, const RandomKey& key, double mean, double stddev);
void truncated_normal_chunk(float* to, int64_t chunk, const RandomKey& key, double mean, double stddev);
void truncated_normal_chunk(double* to, int64_t chunk, const RandomKey& key, double mean, double stddev);

}  // namespace gradus::kernels
