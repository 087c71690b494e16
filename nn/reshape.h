// Layers that move elements about: Reshape, Permute, RepeatVector, ZeroPadding and UpSampling. No variables; any dtype is kept.
#pragma once

#include <string>

#include "autograd/convolution.h"
#include "nn/flatten.h"
#include "nn/layer.h"
#include "nn/window.h"

namespace gradus::nn {

/// [samples, ...] -> [samples, target...]; one size of the target may be -1.
class Reshape : public Layer {
 public:
  using Options = NameOptions;
  /// ValueError for sizes below -1, or several of -1.
  explicit Reshape(const Shape& target, const Options& options = {});

  /// ShapeError for samples of another size than the target's.
  Tensor call(const Tensor& x, bool) override { return x.reshape(output_shape(x.shape())); }
  std::string_view type() const override { return "Reshape"; }
  Shape output_shape(const Shape& input) const override;

 private:
  Shape target_;
};

/// Axis i of a sample's result is axis order[i] of the sample, counted from 1 as in Keras: Permute({2, 1}) exchanges two.
class Permute : public Layer {
 public:
  using Options = NameOptions;
  /// ValueError unless `order` has each of 1, 2, ... once.
  explicit Permute(const Shape& order, const Options& options = {});

  /// ShapeError for inputs of another rank.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return "Permute"; }
  Shape output_shape(const Shape& input) const override;

 private:
  Shape axes_;  // the samples' axis first
};

/// [samples, features] -> [samples, count, features], the same `count` times.
class RepeatVector : public Layer {
 public:
  using Options = NameOptions;
  /// ValueError for a negative count.
  explicit RepeatVector(int64_t count, const Options& options = {});

  /// ShapeError for inputs of another rank.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override { return "RepeatVector"; }
  Shape output_shape(const Shape& input) const override;

 private:
  int64_t count_;
};

struct SpatialOptions {
  DataFormat data_format = Layout::channels_last;
  std::string name = {};
};

namespace detail {

class ZeroPaddingLayer : public Layer {
 public:
  using Options = SpatialOptions;

  /// ShapeError for inputs of another rank.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override;
  Shape output_shape(const Shape& input) const override;

 protected:
  ZeroPaddingLayer(int axes, const Padding& padding, const Options& options);

 private:
  int first_axis(const Shape& input) const;

  int axes_;
  Shape before_, after_;
  Layout layout_;
};

class UpSamplingLayer : public Layer {
 public:
  using Options = SpatialOptions;

  /// ShapeError for inputs of another rank.
  Tensor call(const Tensor& x, bool) override;
  std::string_view type() const override;
  Shape output_shape(const Shape& input) const override;

 protected:
  UpSamplingLayer(int axes, const PerAxis& size, const Options& options);

 private:
  int first_axis(const Shape& input) const;

  int axes_;
  Shape size_;
  Layout layout_;
};

}  // namespace detail

/// Zeros around images: 1, {1, 2} (rows, columns), {{0, 1}, {2, 2}} (before and after each), or of one axis Padding{{0, 1}}.
template <int kAxes>
class ZeroPadding : public detail::ZeroPaddingLayer {
 public:
  /// ValueError for negative numbers, or neither one nor one per axis.
  explicit ZeroPadding(const Padding& padding = 1, const Options& options = {}) : ZeroPaddingLayer(kAxes, padding, options) {}
};

/// Each position `size` times along each axis (nearest neighbour).
template <int kAxes>
class UpSampling : public detail::UpSamplingLayer {
 public:
  /// ValueError unless sizes are > 0 and one or one per axis.
  explicit UpSampling(const PerAxis& size = 2, const Options& options = {}) : UpSamplingLayer(kAxes, size, options) {}
};

using ZeroPadding1D = ZeroPadding<1>;
using ZeroPadding2D = ZeroPadding<2>;
using ZeroPadding3D = ZeroPadding<3>;
using UpSampling1D = UpSampling<1>;
using UpSampling2D = UpSampling<2>;
using UpSampling3D = UpSampling<3>;

}  // namespace gradus::nn
