// Rescaling and Normalization: layers that bring raw features to a common scale, so that it is part of the model and its file.
#pragma once

#include <memory>
#include <string>

#include "nn/layer.h"

namespace gradus::nn {

struct RescalingOptions {
  double offset = 0;
  std::string name = {};
};

/// x * scale + offset: Rescaling(1.0 / 255) for the bytes of images. Integers become float32, or what the active precision
/// computes in.
class Rescaling : public Layer {
 public:
  using Options = RescalingOptions;
  /// ValueError unless both are finite.
  explicit Rescaling(double scale, const Options& options = {});

  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return "Rescaling"; }
  Shape output_shape(const Shape& input) const override { return input; }

 private:
  double scale_, offset_;
};

struct NormalizationOptions {
  Axes axis = -1;    // each place along these has a mean and variance of its own; {}: one for everything (Keras' None)
  Tensor mean = {};  // both or none: given instead of adapted. They broadcast to the sizes along the axes
  Tensor variance = {};
  bool invert = false;  // undoes it: x * deviation + mean
  DType dtype = DType::float32;
  std::string name = {};
};

/// (x - mean) / max(sqrt(variance), 1e-7), with statistics of data seen before training: adapt(x_train). They are buffers
/// "mean" and "variance": saved, not trained. The identity until adapt(), load_weights() or given statistics say otherwise.
class Normalization : public Layer {
 public:
  using Options = NormalizationOptions;
  /// ValueError for a mean without a variance or the reverse, or a negative variance; DTypeError for an integer dtype.
  explicit Normalization(Options options = {});

  /// Mean and variance (of the population) of all samples [n, ...]. ShapeError without samples, or for other features than
  /// before; ValueError for a layer whose statistics were given.
  void adapt(const Tensor& samples);
  /// The same from batches, each a tensor or with a tensor x: a data::DataLoader.
  template <class Batches>
  requires requires(Batches& batches) { batches.begin(); }
  void adapt(Batches&& batches) {
    Statistics statistics;
    for (const auto& batch : batches)
      if constexpr (requires { batch.x; }) add(statistics, batch.x);
      else add(statistics, batch);
    finish(statistics);
  }

  /// ShapeError for inputs with other sizes along the axes than the statistics.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return "Normalization"; }
  Shape output_shape(const Shape& input) const override;
  void build(const Shape& input) override;
  void visit(Visitor& v) override;

  /// ValueError before the layer is built or adapted.
  const Variable& mean() const;
  const Variable& variance() const;

 private:
  /// Of the samples so far, in float64: how many, their mean and the sum of squared distances to it, with all axes kept.
  struct Statistics {
    double count = 0;
    Tensor mean = {}, squares = {};
  };
  void add(Statistics& statistics, const Tensor& batch) const;
  void finish(const Statistics& statistics);
  Shape check(const Shape& input) const;

  struct State;
  std::shared_ptr<State> state_;  // shared by copies
};

}  // namespace gradus::nn
