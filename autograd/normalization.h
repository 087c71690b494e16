// Normalisation over axes, attention, dropout. Integers are computed in float32; tensors of two dtypes meet as in promote. A
// scale or offset that is an undefined Tensor is left out.
#pragma once

#include <optional>

#include "autograd/random.h"
#include "autograd/tensor.h"

namespace gradus {

// Normalisation: xhat = (x - mean) / sqrt(variance + epsilon), variances over n elements without correction

struct LayerNormOptions {
  int64_t axes = 1;  // how many axes, counted from the last
  double epsilon = 1e-5;
};
/// xhat * scale + offset, statistics over the last axes, whose shape scale and offset have (Ba et al. 2016). ShapeError for a
/// number of axes that is not in [1, rank], ValueError for a negative epsilon.
Tensor layer_norm(const Tensor& x, const Tensor& scale = {}, const Tensor& offset = {}, const LayerNormOptions& options = {});
/// x / sqrt(mean of squares + epsilon) * scale over the last axes (Zhang and Sennrich 2019).
Tensor rms_norm(const Tensor& x, const Tensor& scale = {}, const LayerNormOptions& options = {});

struct ChannelNormOptions {
  int64_t axis = -1;  // of the channels
  double epsilon = 1e-5;
};
/// xhat * scale + offset of x [batch, ...], statistics over each sample's group of neighbouring channels and all other axes;
/// scale and offset [channels] (Wu and He 2018). ShapeError unless `groups` divides the channels.
Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& scale = {}, const Tensor& offset = {},
                  const ChannelNormOptions& options = {});

struct BatchNormResult {
  Tensor y, mean, variance;  // like x; [channels]
};
/// xhat * scale + offset, statistics over all axes but that of the channels: batch normalisation while training (Ioffe and
/// Szegedy 2015). scale and offset [channels]. Gradients flow through the statistics, too.
BatchNormResult batch_norm(const Tensor& x, const Tensor& scale = {}, const Tensor& offset = {},
                           const ChannelNormOptions& options = {});
/// The same with given statistics, each [channels].
Tensor batch_norm_inference(const Tensor& x, const Tensor& mean, const Tensor& variance, const Tensor& scale = {},
                            const Tensor& offset = {}, const ChannelNormOptions& options = {});

// Attention and dropout

struct AttentionOptions {
  Tensor mask = {};                            // broadcasts to [..., L, S]; boolean: true may attend; floating: is added
  bool causal = false;                         // query i attends to the keys 0 to i
  std::optional<double> scale = std::nullopt;  // of the products; 1 / sqrt(D) when left out
  double dropout = 0;                          // rate of dropout on the weights
  random::Generator* generator = nullptr;      // for dropout; null: the default one
};
/// softmax(q k^T * scale) v (Vaswani et al. 2017) of q [..., L, D], k [..., S, D], v [..., S, E], floating. Leading dimensions
/// broadcast: grouped heads are q [B, heads, groups, L, D] with k and v [B, heads, 1, S, D]. A query that may attend to nothing
/// gets zeros.
Tensor scaled_dot_product_attention(const Tensor& q, const Tensor& k, const Tensor& v, const AttentionOptions& options = {});

/// Each element is 0 with probability `rate` and multiplied by 1 / (1 - rate) otherwise (Srivastava et al. 2014); x itself for
/// rate 0. The elements kept are those of random::bernoulli(x.shape(), 1 - rate). The tape keeps no mask: the gradient draws it
/// again. ValueError unless 0 <= rate <= 1, DTypeError for integers.
Tensor dropout(const Tensor& x, double rate, random::Generator& generator = random::default_generator());

}  // namespace gradus
