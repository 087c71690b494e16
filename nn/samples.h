// Tensors and Samples: what fit() and its relatives take, for models of one or several inputs and outputs.
//
// Cheap handles like the tensors they hold.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

#include "autograd/tensor.h"

namespace gradus::data {
class DataLoader;
}

namespace gradus::nn {

/// One tensor, or one for each input or output: model.fit(x, y), model.fit({title, body}, y).
class Tensors {
 public:
  /// None.
  Tensors() = default;
  /// One; an undefined tensor counts as none.
  template <std::convertible_to<const Tensor&> T>
  Tensors(const T& tensor) {
    if (const Tensor& value = tensor; value.defined()) all_.push_back(value);
  }
  Tensors(std::vector<Tensor> tensors) : all_(std::move(tensors)) {}
  Tensors(std::initializer_list<Tensor> tensors) : all_(tensors) {}

  bool defined() const { return !all_.empty(); }
  size_t size() const { return all_.size(); }
  const Tensor& operator[](size_t i) const { return all_[i]; }
  std::vector<Tensor>::const_iterator begin() const { return all_.begin(); }
  std::vector<Tensor>::const_iterator end() const { return all_.end(); }
  const std::vector<Tensor>& list() const { return all_; }

 private:
  std::vector<Tensor> all_;
};

/// Inputs x [n, ...] and their targets y [n, ...], each sample with a weight if `sample_weight` [n] is defined; or a loader that
/// makes them.
struct Samples {
  Samples() = default;
  Samples(Tensors x, Tensors y, Tensor sample_weight = {})
      : x(std::move(x)), y(std::move(y)), sample_weight(std::move(sample_weight)) {}
  Samples(const data::DataLoader& loader);

  bool defined() const { return x.defined() || y.defined() || loader; }

  Tensors x, y;
  Tensor sample_weight;
  std::shared_ptr<data::DataLoader> loader;  // a copy; null: x and y
};

}  // namespace gradus::nn
