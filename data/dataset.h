// TensorDataset: examples that live in two tensors.
//
// It shares the tensors and never changes; reading from several threads is safe.
#pragma once

#include <utility>

#include "data/pipeline.h"

namespace gradus::data {

/// Two tensors whose first axes number the same examples. Ranges of it are views, not copies.
class TensorDataset final : public Chain<TensorDataset> {
 public:
  /// ShapeError unless both have a first axis, of equal size.
  TensorDataset(Tensor x, Tensor y);

  int64_t size() const override { return all_.x.shape()[0]; }
  Example get(int64_t i) const override;
  using Chain::batch;
  Example batch(const Tensor& indices) const override;
  Example range(int64_t begin, int64_t end) const override;

  /// Everything as one batch.
  Example all() const { return all_; }
  using Chain::split;
  /// The first floor(fraction * size()) examples and the rest, in order: shuffle first what is sorted. ValueError unless
  /// 0 <= fraction <= 1.
  std::pair<TensorDataset, TensorDataset> split(double fraction) const;

 private:
  Example all_;
};

}  // namespace gradus::data
