// Random tensors from a counter-based generator (Philox4x32-10; Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// 2011).
//
// Element i of a draw depends only on (seed, stream, i): the result is the same for any number of threads. Each call takes the
// next stream of its generator. The functions without a generator use the process's default one, which random::seed() restarts;
// the default generator may be used from several threads, which then share its streams in the order of their calls.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "autograd/tensor.h"

namespace gradus::random {

/// What the elements of one draw are keyed by, besides their index.
struct Draw {
  uint64_t seed, stream;
};

class Generator {
 public:
  explicit Generator(uint64_t seed = 0, uint64_t stream = 0) : seed_(seed), stream_(stream) {}
  uint64_t seed() const { return seed_; }
  /// Streams taken so far; with seed() the complete state.
  uint64_t stream() const { return stream_.load(std::memory_order_relaxed); }
  uint64_t next_stream() { return next().stream; }
  /// Takes the next stream; or, while checkpoint() runs a function for the second time, what was taken the first time.
  Draw next();
  /// Takes the next stream, whatever is going on.
  Draw fresh() { return {seed_, stream_.fetch_add(1, std::memory_order_relaxed)}; }
  void reset(uint64_t seed, uint64_t stream = 0) {
    seed_ = seed;
    stream_.store(stream, std::memory_order_relaxed);
  }

 private:
  uint64_t seed_;
  std::atomic<uint64_t> stream_;
};

/// The process's default generator; starts with seed 0.
Generator& default_generator();
/// Restarts the default generator.
inline void seed(uint64_t seed) { default_generator().reset(seed); }

/// Normal with the given mean and standard deviation. ValueError for stddev < 0; DTypeError for integer dtypes.
Tensor normal(const Shape& shape, double mean = 0, double stddev = 1, DType dtype = DType::float32,
              Generator& generator = default_generator());
/// Uniform in [low, high). ValueError unless low <= high.
Tensor uniform(const Shape& shape, double low = 0, double high = 1, DType dtype = DType::float32,
               Generator& generator = default_generator());
/// Normal, redrawn until within two standard deviations of the mean (by inversion: one draw per element).
Tensor truncated_normal(const Shape& shape, double mean = 0, double stddev = 1, DType dtype = DType::float32,
                        Generator& generator = default_generator());
/// 1 with the given probability, else 0. ValueError unless 0 <= probability <= 1.
Tensor bernoulli(const Shape& shape, double probability = 0.5, DType dtype = DType::float32,
                 Generator& generator = default_generator());
/// Integers, uniform in [low, high). ValueError unless low < high.
Tensor randint(const Shape& shape, int64_t low, int64_t high, DType dtype = DType::int64,
               Generator& generator = default_generator());
/// 0 .. n-1 in random order (Fisher-Yates), int64.
Tensor permutation(int64_t n, Generator& generator = default_generator());

}  // namespace gradus::random
