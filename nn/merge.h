// Merge: the layers that join tensors element by element, end to end, or by products.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nn/multi_input_layer.h"

namespace gradus::nn {

enum class MergeKind : uint8_t { add, subtract, multiply, average, maximum, minimum, concatenate, dot };

struct MergeOptions {
  int64_t axis = -1;       // concatenate: along it; dot: summed over, in both inputs. Counts the samples' axis as 0.
  bool normalize = false;  // dot: of unit vectors along the axis, so cosines
  std::string name = {};
};

/// One tensor from several. Pointwise kinds broadcast as NumPy does; subtract and dot take two inputs, the others at least one.
/// dot sums over one axis of each for every sample, as Keras' Dot: [n, a, k], [n, b, k] -> [n, a, b]; [n, k], [n, k] -> [n, 1].
class Merge : public MultiInputLayer {
 public:
  using Options = MergeOptions;
  explicit Merge(MergeKind kind, Options options = {});

  /// ShapeError for inputs that do not fit together.
  Tensor call_all(const std::vector<Tensor>& inputs, bool training) override;
  Shape output_shape_all(const std::vector<Shape>& inputs) const override;
  std::string_view type() const override;

 private:
  void check_count(size_t count) const;

  MergeKind kind_;
  Options options_;
};

// Keras' names for them.
inline Merge Add(MergeOptions options = {}) { return Merge(MergeKind::add, std::move(options)); }
inline Merge Subtract(MergeOptions options = {}) { return Merge(MergeKind::subtract, std::move(options)); }
inline Merge Multiply(MergeOptions options = {}) { return Merge(MergeKind::multiply, std::move(options)); }
inline Merge Average(MergeOptions options = {}) { return Merge(MergeKind::average, std::move(options)); }
inline Merge Maximum(MergeOptions options = {}) { return Merge(MergeKind::maximum, std::move(options)); }
inline Merge Minimum(MergeOptions options = {}) { return Merge(MergeKind::minimum, std::move(options)); }
inline Merge Concatenate(MergeOptions options = {}) { return Merge(MergeKind::concatenate, std::move(options)); }
inline Merge Dot(MergeOptions options = {}) { return Merge(MergeKind::dot, std::move(options)); }

}  // namespace gradus::nn
