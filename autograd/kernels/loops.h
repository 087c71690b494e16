// The loop planner: N strided arrays walked in step, as few and as long one-dimensional runs as their layouts allow.
//
// A Loop is a plain value on the stack and owns nothing; planning allocates nothing. Dimensions of size 1 are dropped, the others
// are ordered by stride (the first array decides, the others break ties) and merged where every array steps through both as
// through one. Broadcasting is a zero stride, flipping a negative one. Callers whose arrays are all contiguous or single elements
// need no plan.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "autograd/base/parallel.h"
#include "autograd/base/shape.h"
#include "autograd/storage/tensor_impl.h"

namespace gradus::kernels {

/// One array of a loop. `strides` are in elements, one per dimension of the loop's shape.
struct Array {
  std::byte* data = nullptr;
  Strides strides{};
  int64_t element_size = 1;
};

/// `x` as it appears in a loop over `shape`: aligned from the right, size 1 and absent dimensions repeat.
inline Array broadcast(const detail::TensorImpl& x, const Shape& shape) {
  Array array{x.data, {}, size_of(x.dtype)};
  const int missing = shape.ndim() - x.ndim();
  for (int i = 0; i < x.ndim(); ++i) array.strides[static_cast<size_t>(i + missing)] = x.shape[i] == 1 ? 0 : x.stride(i);
  return array;
}

enum class LoopOrder : uint8_t {
  by_stride,  // any order of elements: the fastest for memory
  row_major,  // the elements in the order of the shape's indices; dimensions are merged but not exchanged
};

template <size_t N>
class Loop {
 public:
  using Pointers = std::array<std::byte*, N>;
  using Steps = std::array<int64_t, N>;  // in bytes

  Loop(const Shape& shape, const std::array<Array, N>& arrays, LoopOrder order = LoopOrder::by_stride) {
    for (size_t k = 0; k < N; ++k) data_[k] = arrays[k].data;
    for (int d = shape.ndim() - 1; d >= 0; --d) {
      total_ *= shape[d];
      if (shape[d] == 1) continue;
      Dimension& added = dims_[static_cast<size_t>(ndim_++)];
      added.size = shape[d];
      for (size_t k = 0; k < N; ++k) added.steps[k] = arrays[k].strides[static_cast<size_t>(d)] * arrays[k].element_size;
    }
    if (total_ == 0) ndim_ = 0;
    if (order == LoopOrder::by_stride) sort();
    merge();
    if (ndim_ == 0) {
      ndim_ = 1;
      dims_[0].size = total_;  // 1 or 0
      for (size_t k = 0; k < N; ++k) dims_[0].steps[k] = arrays[k].element_size;
    }
  }

  /// Dimensions left, at least 1. Dimension 0 is the innermost.
  int ndim() const { return ndim_; }
  int64_t size(int d) const { return dims_[static_cast<size_t>(d)].size; }
  const Steps& steps(int d) const { return dims_[static_cast<size_t>(d)].steps; }
  /// Number of elements, counted with the innermost dimension fastest.
  int64_t total() const { return total_; }
  const Pointers& data() const { return data_; }

  /// Calls f(pointers, steps, n) for consecutive runs that cover elements [begin, end); the steps are always those of dimension
  /// 0.
  template <class F>
  void walk(int64_t begin, int64_t end, const F& f) const {
    if (begin >= end) return;
    std::array<int64_t, kMaxRank> at{};
    Pointers p = data_;
    int64_t rest = begin;
    for (int d = 0; d < ndim_; ++d) {
      const Dimension& dim = dims_[static_cast<size_t>(d)];
      at[static_cast<size_t>(d)] = rest % dim.size;
      rest /= dim.size;
      for (size_t k = 0; k < N; ++k) p[k] += at[static_cast<size_t>(d)] * dim.steps[k];
    }
    for (int64_t left = end - begin;;) {
      const int64_t room = dims_[0].size - at[0], n = room < left ? room : left;
      f(p, dims_[0].steps, n);
      if ((left -= n) == 0) return;
      for (size_t k = 0; k < N; ++k) p[k] -= at[0] * dims_[0].steps[k];
      at[0] = 0;
      for (size_t d = 1; d < static_cast<size_t>(ndim_); ++d) {
        for (size_t k = 0; k < N; ++k) p[k] += dims_[d].steps[k];
        if (++at[d] < dims_[d].size) break;
        for (size_t k = 0; k < N; ++k) p[k] -= dims_[d].size * dims_[d].steps[k];
        at[d] = 0;
      }
    }
  }

  /// The same over all elements, split over the threads above `grain` elements. f must not care where a run is cut.
  template <class F>
  void run(int64_t grain, const F& f) const {
    parallel_for(
        total_, grain, [&](int64_t begin, int64_t end) { walk(begin, end, f); }, kCutAlign);
  }

  /// Cuts between threads fall on multiples of this many elements, so that no two threads write to one cache line.
  static constexpr int64_t kCutAlign = 64;

 private:
  struct Dimension {
    int64_t size;
    Steps steps;
  };

  // True when `inner` has the longer steps and should lie further out than `outer`.
  static bool exchange(const Dimension& outer, const Dimension& inner) {
    for (size_t k = 0; k < N; ++k) {
      const int64_t o = outer.steps[k] < 0 ? -outer.steps[k] : outer.steps[k],
                    i = inner.steps[k] < 0 ? -inner.steps[k] : inner.steps[k];
      if (o != i && o != 0 && i != 0) return o < i;  // a repeated element says nothing about order
    }
    return false;
  }
  void sort() {
    for (size_t i = 1; i < static_cast<size_t>(ndim_); ++i)
      for (size_t j = i; j > 0 && exchange(dims_[j], dims_[j - 1]); --j) std::swap(dims_[j], dims_[j - 1]);
  }
  void merge() {
    int kept = 0;
    for (int d = 1; d < ndim_; ++d) {
      Dimension &inner = dims_[static_cast<size_t>(kept)], &outer = dims_[static_cast<size_t>(d)];
      bool one = true;
      for (size_t k = 0; k < N; ++k) one = one && outer.steps[k] == inner.size * inner.steps[k];
      if (one) inner.size *= outer.size;
      else dims_[static_cast<size_t>(++kept)] = outer;
    }
    if (ndim_ > 0) ndim_ = kept + 1;
  }

  std::array<Dimension, kMaxRank> dims_;  // only the first ndim_ are written
  Pointers data_;
  int64_t total_ = 1;
  int ndim_ = 0;
};

}  // namespace gradus::kernels
