// Initializer: how a layer's variables get their first values.
//
// Immutable; safe from any thread (the generator it draws from may not be). Each call draws anew.
#pragma once

#include <concepts>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace gradus::nn {

/// Number of inputs and outputs of one unit: (in, out) of a matrix; a convolution's kernel [..., in, out] counts its receptive
/// field in both; n for a vector.
struct Fans {
  double in, out;
};
Fans fans_of(const Shape& shape);

/// Variance scale / fan, with fan the inputs, the outputs or their mean.
struct VarianceScaling {
  enum class Fan : uint8_t { in, out, average };
  enum class Distribution : uint8_t { uniform, normal, untruncated_normal };  // normal: cut at two standard deviations
  double scale = 1;
  Fan fan = Fan::in;
  Distribution distribution = Distribution::normal;
};

class Initializer {
 public:
  using Function = std::function<Tensor(const Shape&, DType, random::Generator&)>;

  /// "zeros", "ones", "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_uniform", "lecun_normal",
  /// "random_uniform" (+-0.05), "random_normal" or "truncated_normal" (stddev 0.05), "orthogonal", "identity", or "torch_linear":
  /// within +-1 / sqrt(inputs), PyTorch's default for kernels. ValueError listing these for any other name.
  Initializer(std::string_view name);
  Initializer(const char* name) : Initializer(std::string_view(name)) {}
  Initializer(const std::string& name) : Initializer(std::string_view(name)) {}
  Initializer(VarianceScaling scaling);
  template <class F>
  requires std::is_invocable_r_v<Tensor, const F&, const Shape&, DType, random::Generator&> Initializer(F function)
      : function_(std::move(function)) {}
  /// Every value the same.
  static Initializer constant(double value);

  Tensor operator()(const Shape& shape, DType dtype = DType::float32,
                    random::Generator& generator = random::default_generator()) const {
    return function_(shape, dtype, generator);
  }

 private:
  Function function_;
};

/// Uniform in [low, high). ValueError unless low <= high.
Initializer random_uniform(double low = -0.05, double high = 0.05);
/// Normal. ValueError for a negative stddev.
Initializer random_normal(double mean = 0, double stddev = 0.05);
/// Normal, cut at two standard deviations. ValueError for a negative stddev.
Initializer truncated_normal(double mean = 0, double stddev = 0.05);
/// `gain` times a random matrix with orthonormal rows or columns, whichever are fewer; leading axes count as rows (Saxe et al.,
/// "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks", 2013). ShapeError for rank below 2.
Initializer orthogonal(double gain = 1);
/// `gain` on the diagonal of a matrix, 0 elsewhere. ShapeError for any other rank.
Initializer identity(double gain = 1);

}  // namespace gradus::nn
