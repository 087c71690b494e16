// Dropout and its relatives. All are the identity at inference and for rate 0.
#pragma once

#include "nn/random_layer.h"
#include "nn/window.h"

namespace gradus::nn {

using DropoutOptions = RandomOptions;

/// While training, each element is 0 with probability `rate` and multiplied by 1 / (1 - rate) otherwise (Srivastava et al.,
/// "Dropout: a simple way to prevent neural networks from overfitting", 2014). Rate 1 gives zeros.
class Dropout : public RandomLayer {
 public:
  using Options = DropoutOptions;
  /// ValueError unless 0 <= rate <= 1.
  explicit Dropout(double rate, const Options& options = {});

  /// DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;

  double rate() const { return rate_; }

 private:
  double rate_;
};

struct SpatialDropoutOptions {
  std::optional<uint64_t> seed = std::nullopt;  // as in RandomOptions
  DataFormat data_format = Layout::channels_last;
  std::string name = {};
};

namespace detail {

class SpatialDropoutLayer : public RandomLayer {
 public:
  using Options = SpatialDropoutOptions;

  /// ShapeError for inputs of another rank, DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;
  Shape output_shape(const Shape& input) const override;

  double rate() const { return rate_; }

 protected:
  SpatialDropoutLayer(int axes, double rate, const Options& options);

 private:
  int axes_;
  double rate_;
  Layout layout_;
};

}  // namespace detail

/// Dropout of whole feature maps: one draw for each sample and channel (Tompson et al., "Efficient object localization using
/// convolutional networks", 2015).
template <int kAxes>
class SpatialDropout : public detail::SpatialDropoutLayer {
 public:
  /// ValueError unless 0 <= rate <= 1.
  explicit SpatialDropout(double rate, const Options& options = {}) : SpatialDropoutLayer(kAxes, rate, options) {}
};

using SpatialDropout1D = SpatialDropout<1>;
using SpatialDropout2D = SpatialDropout<2>;
using SpatialDropout3D = SpatialDropout<3>;

/// While training, each element is -1.7581 (what selu tends to) with probability `rate`, then everything is scaled and shifted so
/// that mean 0 and variance 1 stay (Klambauer et al., "Self-normalizing neural networks", 2017).
class AlphaDropout : public RandomLayer {
 public:
  using Options = RandomOptions;
  /// ValueError unless 0 <= rate < 1.
  explicit AlphaDropout(double rate, const Options& options = {});

  /// DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;

 private:
  double rate_;
};

/// While training, elements are multiplied by normal noise of mean 1 and standard deviation sqrt(rate / (1 - rate)), that of
/// Dropout.
class GaussianDropout : public RandomLayer {
 public:
  using Options = RandomOptions;
  /// ValueError unless 0 <= rate < 1.
  explicit GaussianDropout(double rate, const Options& options = {});

  /// DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;

 private:
  double rate_;
};

/// While training, adds normal noise of mean 0.
class GaussianNoise : public RandomLayer {
 public:
  using Options = RandomOptions;
  /// ValueError unless stddev is a finite number >= 0.
  explicit GaussianNoise(double stddev, const Options& options = {});

  /// DTypeError for integers while training.
  Tensor call(const Tensor& x, bool training) override;

 private:
  double stddev_;
};

}  // namespace gradus::nn
