// Feed: where the batches of a run come from, tensors or a loader. Internal.
//
// A feed gives batches without end, one pass over the samples after another, and can go on from any position. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "autograd/tensor.h"
#include "nn/callback.h"
#include "nn/model.h"
#include "nn/samples.h"

namespace gradus::nn {

/// Kept from batch to batch, so that its lists are made once.
struct Batch {
  std::vector<Tensor> x, y;
  Tensor weights;  // [samples] or undefined

  int64_t samples() const { return y[0].shape()[0]; }
};

class Feed {
 public:
  virtual ~Feed() = default;

  /// Batches per pass.
  virtual int64_t size() const = 0;
  /// The next batch; of the next pass when this one is over.
  virtual void next(Batch& batch) = 0;
  /// A first batch, of the one sample that checks need. Does not count.
  virtual Batch sample() const = 0;
  /// All targets, as far as they are known beforehand.
  virtual std::vector<Tensor> targets() const { return {}; }

  /// Where it stands: "seed", "pass" (begun so far), "position" (batches of this pass given).
  virtual State state() const = 0;
  /// Errors name `op`; nothing changes then.
  virtual void load_state(std::string_view op, const State& state) = 0;
};

struct FeedOptions {
  int64_t batch_size = 32;
  bool shuffle = false;
  std::optional<uint64_t> seed = std::nullopt;
  ClassWeight class_weight = {};
};

/// Checks what can be known without a model, naming `op`: lengths, weights, both kinds of weights.
std::unique_ptr<Feed> make_feed(std::string_view op, const Samples& samples, const FeedOptions& options);
/// A feed of the loader itself, which must outlive it.
std::unique_ptr<Feed> make_feed(std::string_view op, data::DataLoader& loader, const ClassWeight& class_weight);

}  // namespace gradus::nn
