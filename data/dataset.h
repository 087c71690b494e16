// Datasets: examples by number, and the one that lives in two tensors.
//
// A dataset owns (shares) its data and never changes; reading from several threads is safe.
#pragma once

#include <cstdint>
#include <utility>

#include "autograd/tensor.h"

namespace gradus::data {

/// One example, or a batch of them along a new first axis: `auto [x, y] = ...`.
struct Example {
  Tensor x, y;
};

/// What a DataLoader reads. A dataset of one's own needs size() and get(); the other two are there to be made faster.
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

/// Two tensors whose first axes number the same examples. Ranges of it are views, not copies.
class TensorDataset final : public Dataset {
 public:
  /// ShapeError unless both have a first axis, of equal size.
  TensorDataset(Tensor x, Tensor y);

  int64_t size() const override { return all_.x.shape()[0]; }
  Example get(int64_t i) const override;
  Example batch(const Tensor& indices) const override;
  Example range(int64_t begin, int64_t end) const override;

  /// Everything as one batch.
  Example all() const { return all_; }
  /// The first floor(fraction * size()) examples and the rest, in order: shuffle first what is sorted. ValueError unless
  /// 0 <= fraction <= 1.
  std::pair<TensorDataset, TensorDataset> split(double fraction) const;

 private:
  Example all_;
};

}  // namespace gradus::data
