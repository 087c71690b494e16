// Examples by number: what a dataset gives, and what a dataset of one's own has to offer.
//
// A dataset owns (shares) its data and never changes; reading from several threads is safe, and a DataLoader with workers does
// so.
#pragma once

#include <cstdint>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace gradus::data {

/// One example, or a batch of them along a new first axis: `auto [x, y] = ...`. y may be undefined where nothing is known.
struct Example {
  Tensor x, y;
};

/// What a DataLoader reads. A dataset of one's own needs size() and get(); the other two are there to be made faster. Derive from
/// Chain (data/pipeline.h) instead to have map(), shuffle() and the others as members.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// Number of examples.
  virtual int64_t size() const = 0;
  /// Example i, 0 <= i < size(). All examples have the same shapes and dtypes.
  virtual Example get(int64_t i) const = 0;
  /// The examples numbered by `indices` (int64 [m], m >= 1), joined along a new first axis. By default get() and stack().
  virtual Example batch(const Tensor& indices) const;
  /// The examples [begin, end), joined; begin < end. By default batch() of their numbers.
  virtual Example range(int64_t begin, int64_t end) const;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

/// The random numbers of example i in the current epoch, for a get() that draws some: they depend on the loader's seed, the
/// epoch, i and the place in the pipeline alone, so that batches are the same for any number of workers and after a restart.
/// Outside a DataLoader seed and epoch count as 0.
random::Generator example_generator(int64_t i);

}  // namespace gradus::data
